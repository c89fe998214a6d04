"""What the user of Redis may not do, of what a worker needs. Nothing of it is done: Redis is only asked."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import redis
from redis import exceptions

from producers.contract.keys import Keys
from producers.contract.steps import Commands
from worker.doctor.findings import Finding, advice, error, ok

_PAGE: Final = "redis.md#which-redis"

#: What workers and their scripts run on keys, by what stands behind the key.
_ON_KEYS: Final = {
    "": "GET DEL EXISTS HGETALL HKEYS HLEN HVALS INCR LLEN LPOP PERSIST PEXPIRETIME PTTL SCARD SMEMBERS "
    "UNLINK XLEN ZCARD BITCOUNT MGET",
    "1": "APPEND GETBIT HDEL HEXISTS HGET HMGET INCRBY LINDEX LPUSH PEXPIRE PEXPIREAT RPUSH SADD SET SREM "
    "XDEL XPENDING ZMSCORE ZREM ZSCORE BLPOP MSET",
    "1 1": "HINCRBY HINCRBYFLOAT HSET HSETNX LRANGE LREM LTRIM SETBIT XACK XRANGE XREVRANGE XTRIM ZADD "
    "ZCOUNT ZINCRBY ZRANGE ZRANGEBYLEX ZRANGEBYSCORE ZREMRANGEBYRANK ZREMRANGEBYSCORE ZREVRANGE "
    "ZREVRANGEBYSCORE",
    "1 1 1": "XADD",
    "1 1 1 1": "XCLAIM",
}


def needed(key: str) -> list[tuple[str, ...]]:
    """List what a worker needs to run, on a key of the namespace."""
    on_keys = [
        (command, key, *behind.split()) for behind, names in _ON_KEYS.items() for command in names.split()
    ]
    return [
        *on_keys,
        *(("EVAL", "return 1", "1", key), ("EVALSHA", "0" * 40, "1", key)),
        *(("XGROUP", "CREATE", key, "g", "0"), ("XGROUP", "SETID", key, "g", "0", "ENTRIESREAD", "0")),
        *(("XINFO", "GROUPS", key), ("XINFO", "STREAM", key)),
        ("XREADGROUP", "GROUP", "g", "c", "STREAMS", key, ">"),
        *(("INFO", "replication"), ("TIME",), ("WAIT", "0", "1"), ("PING",)),
    ]


def look(client: redis.Redis, keys: Keys) -> Iterator[Finding]:
    """Ask which of these commands the user may not run.

    Raises:
        redis.RedisError: Redis did not answer.
    """
    wanted = needed(keys.beat)
    try:
        user = _text(client.execute_command("ACL", "WHOAMI"))  # type: ignore[no-untyped-call]
        asked = Commands([("ACL", "DRYRUN", user, *each) for each in wanted], raises=False).run(client)
    except exceptions.ResponseError:
        asked = []
    if not asked or all(isinstance(each, exceptions.NoPermissionError) for each in asked):
        yield from _tried(client, keys)
        return
    missing = [_name(command) for command, reply in zip(wanted, asked, strict=True) if _is_refused(reply)]
    if missing:
        yield _lacks(missing)
    else:
        yield ok("redis.user", f'The user "{user}" may do what a worker needs.')


def _tried(client: redis.Redis, keys: Keys) -> Iterator[Finding]:
    """Try what changes nothing: Redis does not tell this user what users may do."""
    harmless = [
        *(("INFO", "replication"), ("TIME",), ("WAIT", 0, 1)),
        *(("EVAL", "return 1", 1, keys.beat), ("GET", keys.beat), ("XLEN", keys.audit)),
    ]
    replies = Commands(harmless, raises=False).run(client)
    missing = [_name(command) for command, reply in zip(harmless, replies, strict=True) if _is_refused(reply)]
    if missing:
        yield _lacks(missing)
    else:
        said = "Redis does not tell what this user may do; what was tried went well."
        yield advice(
            "redis.user", said, "Run the doctor as the user operator, which may ask for that.", _PAGE
        )


def _lacks(missing: Sequence[str]) -> Finding:
    said = f"The user of REDIS_URL may not run, or not on our keys: {', '.join(missing)}."
    return error("redis.user", said, "Give a worker's user these rights; the console's needs fewer.", _PAGE)


def _is_refused(reply: Any) -> bool:
    if isinstance(reply, exceptions.NoPermissionError):
        return True
    return (
        not isinstance(reply, Exception) and isinstance(reply, bytes | str) and "permission" in _text(reply)
    )


def _name(command: Sequence[str | int]) -> str:
    parts = command[:2] if command[0] in {"XGROUP", "XINFO"} else command[:1]
    return " ".join(map(str, parts))


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
