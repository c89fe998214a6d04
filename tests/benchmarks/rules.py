"""What the rules cost: this version with all rules on and with all rules off, by turns.

    make bench BENCH="peers shared pickup producer" RULES=1

On are hours as wide as the settings allow, opt-outs that end alerts, too, with 100,000 others who wrote STOP,
budgets of the account and of the application, caps and blocks as they are by default, a window for
duplicates, a list of countries, and consents. What messages ask for is there before anything is measured.

Marketing goes to a French zone that is open now and stays so for two hours: the mainland by day, else
Martinique or Réunion. So a run can be repeated at any hour.

Alerts ask neither for hours nor for consents. Of the four benchmarks above only ``producer`` queues
marketing, and it sends none: what the hours cost a claim shows in no figure of theirs. Text and sender are
checked on both sides, since no setting turns that off.
"""

import os
import random
import string
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from typing import Final, NamedTuple

import redis

from producers.contract.keys import Keys
from producers.contract.settings import RedisSettings
from producers.contract.steps import drive
from producers.rules.hours import Hours
from producers.rules.settings import RulesSettings
from tests.benchmarks.by_turns import Comparison, Side
from tests.benchmarks.report import BenchmarkError
from tests.support.installation import ANY_HOUR
from worker.operator.consents import NOTED_AT_ONCE, Consent, Consents

#: Ratio to the rules off that no rate may fall below.
LEAST: Final = 0.9
#: Others who want no more SMS.
SUPPRESSED: Final = 100_000
#: Tells the processes of a benchmark which side they run.
_CHOICE: Final = "BENCH_RULES"
#: Tells them to which zone marketing goes.
_ZONE: Final = "BENCH_ZONE"
#: Milliseconds for which this zone has to stay open: longer than a run takes.
_OPEN_FOR_MS: Final = 2 * 3_600_000
_ENOUGH_EUROS: Final = "100000000"
_ON: Final = {
    "MARKETING_HOURS_FR": "05:00-23:59",
    "MARKETING_SUNDAYS_FR": "1",
    "MARKETING_HOLIDAYS_FR": "1",
    "MARKETING_HOURS_OTHER": "05:00-23:59",
    "MARKETING_CLOSE_MARGIN_S": "30",
    "OPTOUT_BLOCKS_ALERTS": "1",
    "REQUIRE_CONSENT": "1",
    "SMS_APP": "bench",
    "BUDGET_DAY": _ENOUGH_EUROS,
    "BUDGET_APP_DAY": _ENOUGH_EUROS,
    "BUDGET_HARD_DAY": _ENOUGH_EUROS,
    "DUPLICATE_WINDOW_S": "60",
    "ALLOWED_COUNTRIES": "FR,GP,MQ,GF,RE,YT,BE",
}
_OFF: Final = {
    **ANY_HOUR,
    "NUMBER_ALERTS_PER_HOUR": "0",
    "NUMBER_ALERTS_PER_DAY": "0",
    "PREFIX_PER_HOUR": "0",
    "CREDIT_LOW": "0",
}
_SIDES: Final[Mapping[str, Mapping[str, str]]] = {"on": _ON, "off": _OFF}


class _Numbers(NamedTuple):
    """Mobile numbers of a zone that are valid whatever their last digits are.

    Attributes:
        start: what all of them begin with.
        first: the first one's digits behind it.
    """

    start: str
    first: str


_MAINLAND: Final = "FR"
#: The zones to which marketing may go, the first that is open. Of the last two one is open at any hour.
_NUMBERS: Final[Mapping[str, _Numbers]] = {
    _MAINLAND: _Numbers("+336", "10000000"),
    "MQ": _Numbers("+596696", "000000"),
    "RE": _Numbers("+262692", "000000"),
}
#: What a pseudonym is written with, and how long it is.
_LETTERS: Final = string.ascii_letters + string.digits + "-_"
_LENGTH: Final = 22
#: Fields that one command writes.
_AT_ONCE: Final = 1_000


def by_turns() -> Comparison:
    """Compare the rules on with the rules off."""
    now, hours = datetime.now(UTC), Hours(RulesSettings.from_env(_ON))
    zone = next(each for each in _NUMBERS if _is_open(hours, each, now, _OPEN_FOR_MS))
    on, off = (Side(f"rules {choice}", environment={_CHOICE: choice, _ZONE: zone}) for choice in _SIDES)
    return Comparison("All rules on against all rules off", on, off, LEAST)


def environment() -> Mapping[str, str]:
    """Give the settings of the side that runs, for producers and workers alike; none without sides."""
    return _SIDES.get(os.environ.get(_CHOICE, ""), {})


def number(i: int) -> str:
    """Give the i-th mobile number of the zone to which marketing goes, the mainland without sides.

    There are 80 million of the mainland. The other zones have one million; beyond it the mainland's follow.
    """
    start, first = _NUMBERS[_zone()]
    if i >= 10 ** len(first) - int(first):
        start, first = _NUMBERS[_MAINLAND]
    return f"{start}{int(first) + i:0{len(first)}d}"


def prepare(redis_url: str, marketing_to: Iterable[str] = ()) -> None:
    """Write down what the rules ask for, if they are on. Nothing of that belongs to what is measured.

    Args:
        redis_url: an empty Redis.
        marketing_to: the numbers that get marketing, E.164: they have agreed to it.

    Raises:
        BenchmarkError: marketing may not leave any more.
    """
    if environment() is not _ON:
        return
    zone = _zone()
    if not _is_open(Hours(RulesSettings.from_env(_ON)), zone, datetime.now(UTC)):
        raise BenchmarkError("the zone to which marketing goes has closed meanwhile: begin again")
    with redis.Redis.from_url(redis_url) as client:
        _suppress_others(client)
        _let_agree(client, marketing_to)


@cache
def _zone() -> str:
    """Name the zone to which marketing goes; looked up once: numbers are made while somebody measures."""
    return os.environ.get(_ZONE, _MAINLAND)


def _is_open(hours: Hours, zone: str, at: datetime, for_ms: int = 0) -> bool:
    """Tell whether marketing may leave to a zone, and may so for a while yet."""
    now, [opens, closes] = at.timestamp() * 1000, hours.windows(zone, at)[0]
    return opens <= now and now + for_ms < closes


def _suppress_others(client: redis.Redis) -> None:
    """Suppress people whom no benchmark texts."""
    made, at = random.Random(42), int(time.time() * 1000)
    for _ in range(0, SUPPRESSED, _AT_ONCE):
        others = ("".join(made.choices(_LETTERS, k=_LENGTH)) for _ in range(_AT_ONCE))
        client.hset(Keys().suppressed, mapping={f"account|{other}": f"{at}|reply|" for other in others})


def _let_agree(client: redis.Redis, numbers: Iterable[str]) -> None:
    now = datetime.now(UTC)
    agreed = Consent(at=now, last_contact=now, source="bench", wording="1")
    consents, people = Consents(RedisSettings()), iter(numbers)
    while some := list(islice(people, NOTED_AT_ONCE)):
        drive(consents.take_over([(number, agreed) for number in some]), client)
