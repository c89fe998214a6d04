"""Who waits for something to happen, and one look at Redis for all of them.

No call that waits holds a connection. While somebody waits, the process looks 20 times a second, in one round
trip, at the states of the messages that are waited for, and at the ends of the streams.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import redis.asyncio

from producers.contract.jobs import ENDS
from producers.contract.keys import Keys
from producers.contract.scripts import REDIS_ERRORS
from producers.contract.steps import Commands
from worker.api.turns import Turns

#: Seconds between two looks, and after a look that failed.
_LOOK_S: Final = 0.05
_AWAY_S: Final = 0.5
#: Calls of one process that may wait at a time; further ones are answered at once.
WAITERS_MAX: Final = 500
#: Polls that look into their groups at a time, and seconds that one waits for that.
LOOKS: Final = 8
_PATIENCE_S: Final = 20.0

_Place = tuple[int, ...]

_ENDED: Final = frozenset(state.encode() for state in ENDS)


class Lookout:
    """Wakes those who wait. For one event loop.

    Args:
        client: where to look.
        keys: key names.

    Attributes:
        looks: turns of those who look into a group, whose wait may end at the same time.
    """

    def __init__(self, client: redis.asyncio.Redis, keys: Keys) -> None:
        self._redis, self._keys = client, keys
        self._messages: dict[str, set[asyncio.Event]] = {}
        self._streams: dict[str, dict[asyncio.Event, tuple[str, _Place]]] = {}
        self.looks = Turns(LOOKS, _PATIENCE_S)
        self._waiting = 0
        self._released = False
        self._looking: asyncio.Task[None] | None = None

    def release(self) -> None:
        """Let everybody go on at once, also those who come from now on: the process is to stop."""
        self._released = True
        for event in (*(each for some in self._messages.values() for each in some), *self._events()):
            event.set()

    async def until_ended(self, request_id: str, seconds: float) -> None:
        """Wait until a message has come to an end, or the time is up, or nobody may wait any more."""
        event = asyncio.Event()
        self._messages.setdefault(request_id, set()).add(event)
        try:
            await self._wait(event, seconds)
        finally:
            self._messages[request_id].discard(event)
            if not self._messages[request_id]:
                del self._messages[request_id]

    async def until_more(self, stream: str, group: str, after: bytes, seconds: float) -> None:
        """Wait until a stream has an entry behind another, or the time is up, or nobody may wait any more.

        Of those who share the work of a group, each look wakes one: the group has nothing left up to the last
        entry that any of them knew when it found nothing.

        Args:
            stream: its key.
            group: who shares the work; a name of its own for who reads alone.
            after: the last entry that is known; empty for none.
            seconds: how long to wait.
        """
        event = asyncio.Event()
        self._streams.setdefault(stream, {})[event] = group, _place(after)
        try:
            await self._wait(event, seconds)
        finally:
            del self._streams[stream][event]

    def wake_one(self, stream: str, group: str) -> None:
        """Let one of those who share the work of a group look again: something came back."""
        for event, (name, _) in self._streams.get(stream, {}).items():
            if name == group and not event.is_set():
                event.set()
                return

    @property
    def released(self) -> bool:
        """Whether the process is to stop: whoever waited takes nothing any more."""
        return self._released

    @property
    def can_wait(self) -> bool:
        """Whether one more may wait."""
        return self._waiting < WAITERS_MAX and not self._released

    def _events(self) -> list[asyncio.Event]:
        return [event for some in self._streams.values() for event in some]

    async def _wait(self, event: asyncio.Event, seconds: float) -> None:
        if not self.can_wait or seconds <= 0:
            return
        self._waiting += 1
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return
        finally:
            self._waiting -= 1

    async def _look(self) -> None:
        while self._waiting:
            try:
                await self._look_once()
            except (*REDIS_ERRORS, OSError):
                await asyncio.sleep(_AWAY_S)
            await asyncio.sleep(_LOOK_S)

    async def _look_once(self) -> None:
        ids, streams = list(self._messages), [key for key, some in self._streams.items() if some]
        commands: list[Sequence[str | bytes | int]] = [
            ("HGET", self._keys.record(each), "state") for each in ids
        ]
        commands += [("XREVRANGE", key, "+", "-", "COUNT", 1) for key in streams]
        if not commands:
            return
        replies = await Commands(commands, raises=False).arun(self._redis)
        for request_id, state in zip(ids, replies, strict=False):
            if state is None or state in _ENDED:
                self._wake(self._messages.get(request_id, set()))
        for key, found in zip(streams, replies[len(ids) :], strict=True):
            if found and not isinstance(found, Exception):
                self._wake(self._one_each(key, _place(found[0][0])))

    def _one_each(self, stream: str, last: _Place) -> set[asyncio.Event]:
        known: dict[str, _Place] = {}
        first: dict[str, asyncio.Event] = {}
        for event, (group, place) in self._streams.get(stream, {}).items():
            known[group] = max(place, known.get(group, place))
            first.setdefault(group, event)
        return {event for group, event in first.items() if known[group] < last}

    @staticmethod
    def _wake(events: set[asyncio.Event]) -> None:
        for event in events:
            event.set()


def _place(entry_id: bytes) -> _Place:
    """Order entry ids; what is known may have been erased since, and is then behind the last one."""
    return tuple(map(int, entry_id.split(b"-"))) if entry_id else ()
