"""The newest opt-outs, where each came from, and whether it counts now."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from producers.contract.events import OptOut, from_fields
from producers.contract.keys import Keys
from producers.contract.known_pseudonyms import KnownPseudonyms
from producers.contract.steps import Commands, Steps
from producers.rules.settings import ACCOUNT
from worker.inquiry.paging import Entry, Page, is_stream_id, read_entry, read_stream
from worker.inquiry.suppressions import Suppression, suppressions_of

#: Opt-outs that are looked through for their scopes.
LATE: Final = 200


@dataclass(frozen=True, slots=True)
class OptOutRow:
    """One opt-out.

    Attributes:
        id: of its entry.
        at: when it was published, by Redis's clock.
        optout: what it says; None if the entry cannot be read.
        source: ``written``, a person wrote it; ``receipt``, the network said that the number is blocked; or
            ``operator``, a person here decided so.
        now: why the number is suppressed now, in the scope of the opt-out; None if it is not.
    """

    id: str
    at: datetime
    optout: OptOut | None
    source: Literal["written", "receipt", "operator"]
    now: Suppression | None = None


def newest(keys: Keys, pseudonyms: KnownPseudonyms, cursor: str | None = None) -> Steps[Page[OptOutRow]]:
    """Read the newest opt-outs, and whether their numbers are suppressed now; two round trips.

    Raises:
        BadCursor: see `read_stream`.
    """
    page = yield from read_stream(keys.stream("optouts"), cursor)
    rows = [_row(entry) for entry in page.rows]
    told = [each.optout for each in rows if each.optout]
    scopes = list(dict.fromkeys((ACCOUNT, *(each.scope for each in told if each.scope))))
    found = yield from suppressions_of(keys, pseudonyms, [each.number for each in told], scopes)
    now = {(each.number, one.scope): one for each, some in zip(told, found, strict=True) for one in some}
    seen = [
        replace(row, now=now.get((row.optout.number, row.optout.scope or ACCOUNT))) if row.optout else row
        for row in rows
    ]
    return Page(tuple(seen), page.cursor)


def _row(entry: Entry) -> OptOutRow:
    try:
        optout = from_fields(OptOut, entry.raw)
    except ValueError:
        optout = None
    by_person = optout is not None and optout.reason in {"operator", "erasure"}
    source: Literal["written", "receipt", "operator"] = "written" if entry.fields.get("text") else "receipt"
    return OptOutRow(entry.id, entry.at, optout, "operator" if by_person else source)


def find(keys: Keys, entry_id: str) -> Steps[OptOutRow | None]:
    """Read one opt-out by the id of its entry, without what is so now; one round trip.

    Returns:
        None if it is gone, or cannot be read.
    """
    if not is_stream_id(entry_id):
        return None
    [found] = yield Commands([("XRANGE", keys.stream("optouts"), entry_id, entry_id, "COUNT", 1)])
    row = _row(read_entry(*found[0])) if found else None
    return row if row and row.optout else None


def late_scopes(keys: Keys) -> Steps[tuple[str, ...]]:
    """Name the scopes of the newest opt-outs, `LATE` at most, and that of the account; one round trip."""
    page = yield from read_stream(keys.stream("optouts"), most=LATE)
    told = (entry.fields.get("scope") for entry in page.rows)
    return tuple(dict.fromkeys((ACCOUNT, *(scope for scope in told if scope))))
