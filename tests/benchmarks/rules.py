"""What the rules cost: this version with all rules on and with all rules off, by turns.

    make bench BENCH="peers shared pickup producer" RULES=1

On are hours as wide as the settings allow, opt-outs that end alerts, too, with 100,000 others who wrote STOP,
budgets of the account and of the application, caps and blocks as they are by default, a window for
duplicates, a list of countries, and consents. What messages ask for is there before anything is measured.

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
from itertools import islice
from typing import Final

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
#: What a pseudonym is written with, and how long it is.
_LETTERS: Final = string.ascii_letters + string.digits + "-_"
_LENGTH: Final = 22
#: Fields that one command writes.
_AT_ONCE: Final = 1_000


def by_turns() -> Comparison:
    """Compare the rules on with the rules off.

    Raises:
        BenchmarkError: marketing may not leave now, however wide the hours.
    """
    _must_be_open()
    on, off = (Side(f"rules {choice}", environment={_CHOICE: choice}) for choice in _SIDES)
    return Comparison("All rules on against all rules off", on, off, LEAST)


def environment() -> Mapping[str, str]:
    """Give the settings of the side that runs, for producers and workers alike; none without sides."""
    return _SIDES.get(os.environ.get(_CHOICE, ""), {})


def prepare(redis_url: str, marketing_to: Iterable[str] = ()) -> None:
    """Write down what the rules ask for, if they are on. Nothing of that belongs to what is measured.

    Args:
        redis_url: an empty Redis.
        marketing_to: the numbers that get marketing, E.164: they have agreed to it.

    Raises:
        BenchmarkError: marketing may not leave now.
    """
    if environment() is not _ON:
        return
    _must_be_open()
    with redis.Redis.from_url(redis_url) as client:
        _suppress_others(client)
        _let_agree(client, marketing_to)


def _must_be_open() -> None:
    now = datetime.now(UTC)
    windows = Hours(RulesSettings.from_env(_ON)).windows("FR", now)
    if windows[0][0] > now.timestamp() * 1000:
        raise BenchmarkError("marketing leaves between 05:00 and 23:58 in Paris at most: come again then")


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
