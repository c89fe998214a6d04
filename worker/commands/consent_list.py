"""Lists of people who have agreed to marketing, as files."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from producers.contract.phone import to_e164
from worker.lists.titles import NUMBERS
from worker.operator.consents import Consent

#: Columns of a list besides the number; the last one may be absent.
COLUMNS: Final = ("at", "source", "wording", "last_contact")
#: Characters of a source or the version of a wording.
_WORD_MAX: Final = 100
#: How far ahead a date may be: one without an offset is taken for UTC, and clocks differ.
_AHEAD: Final = timedelta(days=1)


def read_consent(given: Mapping[str, str], region: str) -> tuple[str, Consent]:
    """Read one line of a list.

    Args:
        given: its cells, by the names of their columns.
        region: whose national numbers are read; none if empty.

    Returns:
        Who, in E.164, and what to.

    Raises:
        ValueError: it cannot be read; the words show nothing of it.
    """
    return to_e164(given.get(NUMBERS, ""), default_region=region), _consent(given)


def _consent(given: Mapping[str, str]) -> Consent:
    for name in ("source", "wording"):
        if not 0 < len(given.get(name, "")) <= _WORD_MAX or "|" in given[name]:
            raise ValueError(f"needs a {name} of 1 to {_WORD_MAX} characters without a bar")
    at = _date("at", given.get("at", ""))
    last = _date("last_contact", given["last_contact"]) if "last_contact" in given else at
    return Consent(at, max(at, last), given["source"], given["wording"])


def _date(name: str, written: str) -> datetime:
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        raise ValueError(f"needs a date in {name}, such as 2026-01-31") from None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if at > datetime.now(UTC) + _AHEAD:
        raise ValueError(f"has a date in {name} that is yet to come")
    return at
