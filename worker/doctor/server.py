"""The server of Redis or Valkey: its kind, what it may forget, its memory, its clock, how fast it answers."""

import statistics
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import redis
from redis import exceptions

from producers.contract.keys import Keys
from worker.doctor.findings import Finding, advice, error, ok, warning
from worker.process import preflight

#: Seconds that the server may take to answer at all.
REACH_S: Final = 5.0
#: Questions by which the latency is measured.
_PINGS: Final = 20
#: Milliseconds of an answer that are worth a word, and that slow everything down.
_SLOW_MS: Final = 5.0
_TOO_SLOW_MS: Final = 20.0
#: Shares of what there is from which on there is little left.
_FULL: Final = 0.8
_TOO_FULL: Final = 0.95
#: From which loss of memory by fragmentation on it is told: a share, and bytes.
_FRAGMENTED: Final = 1.5
_LOST_BYTES: Final = 256 * 1024 * 1024

_OPERATING: Final = "operating.md#redis"
_REDIS: Final = "redis.md#what-the-connections-do"
_FORGETS: Final = "guarantees.md#a-redis-that-forgets"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a server says of itself.

    Attributes:
        info: the answer to INFO.
        config: some of its settings; None if it does not tell them to this user.
        skew_s: our clock minus the server's, in seconds.
        answers_ms: how long each of some questions took.
        loads_all: whether it would load at a restart what scripts have written, as far as it tells.
    """

    info: Mapping[str, Any]
    config: Mapping[str, str] | None
    skew_s: float
    answers_ms: tuple[float, ...]
    loads_all: bool


def read(client: redis.Redis, keys: Keys) -> Facts:
    """Ask the server.

    Raises:
        redis.RedisError: it did not answer, or does not let this user ask.
    """
    answers = []
    for _ in range(_PINGS):
        began_s = time.perf_counter()
        client.ping()
        answers.append((time.perf_counter() - began_s) * 1000)
    seconds, microseconds = client.time()
    skew_s = time.time() - (seconds + microseconds / 1e6)
    return Facts(client.info(), _config(client), skew_s, tuple(answers), preflight.loads_all(client, keys))


def _config(client: redis.Redis) -> Mapping[str, str] | None:
    try:
        found = client.config_get("appendfsync", "stop-writes-on-bgsave-error", "min-replicas-to-write")
    except (exceptions.NoPermissionError, exceptions.ResponseError):
        return None
    return {_text(name or ""): _text(value or "") for name, value in found.items()}


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def judge(facts: Facts) -> Iterator[Finding]:
    """Judge what a server says of itself. Pure."""
    yield from _start(facts)
    yield from _policy(facts.info)
    yield from _disk(facts)
    yield from _memory(facts.info)
    yield from _fragments(facts.info)
    yield from _clients(facts.info)
    yield from _speed(facts.answers_ms)


def _start(facts: Facts) -> Iterator[Finding]:
    """Say what a worker would say when it starts."""
    wrong = {
        each.check: each for each in preflight.judge(facts.info, facts.skew_s, loads_all=facts.loads_all)
    }
    for each in wrong.values():
        make = error if each.unsafe or each.fatal else warning
        yield make(f"redis.{each.check}", _sentence(each.wrong), _sentence(each.remedy), _OPERATING)
    if "default_user" not in wrong:
        yield ok("redis.default_user", "A restart of Redis loads what scripts wrote.")
    if "version" not in wrong:
        yield ok("redis.version", f"The server is {_kind(facts.info)}.")
    if "clock" not in wrong:
        yield ok("redis.clock", f"Our clock is {facts.skew_s:+.1f} s off Redis's.")


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + "."


def _kind(info: Mapping[str, Any]) -> str:
    if "valkey_version" in info:
        return f"Valkey {info['valkey_version']}"
    return f"Redis {info.get('redis_version', 'of no version')}"


def _policy(info: Mapping[str, Any]) -> Iterator[Finding]:
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if policy == "noeviction":
        yield ok("redis.eviction", "maxmemory-policy is noeviction: no record is evicted.")
    elif not int(info.get("maxmemory", 0)):
        said = f"maxmemory-policy is {policy}, which evicts records as soon as maxmemory is set."
        yield advice("redis.eviction", said, "Set maxmemory-policy noeviction.", _OPERATING)


def _disk(facts: Facts) -> Iterator[Finding]:
    """Say what a crash of the server's machine would forget, and whether the last saves went well."""
    info = facts.info
    if int(info.get("aof_enabled", 0)):
        yield _fsync(facts.config, replicas=int(info.get("connected_slaves", 0)))
    if str(info.get("aof_last_write_status", "ok")) != "ok":
        said = "The last write to the append-only file failed: Redis takes no more writes."
        yield error("redis.save", said, "Make room on the disk of Redis.", _REDIS)
    if str(info.get("rdb_last_bgsave_status", "ok")) != "ok":
        stops = (facts.config or {}).get("stop-writes-on-bgsave-error") == "yes"
        said = "The last snapshot of Redis failed" + (", so it takes no more writes." if stops else ".")
        make = error if stops else warning
        yield make("redis.save", said, "Read the log of Redis, and look at its disk and memory.", _REDIS)
    if str(info.get("aof_last_bgrewrite_status", "ok")) != "ok":
        said = "The last rewrite of the append-only file failed: the file grows."
        yield warning("redis.save", said, "Read the log of Redis, and look at its disk and memory.", _REDIS)


def _fsync(config: Mapping[str, str] | None, replicas: int) -> Finding:
    if config is None:
        said = "Redis does not tell whether appendfsync is always (CONFIG GET is refused)."
        return advice(
            "redis.fsync",
            said,
            "The log of a worker says whether every write is kept, as it starts.",
            _FORGETS,
        )
    fsync = config.get("appendfsync", "")
    if fsync == "always":
        return ok("redis.fsync", "appendfsync is always: a crash forgets nothing.")
    if fsync == "everysec" and replicas:
        return ok("redis.fsync", "appendfsync is everysec, and replicas confirm shared calls.")
    said = f"appendfsync is {fsync}, and there is no replica: a crash forgets what is not on the disk"
    said = f"{said}, and messages leave one by one." if not replicas else f"appendfsync is {fsync}."
    return warning("redis.fsync", said, "Set appendfsync always.", _FORGETS)


def _memory(info: Mapping[str, Any]) -> Iterator[Finding]:
    used, most = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    machine = int(info.get("total_system_memory", 0))
    if most and machine and most > machine:
        said = f"maxmemory ({_mib(most)}) is more than its machine has ({_mib(machine)})."
        yield warning("redis.memory", said, "Set maxmemory well below the memory of the machine.", _REDIS)
    limit = most or machine
    if limit and used / limit >= _FULL:
        of = "maxmemory" if most else "the memory of its machine"
        said = f"Redis uses {used / limit:.0%} of {of} ({_mib(limit)}); full, it takes no new messages."
        make = error if used / limit >= _TOO_FULL else warning
        yield make("redis.memory", said, "Give Redis more memory, or keep records for fewer days.", _REDIS)
    elif most:
        yield ok("redis.memory", f"Redis uses {_mib(used)} of {_mib(most)}.")
    else:
        said = f"maxmemory is not set (used: {_mib(used)}): a Redis that grows is killed by its machine."
        yield advice("redis.memory", said, "Set maxmemory well below the memory of the machine.", _REDIS)


def _mib(size: int) -> str:
    return f"{size / 1024 / 1024:,.0f} MiB"


def _fragments(info: Mapping[str, Any]) -> Iterator[Finding]:
    ratio, lost = float(info.get("mem_fragmentation_ratio", 1)), int(info.get("mem_fragmentation_bytes", 0))
    if ratio >= _FRAGMENTED and lost >= _LOST_BYTES:
        said = f"Redis takes {ratio:.1f} times the memory that its data need: {_mib(lost)} are lost."
        yield advice(
            "redis.fragmentation", said, "Set activedefrag yes, or restart Redis at a quiet hour.", _REDIS
        )


def _clients(info: Mapping[str, Any]) -> Iterator[Finding]:
    now, most = int(info.get("connected_clients", 0)), int(info.get("maxclients", 0))
    if most and now / most >= _FULL:
        said = f"{now} of {most} connections are taken: further processes are refused."
        yield warning(
            "redis.clients", said, "Raise maxclients, or find out who holds them: CLIENT LIST.", _REDIS
        )
    else:
        yield ok("redis.clients", f"{now} of {most or 'any number of'} connections are taken.")


def _speed(answers_ms: tuple[float, ...]) -> Iterator[Finding]:
    middle, longest = statistics.median(answers_ms), max(answers_ms)
    said = f"Redis answers in {middle:.1f} ms, at the longest in {longest:.1f} ms."
    if middle >= _SLOW_MS:
        make = warning if middle >= _TOO_SLOW_MS else advice
        yield make(
            "redis.latency", said, "Run Redis and its processes close to each other.", "performance.md"
        )
    else:
        yield ok("redis.latency", said)
