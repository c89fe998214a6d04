"""Campaigns, newest first; one campaign, and its slices."""

from datetime import datetime
from typing import Literal

from producers.contract.keys import Keys
from producers.contract.steps import Commands, Steps
from producers.queueing.campaign_status import CampaignStatus, read_campaign
from producers.queueing.slices import message_ids
from producers.rules.hours import Hours
from worker.inquiry.paging import PAGE, BadCursor, Page, read_sorted
from worker.inquiry.reason import instant
from worker.inquiry.send_rows import SendRow, read_rows

#: How a campaign is, in one word.
Word = Literal["uploading", "sending", "paused", "cancelled", "done"]


def word_of(status: CampaignStatus) -> Word:
    """Say how a campaign is, in the one word that pages and commands use.

    One that is still being queued sends as well: what is queued may leave. One that waits for the rest of its
    upload is uploading, whether it is paused or not. One of which nothing is left is done, also if it was
    paused before.
    """
    if status.stopped:
        return "cancelled"
    if status.done:
        return "done"
    if status.uploading:
        return "uploading"
    return "paused" if status.paused else "sending"


def newest(
    keys: Keys, hours: Hours, cursor: str | None = None, *, uploading: bool = False
) -> Steps[Page[CampaignStatus]]:
    """Read the campaigns that began last; three round trips. One that is forgotten is left out.

    Args:
        keys: key names.
        hours: of the process.
        cursor: that of the page before.
        uploading: only those that wait for the rest of their upload.

    Raises:
        BadCursor: see `read_sorted`.
    """
    listed = keys.open_uploads if uploading else keys.campaigns
    page = yield from read_sorted(listed, cursor, newest_first=True)
    found = yield from _read(keys, hours, [member.name for member in page.rows])
    rows = (each for each in found if each is not None and (each.uploading or not uploading))
    return Page(tuple(rows), page.cursor)


def find(keys: Keys, hours: Hours, campaign_id: str) -> Steps[CampaignStatus | None]:
    """Read where one campaign stands; None if it is unknown or forgotten. One round trip."""
    return (yield from _read(keys, hours, [campaign_id]))[0]


def due_of(keys: Keys, campaign_id: str) -> Steps[datetime | None]:
    """Read before when nothing of a campaign leaves, as its first message has it; two round trips.

    Returns:
        When; None if it was to leave at once, or its first message has been forgotten.
    """
    ids = yield from message_ids(keys, campaign_id, [0])
    if not ids:
        return None
    [due] = yield Commands([("HGET", keys.record(ids[0]), "due")])
    return instant(int(due)) if due else None


def slices(keys: Keys, status: CampaignStatus, cursor: str | None = None) -> Steps[Page[SendRow]]:
    """Read the slices of a campaign by number, the last one first; two round trips.

    A slice may be several messages, one a zone: then a page has more rows than slices.

    Raises:
        BadCursor: the cursor is no number of a slice.
    """
    if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 10):
        raise BadCursor
    end = min(status.slices, int(cursor) if cursor is not None else status.slices)
    first = max(0, end - PAGE)
    ids = yield from message_ids(keys, status.campaign_id, range(end - 1, first - 1, -1))
    rows = yield from read_rows(keys, ids)
    return Page(tuple(rows), str(first) if first else None)


def _read(keys: Keys, hours: Hours, ids: list[str]) -> Steps[list[CampaignStatus | None]]:
    commands = [(("HGETALL", keys.campaign(each)), ("LLEN", keys.campaign_waiting(each))) for each in ids]
    (seconds, _), gates, *told = yield Commands(
        [("TIME",), ("HGETALL", keys.gates), *(c for both in commands for c in both)]
    )
    return [
        read_campaign(each, fields, waiting, gates, int(seconds) * 1000, hours)
        for each, fields, waiting in zip(ids, told[::2], told[1::2], strict=True)
    ]
