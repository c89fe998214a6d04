"""Which kind of route an address of Redis needs."""

import ipaddress
from typing import Any, Final

from redis.connection import parse_url

from .redis_url import Place, RedisUrl
from .routes import Name, Route
from .sentinels import Sentinels
from .slots import SlotOwner

#: Host and port of a URL that names none.
_HOST: Final = "localhost"
_PORT: Final = 6379
#: Options of a pool that belong to one server, and mean nothing to a Sentinel.
_OF_THE_PRIMARY: Final = ("host", "port", "db", "username", "password")


def route_of(url: RedisUrl) -> Route:
    """Make the route of an address."""
    place = url.place
    options = parse_url(place.url)  # type: ignore[no-untyped-call]
    if place.kind == "sentinel":
        return Sentinels(place.servers, place.service, sentinel_options(place))
    if place.kind == "cluster":
        return SlotOwner(place.servers, url.tag, options)
    host = str(options.get("host", _HOST))
    if "path" in options or _is_numeric(host):
        return Route()
    return Name(host, int(options.get("port", _PORT)))


def sentinel_options(place: Place) -> dict[str, Any]:
    """Say how to connect to the Sentinels of a place, as redis-py's pools take it, without host and port."""
    options = parse_url(place.url)  # type: ignore[no-untyped-call]
    kept = {name: value for name, value in options.items() if name not in _OF_THE_PRIMARY}
    return {**kept, **dict(place.sentinel_login)}


def _is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
