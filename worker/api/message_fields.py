"""Messages as they stand in a body, turned into those of `producers`: same rules, named by JSON pointers."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from producers.errors import InvalidMessage
from producers.messages.fields import RECIPIENTS_MAX
from producers.messages.frozen import FrozenMessage
from producers.messages.message import Message
from producers.messages.recipient import VARIABLES, Recipient
from producers.queueing.batches import freeze_one
from producers.settings import ProducerSettings
from worker.api.json_body import LONGEST, Members
from worker.api.problems import Wrong

#: Seconds of a time to live: a leap year.
TTL_MAX_S: Final = 31_622_400
#: What a message has besides its id, its recipients and its text: a campaign and a preview have it, too.
OPTIONS: Final = (
    *("sender", "type", "purpose", "send_at", "ttl_s", "schedule", "with_replies", "simulation_mode"),
    *("auto_remove_blacklisted_numbers", "auto_optimize_text", "context", "zone"),
)
MESSAGE: Final = ("request_id", "recipients", "text", *OPTIONS, "reply_to")
_RECIPIENT: Final = ("phone_number", *VARIABLES, "zone")

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,36}")
_RFC_3339: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.IGNORECASE | re.ASCII
)
_PLACE: Final = re.compile(r"recipients\[(\d+)\](?:\.(\w+))?")
#: Members that have another name here than in `producers`.
_NAMED: Final = {"ttl": "ttl_s"}
#: The last year of which every hour can be written in every zone.
_LAST_YEAR: Final = 9998


def is_request_id(value: object) -> bool:
    """Say whether something can be a request_id here: one that a path cannot name is none."""
    return isinstance(value, str) and _REQUEST_ID.fullmatch(value) is not None and value not in {".", ".."}


def read_message(
    value: object,
    at: str,
    wrong: Wrong,
    settings: ProducerSettings,
    key: str | None = None,
    *,
    among_others: bool = False,
) -> FrozenMessage | None:
    """Check a message in a body.

    Args:
        value: what stands there.
        at: its JSON pointer.
        wrong: takes each place that is wrong.
        settings: of the application.
        key: the ``Idempotency-Key`` of the call, which is its request_id.
        among_others: whether the call has other messages, too.

    Returns:
        The message as it will be queued, or None after a mistake.
    """
    before = len(wrong)
    if not isinstance(value, dict):
        wrong.body(at, "must be an object")
        return None
    members = Members(value, at, MESSAGE, wrong)
    request_id = _request_id(members, wrong, key)
    message = Message(
        read_recipients(members, at, wrong),
        members.text("text") or "",
        request_id=request_id,
        reply_to=members.text("reply_to", nullable=True),
        **read_options(members),
    )
    try:
        frozen = freeze_one(message, settings, among_others=among_others)
    except InvalidMessage as error:
        note_fields(error.fields, value, at, wrong)
        return None
    return frozen if len(wrong) == before else None


def weight_of(value: object) -> int:
    """Count the recipients of a message that was not looked at yet."""
    recipients = value.get("recipients") if isinstance(value, dict) else None
    return len(recipients) if isinstance(recipients, list) else 0


def read_options(members: Members, *, sender: bool = True) -> dict[str, Any]:
    """Read the options of a message, with the defaults of `Message` for what is absent or wrong.

    Args:
        members: of the message, the campaign or the preview.
        sender: whether there must be one.
    """
    ttl_s = members.integer("ttl_s", 1, TTL_MAX_S, nullable=True)
    return {
        **({"sender": members.text("sender") or ""} if sender or "sender" in members else {}),
        "type": members.choice("type", ("sms_premium", "sms_low_cost")),
        "purpose": members.choice("purpose", ("wholesale", "alert")),
        "send_at": _send_at(members),
        "ttl": None if ttl_s is None else timedelta(seconds=ttl_s),
        "schedule": members.choice("schedule", ("queue", "gateway")),
        "with_replies": members.flag("with_replies", default=False),
        "simulation_mode": members.flag("simulation_mode", default=False),
        "auto_remove_blacklisted_numbers": members.flag("auto_remove_blacklisted_numbers", default=False),
        "auto_optimize_text": members.flag("auto_optimize_text", default=True),
        "context": members.any("context"),
        "zone": members.text("zone", nullable=True),
    }


def read_recipients(members: Members, at: str, wrong: Wrong) -> list[str | Recipient]:
    """Read the recipients of a message; what is no recipient is noted, and left as an empty number."""
    return [
        read_recipient(each, f"{at}/recipients/{place}", wrong)
        for place, each in enumerate(members.array("recipients", RECIPIENTS_MAX, "recipients"))
    ]


def read_recipient(value: object, at: str, wrong: Wrong) -> str | Recipient:
    """Read one recipient; an empty number after a mistake."""
    if isinstance(value, str):
        if len(value) <= LONGEST:
            return value
        wrong.body(at, "is too long")
        return ""
    if not isinstance(value, dict):
        wrong.body(at, "must be a number as a string, or an object with phone_number")
        return ""
    members = Members(value, at, _RECIPIENT, wrong)
    given = {name: members.text(name, "") for name in _RECIPIENT[1:] if name in members}
    return Recipient(members.text("phone_number") or "", **given)


def note_fields(fields: Mapping[str, str], value: Mapping[str, Any], at: str, wrong: Wrong) -> None:
    """Note what `producers` says of fields, by pointers.

    Args:
        fields: reasons by field, as in `InvalidMessage`.
        value: the object that has them.
        at: its JSON pointer.
        wrong: takes them.
    """
    for name, reason in fields.items():
        place = _PLACE.fullmatch(name)
        if place is None:
            wrong.body(f"{at}/{_NAMED.get(name, name)}", reason)
            continue
        position = int(place[1])
        where = f"{at}/recipients/{position}"
        given = value["recipients"][position]
        member = place[2] if isinstance(given, dict) and place[2] in _RECIPIENT else None
        wrong.body(f"{where}/{member}" if member else where, reason)


def _request_id(members: Members, wrong: Wrong, key: str | None) -> str:
    given = members.any("request_id")
    if given is None and "request_id" not in members:
        if key is None:
            members.wrong("request_id", "is required, here or as Idempotency-Key")
        return key or "-"
    if not is_request_id(given):
        members.wrong("request_id", "must be 1 to 36 letters, digits or -_.:, and not . or ..")
        return key or "-"
    if key is not None and key != given:
        wrong.header("Idempotency-Key", "differs from request_id in the body")
    return str(given)


def _send_at(members: Members) -> datetime | None:
    value = members.any("send_at")
    if value is None:
        return None
    try:
        if isinstance(value, str) and _RFC_3339.fullmatch(value):
            at = datetime.fromisoformat(value.upper())
            if 1 < at.year <= _LAST_YEAR:
                return at
    except ValueError:
        pass
    members.wrong(
        "send_at", "must be a date and time with offset, such as 2030-01-31T09:00:00+01:00, or null"
    )
    return None
