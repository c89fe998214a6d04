"""Campaigns whose upload was begun long ago and never completed: what waits for them waits for ever."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from producers.contract.keys import Keys
from producers.contract.steps import Commands, Steps
from worker.inquiry.paging import now_ms

#: Ms after which whoever uploads has probably given up; uploads that are named, the newest before that.
_LATE_MS: Final = 24 * 3_600_000
_NAMED: Final = 20


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """A campaign of which nothing leaves, since nobody said that all of it is there.

    Attributes:
        campaign_id: names the campaign.
        recipients: how many wait, of the parts that came.
        since_ms: when its upload began.
    """

    campaign_id: str
    recipients: int
    since_ms: int


class OpenUploads(NamedTuple):
    """Uploads that began more than a day ago and are not complete.

    Attributes:
        named: the newest of them.
        more: how many there are besides; ``campaign list --uploading`` has all.
    """

    named: tuple[OpenUpload, ...]
    more: int


def open_uploads(keys: Keys) -> Steps[OpenUploads]:
    """Name the uploads that began more than a day ago and are not complete; three round trips."""
    [time] = yield Commands([("TIME",)])
    late = (now_ms(time) - _LATE_MS, "-inf")
    members, count = yield Commands(
        [
            ("ZREVRANGEBYSCORE", keys.open_uploads, *late, "LIMIT", 0, _NAMED),
            ("ZCOUNT", keys.open_uploads, *reversed(late)),
        ]
    )
    names = [member.decode() for member in members]
    asked = [
        ("HMGET", keys.campaign(each), "uploading", "stopped", "recipients", "started") for each in names
    ]
    found = (yield Commands(asked)) if asked else []
    named = tuple(
        OpenUpload(name, int(recipients or 0), int(started or 0))
        for name, (uploading, stopped, recipients, started) in zip(names, found, strict=True)
        if uploading and not stopped
    )
    return OpenUploads(named, max(0, int(count) - len(names)))
