"""The kinds of callbacks, one row each: what is taken, parsed, published, counted and read goes by it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from .events import Alarm, CallbackEvent, Event, OptOut, Receipt, Reply, Status
from .keys import ALARMS, STATUSES

_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of callback.

    Attributes:
        name: what a URL calls it, and the stream of its events.
        event: the type of its events.
        dates: names of its date field. The date tells the kind before anything else does.
        needs: names of a field without which an event is none of this kind. The field tells the kind, too.
        hints: names of a field that tells the kind where nothing else does.
        waits: whether an event waits to learn which send it belongs to, or takes effect at once.
        bytes_a_minute: bytes that one token may bring of it in a minute.
    """

    name: str
    event: type[CallbackEvent]
    dates: tuple[str, ...]
    needs: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    waits: bool = True
    bytes_a_minute: int = 8 * _MIB

    @property
    def marks(self) -> tuple[bytes, ...]:
        """What a body of this kind contains, as far as counting goes; the worker asks more precisely."""
        return tuple(name.encode() for name in (*self.dates, *self.needs, *self.hints))


#: All kinds by name. Where an event fits several, the first one counts. Receipts of a large campaign come at
#: 1,000 a second with 300 bytes each, which is half of what is allowed.
KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind(name="optouts", event=OptOut, dates=("stop_date",), waits=False),
        Kind(
            name="receipts",
            event=Receipt,
            dates=("delivery_date",),
            needs=("status", "delivery_status"),
            bytes_a_minute=64 * _MIB,
        ),
        Kind(name="replies", event=Reply, dates=("reception_date", "answer_date"), hints=("text",)),
    )
}
#: The same by the type of their events.
KIND_OF: Final[Mapping[type[Event], Kind]] = {kind.event: kind for kind in KINDS.values()}

#: The streams that applications read. A type checker wants them spelt out; a test compares.
StreamName = Literal["replies", "receipts", "optouts", "statuses", "alarms"]
#: Which type of object the entries of a stream are.
TYPES: Final[Mapping[str, type[Event]]] = {
    **{name: kind.event for name, kind in KINDS.items()},
    STATUSES: Status,
    ALARMS: Alarm,
}
