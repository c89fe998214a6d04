"""One send, as its page shows it: facts, recipients with their receipts, members of a shared call."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import msgspec

from producers.contract.jobs import CALL
from producers.contract.keys import Keys
from producers.contract.steps import Commands, Steps
from producers.messages.body import Body
from producers.queueing.message_status import MessageStatus
from producers.queueing.records import Records
from producers.rules.money import MICRO
from worker.inquiry.paging import pairs, texts

#: Members of a shared call that are named: all that one may have.
_MEMBERS: Final = 500
_FIELDS: Final = ("queue", "campaign", "call", "recipients", "doubt", "adopted", "ambiguous", "short_number")

_decode: Final = msgspec.json.Decoder(Body).decode


@dataclass(frozen=True, slots=True)
class SendDetail:
    """What is known of one send.

    Attributes:
        status: as an application gets it.
        fields: fields of its record that the status does not have, by name.
        body: what is, or was, POSTed; None once it is gone.
        numbers: its recipients: of the body; once that is gone, those with a receipt.
        recipients: how many it has.
        estimate: what it may cost, in euros; None where nobody counts.
        members: of a shared call: number and request_id of each message that is in its body.
    """

    status: MessageStatus
    fields: Mapping[str, str]
    body: Body | None
    numbers: tuple[str, ...]
    recipients: int
    estimate: Decimal | None
    members: tuple[tuple[str, str], ...]


def find(keys: Keys, records: Records, request_id: str) -> Steps[SendDetail | None]:
    """Read all of one send, at most 500 recipients; two round trips. None if nobody knows the id."""
    status: MessageStatus | None = yield records.status(request_id)
    if status is None:
        return None
    commands: list[tuple[str | int, ...]] = [
        ("HMGET", keys.record(request_id), *_FIELDS, "estimate"),
        ("GET", keys.body(request_id)),
    ]
    if request_id.startswith(CALL):
        commands.append(("HSCAN", keys.members(request_id), 0, "COUNT", _MEMBERS))
    values, raw, *scanned = yield Commands(commands)
    *values, micros = values
    fields, body = texts(values, _FIELDS), _read(raw)
    estimate = Decimal(micros.decode()) / MICRO if micros else None
    numbers = [each.phone_number for each in body.recipients] if body else sorted(status.deliveries)
    members = [(n.decode(), each.decode()) for n, each in pairs(scanned[0][1])] if scanned else []
    recipients = int(fields.get("recipients") or 1)
    return SendDetail(status, fields, body, tuple(numbers), recipients, estimate, tuple(sorted(members)))


def number_of(keys: Keys, records: Records, name: str) -> Steps[str | None]:
    """Find the number that a page of a send calls ``<request_id>~<position>``."""
    request_id, _, position = name.rpartition("~")
    found = (
        (yield from find(keys, records, request_id)) if position.isascii() and position.isdigit() else None
    )
    if found is None or int(position) >= len(found.numbers):
        return None
    return found.numbers[int(position)]


def _read(raw: bytes | None) -> Body | None:
    try:
        return _decode(raw) if raw else None
    except msgspec.MsgspecError:
        return None
