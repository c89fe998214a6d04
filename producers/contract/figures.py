"""Reads the numbers and names that a scrape finds in Redis: one that cannot be read costs no other figure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

#: Every number of ours is smaller: Redis counts in as many bits.
_MAX: Final = 2**63
#: What a forwarder can be called; as `worker.forwarding.store`.
_FORWARDER: Final = re.compile("[a-z0-9][a-z0-9_-]{0,39}")

Value = bytes | str | float | None


class Figures:
    """Reads what one scrape found.

    Attributes:
        unreadable: how many numbers and names were none: they are left out, or taken for 0.
    """

    def __init__(self) -> None:
        self.unreadable = 0

    def whole(self, value: Value) -> int:
        """Read a whole number; 0 where there is none, or none that can be read."""
        return self._whole(value) or 0

    def real(self, value: Value) -> float:
        """Read a number; 0 where there is none, or none that can be read."""
        try:
            number = float(value or 0)
        except ValueError:
            number = _MAX
        if abs(number) < _MAX:
            return number
        self.unreadable += 1
        return 0

    def counts(self, fields: Mapping[bytes, bytes]) -> dict[str, int]:
        """Read counts by name; a field that is no name or no number is left out."""
        read = {name: self._whole(fields[name.encode()]) for name in self.texts(fields)}
        return {name: count for name, count in read.items() if count is not None}

    def hours(self, fields: Mapping[bytes, bytes]) -> dict[int, int]:
        """Read counts by hour, as `counts`."""
        read = {self._whole(hour): count for hour, count in self.counts(fields).items()}
        return {hour: count for hour, count in read.items() if hour is not None}

    def texts(self, values: Iterable[bytes]) -> Iterator[str]:
        """Read names; one that is no text is left out."""
        for value in values:
            try:
                yield value.decode()
            except UnicodeDecodeError:
                self.unreadable += 1

    def forwarders(self, named: Iterable[tuple[bytes, float]]) -> list[tuple[str, float]]:
        """Read names of forwarders, and when they were heard; what none can be called is left out."""
        heard = dict(named)
        read = [(name, heard[name.encode()]) for name in self.texts(heard)]
        found = [each for each in read if _FORWARDER.fullmatch(each[0])]
        self.unreadable += len(read) - len(found)
        return found

    def _whole(self, value: Value) -> int | None:
        """Read a whole number; None for what is none."""
        try:
            number = int(value or 0)
        except (ValueError, OverflowError):
            number = _MAX
        if abs(number) < _MAX:
            return number
        self.unreadable += 1
        return None
