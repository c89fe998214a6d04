"""Budgets of tests: a day that began long ago and does not end, so that no test knows the hour."""

import time
from typing import Final

import redis

from producers.contract.events import Alarm, from_fields
from producers.rules.money import MICRO, MoneySettings
from tests.support.keys import AllKeys
from worker.ledger.budgets import Budgets

KEYS: Final = AllKeys()
#: The day of all tests.
DAY: Final = "20300131"
_YEAR_MS: Final = 366 * 86_400_000


def budgets(day: str = DAY, **chosen: str) -> Budgets:
    """Make the budgets of a worker, by the fields of `MoneySettings`."""
    now = int(time.time() * 1000)
    return Budgets(MoneySettings(**chosen), days=lambda _: [(day, now - _YEAR_MS, now + _YEAR_MS)])


def used(client: redis.Redis, scope: str = "account", day: str = DAY) -> tuple[float, float]:
    """Say what a scope has reserved and spent, in euros."""
    found = client.hmget(KEYS.spend(scope, day), "reserved", "spent")
    reserved, spent = (int(each or 0) / MICRO for each in found)
    return reserved, spent


def alarms(client: redis.Redis) -> list[Alarm]:
    """Read all alarms."""
    return [from_fields(Alarm, fields) for _, fields in client.xrange(KEYS.stream("alarms"))]


def told(client: redis.Redis) -> list[tuple[str, str, int | None]]:
    """Name all alarms: kind, scope, level."""
    return [(each.kind, each.scope, each.level) for each in alarms(client)]
