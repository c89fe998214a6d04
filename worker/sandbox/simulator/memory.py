"""The gateway's memory of request_ids: a second call with the same one is a duplicate."""

import asyncio
from collections.abc import Hashable

from worker.sandbox.simulator.clock import Clock
from worker.sandbox.simulator.settings import SimulatorSettings


class RequestMemory:
    """Remembers request_ids for 24 hours of the simulator's clock (documented duration).

    Remembering is synchronous and comes before any message leaves, so two calls can never both pass.
    """

    def __init__(self, settings: SimulatorSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._expires_at: dict[Hashable, float] = {}
        self._running: dict[Hashable, asyncio.Event] = {}

    def __len__(self) -> int:
        return sum(expiry > self._clock.now() for expiry in self._expires_at.values())

    def is_known(self, login: str, request_id: str | None) -> bool:
        """Tell whether the request_id was used and is not yet forgotten."""
        if request_id is None:
            return False
        return self._expires_at.get(self._key(login, request_id), 0.0) > self._clock.now()

    def remember(self, login: str, request_id: str | None) -> None:
        """Use up a request_id from now on; None is never used up."""
        if request_id is not None:
            expiry = self._clock.now() + self._settings.request_id_memory_s
            self._expires_at[self._key(login, request_id)] = expiry

    def start(self, login: str, request_id: str | None) -> None:
        """Note that a call with this request_id is being processed."""
        if request_id is not None:
            self._running[self._key(login, request_id)] = asyncio.Event()

    def finish(self, login: str, request_id: str | None) -> None:
        """Note that processing is over, and let the calls that wait go on."""
        if request_id is not None and (event := self._running.pop(self._key(login, request_id), None)):
            event.set()

    async def wait_while_running(self, login: str, request_id: str | None) -> None:
        """Wait until no call with this request_id is being processed."""
        if request_id is None:
            return
        while event := self._running.get(self._key(login, request_id)):
            await event.wait()

    def reset(self) -> None:
        """Forget everything."""
        self._expires_at.clear()
        for event in self._running.values():
            event.set()
        self._running.clear()

    def _key(self, login: str, request_id: str) -> Hashable:
        return (login, request_id) if self._settings.request_id_scope == "login" else request_id
