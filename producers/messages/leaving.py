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
    names, by_gateway = tuple(zones.split()), message.schedule == "gateway"
    date = max(now, send_at) if send_at else now
    # The gateway gets a date at once; what waits in our queue until then may leave at that date.
    begins = now if by_gateway else date
    opens = _opening(rules, names, _minute(begins))
    if opens is None:
        share = "share no hour" if len(names) > 1 else "have no hour"
        days = COMMON_WITHIN // timedelta(days=1)
        check.by_field["recipients"] = f"{share} within {days} days at which marketing may leave: {zones}"
        return
    if by_gateway and date > now and (later := _opening(rules, names, _minute(date))) != _minute(date):
        said = _words(rules, names, later, date) if later else "no hour comes soon"
        check.by_field["send_at"] = f"is outside the hours of marketing: {said}"
    if message.ttl is not None and begins + message.ttl <= opens:
        check.by_field["ttl"] = f"is over before it may leave: {_words(rules, names, opens, begins)}"


@lru_cache(maxsize=8)
def _hours(rules: RulesSettings) -> Hours:
    return Hours(rules)


@lru_cache(maxsize=1024)
def _opening(rules: RulesSettings, zones: tuple[str, ...], minute: datetime) -> datetime | None:
    """Tell when marketing may be claimed first from a minute on: a closing that is near leaves no time."""
    hours, margin = _hours(rules), timedelta(seconds=rules.close_margin_s)
    opens = hours.common_opening(zones, minute)
    if opens != minute or hours.is_off:
        return opens
    later = hours.common_opening(zones, minute + margin)
    return opens if later == minute + margin else later


def _minute(at: datetime) -> datetime:
    """Give the minute of a time, so that messages of the same minute are looked at once."""
    return datetime.fromtimestamp(at.timestamp() // _MINUTE_S * _MINUTE_S, UTC)


def _words(rules: RulesSettings, zones: tuple[str, ...], opens: datetime, at: datetime) -> str:
    return words(_hours(rules), Held("hours", opens, zones), at)
