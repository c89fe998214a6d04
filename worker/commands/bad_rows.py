"""Rows of a file that cannot be texted: counted, and told with their lines and reasons."""

from collections import Counter
from typing import Any, Final

from producers.contract.phone import mask
from producers.errors import InvalidMessage
from producers.messages.recipient import Recipient
from producers.queueing.sifting import REPEATED
from worker.commands.numbers import with_option
from worker.lists.list_file import BadRow
from worker.lists.mending import Mending
from worker.lists.recipient_list import RecipientList
from worker.lists.titles import printable
from worker.presentation.counts import counted
from worker.presentation.output import Output

#: Rows that are shown one by one; more are only counted.
_SHOWN: Final = 20
#: Reasons that are counted one by one.
_REASONS: Final = 5


class BadRows:
    """Counts the rows that cannot be texted, and remembers the first for `tell`.

    Args:
        file: where they come from.
        mending: takes those that can be mended; a number that was met before needs no mending.

    Attributes:
        bad: rows that are to be mended.
        repeated: rows that are fine, but whose number stands further up.
    """

    def __init__(self, file: RecipientList, mending: Mending | None = None) -> None:
        self._file, self._mending = file, mending
        self.bad = self.repeated = 0
        self._reasons: Counter[str] = Counter()
        self._lines: list[str] = []

    def __call__(self, position: int, given: Any, error: InvalidMessage) -> None:
        """Take a row, as `OnInvalid`."""
        fields = {"row": given.reason} if isinstance(given, BadRow) else error.fields
        reasons = [f"{name}: {with_option(reason)}" for name, reason in fields.items()]
        if fields == REPEATED:
            self.repeated += 1
        else:
            self.bad += 1
            if self._mending is not None:
                self._mending.take(position, "; ".join(reasons))
        self._reasons.update(reasons)
        if self.count <= _SHOWN:
            number = f"{printable(mask(given.phone_number))} " if isinstance(given, Recipient) else ""
            where = f"line {self._file.listed.line_of(position)}" if self._file.listed else "--to"
            self._lines.append(f"{where}: {number}{'; '.join(reasons)}")

    @property
    def count(self) -> int:
        """How many rows nobody is texted for."""
        return self.bad + self.repeated

    def fields(self) -> dict[str, int]:
        """Name what became of the other rows, for programs."""
        return {"repeated": self.repeated, "bad_rows": self.bad, "rows": self._file.rows}

    def account_for_rows(self, output: Output) -> None:
        """Say what became of the other rows, so that the numbers add up to all rows; of a number, nothing."""
        if self._file.listed is None:
            return
        output.show(f"repeated   {self.repeated}, the number stands further up")
        output.show(f"bad rows   {self.bad}")
        output.show(f"rows       {self._file.rows} in all")

    def tell(self, output: Output) -> None:
        """Show the first bad rows by line, then how many there are for each reason, if that says more."""
        for line in self._lines:
            output.say(line)
        if self.count > _SHOWN:
            output.say(f"… and {counted(self.count - _SHOWN, 'more row')}")
        elif len(self._reasons) == self._reasons.total():
            return  # Each reason stands above, once.
        for reason, count in self._reasons.most_common(_REASONS):
            output.say(f"           {count} x {reason}")
        if (more := len(self._reasons) - _REASONS) > 0:
            output.say(f"           … and {counted(more, 'more reason')}")
