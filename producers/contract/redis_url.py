"""The address of Redis: checked when it is read, shown without user and password.

What is refused is what readers of URLs disagree about: a ``/``, ``#`` or ``?`` inside a password ends the
address for one of them and not for another, and its rest would be taken for a port, a path or an option.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import parse_qsl, unquote, urlencode

import redis

from .discreet import discreet
from .secret import Secret

#: An escaped character, or one that means nothing in an address.
_PLAIN: Final = r"(?:[^\s/?#@%\[\]\x00-\x1f\x7f]|%[0-9A-Fa-f]{2})"
_USER: Final = rf"(?P<user>{_PLAIN}*@)?"
_HOST: Final = r"(?:\[[0-9A-Fa-f:.]+\]|[^\s/?#@%\[\]:,\x00-\x1f\x7f]*)"
_SERVER_PORT: Final = rf"{_HOST}(?::(?:[1-9]\d*)?)?"
_QUERY: Final = rf"(?:\?(?P<query>(?:{_PLAIN}|/)*))?"
_SERVER: Final = re.compile(rf"(rediss?)://{_USER}{_SERVER_PORT}(?:/\d*)?{_QUERY}", re.ASCII)
_SOCKET: Final = re.compile(rf"(unix)://{_USER}(?P<path>/(?:{_PLAIN}|/)+){_QUERY}", re.ASCII)
_LISTED: Final = re.compile(
    rf"(?P<scheme>rediss?)\+(?P<kind>sentinel|cluster)://{_USER}(?P<hosts>{_SERVER_PORT}(?:,{_SERVER_PORT})*)"
    rf"(?P<path>(?:/{_PLAIN}*)*){_QUERY}",
    re.ASCII,
)
_WORDS: Final = (
    "must be redis://, rediss:// or unix:// with host, port, number of the database or path; "
    "redis+sentinel://host,host/service/database or redis+cluster://host,host; "
    "in user and password, / ? # @ % [ ] and spaces are written as %2F %3F %23 %40 %25 %5B %5D %20"
)
#: Ports of a URL that names none.
_PORTS: Final = {"sentinel": 26379, "cluster": 6379}
#: Options of the login at the Sentinels, and what redis-py calls them.
_SENTINEL_LOGIN: Final = (("sentinel_username", "username"), ("sentinel_password", "password"))

#: Host and port of a server.
Server = tuple[str, int]


@discreet
@dataclass(frozen=True, slots=True)
class Place:
    """Which servers to ask where the primary is, and how redis-py is told the rest.

    Attributes:
        kind: ``server`` for one server or name, ``sentinel`` or ``cluster``.
        url: what redis-py reads: a server, a user, a database and options. Of a list it has the first host.
        servers: the Sentinels, or some nodes of the cluster; empty for ``server``.
        service: what the Sentinels call the primary and its replicas.
        sentinel_login: user and password for the Sentinels, as redis-py's options.
    """

    kind: Literal["server", "sentinel", "cluster"]
    url: str
    servers: tuple[Server, ...] = ()
    service: str = ""
    sentinel_login: tuple[tuple[str, str], ...] = ()


class RedisUrl(Secret):
    """The address of Redis or Valkey; prints as ``redis://host:port/0``, whatever else it holds.

    Args:
        url: a server (``redis://``, ``rediss://``, ``unix://``), Sentinels and their service
            (``redis+sentinel://h1,h2/service/0``), or nodes of a cluster (``redis+cluster://h1,h2``), the
            last two also with ``rediss``; another `RedisUrl` is copied.
        tag: the hash tag of all keys: in a cluster it says which server holds them. None keeps that of a
            copied address.

    Attributes:
        place: where it leads; holds what is secret.
        tag: the hash tag.

    Raises:
        ValueError: nobody could tell for certain what it means; in words without the value.
    """

    __slots__ = ("_shown", "place", "tag")

    tag: str

    def __init__(self, url: "str | RedisUrl", tag: str | None = None) -> None:
        super().__init__(url.reveal() if isinstance(url, RedisUrl) else url)
        self.tag = tag or (url.tag if isinstance(url, RedisUrl) else "sms")
        self.place, self._shown = _read(self._value)

    def __str__(self) -> str:
        return self._shown

    def __repr__(self) -> str:
        return f"RedisUrl({self._shown})"


def _read(url: str) -> tuple[Place, str]:
    """Check an address; return where it leads, and the address without what is secret in it."""
    if (listed := _LISTED.fullmatch(url)) is not None:
        return _read_list(listed)
    socket = _SOCKET.fullmatch(url)
    if socket is not None:
        database = _options(url).get("db", 0)
        return Place("server", url), f"unix://{socket['path']}" + (f"?db={database}" if database else "")
    server = _SERVER.fullmatch(url)
    if server is not None:
        options = {"host": "localhost", "port": 6379, "db": 0, **_options(url)}
        shown = _joined((str(options["host"]), int(str(options["port"]))))
        return Place("server", url), f"{server[1]}://{shown}/{options['db']}"
    raise ValueError(_WORDS)


def _read_list(listed: re.Match[str]) -> tuple[Place, str]:
    kind: Literal["sentinel", "cluster"] = "sentinel" if listed["kind"] == "sentinel" else "cluster"
    scheme = listed["scheme"]
    servers = tuple(_server(each, _PORTS[kind]) for each in listed["hosts"].split(","))
    parts = listed["path"].strip("/").split("/") if listed["path"].strip("/") else []
    service = parts.pop(0) if kind == "sentinel" and parts else ""
    database = parts.pop(0) if parts else "0"
    if kind == "sentinel" and not service:
        raise ValueError(
            "needs the name of the service behind the Sentinels: redis+sentinel://host,host/service"
        )
    if parts or not database.isdecimal():
        raise ValueError(_WORDS)
    options = dict(parse_qsl(listed["query"] or "", keep_blank_values=True))
    login = tuple((known, options.pop(name)) for name, known in _SENTINEL_LOGIN if name in options)
    if login and kind == "cluster":
        raise ValueError("has a login for Sentinels, and a cluster has none")
    plain = f"{scheme}://{listed['user'] or ''}{_joined(servers[0])}/{database}"
    plain += f"?{urlencode(options)}" if options else ""
    chosen = _options(plain).get("db", 0)
    if kind == "cluster" and chosen != 0:
        raise ValueError("has another database than 0, and a cluster has no other")
    place = Place(kind, plain, servers, unquote(service), login)
    tail = f"/{service}/{chosen}" if kind == "sentinel" else ""
    return place, f"{scheme}+{kind}://{','.join(map(_joined, servers))}{tail}"


def _server(text: str, port: int) -> Server:
    """Read ``host``, ``host:port`` or ``[address]:port``."""
    host, colon, named = text.rpartition(":")
    if not colon or "]" in named:
        host, named = text, ""
    if not host.strip("[]"):
        raise ValueError("has an empty place in its list of hosts")
    number = int(named or port)
    if number > 65_535:
        raise ValueError("has a port above 65535")
    return host.strip("[]"), number


def _joined(server: Server) -> str:
    host, port = server
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


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
