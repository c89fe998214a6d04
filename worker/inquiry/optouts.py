"""The newest opt-outs, and where each came from."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from producers.contract.events import OptOut, from_fields
from producers.contract.keys import Keys
from producers.contract.steps import Steps
from worker.inquiry.paging import Page, read_stream


@dataclass(frozen=True, slots=True)
class OptOutRow:
    """One opt-out.

    Attributes:
        id: of its entry.
        at: when it was published, by Redis's clock.
        optout: what it says; None if the entry cannot be read.
        source: ``written``, a person wrote it, or ``receipt``, the network said that the number is blocked.
    """

    id: str
    at: datetime
    optout: OptOut | None
    source: Literal["written", "receipt"]


def newest(keys: Keys, cursor: str | None = None) -> Steps[Page[OptOutRow]]:
    """Read the newest opt-outs; one round trip.

    Raises:
        BadCursor: see `read_stream`.
    """
    page = yield from read_stream(keys.stream("optouts"), cursor)
    rows = []
    for entry in page.rows:
        try:
            optout = from_fields(OptOut, entry.raw)
        except ValueError:
            optout = None
        source: Literal["written", "receipt"] = "written" if entry.fields.get("text") else "receipt"
        rows.append(OptOutRow(entry.id, entry.at, optout, source))
    return Page(tuple(rows), page.cursor)
