"""One of its kind per process, made when it is first asked for: before and after a server forks."""

import atexit
import os
from collections.abc import Callable
from typing import Any, Final, Generic, Protocol, TypeVar


class Closes(Protocol):
    """What has connections to close."""

    def close(self) -> None:
        """Close them."""


C = TypeVar("C", bound=Closes)

_all: Final[list["OnePerProcess[Any]"]] = []


def forget_all() -> None:
    """Close what this process has of every kind; whoever asks next makes another."""
    for each in _all:
        each.forget()


class OnePerProcess(Generic[C]):
    """Keeps one object for the process, closed at its end. Thread-safe.

    A child that was forked makes its own: the connections of its parent are none of its business.

    Args:
        make: makes one.
    """

    def __init__(self, make: Callable[[], C]) -> None:
        self._make = make
        self._made: dict[int, C] = {}
        _all.append(self)

    def __call__(self) -> C:
        """Give the one of this process."""
        pid = os.getpid()
        if pid not in self._made:
            made = self._make()
            # Of two threads that come at once one wins; the other's has not connected yet.
            if self._made.setdefault(pid, made) is made:
                atexit.register(self._close, pid)
        return self._made[pid]

    def forget(self) -> None:
        """Close the one of this process; whoever asks next makes another."""
        self._close(os.getpid())

    def _close(self, pid: int) -> None:
        # Children run what their parent has registered, too.
        if pid == os.getpid() and (made := self._made.pop(pid, None)):
            made.close()
