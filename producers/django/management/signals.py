"""Ending a command gently."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_ENDING: Final = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def ending_by(stop: Callable[[], None]) -> Iterator[None]:
    """Let SIGTERM and SIGINT call a function until the end of the block; a second one ends at once.

    Only the main thread is told of signals: elsewhere, as in tests, nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {each: signal.getsignal(each) for each in _ENDING}

    def end(number: int, _: object) -> None:
        signal.signal(number, before[number])  # type: ignore[index]
        stop()

    for each in _ENDING:
        signal.signal(each, end)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
