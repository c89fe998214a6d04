"""Lists of people who want no more SMS, as files: by number, or by pseudonym as an export writes it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, cast, get_args

from producers.contract.events import OptOutReason
from producers.contract.phone import to_e164
from producers.rules.settings import ACCOUNT
from worker.inquiry.suppressions import Suppression
from worker.lists.columns import PSEUDONYM, is_pseudonym, unquoted
from worker.lists.titles import NUMBERS
from worker.operator.suppressions import Listed, read_scope

#: The columns of an export, which an import reads, too. A list of numbers has ``number`` for the first.
COLUMNS: Final = (PSEUDONYM, "scope", "reason", "at")


def read_listed(given: Mapping[str, str], region: str) -> Listed:
    """Read one line of a list.

    Args:
        given: its cells, by the names of their columns. A list without titles has one of numbers and
            pseudonyms.
        region: whose national numbers are read; none if empty.

    Raises:
        ValueError: it cannot be read; the words show nothing of it.
    """
    number, pseudonym = given.get(NUMBERS, ""), unquoted(given.get(PSEUDONYM, ""))
    if not pseudonym and is_pseudonym(number):
        number, pseudonym = "", unquoted(number)
    if pseudonym and not is_pseudonym(pseudonym):
        raise ValueError("has no pseudonym: 22 letters, digits, - and _")
    e164 = None if pseudonym else to_e164(number, default_region=region)
    return Listed(e164, pseudonym or None, _suppression(given))


def _suppression(given: Mapping[str, str]) -> Suppression:
    reason = given.get("reason") or "operator"
    try:
        scope = read_scope(given.get("scope") or ACCOUNT)
    except ValueError as error:
        raise ValueError(f"has a scope {error}") from None
    if reason not in get_args(OptOutReason):
        raise ValueError(f"has a reason that is not one of {', '.join(get_args(OptOutReason))}")
    return Suppression(scope, cast("OptOutReason", reason), _at(given.get("at", "")))


def _at(written: str) -> datetime:
    if not written:
        return datetime.now(UTC)
    try:
        at = datetime.fromisoformat(written)
    except ValueError:  # its words show what was written: with columns in another order a number
        raise ValueError("has no date in at, such as 2026-01-31") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
