"""What sends cost: prices, budgets of today, blocks of numbers that get no alerts, the newest alarms."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from producers.contract.admission import BUDGET
from producers.contract.events import Alarm, from_fields
from producers.contract.keys import ALARMS, Keys
from producers.contract.prices import read_price
from producers.contract.steps import Commands, Steps
from producers.rules.days import day_name
from producers.rules.money import MICRO
from worker.inquiry.paging import Entry, Page, at_ms, now_ms, pairs, read_stream, texts
from worker.inquiry.panels import Panel, side_by_side

#: Blocks, and applications, that are named.
BLOCKS: Final = 50
APPS: Final = 20
#: Alarms of late that the first page names, and how old they may be.
NEWEST: Final = 3
LATE: Final = timedelta(days=1)
_SPENT: Final = ("reserved", "spent", "limit", "hard")
_SET: Final = ("account", "app", "hard")


@dataclass(frozen=True, slots=True)
class Price:
    """What a segment costs.

    Attributes:
        tariff: type and calling code, such as ``sms_premium:33``.
        euros: what counts now; None if it cannot be read.
        source: ``operator``; ``answer`` for the median of what the gateway has named lately; ``balance`` for
            what was inferred from it.
    """

    tariff: str
    euros: Decimal | None
    source: str


@dataclass(frozen=True, slots=True)
class Spent:
    """What a scope has used of its budget. Amounts are euros.

    Attributes:
        scope: ``account``, ``app:<name>`` or ``campaign:<id>``.
        day: of Paris, such as ``20260329``; empty for a campaign, whose budget is for all of its runs.
        reserved: by what is being sent now.
        spent: by what was taken, or perhaps was.
        limit: its budget, None without one.
        hard: what alerts may come to, too, None without such a limit.
        by_operator: whether an operator has set the budget, and not the workers' own setting.
    """

    scope: str
    day: str
    reserved: Decimal
    spent: Decimal
    limit: Decimal | None
    hard: Decimal | None
    by_operator: bool = False

    @property
    def ratio(self) -> float | None:
        """How much of the budget is used; None without one."""
        return float((self.reserved + self.spent) / self.limit) if self.limit else None


@dataclass(frozen=True, slots=True)
class Block:
    """A block of 10,000 numbers that gets no alerts.

    Attributes:
        start: the beginning of its numbers.
        until: when it gets alerts again by itself.
    """

    start: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """An entry of the stream of alarms.

    Attributes:
        id: of the entry.
        at: when it was written, by Redis's clock.
        alarm: what it says; None if it cannot be read.
    """

    id: str
    at: datetime
    alarm: Alarm | None


def read_prices(keys: Keys) -> Steps[tuple[Price, ...]]:
    """Read all prices, by tariff; two round trips. There are as many as calling codes, for two types."""
    [known] = yield Commands([("HGETALL", keys.prices)])
    if not known:
        return ()
    tariffs = sorted(known)
    by_hand, inferred = yield Commands(
        [("HMGET", keys.prices_set, *tariffs), ("HMGET", keys.prices_inferred, *tariffs)]
    )
    return tuple(
        Price(
            tariff.decode("utf-8", "replace"),
            read_price(known[tariff]),
            "operator" if written is not None else "answer" if guessed is None else "balance",
        )
        for tariff, written, guessed in zip(tariffs, by_hand, inferred, strict=True)
    )


def read_budgets(keys: Keys) -> Steps[tuple[Spent, ...]]:
    """Read what was used today: of the account, and of the last applications; two round trips.

    A budget that an operator has set counts at once; the workers' own is known from what they sent last.
    """
    time, apps, by_hand = yield Commands(
        [("TIME",), ("ZRANGE", keys.apps, 0, APPS - 1, "REV"), ("HMGET", keys.budgets, *_SET)]
    )
    names = sorted(app.decode("utf-8", "replace") for app in apps)
    chosen = texts(by_hand, _SET)
    day, scopes = day_name(now_ms(time) / 1000), ("account", *(f"app:{name}" for name in names))
    found = yield Commands([("HMGET", keys.spend(scope, day), *_SPENT) for scope in scopes])
    return tuple(
        _spent(scope, day, texts(each, _SPENT), chosen) for scope, each in zip(scopes, found, strict=True)
    )


def read_campaign_budget(keys: Keys, campaign_id: str) -> Steps[Spent]:
    """Read what a campaign has used of its own budget; one round trip."""
    [found] = yield Commands([("HMGET", keys.campaign(campaign_id), *_SPENT)])
    return _spent(f"campaign:{campaign_id}", "", texts(found, _SPENT), {})


def read_waiting(keys: Keys) -> Steps[int]:
    """Count the sends that wait for the next day or a larger budget; one round trip."""
    [count] = yield Commands([("ZCARD", keys.aside(BUDGET))])
    return int(count)


def read_blocks(keys: Keys) -> Steps[tuple[Block, ...]]:
    """Read the blocks that get no alerts, those first that wait longest; two round trips."""
    [time] = yield Commands([("TIME",)])
    [found] = yield Commands(
        [
            (
                "ZRANGE",
                keys.blocked,
                "+inf",
                f"({now_ms(time)}",
                "BYSCORE",
                "REV",
                "LIMIT",
                0,
                BLOCKS,
                "WITHSCORES",
            )
        ]
    )
    return tuple(Block(name.decode("utf-8", "replace"), at_ms(float(until))) for name, until in pairs(found))


def read_alarms(keys: Keys, cursor: str | None = None) -> Steps[Page[AlarmRow]]:
    """Read the newest alarms; one round trip.

    Raises:
        BadCursor: see `read_stream`.
    """
    page = yield from read_stream(keys.stream(ALARMS), cursor)
    return Page(tuple(map(_alarm, page.rows)), page.cursor)


def read_late_alarms(keys: Keys) -> Steps[tuple[AlarmRow, ...]]:
    """Read the newest alarms of the last day, `NEWEST` at most; two round trips."""
    [time] = yield Commands([("TIME",)])
    page = yield from read_stream(keys.stream(ALARMS), most=NEWEST)
    since = at_ms(now_ms(time))
    return tuple(_alarm(entry) for entry in page.rows if since and entry.at > since - LATE)


def panels(keys: Keys) -> Steps[dict[str, Panel[Any]]]:
    """Ask for ``budgets``, what is ``waiting`` for them, ``blocks`` and ``late`` alarms, each by itself.

    That takes at most 29 commands in three round trips.
    """
    return (
        yield from side_by_side(
            {
                "budgets": read_budgets(keys),
                "waiting": read_waiting(keys),
                "blocks": read_blocks(keys),
                "late": read_late_alarms(keys),
            }
        )
    )


def _alarm(entry: Entry) -> AlarmRow:
    try:
        return AlarmRow(entry.id, entry.at, from_fields(Alarm, entry.raw))
    except ValueError:
        return AlarmRow(entry.id, entry.at, None)


def _spent(scope: str, day: str, fields: Mapping[str, str], by_hand: Mapping[str, str]) -> Spent:
    """Put together what a scope has used, and what it may: what an operator has set goes first."""
    kind = scope.partition(":")[0]
    limit = by_hand.get(kind, fields.get("limit"))
    hard = by_hand.get("hard", fields.get("hard")) if kind == "account" else None
    return Spent(
        scope=scope,
        day=day,
        reserved=_euros(fields.get("reserved")) or Decimal(0),
        spent=_euros(fields.get("spent")) or Decimal(0),
        limit=_euros(limit) or None,
        hard=_euros(hard) or None,
        by_operator=kind in by_hand,
    )


def _euros(micros: str | None) -> Decimal | None:
    return Decimal(micros) / MICRO if micros else None
