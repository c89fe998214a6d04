"""A reply as a row: what the console's exports and ``octopush-worker replies`` write, by the same names."""

from collections.abc import Callable
from typing import Any, Final

from producers.contract.events import Reply
from worker.inquiry.replies import Found
from worker.presentation.masking import hide_within

#: Columns of CSV; JSON has the same names. ``at`` is the time that filters go by, ``id`` names the entry.
REPLY_COLUMNS: Final = (
    *("at", "country", "number", "text", "optout_hint", "match", "request_id", "short_number", "ticket"),
    *("received_at", "gateway_date", "context", "event_id", "id"),
)
_FIELDS: Final = [name for name in Reply.__struct_fields__ if name in REPLY_COLUMNS]


def reply_row(found: Found, show_number: Callable[[str], str], *, traceable: bool = True) -> dict[str, Any]:
    """Name what is known of a reply; of an entry that cannot be read, where it lies.

    The raw callback stays out: it has the number.

    Args:
        found: the reply.
        show_number: writes its number, such as `producers.contract.phone.mask`. A number that is not written
            in full is hidden within the context, too.
        traceable: whether the event_id is written: it is made of number, text and date, so that who has the
            key of pseudonyms, too, finds a masked number by trying.
    """
    reply = found.reply
    if reply is None:
        return {"id": found.id, "at": found.at, "unreadable": True}
    row = {name: getattr(reply, name) for name in _FIELDS} | {"number": show_number(reply.number)}
    if row["number"] != reply.number:
        row["context"] = hide_within(reply.context, reply.number)
    if not traceable:
        row["event_id"] = None
    return {"id": found.id, "at": found.at, **row}
