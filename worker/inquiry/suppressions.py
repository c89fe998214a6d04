"""Who is suppressed, and why: of one number, or all of them page by page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, cast

import redis

from producers.contract.events import OptOutReason
from producers.contract.keys import Keys
from producers.contract.known_pseudonyms import KnownPseudonyms
from producers.contract.steps import Commands, Steps
from producers.rules.settings import ACCOUNT

#: Entries that are read in one round trip, about.
_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class Suppression:
    """Why a number is suppressed.

    Attributes:
        scope: ``account``, ``sender:<name>`` or ``app:<name>``.
        reason: who said so.
        at: when, at the latest.
    """

    scope: str
    reason: OptOutReason
    at: datetime


def suppressions_of(
    keys: Keys, pseudonyms: KnownPseudonyms, numbers: Sequence[str], scopes: Sequence[str] = (ACCOUNT,)
) -> Steps[list[list[Suppression]]]:
    """Ask why numbers are suppressed; one round trip, two the first time.

    Args:
        keys: key names.
        pseudonyms: those of this process.
        numbers: E.164, at most as many as a page has.
        scopes: which to ask for.

    Returns:
        Per number what is noted, in the order of the scopes; nothing if marketing may leave to it.
    """
    known = yield from pseudonyms.known()
    asked = [
        (place, scope, f"{scope}|{pseudonym}")
        for place, number in enumerate(numbers)
        for scope in scopes
        for pseudonym in known.all_of(number)
    ]
    found: list[dict[str, Suppression]] = [{} for _ in numbers]
    if not asked:
        return []
    [values] = yield Commands([("HMGET", keys.suppressed, *(field for _, _, field in asked))])
    for (place, scope, _), value in zip(asked, values, strict=True):
        if value is not None:
            found[place].setdefault(scope, read_suppression(scope, value))
    return [list(each.values()) for each in found]


def read_suppression(scope: str, value: bytes) -> Suppression:
    """Read an entry as ``lua/optouts.lua`` writes it: ``at|reason|event_id``."""
    at, reason, _ = value.decode().split("|", 2)
    return Suppression(scope, cast("OptOutReason", reason), datetime.fromtimestamp(int(at) / 1000, UTC))


def all_suppressed(client: redis.Redis, keys: Keys) -> Iterator[tuple[str, Suppression]]:
    """Read who is suppressed, by pseudonym, some at a time. Whoever changes meanwhile may come or not.

    Raises:
        redis.RedisError: Redis did not answer; what was read before is good.
    """
    for field, value in client.hscan_iter(keys.suppressed, count=_AT_ONCE):
        scope, _, pseudonym = field.decode().rpartition("|")
        yield pseudonym, read_suppression(scope, value)
