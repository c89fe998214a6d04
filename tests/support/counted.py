"""What an asyncio client of Redis sends: how many round trips, and which commands.

with counted() as sent:
    console.get("/replies")
assert sent.round_trips <= 60
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from redis.asyncio.connection import AbstractConnection


@dataclass(slots=True)
class Sent:
    """What was sent so far.

    Attributes:
        round_trips: times that a client wrote and then waited.
        commands: everything that was asked, in order.
    """

    round_trips: int = 0
    commands: list[list[str]] = field(default_factory=list)


@contextmanager
def counted() -> Iterator[Sent]:
    """Note what every asyncio connection of this process sends meanwhile; nothing is changed about it."""
    sent, send = Sent(), AbstractConnection.send_packed_command

    async def noted(connection: AbstractConnection, command: Any, *args: Any, **options: Any) -> None:
        sent.round_trips += 1
        parts = [command] if isinstance(command, bytes | str) else list(command)
        sent.commands += read_commands(b"".join(p.encode() if isinstance(p, str) else p for p in parts))
        await send(connection, command, *args, **options)

    with patch.object(AbstractConnection, "send_packed_command", noted):
        yield sent


def read_commands(packed: bytes) -> list[list[str]]:
    """Read commands as they go over the wire."""
    commands = []
    while packed:
        head, _, packed = packed.partition(b"\r\n")
        command = []
        for _ in range(int(head[1:])):
            size, _, packed = packed.partition(b"\r\n")
            length = int(size[1:])
            command.append(packed[:length].decode("utf-8", "replace"))
            packed = packed[length + 2 :]
        commands.append(command)
    return commands


def option(command: Sequence[str], name: str) -> int | None:
    """Return the number behind an option of a command; None without it."""
    upper = [part.upper() for part in command]
    return int(command[upper.index(name) + 1]) if name in upper else None
