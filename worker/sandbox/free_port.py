"""Ports for servers that come and go: no client gets one while its server is away.

The system lends ports of its own range to whoever connects to something. A server that starts late, or again,
would find its port taken by a client.
"""

import random
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

#: The first and the last port that the system lends; Linux alone tells (man 7 ip).
_LENT: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST: Final = 10_000
_TRIES: Final = 200


def free_port() -> int:
    """Find a free loopback port that the system lends to no client, or, where it does not tell, any free one.

    Raises:
        OSError: no port is free.
    """
    for port in _never_lent():
        with suppress(OSError):
            return _bound(port)
    return _bound(0)


def _bound(port: int) -> int:
    with socket.create_server(("127.0.0.1", port)) as listener:
        bound: int = listener.getsockname()[1]
        return bound


def _never_lent() -> list[int]:
    try:
        lowest_lent = int(_LENT.read_text("ascii").split()[0])
    except OSError:
        return []
    below = range(_LOWEST, lowest_lent)
    return random.sample(below, min(_TRIES, len(below)))
