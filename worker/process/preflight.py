"""A look at Redis before the first message: what about this server could break the promise?"""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import redis

from producers.contract.followers import NotPrimaryError
from producers.contract.keys import Keys
from producers.contract.serving import serving

#: Oldest server whose scripts may run when memory is full, which the workers need to drain the queue.
OLDEST: Final = (7, 0)
#: Seconds between Redis's clock and ours that are not yet reported.
SKEW_MAX_S: Final = 5.0
#: What mends a user `default` that lacks rights. Nobody can log in as a user that is off.
LET_DEFAULT_LOAD: Final = "give it all rights (it may stay off): see docs/redis.md#users"
#: Commands of several kinds that scripts leave in the append-only file, with what stands behind the key.
_WRITTEN: Final = (("HSET", "f", "v"), ("XADD", "*", "f", "v"), ("RPUSH", "v"), ("SET", "v"), ("DEL",))


@dataclass(frozen=True, slots=True)
class Finding:
    """Something an operator should know.

    Attributes:
        check: which check, in one word.
        wrong: what is wrong.
        remedy: what to do about it.
        unsafe: True where starting could send twice or lose messages.
        fatal: True where the worker cannot work at all.
    """

    check: str
    wrong: str
    remedy: str
    unsafe: bool = False
    fatal: bool = False

    @property
    def problem(self) -> str:
        """What is wrong, and what to do about it."""
        return f"{self.wrong}; {self.remedy}"


def inspect(client: redis.Redis, keys: Keys) -> list[Finding]:
    """Look at the primary once.

    Args:
        client: of the worker, which leaves a server that is not the primary.
        keys: of the worker.

    Returns:
        What is wrong; empty when all is well.

    Raises:
        redis.RedisError: Redis did not answer, or is a replica, as while a primary is replaced.
    """
    # A replica answers all that follows, and refuses scripts: only a refusal makes the client look elsewhere.
    # What else may be wrong with scripts is told by what follows, or by the next script.
    with suppress(redis.ResponseError):
        serving(keys).run(client)
    seconds, microseconds = client.time()
    skew_s = time.time() - (seconds + microseconds / 1e6)
    findings = judge(client.info(), skew_s, loads_all=loads_all(client, keys))
    if any(each.check == "role" for each in findings):
        raise NotPrimaryError("the server has just become a replica")
    return findings


def loads_all(client: redis.Redis, keys: Keys) -> bool:
    """Say whether the server would load at a restart what scripts have written.

    It loads a transaction, which is what a script leaves, with the rights of its user ``default``, and skips
    what that user may not do (redis/redis#14541, valkey-io/valkey#3983). Whether the user is ``off`` does not
    matter. True also where Redis does not tell.

    Raises:
        redis.RedisError: Redis did not answer.
    """
    wanted = [("MULTI",), ("EXEC",), *((name, keys.beat, *behind) for name, *behind in _WRITTEN)]
    try:
        replies = [client.execute_command("ACL", "DRYRUN", "default", *each) for each in wanted]  # type: ignore[no-untyped-call]
    except redis.ResponseError:
        return True
    return all(reply in {b"OK", "OK"} for reply in replies)


def judge(info: Mapping[str, Any], skew_s: float, *, loads_all: bool) -> list[Finding]:
    """Judge what the server says of itself. Pure.

    Args:
        info: the answer to INFO.
        skew_s: our clock minus Redis's, in seconds.
        loads_all: as the function of this name says.
    """
    findings = []
    version = str(info.get("redis_version", "0.0"))
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        wrong = f"server {version} is too old"
        findings.append(Finding("version", wrong, "Redis 7 or Valkey is needed", fatal=True))
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction" and int(info.get("maxmemory", 0)):
        wrong = f"maxmemory-policy {policy} may evict records, and messages would go out twice"
        findings.append(Finding("eviction", wrong, "set noeviction", unsafe=True))
    if not int(info.get("aof_enabled", 0)):
        wrong = "appendonly is off, a restart of Redis would forget messages"
        findings.append(Finding("persistence", wrong, "set appendonly yes", unsafe=True))
    elif not loads_all:
        wrong = "its user default lacks rights, so a restart of Redis would forget what scripts wrote"
        findings.append(Finding("default_user", wrong, LET_DEFAULT_LOAD, unsafe=True))
    if info.get("role") == "slave":
        wrong = "this is a read-only replica"
        findings.append(Finding("role", wrong, "connect to the primary", fatal=True))
    if abs(skew_s) > SKEW_MAX_S:
        wrong = f"our clock is {skew_s:+.0f} s off Redis's, which decides all times"
        findings.append(Finding("clock", wrong, "let a time service set both clocks"))
    return findings
