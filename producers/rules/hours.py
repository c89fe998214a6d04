"""When marketing may leave, by the clock of who gets it. Pure: whoever asks says for when.

A zone is open from the first moment of an opening to the last before the closing. A zone with several clocks
is open while all of them are.
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

from ..contract.heartbeats import Rules
from . import sources
from .clocks import clock, tzdata_version
from .finding import Cause, Finding
from .holidays import HOLIDAYS, holidays
from .profiles import OFF, Profile, written
from .settings import RulesSettings
from .spans import Span, common
from .zones import FRENCH, clocks_of, holidays_of

#: Version of how the hours are decided. Raise it with a change that neither the rows of the tables nor the
#: settings show: workers of two versions differ.
VERSION: Final = 1
#: Where all have to be open at once, they have to be so within this time.
COMMON_WITHIN: Final = timedelta(days=10)
#: The close of what never closes: the last millisecond of the year 9999.
NEVER_CLOSES: Final = 253_402_300_799_999

#: Days after which a zone that has not opened is taken for one that never does, as when its clocks share no
#: hour.
_DAYS: Final = 62
_YEARS: Final = (1971, 9990)


class Hours:
    """The hours of marketing, by zone.

    All methods take the name of a zone as `zone_of` and `known_zone` return it, and an aware datetime of the
    years 1971 to 9990. Any other datetime is a ValueError.

    Args:
        settings: what was chosen.

    Attributes:
        fingerprint: 16 hexadecimal digits over the hours, the holidays, the zones and the version of their
            clocks. Processes that decide alike have the same.
    """

    def __init__(self, settings: RulesSettings) -> None:
        self._french, self._elsewhere = settings.french, settings.elsewhere
        self._extra, self._margin_ms = settings.extra, settings.close_margin_ms
        extra = sorted((zone, sorted(map(str, days))) for zone, days in self._extra.items())
        chosen = (self._french, self._elsewhere, self._margin_ms, extra)
        whole = repr((VERSION, chosen, FRENCH, HOLIDAYS, tzdata_version()))
        self.fingerprint = hashlib.blake2b(whole.encode(), digest_size=8).hexdigest()

    @property
    def rules(self) -> Rules:
        """What a worker tells of its hours."""
        return Rules(str(VERSION), tzdata_version(), self.fingerprint)

    @property
    def is_off(self) -> bool:
        """Whether marketing may leave to any zone at any hour."""
        return self._french is None and self._elsewhere is None

    def is_open(self, zone: str, at: datetime) -> bool:
        """Tell whether marketing may leave to a zone now."""
        now = _ms(at)
        span = self._next(zone, now)
        return span is not None and span[0] <= now

    def next_open(self, zone: str, at: datetime) -> datetime | None:
        """Tell when a zone opens next: ``at`` itself if it is open; None if it never does."""
        span = self._next(zone, _ms(at))
        return None if span is None else max(at, _instant(span[0]))

    def closes_at(self, zone: str, at: datetime) -> datetime | None:
        """Tell when a zone that is open closes; None if it is closed, or never closes."""
        span = self._next(zone, _ms(at))
        if span is None or span[0] > _ms(at) or span[1] == NEVER_CLOSES:
            return None
        return _instant(span[1])

    def windows(self, zone: str, at: datetime) -> list[Span]:
        """List the next two times to claim, for a script that knows no time zones.

        Returns:
            [opens, closes - margin) in epoch milliseconds, the first perhaps begun: one if the zone never
            closes, none if it never opens.
        """
        found: list[Span] = []
        now = _ms(at)
        for span in self._claims(zone, now):
            if span[1] > now:
                found.append(span)
            if len(found) == 2:
                break
        return found

    def common_opening(
        self, zones: Iterable[str], at: datetime, within: timedelta = COMMON_WITHIN
    ) -> datetime | None:
        """Tell when all of several zones are open first: ``at`` itself if they are.

        Args:
            zones: at least one.
            at: from when on.
            within: how far to look.

        Returns:
            None if they are not within that time, or never so long that there is time for a claim.
        """
        now = _ms(at)
        last = now + within // timedelta(milliseconds=1)
        for opens, closes in common([self._spans(zone, now) for zone in sorted(set(zones))]):
            if opens > last:
                break
            if closes - opens > self._margin_ms:
                return max(at, _instant(opens))
        return None

    def look(self, zone: str, at: datetime) -> Finding:
        """Tell whether a zone is open, until when, why, and which rule says so."""
        profile, now = self._profile(zone), _ms(at)
        chosen = sources.CHOSEN_HOURS if zone in FRENCH else sources.NO_LAW_FOUND
        span = self._next(zone, now)
        is_open = span is not None and span[0] <= now
        until = (span[1] if is_open else span[0]) if span and span[1] < NEVER_CLOSES else None
        return Finding(
            zone=zone,
            clocks=clocks_of(zone),
            is_open=is_open,
            until=None if until is None else _instant(until),
            leaves_until=_instant(until - self._margin_ms) if is_open and until else None,
            causes=() if is_open or profile is None else tuple(self._causes(zone, profile, now, until)),
            rule=OFF if profile is None else str(profile),
            source=chosen if profile is None else profile.source,
        )

    def _profile(self, zone: str) -> Profile | None:
        return self._french if zone in FRENCH else self._elsewhere

    def _next(self, zone: str, now: int) -> Span | None:
        return next(self._spans(zone, now), None)

    def _claims(self, zone: str, now: int) -> Iterator[Span]:
        for opens, closes in self._spans(zone, now):
            last = closes if closes == NEVER_CLOSES else closes - self._margin_ms
            if opens < last:
                yield opens, last

    def _spans(self, zone: str, now: int) -> Iterator[Span]:
        """Yield when a zone is open from now on; the first span may have begun."""
        profile = self._profile(zone)
        if profile is None:
            return iter([(0, NEVER_CLOSES)])
        spans = [self._by_clock(zone, profile, timezone, now) for timezone in clocks_of(zone)]
        return spans[0] if len(spans) == 1 else common(spans)

    def _by_clock(self, zone: str, profile: Profile, timezone: str, now: int) -> Iterator[Span]:
        today = _day(timezone, now)
        for day in range(today, today + _DAYS):
            if self._shut(zone, profile, day) is None:
                opens, closes = _open_on(timezone, day, profile.opens, profile.closes)
                if now < closes and opens < closes:
                    yield opens, closes

    def _shut(self, zone: str, profile: Profile, day: int) -> Cause | None:
        """Say why a zone is closed all of a day, given by its ordinal."""
        on = date.fromordinal(day)
        for kept in holidays_of(zone):
            if on in self._extra.get(kept, ()):
                return Cause(f"extra holiday, {kept}", sources.CHOSEN_HOLIDAYS)
        if not profile.holidays and (holiday := holidays(zone, on.year).get(on)):
            kept = next((each for each in holidays_of(zone) if each in holiday.zones), zone)
            return Cause(f"{holiday.name}, {kept}", holiday.source)
        if not profile.sundays and on.isoweekday() == 7:
            return Cause("Sunday", profile.source)
        return None

    def _causes(self, zone: str, profile: Profile, now: int, until: int | None) -> Iterator[Cause]:
        """Say why a zone is closed now, by the clock that opens last, and why it stays so until it opens."""
        timezones = clocks_of(zone)
        timezone = max(timezones, key=lambda each: self._opens_by(zone, profile, each, now))
        where = f" in {timezone}" if len(timezones) > 1 else ""
        today = _day(timezone, now)
        cause = self._shut(zone, profile, today)
        opens, _ = _open_on(timezone, today, profile.opens, profile.closes)
        if cause:
            yield cause._replace(words=cause.words + where)
        elif now < opens:
            yield Cause(f"before {written(profile.opens)}{where}", profile.source)
        else:
            yield Cause(f"after {written(profile.closes)}{where}", profile.source)
        if len(timezones) == 1 and until is not None:
            later = (self._shut(zone, profile, day) for day in range(today + 1, _day(timezone, until)))
            yield from filter(None, later)

    def _opens_by(self, zone: str, profile: Profile, timezone: str, now: int) -> int:
        return next(self._by_clock(zone, profile, timezone, now), (NEVER_CLOSES, 0))[0]


@lru_cache(maxsize=16_384)
def _open_on(timezone: str, day: int, opens: int, closes: int) -> Span:
    """Find the span between two minutes of a day, given by its ordinal, by one clock.

    Where the clock changes between them, in a few countries late in the evening, the narrower reading counts.
    """
    zone = clock(timezone)
    midnight = datetime.fromordinal(day)

    def readings(minute: int) -> list[int]:
        local = (midnight + timedelta(minutes=minute)).replace(tzinfo=zone)
        return [int(local.replace(fold=fold).timestamp()) * 1000 for fold in (0, 1)]

    return max(readings(opens)), min(readings(closes))


def _day(timezone: str, ms: int) -> int:
    """Tell the ordinal of the day on which an instant falls by a clock."""
    return datetime.fromtimestamp(ms // 1000, clock(timezone)).toordinal()


def _ms(at: datetime) -> int:
    if at.utcoffset() is None:
        raise ValueError("must be an aware datetime")
    if not _YEARS[0] <= at.year <= _YEARS[1]:
        raise ValueError(f"must be of the years {_YEARS[0]} to {_YEARS[1]}")
    return int((at - _EPOCH) // timedelta(milliseconds=1))


def _instant(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)


_EPOCH: Final = datetime.fromtimestamp(0, UTC)
