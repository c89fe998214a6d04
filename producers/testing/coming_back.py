"""What comes back from persons and network: callbacks as the gateway writes them, and their entries."""

import time
from typing import Final, Literal, TypeVar, cast

import redis

from worker.sandbox.simulator.events import Event, encode, event_fields
from worker.sandbox.simulator.settings import CallbackSettings

from ..contract.events import CallbackEvent, OptOut, Receipt, Reply, from_fields
from ..contract.kinds import KIND_OF
from .memory_worker import MemoryWorker

C = TypeVar("C", Reply, Receipt, OptOut)

#: The number that two-way SMS come from, as the simulator has it.
_SHORT_NUMBER: Final = "12345"
_NAMES: Final[dict[type[CallbackEvent], Literal["reply", "receipt", "optout"]]] = {
    Reply: "reply",
    Receipt: "receipt",
    OptOut: "optout",
}
#: How the gateway writes, by the simulator's defaults.
_FORM: Final = CallbackSettings()


class ComingBack:
    """Posts callbacks to a worker.

    Args:
        client: Redis, in memory or real.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._last_s = 0

    def post(
        self,
        worker: MemoryWorker,
        kind: type[C],
        number: str,
        ticket: str | None,
        times: int,
        *,
        text: str = "",
        status: str = "",
    ) -> C:
        """Post a callback, and return the event that it becomes.

        Args:
            worker: reads it.
            kind: what it tells.
            number: who wrote, or was written to.
            ticket: of the message that it is about, if the gateway names one.
            times: how often the entry stands on its stream.
            text: what a person wrote.
            status: what the network says.

        Raises:
            ValueError: times is below 1.
        """
        if times < 1:
            raise ValueError("times: 1 or more")
        event = Event(
            kind=_NAMES[kind],
            number=number,
            message_id=ticket,
            at=self._at(),
            text=text,
            status=status,
            short_number=_SHORT_NUMBER if kind is Reply else "",
        )
        stream = worker.keys.stream(KIND_OF[kind].name)
        before = self._redis.xlen(stream)
        worker.receive(encode([event_fields(event, _FORM)], _FORM, event.kind))
        entries = cast("list[tuple[bytes, dict[bytes, bytes]]]", self._redis.xrevrange(stream, count=1))
        if self._redis.xlen(stream) == before:
            raise AssertionError(f"the {event.kind} became no entry")
        [(_, fields)] = entries
        for _ in range(times - 1):
            # To a reader it is the same entry once more: what counts is its event_id.
            self._redis.xadd(stream, fields)  # type: ignore[arg-type]
        return from_fields(kind, fields)

    def _at(self) -> int:
        """Tell the time in seconds, each only once: two equal replies of one second would count as one."""
        self._last_s = max(int(time.time()), self._last_s + 1)
        return self._last_s
