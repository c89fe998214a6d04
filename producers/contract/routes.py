"""Where the primary is: what a connection asks before it connects, and whether it still leads there.

A `Route` belongs to one client and all its connections. Two things tell it that the primary has moved: a
connection that was refused (`moved`), which outdates every connection made before, and, for a host name, a
look at the name's addresses about once a second while there is traffic (`Name`).
"""

import ipaddress
import math
import socket
import threading
import time
from contextlib import suppress
from typing import Final

from redis.connection import parse_url

#: Seconds between two looks at the addresses of a name.
LOOK_S: Final = 1.0
#: Host and port of a URL that names none.
DEFAULT_HOST: Final = "localhost"
DEFAULT_PORT: Final = 6379


class Route:
    """A place that never changes: a numeric address, or a socket file. Thread-safe, like all its kind."""

    def __init__(self) -> None:
        self._moved_s = 0.0

    def address(self) -> tuple[str, int] | None:
        """Say where to connect now: host and port; None leaves it to the URL.

        Called before each new connection, on the thread that waits for it.

        Raises:
            redis.ConnectionError: nobody knows at the moment.
        """
        return None

    def moved(self) -> None:
        """Note that a server refused what only a primary does: connections made until now are outdated."""
        self._moved_s = time.monotonic()

    def outdates(self, peer: str, since_s: float) -> bool:  # noqa: ARG002 - for routes that look
        """Say whether a connection should be left. Never waits for anything.

        Args:
            peer: numeric address of the other end; empty if unknown.
            since_s: when the connection was begun, by `time.monotonic`.
        """
        return since_s < self._moved_s


class Name(Route):
    """A host name, which may lead elsewhere tomorrow.

    Args:
        host: the name.
        port: the port.
    """

    def __init__(self, host: str, port: int) -> None:
        super().__init__()
        self._host, self._port = host, port
        self._began_s = -math.inf
        self._looker: threading.Thread | None = None
        #: When the last look that found something began, and what it found.
        self._seen: tuple[float, frozenset[str]] = (0.0, frozenset())

    def address(self) -> tuple[str, int]:
        """Say the name: whoever connects looks it up afresh."""
        return self._host, self._port

    def outdates(self, peer: str, since_s: float) -> bool:
        """Say whether the name has led elsewhere since the connection was begun."""
        self._look_now_and_then()
        seen_s, found = self._seen
        return super().outdates(peer, since_s) or (since_s < seen_s and bool(peer) and peer not in found)

    def _look_now_and_then(self) -> None:
        now = time.monotonic()
        if now < self._began_s + LOOK_S or (self._looker is not None and self._looker.is_alive()):
            return
        self._began_s = now
        # A name server may take long, so nobody waits for it. The thread ends, so a fork misses none.
        self._looker = threading.Thread(target=self._look, args=(now,), name="redis-name", daemon=True)
        with suppress(RuntimeError):  # the interpreter is shutting down
            self._looker.start()

    def _look(self, now: float) -> None:
        # Without an answer the last answer stays valid: nothing says that the primary has moved.
        with suppress(OSError):
            self._seen = (now, addresses(self._host, self._port))


def addresses(host: str, port: int) -> frozenset[str]:
    """List the numeric addresses of a host name.

    Raises:
        OSError: the name is unknown, or nobody answers.
    """
    return frozenset(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


def route_for(url: str) -> Route:
    """Make the route of a ``redis://``, ``rediss://`` or ``unix://`` URL."""
    options = parse_url(url)  # type: ignore[no-untyped-call]
    host = str(options.get("host", DEFAULT_HOST))
    if "path" in options or _is_numeric(host):
        return Route()
    return Name(host, int(options.get("port", DEFAULT_PORT)))


def _is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
