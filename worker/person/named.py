"""Whether something is about one person: by pseudonym, by number, or by a number within a text. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

import phonenumbers

from producers.contract.decoding import decode
from producers.contract.phone import from_gateway
from producers.intake.callback_body import read_events

#: What people put between the digits of a number.
_GAP: Final = r"[\s.()/-]*"
#: Under which names the gateway says whom an event is about, as `worker.callbacks.payloads` reads it.
_NUMBER: Final = frozenset({"number", "phone_number"})
#: And below which of them an event may stand as JSON in a text.
_METADATA: Final = frozenset({"metadata", "meta_data"})
#: Calling codes of French overseas numbers, which the gateway writes under 33, too.
_OVERSEAS: Final = frozenset({262, 590, 594, 596})


class Person:
    """One person, as far as anything here knows people: a number.

    Args:
        number: E.164.
        pseudonyms: those of the number under every key, the one that is written first.
    """

    def __init__(self, number: str, pseudonyms: Sequence[str]) -> None:
        self.number = number
        self.pseudonyms = tuple(pseudonyms)

    @cached_property
    def _written(self) -> re.Pattern[str]:
        """The number in any notation: with ``+``, ``00`` or neither, national, with gaps, in a form."""
        parsed = phonenumbers.parse(self.number)
        codes = {parsed.country_code} | ({33} if parsed.country_code in _OVERSEAS else set())
        national = _GAP.join(str(parsed.national_number))
        starts = "|".join(
            rf"(?:\+|%2[Bb]|00)?{_GAP}{_GAP.join(str(code))}{_GAP}(?:0{_GAP})?" for code in codes
        )
        return re.compile(rf"(?<!\d)(?:{starts}|0{_GAP}){national}(?!\d)")

    @property
    def national(self) -> str:
        """The digits without the calling code, which stand in every notation of the number."""
        return str(phonenumbers.parse(self.number).national_number)

    def is_in(self, text: str) -> bool:
        """Say whether a text holds the number, in whatever notation."""
        return self._written.search(text) is not None

    def blank(self, text: str, sign: str) -> str:
        """Put a sign in the place of each digit of the number, in whatever notation it stands in a text."""
        return self._written.sub(lambda found: re.sub(r"\d", sign, found[0]), text)

    def is_id_of(self, name: str) -> bool:
        """Say whether an application has made an id of the number: of the digits that tell it from others."""
        return self.national in name

    def is_named_by(self, value: Any) -> bool:
        """Say whether a value is the number and nothing else."""
        return isinstance(value, str) and (
            self._written.fullmatch(value.strip()) is not None or from_gateway(value)[0] == self.number
        )

    def is_key_of(self, key: str) -> bool:
        """Say whether one of the pseudonyms is a part of the name of a key."""
        return any(part in self.pseudonyms for part in key.split(":"))

    def is_recipient_in(self, pseudonyms: str) -> bool:
        """Say whether a list of recipients, as records have it, names the person."""
        return not set(self.pseudonyms).isdisjoint(pseudonyms.split())

    def owns(self, event: Any) -> bool:
        """Say whether an event of a callback comes from this person, or tells of this person.

        An event that names somebody is about that one, though its text be a number. What names nobody is
        about whoever stands in it.
        """
        named = [value for name, value in _fields(event) if name.lower() in _NUMBER]
        if any(from_gateway(value)[1] for value in named if isinstance(value, str)):
            return any(map(self.is_named_by, named))
        return any(self.is_named_by(value) for _, value in _fields(event))

    def owns_entry(self, fields: Mapping[str, str]) -> bool:
        """Say whether an entry of a stream is about this person.

        An entry that names somebody is about that one, whoever is mentioned in it besides.
        """
        if "number" in fields:
            return self.is_named_by(fields["number"])
        if (raw := fields.get("raw")) is not None:
            return self.left_of(raw.encode("utf-8", "surrogatepass")) is not None
        return any(map(self.is_in, fields.values()))

    def left_of(self, raw: bytes) -> Sequence[Any] | None:
        """Take the person out of a raw callback.

        Returns:
            The events of others; None if nothing in it is about this person. What nobody can read goes whole
            if the number stands in it.
        """
        events = read_events(raw)
        if not events or not any(isinstance(event, dict) for event in events):
            return [] if self.is_in(decode(raw)) else None
        left = [event for event in events if not self.owns(event)]
        if len(left) < len(events):
            return left
        # Of an event that was too long only its beginning was kept, as text.
        return [] if "cut" in events[0] and self.is_in(decode(raw)) else None


def _fields(event: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """All values of an event, at every level, each with the name under which it stands."""
    if isinstance(event, Mapping):
        for inner, value in event.items():
            yield from _fields(value, inner)
    elif isinstance(event, list):
        for value in event:
            yield from _fields(value, name)
    elif name.lower() in _METADATA and isinstance(event, str) and event.lstrip().startswith(("{", "[")):
        yield from _fields(read_events(event.encode("utf-8", "surrogatepass")))
    else:
        yield name, event
