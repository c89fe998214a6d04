"""What a question about the hours is answered."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from .sources import Source


class Cause(NamedTuple):
    """One reason why a zone is closed.

    Attributes:
        words: as ``Easter Monday, RE``, ``Sunday`` or ``before 08:00``.
        source: where it stands.
    """

    words: str
    source: Source


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether marketing may leave to a zone.

    Attributes:
        zone: which.
        clocks: its time zones.
        is_open: whether it may.
        until: when it closes, or opens; None if it never does.
        leaves_until: from when on nothing leaves any more, since it closes soon after; None if it is closed,
            or never closes.
        causes: why it is closed: what closes it now, then each day that keeps it closed. Empty if it is open.
        rule: the hours that apply, in words: ``strict: 08:00 to 20:00, no Sundays, no holidays``.
        source: where these hours stand.
    """

    zone: str
    clocks: tuple[str, ...]
    is_open: bool
    until: datetime | None
    leaves_until: datetime | None
    causes: tuple[Cause, ...]
    rule: str
    source: Source

    @property
    def reason(self) -> str:
        """Why it is closed: ``after 20:00, then Sunday, then Easter Monday, RE``; empty if it is open."""
        return ", then ".join(cause.words for cause in self.causes)

    def closes_soon(self, now: datetime) -> bool:
        """Tell whether it is open, and nothing leaves any more."""
        return self.leaves_until is not None and self.leaves_until <= now
