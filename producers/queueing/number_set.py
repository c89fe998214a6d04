"""The numbers a campaign has met: an exact set in few bytes."""

from array import array
from typing import Final

#: Slots at the start; a power of two.
_SLOTS: Final = 1024
#: Spreads neighbouring numbers over the table: 2**64 divided by the golden ratio.
_SPREAD: Final = 0x9E3779B97F4A7C15
_WORD: Final = (1 << 64) - 1


class NumberSet:
    """E.164 numbers, each as the 64-bit integer of its digits: nothing is hashed away, so none are confused.

    Open addressing in one array, at most three fifths full: 17 MB for a million numbers, 34 MB for two. A
    Python set of the same strings takes about 100 MB per million.
    """

    def __init__(self) -> None:
        self._slots = array("Q", bytes(8 * _SLOTS))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, number: str) -> bool:
        key = int(number)
        return self._slots[self._slot(key)] == key

    def add(self, number: str) -> None:
        """Remember a number such as ``+33612345678``. Safe to repeat."""
        key = int(number)
        slot = self._slot(key)
        if self._slots[slot] == key:
            return
        self._slots[slot] = key
        self._count += 1
        if 5 * self._count > 3 * len(self._slots):
            self._grow()

    def _slot(self, key: int) -> int:
        """Find where a number is, or where it would be."""
        slots, last = self._slots, len(self._slots) - 1
        slot = (key * _SPREAD & _WORD) >> (64 - last.bit_length())
        while slots[slot] and slots[slot] != key:
            slot = slot + 1 & last
        return slot

    def _grow(self) -> None:
        before = self._slots
        self._slots = array("Q", bytes(16 * len(before)))
        for key in before:
            if key:
                self._slots[self._slot(key)] = key
