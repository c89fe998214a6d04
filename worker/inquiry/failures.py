"""What waits for a person, the newest first, of one state and code or of all."""

from producers.contract.steps import Steps
from worker.inquiry.paging import Page, read_sorted
from worker.inquiry.parked import Group, Parked, ParkedMessages


def newest(
    parked: ParkedMessages, group: Group | None = None, cursor: str | None = None
) -> Steps[Page[Parked]]:
    """Read parked messages by their end; three round trips.

    Args:
        parked: whose.
        group: only those; None for all.
        cursor: that of the page before.

    Raises:
        BadCursor: see `read_sorted`.
    """
    keys = parked.keys
    key = keys.parked_group(group.state, group.code) if group else keys.parked
    page = yield from read_sorted(key, cursor, newest_first=True)
    rows = yield from parked.named([member.name for member in page.rows])
    return Page(tuple(rows), page.cursor)
