"""Who is to get a text: what a command needs of a list, and the list of one number that was typed."""

import hashlib
from collections.abc import Iterator
from typing import Any, Protocol

from producers.messages.recipient import Recipient
from worker.lists.list_file import ListFile
from worker.lists.titles import NUMBERS


class RecipientList(Protocol):
    """Whoever is to get a text, in an order that stays.

    Attributes:
        rows: recipients in it, good or bad.
        digest: fingerprint of it.
        listed: the file that it stands in, if it stands in one.
    """

    rows: int
    digest: str
    listed: ListFile | None

    def describe(self) -> str:
        """Say for people what is read from where."""

    def line_of(self, position: int) -> int:
        """Tell the line on which a recipient stands that was handed out lately."""

    def recipients(self) -> Iterator[Any]:
        """Hand out a `Recipient` per row, or a `BadRow`. Each call begins anew."""


class OneNumber:
    """A list of one number that was typed.

    Args:
        number: as it was typed.
    """

    rows = 1
    listed: ListFile | None = None

    def __init__(self, number: str) -> None:
        self.digest = hashlib.sha256(number.encode("utf-8", "surrogatepass")).hexdigest()
        self._number = number

    def describe(self) -> str:
        """Say for people what is read from where."""
        return f"{NUMBERS} = --to"

    def line_of(self, position: int) -> int:
        """Tell the line, which is the first."""
        return position + 1

    def recipients(self) -> Iterator[Recipient]:
        """Hand out the one."""
        yield Recipient(self._number)
