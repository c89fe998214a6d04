"""Who has agreed to marketing: lists of that as files, noted by pseudonym."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TextIO

from producers.contract.keys import Keys
from producers.contract.known_pseudonyms import KnownPseudonyms
from producers.contract.phone import to_e164
from producers.contract.pseudonyms import Pseudonyms
from producers.contract.scripts import Command, Script
from producers.contract.settings import RedisSettings
from producers.contract.steps import Commands, Steps

_RECORD: Final = Script("worker.operator", "record_consents")

#: People that one script notes.
NOTED_AT_ONCE: Final = 200
#: Columns of a list; the last one may be absent.
COLUMNS: Final = ("number", "at", "source", "wording", "last_contact")
#: Characters of a source or the version of a wording.
_WORD_MAX: Final = 100
#: How far ahead a date may be: one without an offset is taken for UTC, and clocks differ.
_AHEAD: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Consent:
    """That somebody has agreed to marketing.

    Attributes:
        at: when.
        last_contact: when the person last wrote or did something, ``at`` if nothing else is known.
        source: where, such as ``shop`` or ``web form``: no bar, at most 100 characters.
        wording: version of the words that were agreed to; likewise.
    """

    at: datetime
    last_contact: datetime
    source: str
    wording: str


class Consents:
    """Consents, noted and looked up.

    Args:
        settings: namespace, keys of pseudonyms.
    """

    def __init__(self, settings: RedisSettings) -> None:
        self._keys = Keys(settings.namespace)
        self._pseudonyms = KnownPseudonyms(settings)

    def take_over(self, people: Sequence[tuple[str, Consent]]) -> Steps[tuple[int, int]]:
        """Note consents by number, E.164, at most `NOTED_AT_ONCE`. Safe to repeat.

        Returns:
            How many were noted, and how many were not, since they were erased.
        """

        def recording(known: Pseudonyms) -> Command[tuple[int, int]]:
            given = {"people": [_person(number, each, known) for number, each in people]}
            return Command(_RECORD, self._keys.prefix, given, lambda reply: (int(reply[0]), int(reply[1])))

        return self._pseudonyms.run(recording)

    def of(self, number: str) -> Steps[Consent | None]:
        """Look up a consent by number, E.164: that of the last contact, None if there is none."""
        known = yield from self._pseudonyms.known()
        [found] = yield Commands([("HMGET", self._keys.consent, *known.all_of(number))])
        consents = [read_consent(value) for value in found if value]
        return max(consents, key=lambda each: each.last_contact, default=None)


def read_consent(value: bytes) -> Consent:
    """Read a consent as it stands in Redis."""
    at, last, source, wording = value.decode().split("|", 3)
    return Consent(_moment(at), _moment(last), source, wording)


def read_consents(lines: TextIO, region: str) -> Iterator[tuple[int, tuple[str, Consent] | str]]:
    """Read a list, some of it at a time. It is CSV, and its first line names the columns.

    Args:
        lines: the file, opened with ``newline=""``.
        region: whose national numbers are read; none if empty.

    Yields:
        The number of each line, and who has agreed to what, or what is wrong with it in words that show
        nothing of it.

    Raises:
        ValueError: a column is missing.
    """
    reader = csv.DictReader(lines, restval="")
    reader.fieldnames = [name.strip().casefold() for name in reader.fieldnames or ()]
    if missing := set(COLUMNS[:-1]) - set(reader.fieldnames):
        names = ", ".join(each for each in COLUMNS if each in missing)
        raise ValueError(f"has no column {names}: its first line must name them, with commas between")
    for row in reader:
        given = {name: (row.get(name) or "").strip() for name in COLUMNS}
        try:
            yield reader.line_num, (to_e164(given["number"], default_region=region), _consent(given))
        except ValueError as error:
            yield reader.line_num, str(error)


def _consent(given: Mapping[str, str]) -> Consent:
    for name in ("source", "wording"):
        if not 0 < len(given[name]) <= _WORD_MAX or "|" in given[name]:
            raise ValueError(f"needs a {name} of 1 to {_WORD_MAX} characters without a bar")
    at = _date("at", given["at"])
    last = _date("last_contact", given["last_contact"]) if given["last_contact"] else at
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


def _moment(ms: str) -> datetime:
    return datetime.fromtimestamp(int(ms) / 1000, UTC)


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _person(number: str, consent: Consent, known: Pseudonyms) -> dict[str, Any]:
    times = {"at": _ms(consent.at), "last": _ms(consent.last_contact)}
    return {"pseudonyms": known.all_of(number), **times, "words": f"{consent.source}|{consent.wording}"}
