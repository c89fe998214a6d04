"""Work that takes long is done in a thread, so that no call keeps the others waiting for it."""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

#: Recipients that are checked at once, in a few milliseconds.
_AT_ONCE: Final = 25


async def aside(recipients: int, work: Callable[[], T]) -> T:
    """Check what was given, in a thread if it has many recipients.

    Args:
        recipients: how many there are.
        work: the check; nothing else touches what it is given.
    """
    if recipients <= _AT_ONCE:
        return work()
    return await asyncio.to_thread(work)
