"""A look at Redis before the first message: what about this server could break the promise?"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import redis

#: Oldest server whose scripts may run when memory is full, which the workers need to drain the queue.
OLDEST: Final = (7, 0)
#: Seconds between Redis's clock and ours that are not yet reported.
SKEW_MAX_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    """Something an operator should know.

    Attributes:
        check: which check, in one word.
        problem: what is wrong and what to do about it.
        unsafe: True where starting could send twice or lose messages.
        fatal: True where the worker cannot work at all.
    """

    check: str
    problem: str
    unsafe: bool = False
    fatal: bool = False


def inspect(client: redis.Redis) -> list[Finding]:
    """Look at the server once.

    Returns:
        What is wrong; empty when all is well.

    Raises:
        redis.RedisError: Redis did not answer.
    """
    seconds, microseconds = client.time()
    skew_s = time.time() - (seconds + microseconds / 1e6)
    return judge(client.info(), skew_s)


def judge(info: Mapping[str, Any], skew_s: float) -> list[Finding]:
    """Judge what the server says of itself. Pure.

    Args:
        info: the answer to INFO.
        skew_s: our clock minus Redis's, in seconds.
    """
    findings = []
    version = str(info.get("redis_version", "0.0"))
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        problem = f"server {version} is too old; Redis 7 or Valkey is needed"
        findings.append(Finding("version", problem, fatal=True))
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction" and int(info.get("maxmemory", 0)):
        problem = (
            f"maxmemory-policy {policy} may evict records, and messages would go out twice; set noeviction"
        )
        findings.append(Finding("eviction", problem, unsafe=True))
    if not int(info.get("aof_enabled", 0)):
        problem = "appendonly is off, a restart of Redis would forget messages; set appendonly yes"
        findings.append(Finding("persistence", problem, unsafe=True))
    if info.get("role") == "slave":
        findings.append(Finding("role", "this is a read-only replica; connect to the primary", fatal=True))
    if abs(skew_s) > SKEW_MAX_S:
        problem = f"our clock is {skew_s:+.0f} s off Redis's, which decides all times"
        findings.append(Finding("clock", problem))
    return findings
