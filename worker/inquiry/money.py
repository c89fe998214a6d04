"""What sends cost: prices, budgets of today, blocks of numbers that get no alerts, the newest alarms."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from producers.contract.events import Alarm, from_fields
from producers.contract.keys import ALARMS, Keys
from producers.contract.prices import read_price
from producers.contract.steps import Commands, Steps
from producers.rules.days import day_name
from producers.rules.money import MICRO
from worker.inquiry.paging import Page, at_ms, now_ms, pairs, read_stream, texts

#: Blocks, and applications, that are named.
BLOCKS: Final = 50
APPS: Final = 20
_SPENT: Final = ("reserved", "spent", "limit", "hard", "alarmed")


@dataclass(frozen=True, slots=True)
class Price:
    """What a segment costs.

    Attributes:
        tariff: type and calling code, such as ``sms_premium:33``.
        euros: what counts now; None if it cannot be read.
        source: ``operator``; ``answer`` for the median of what the gateway has named lately; or ``balance`` for
            what was inferred from the balance.
    """

    tariff: str
    euros: Decimal | None
    source: str


@dataclass(frozen=True, slots=True)
class Spent:
    """What a scope has used of its budget in a day. Amounts are euros.

    Attributes:
        scope: ``account``, or ``app:<name>``.
        day: of Paris, such as ``20260329``.
        reserved: by what is being sent now.
        spent: by what was taken, or perhaps was.
        limit: its budget, None without one.
        hard: what alerts may come to, too, None without such a limit.
    """

    scope: str
    day: str
    reserved: Decimal
    spent: Decimal
    limit: Decimal | None
    hard: Decimal | None

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
    """Read what was used today: of the account, and of the last applications; two round trips."""
    time, apps = yield Commands([("TIME",), ("ZRANGE", keys.apps, 0, APPS - 1, "REV")])
    names = sorted(app.decode("utf-8", "replace") for app in apps)
    day, scopes = day_name(now_ms(time) / 1000), ("account", *(f"app:{name}" for name in names))
    found = yield Commands([("HMGET", keys.spend(scope, day), *_SPENT) for scope in scopes])
    return tuple(_spent(scope, day, texts(each, _SPENT)) for scope, each in zip(scopes, found, strict=True))


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
    rows = []
    for entry in page.rows:
        try:
            alarm = from_fields(Alarm, entry.raw)
        except ValueError:
            alarm = None
        rows.append(AlarmRow(entry.id, entry.at, alarm))
    return Page(tuple(rows), page.cursor)


def _spent(scope: str, day: str, fields: dict[str, str]) -> Spent:
    return Spent(
        scope=scope,
        day=day,
        reserved=_euros(fields.get("reserved")) or Decimal(0),
        spent=_euros(fields.get("spent")) or Decimal(0),
        limit=_euros(fields.get("limit")) or None,
        hard=_euros(fields.get("hard")) or None,
    )


def _euros(micros: str | None) -> Decimal | None:
    return Decimal(micros) / MICRO if micros else None
