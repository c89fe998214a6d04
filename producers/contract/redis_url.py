"""The address of Redis: checked when it is read, shown without user and password.

What is refused is what readers of URLs disagree about: a ``/``, ``#`` or ``?`` inside a password ends the
address for one of them and not for another, and its rest would be taken for a port, a path or an option.
"""

import re
from typing import Final

import redis

from .secret import Secret

#: An escaped character, or one that means nothing in an address.
_PLAIN: Final = r"(?:[^\s/?#@%\[\]\x00-\x1f\x7f]|%[0-9A-Fa-f]{2})"
_USER: Final = rf"(?:{_PLAIN}*@)?"
_HOST: Final = r"(?:\[[0-9A-Fa-f:.]+\]|[^\s/?#@%\[\]:\x00-\x1f\x7f]*)"
_QUERY: Final = rf"(?:\?(?:{_PLAIN}|/)*)?"
_SERVER: Final = re.compile(rf"(rediss?)://{_USER}{_HOST}(?::(?:[1-9]\d*)?)?(?:/\d*)?{_QUERY}", re.ASCII)
_SOCKET: Final = re.compile(rf"(unix)://{_USER}(/(?:{_PLAIN}|/)+){_QUERY}", re.ASCII)
_WORDS: Final = (
    "must be redis://, rediss:// or unix:// with host, port, number of the database or path; "
    "in user and password, / ? # @ % [ ] and spaces are written as %2F %3F %23 %40 %25 %5B %5D %20"
)


class RedisUrl(Secret):
    """The address of a Redis or Valkey server; prints as ``redis://host:port/0``, whatever else it holds.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``; another `RedisUrl` is copied.

    Raises:
        ValueError: nobody could tell for certain what it means; in words without the value.
    """

    __slots__ = ("_shown",)

    def __init__(self, url: "str | RedisUrl") -> None:
        super().__init__(url.reveal() if isinstance(url, RedisUrl) else url)
        self._shown = _show(self._value)

    def __str__(self) -> str:
        return self._shown

    def __repr__(self) -> str:
        return f"RedisUrl({self._shown})"


def _show(url: str) -> str:
    """Check an address and write it without what is secret in it."""
    server, socket = _SERVER.fullmatch(url), _SOCKET.fullmatch(url)
    if socket is not None:
        database = _options(url).get("db", 0)
        return f"unix://{socket[2]}" + (f"?db={database}" if database else "")
    if server is not None:
        options = {"host": "localhost", "port": 6379, "db": 0, **_options(url)}
        host = f"[{options['host']}]" if ":" in str(options["host"]) else options["host"]
        return f"{server[1]}://{host}:{options['port']}/{options['db']}"
    raise ValueError(_WORDS)


def _options(url: str) -> dict[str, object]:
    """Read an address as the Redis client does, and make sure that it knows every option in it."""
    try:
        pool = redis.BlockingConnectionPool.from_url(url)
        pool.make_connection()  # type: ignore[no-untyped-call]
    except (ValueError, TypeError, AttributeError, redis.RedisError):
        # Their texts quote what they could not read.
        pool = None
    if pool is None:
        raise ValueError("has a port or an option that the Redis client does not know")
    return pool.connection_kwargs
