"""From bytes to a `SendCall`; nothing is refused here except a body that is no JSON object."""

import re
from datetime import datetime
from typing import Any

import msgspec

from worker.sandbox.simulator.campaign import Recipient, SendCall
from worker.sandbox.simulator.casting import as_flag, as_text
from worker.sandbox.simulator.clock import PARIS
from worker.sandbox.simulator.refusals import Refusal, refuse
from worker.sandbox.simulator.sms_text import PLACEHOLDERS

#: The blacklist flag's name differs between documentation pages; all are taken.
BLACKLIST_FLAGS = (
    "auto_remove_blacklisted_numbers",
    "auto_delete_optout_contacts",
    "auto_remove_blacklisted_contacts",
)

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def read_object(body: bytes) -> dict[str, Any] | Refusal:
    """Decode a JSON object; anything else is code 100 (assumed)."""
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return refuse(100)
    return decoded if isinstance(decoded, dict) else refuse(100)


def read_call(fields: dict[str, Any], login: str) -> SendCall:
    """Cast every known field of a send call and ignore the others."""
    entries = fields.get("recipients")
    contacts = entries if isinstance(entries, list) else None
    usable = [found for entry in contacts or () if (found := _read_recipient(entry))]
    return SendCall(
        login=login,
        request_id=as_text(fields.get("request_id")) or None,
        recipients=usable,
        contacts=None if contacts is None else len(contacts),
        bad_numbers=len(contacts or ()) - len(usable),
        text=as_text(fields.get("text")) or "",
        sender=as_text(fields.get("sender")) or "",
        low_cost=fields.get("type") == "sms_low_cost",
        marketing=fields.get("purpose") != "alert",
        send_at=read_instant(fields.get("send_at")),
        with_replies=as_flag(fields.get("with_replies"), default=False),
        simulation=as_flag(fields.get("simulation_mode"), default=False),
        optimised=as_flag(fields.get("auto_optimize_text"), default=True),
        removes_blacklisted=any(as_flag(fields.get(name), default=False) for name in BLACKLIST_FLAGS),
    )


def read_instant(value: Any) -> float | None:
    """Read ``send_at`` as ISO 8601; None when that is not possible.

    An instant without offset is in Paris time (the SDK says Central European).
    """
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=PARIS)).timestamp()


def _read_recipient(entry: Any) -> Recipient | None:
    if not isinstance(entry, dict):
        return None
    number = as_text(entry.get("phone_number")) or ""
    if not _E164.fullmatch(number):
        return None
    fields = {name: value for name in PLACEHOLDERS if (value := as_text(entry.get(name))) is not None}
    return Recipient(number, fields)
