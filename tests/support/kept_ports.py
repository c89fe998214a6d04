"""Ports for servers that come and go: nobody else gets one while its server is away.

The system gives those of its range to whoever connects to something. A server that starts again would find
its own taken by a client.
"""

import random
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

_RANGE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST: Final = 10_000


def kept_port() -> int:
    """Find a free loopback port that the system gives to nobody."""
    first_given = int(_RANGE.read_text("ascii").split()[0])
    for port in random.sample(range(_LOWEST, first_given), 200):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise RuntimeError("no port is free")
