"""Who is suppressed, and why: of one number, or all of them page by page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, cast

import redis

from producers.contract.events import OptOutReason
from producers.contract.keys import Keys
from producers.contract.known_pseudonyms import KnownPseudonyms
from producers.contract.steps import Commands, Steps
from producers.rules.settings import ACCOUNT
from worker.inquiry.paging import PAGE, BadCursor, Page, pairs

#: Who says that somebody wants no more SMS, in words for people.
_SAID_BY: Final[Mapping[OptOutReason, str]] = {
    "reply": "a reply",
    "callback": "an opt-out callback",
    "gateway": "a receipt",
    "operator": "an operator",
    "erasure": "an erasure",
}
#: What a cursor of Redis stays below.
_CURSOR_MAX: Final = 2**64
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

    @property
    def said_by(self) -> str:
        """Who said so, in words for people."""
        return _SAID_BY.get(self.reason, self.reason)


@dataclass(frozen=True, slots=True)
class SuppressedRow:
    """One entry of the list of who is suppressed: somebody has one for each scope and each key of pseudonyms.

    Attributes:
        pseudonym: who.
        suppression: why.
        has_talk: whether anything is kept of a conversation with them, which the pseudonym names.
    """

    pseudonym: str
    suppression: Suppression
    has_talk: bool


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


def count_suppressed(keys: Keys) -> Steps[int]:
    """Count the entries of the list of who is suppressed; one round trip."""
    [count] = yield Commands([("HLEN", keys.suppressed)])
    return int(count)


def listed(keys: Keys, cursor: str | None = None) -> Steps[Page[SuppressedRow]]:
    """Read some of who is suppressed, in no order; two round trips.

    A page has about `PAGE` rows; Redis hands over a list of a few hundred at once. Whoever is there all the
    time comes at least once.

    Raises:
        BadCursor: the cursor is not one of an earlier page.
    """
    if cursor is not None and not (cursor.isascii() and cursor.isdigit() and int(cursor) < _CURSOR_MAX):
        raise BadCursor
    [(further, found)] = yield Commands([("HSCAN", keys.suppressed, cursor or 0, "COUNT", PAGE)])
    people = [(*_field(field), value) for field, value in pairs(found)]
    asked = [("EXISTS", keys.talk(pseudonym)) for _, pseudonym, _ in people]
    talks = (yield Commands(asked)) if asked else []
    rows = (
        SuppressedRow(pseudonym, read_suppression(scope, value), bool(talk))
        for (scope, pseudonym, value), talk in zip(people, talks, strict=True)
    )
    return Page(tuple(rows), str(int(further)) if int(further) else None)


def _field(written: bytes) -> tuple[str, str]:
    """Read the name of an entry: its scope and its pseudonym."""
    scope, _, pseudonym = written.decode().rpartition("|")
    return scope, pseudonym


def all_suppressed(client: redis.Redis, keys: Keys) -> Iterator[tuple[str, Suppression]]:
    """Read who is suppressed, by pseudonym, some at a time. Whoever changes meanwhile may come or not.

    Raises:
        redis.RedisError: Redis did not answer; what was read before is good.
    """
    for field, value in client.hscan_iter(keys.suppressed, count=_AT_ONCE):
        scope, pseudonym = _field(field)
        yield pseudonym, read_suppression(scope, value)
