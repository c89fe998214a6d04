"""Whether marketing can leave in its time, asked when it is sent: better refused at once than held in vain.

Pure: whoever asks says what time it is. The claim asks again, by Redis's clock.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from ..rules.held import Held, words
from ..rules.hours import COMMON_WITHIN, Hours
from ..rules.settings import RulesSettings
from .fields import Problems

if TYPE_CHECKING:
    from .message import Message

_MINUTE_S: Final = 60
#: What must be right before the hours can be asked.
_NEEDED: Final = {"send_at", "ttl", "schedule", "purpose", "zone"}


def check_leaving(
    check: Problems,
    message: "Message",
    zones: str,
    *,
    send_at: datetime | None,
    rules: RulesSettings,
    now: datetime | None,
) -> None:
    """Note what of a message can never leave: no common hour, a short time to live, a date outside hours.

    Args:
        check: takes the problems; has those of the message's fields already.
        message: what the caller gave.
        zones: of its recipients, with spaces between; empty for an alert.
        send_at: its date, if it has one.
        rules: what the owner has chosen about the hours.
        now: aware; None to leave that out.
    """
    if now is None or not zones or not _NEEDED.isdisjoint(check.by_field):
        return
    openings, by_gateway = _openings(rules), message.schedule == "gateway"
    date = max(now, send_at) if send_at else now
    # The gateway gets a date at once; what waits in our queue until then may leave at that date.
    begins = now if by_gateway else date
    opens = openings.first(zones, begins)
    if opens is None:
        share = "share no hour" if " " in zones else "have no hour"
        days = COMMON_WITHIN // timedelta(days=1)
        check.by_field["recipients"] = f"{share} within {days} days at which marketing may leave: {zones}"
        return
    if by_gateway and date > now and (later := openings.first(zones, date)) != _minute(date):
        said = openings.words(zones, later, date) if later else "no hour comes soon"
        check.by_field["send_at"] = f"is outside the hours of marketing: {said}"
    if message.ttl is not None and message.ttl <= opens - begins:
        check.by_field["ttl"] = f"is over before it may leave: {openings.words(zones, opens, begins)}"


class _Openings:
    """When marketing may leave, by the choices of one owner; remembers what it was asked."""

    def __init__(self, rules: RulesSettings) -> None:
        self.rules = rules
        self.hours = Hours(rules)
        self._margin = timedelta(seconds=rules.close_margin_s)
        self._found = lru_cache(maxsize=1024)(self._first)

    def first(self, zones: str, at: datetime) -> datetime | None:
        """Tell when marketing may be claimed first, from the minute of a time on."""
        return self._found(zones, at.timestamp() // _MINUTE_S)

    def _first(self, zones: str, minute: float) -> datetime | None:
        """Look it up: a closing that is near leaves no time."""
        names, begins = tuple(zones.split()), datetime.fromtimestamp(minute * _MINUTE_S, UTC)
        opens = self.hours.common_opening(names, begins)
        if opens != begins or self.hours.is_off:
            return opens
        later = self.hours.common_opening(names, begins + self._margin)
        return opens if later == begins + self._margin else later

    def words(self, zones: str, opens: datetime, at: datetime) -> str:
        """Say when marketing leaves, and why not at once."""
        return words(self.hours, Held("hours", opens, tuple(zones.split())), at)


#: By the identity of the settings, which an entry keeps alive: to hash them takes longer than all else
#: remembered here.
_KNOWN: Final[dict[int, _Openings]] = {}
_KNOWN_MAX: Final = 8


def _openings(rules: RulesSettings) -> _Openings:
    known = _KNOWN.get(id(rules))
    if known is None:
        if len(_KNOWN) >= _KNOWN_MAX:
            _KNOWN.clear()
        known = _KNOWN[id(rules)] = _Openings(rules)
    return known


def _minute(at: datetime) -> datetime:
    return datetime.fromtimestamp(at.timestamp() // _MINUTE_S * _MINUTE_S, UTC)
