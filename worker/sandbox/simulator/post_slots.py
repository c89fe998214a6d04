"""How many callbacks are posted at the same time, and which of those that wait goes next."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator

from worker.sandbox.simulator.events import Kind
from worker.sandbox.simulator.settings import CallbackSettings


class PostSlots:
    """Slots for posts under way. What a person wrote takes the next one, before all receipts that wait.

    The receipts of a campaign would keep a STOP waiting for seconds otherwise, and whoever tries one would
    take that for the time that the worker needs. Among themselves replies and opt-outs keep their order, and
    so do receipts.

    Args:
        settings: ``callback_parallel`` is the number of slots, also after it was changed.
    """

    def __init__(self, settings: CallbackSettings) -> None:
        self._settings = settings
        self._under_way = 0
        self._written: deque[asyncio.Future[None]] = deque()
        self._receipts: deque[asyncio.Future[None]] = deque()

    @contextlib.asynccontextmanager
    async def taken(self, kind: Kind) -> AsyncIterator[None]:
        """Wait for a slot, and hold it for as long as the block lasts."""
        turn = asyncio.get_running_loop().create_future()
        (self._receipts if kind == "receipt" else self._written).append(turn)
        self._give()
        try:
            await turn
            yield
        finally:
            # Whoever is cancelled while waiting has no slot, unless it was given in the same round.
            if not turn.cancelled():
                self._under_way -= 1
                self._give()

    def _give(self) -> None:
        while self._under_way < self._settings.callback_parallel:
            waiting = self._written or self._receipts
            if not waiting:
                return
            turn = waiting.popleft()
            if not turn.done():
                self._under_way += 1
                turn.set_result(None)
