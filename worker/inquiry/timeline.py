"""The life of one message in order: what its record, its receipts and its conversation say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from producers.contract.amounts import read_amount
from producers.contract.events import Reply, from_fields
from producers.contract.keys import Keys
from producers.contract.known_pseudonyms import KnownPseudonyms
from producers.contract.steps import Commands, Steps
from producers.queueing.message_status import read_delivery
from producers.queueing.rounds import Round, read_rounds
from worker.inquiry.paging import strings
from worker.inquiry.reason import instant

#: Receipts that are shown, and turns of a conversation that are read.
RECEIPTS: Final = 100
TURNS: Final = 50

_TIMES: Final = (("queued", "queued"), ("due", "due"), ("first", "first_attempt"), ("expires", "expires"))


@dataclass(frozen=True, slots=True)
class Moment:
    """What happened, or is to happen.

    Attributes:
        at: when; aware.
        what: ``queued``, ``due``, ``first_attempt``, ``expires``, ``ended``, ``sent_again`` (by a person),
            ``receipt`` or ``reply``.
        details: the facts by name; ``number`` is one in full.
    """

    at: datetime
    what: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Life:
    """The life of one message.

    Attributes:
        moments: the first thing first; of the receipts that were read the first ones.
        more_receipts: how many more there are.
    """

    moments: tuple[Moment, ...]
    more_receipts: int


def read_timeline(
    keys: Keys,
    pseudonyms: KnownPseudonyms,
    request_id: str,
    record: Mapping[str, str],
    most: int = RECEIPTS,
) -> Steps[Life]:
    """Put together the life of a message; at most four round trips.

    Args:
        keys: key names.
        pseudonyms: those of the process.
        request_id: of the message.
        record: its record.
        most: receipts that are shown.
    """
    received, (_, receipts), body = yield Commands(
        [
            ("HLEN", keys.deliveries(request_id)),
            ("HSCAN", keys.deliveries(request_id), 0, "COUNT", RECEIPTS),
            ("GET", keys.body(request_id)),
        ]
    )
    delivered = strings(receipts)
    told = sorted(_of_receipts(delivered), key=_order)[:most]
    moments = [*_of_record(record), *told]
    number = _only_number(record, body, list(delivered))
    if number:
        names = (yield from pseudonyms.read()).all_of(number)
        moments += yield from _replies(keys, request_id, names)
    return Life(tuple(sorted(moments, key=_order)), max(0, int(received) - len(told)))


def of_send(keys: Keys, pseudonyms: KnownPseudonyms, request_id: str, most: int = RECEIPTS) -> Steps[Life]:
    """Read the life of a message with some receipts; at most five round trips."""
    [record] = yield Commands([("HGETALL", keys.record(request_id))])
    return (yield from read_timeline(keys, pseudonyms, request_id, strings(record), most))


def _order(moment: Moment) -> datetime:
    """Say where a moment stands. The gateway dates receipts to the second: such a one ends its second."""
    whole = moment.what == "receipt" and not moment.at.microsecond
    return moment.at + timedelta(microseconds=999_999) if whole else moment.at


def _of_record(record: Mapping[str, str]) -> Iterator[Moment]:
    for name, what in _TIMES:
        if name == "first":
            for each in read_rounds(record.get("rounds")):
                yield from _of_round(each)
        # At its end nobody asks when its time to live would have ended it.
        if name in record and not (what == "expires" and "ended" in record):
            yield Moment(instant(float(record[name])), what)
    if "ended" in record:
        told: dict[str, object] = {
            name: record[name] for name in ("state", "code", "message", "ticket") if record.get(name)
        }
        if record.get("cost"):
            told["cost"] = read_amount(record["cost"])
        yield Moment(instant(float(record["ended"])), "ended", told)


def _of_round(before: Round) -> Iterator[Moment]:
    """Tell of a round that is over: what came of it, and that a person sent the message again."""
    came_to = {"state": before.state} | ({"code": before.code} if before.code else {})
    if before.first:
        yield Moment(instant(float(before.first)), "first_attempt")
    if before.ended:
        yield Moment(instant(float(before.ended)), "ended", came_to)
    yield Moment(instant(float(before.again)), "sent_again", {"after": before.state})


def _of_receipts(delivered: Mapping[str, str]) -> Iterator[Moment]:
    for number, value in delivered.items():
        delivery = read_delivery(value)
        details = {"number": number, "status": delivery.status, "final": delivery.final}
        yield Moment(delivery.at, "receipt", details)


def _only_number(record: Mapping[str, str], body: bytes | None, delivered: list[str]) -> str | None:
    """Name the recipient of a message that has one, as far as that is still known."""
    if int(record.get("recipients", 1)) != 1:
        return None
    if len(delivered) == 1:
        return delivered[0]
    if body is None:
        return None
    number: str = msgspec.json.decode(body)["recipients"][0]["phone_number"]
    return number


def _replies(keys: Keys, request_id: str, names: Sequence[str]) -> Steps[list[Moment]]:
    noted = yield Commands([("ZREVRANGE", keys.talk(name), 0, TURNS - 1) for name in names])
    ids = [turn.decode()[3:] for turns in noted for turn in turns if turn.startswith(b"in:")]
    if not ids:
        return []
    found = yield Commands([("XRANGE", keys.stream("replies"), each, each) for each in ids])
    moments = []
    for entries in found:
        for _, fields in entries:
            try:
                reply = from_fields(
                    Reply,
                    fields
                    if isinstance(fields, Mapping)
                    else dict(zip(fields[::2], fields[1::2], strict=True)),
                )
            except ValueError:
                continue
            if reply.request_id == request_id:
                details = {"event_id": reply.event_id, "number": reply.number, "text": reply.text}
                moments.append(Moment(reply.received_at, "reply", details))
    return moments
