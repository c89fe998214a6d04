"""Who has agreed to marketing, noted by pseudonym."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from producers.contract.keys import Keys
from producers.contract.known_pseudonyms import KnownPseudonyms
from producers.contract.pseudonyms import Pseudonyms
from producers.contract.scripts import Command, Script
from producers.contract.settings import RedisSettings
from producers.contract.steps import Commands, Steps

_RECORD: Final = Script(__package__, "record_consents")

#: People that one script notes.
NOTED_AT_ONCE: Final = 200


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


def _moment(ms: str) -> datetime:
    return datetime.fromtimestamp(int(ms) / 1000, UTC)


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _person(number: str, consent: Consent, known: Pseudonyms) -> dict[str, Any]:
    times = {"at": _ms(consent.at), "last": _ms(consent.last_contact)}
    return {"pseudonyms": known.all_of(number), **times, "words": f"{consent.source}|{consent.wording}"}
