"""The journal of a trial: what is about to be called, and what came of it, safe against a kill at any moment.

One JSON object a line, each on the disk before anything follows from it. It holds request_ids and tickets,
and no number.
"""

import fcntl
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Self

import msgspec

from worker.pilot.seen import Seen, Verdict


class Begin(msgspec.Struct, frozen=True, tag="begin", tag_field="line"):
    """A trial begins.

    Attributes:
        version: of octopush-worker.
        gateway: its host.
        numbers: who is texted, masked.
        account: whose trial it is, as `worker.gateway.profile.account_of` names it.
        at: seconds since the epoch.
        after: the newest entry of each stream before the trial.
    """

    version: str
    gateway: str
    numbers: tuple[str, ...]
    account: str
    at: float
    after: Mapping[str, str]


class Call(msgspec.Struct, frozen=True, tag="call", tag_field="line"):
    """A call is about to be made.

    Attributes:
        question: whose it is.
        number: its place among the calls of the question, from 1.
        request_id: under which it leaves.
        euros: what it may cost at most.
        segments: that it may cost at most.
        simulated: whether it asks for simulation_mode.
    """

    question: str
    number: int
    request_id: str
    euros: str
    segments: int
    simulated: bool = False


class Answer(msgspec.Struct, frozen=True, tag="answer", tag_field="line"):
    """A call was answered, or given up."""

    question: str
    number: int
    seen: Seen


class Judged(msgspec.Struct, frozen=True, tag="judged", tag_field="line"):
    """A question was judged; a later line about it counts more."""

    question: str
    verdict: Verdict


_Line = Begin | Call | Answer | Judged
_LINES: Final = msgspec.json.Decoder(_Line)
#: How every journal begins.
_BEGUN: Final = b'{"line":"begin"'


class JournalError(Exception):
    """The journal cannot be read or written, or another trial works with it."""


class Journal:
    """The journal of one trial, locked while it is open.

    Args:
        path: its file; what is in it is read.

    Attributes:
        begin: how the trial began; None for one that has not begun.
        calls: by question and place.
        answers: the same of what came back.
        verdicts: by question.
    """

    def __init__(self, path: Path) -> None:
        self.begin: Begin | None = None
        self.calls: dict[str, dict[int, Call]] = defaultdict(dict)
        self.answers: dict[str, dict[int, Seen]] = defaultdict(dict)
        self.verdicts: dict[str, Verdict] = {}
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._read()
        except BaseException:
            os.close(self._file)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def write(self, line: _Line) -> None:
        """Append a line and wait until the disk has it.

        Raises:
            JournalError: the disk does not take all of it. What should follow from the line must not happen.
        """
        written = msgspec.json.encode(line) + b"\n"
        try:
            # A disk that is nearly full takes a part, without an error.
            is_whole = os.write(self._file, written) == len(written)
            os.fsync(self._file)
        except OSError as error:
            raise JournalError(f"it cannot be written ({type(error).__name__})") from None
        if not is_whole:
            raise JournalError("the disk does not take all of it")
        self._take(line)

    def tickets(self, *, simulated: bool = False) -> set[str]:
        """List the tickets that were given for real calls, or for simulated ones."""
        return {
            seen.ticket
            for question, answers in self.answers.items()
            for number, seen in answers.items()
            if seen.ticket and self.calls[question][number].simulated is simulated
        }

    def answered(self) -> Iterator[tuple[Call, Seen | None]]:
        """Yield each call with its answer; None for a call that was cut short."""
        for question, calls in self.calls.items():
            for number, call in calls.items():
                yield call, self.answers[question].get(number)

    def _read(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise JournalError("another pilot works with it") from None
        with os.fdopen(os.dup(self._file), "rb") as file:
            content = file.read()
        # A line without its end was being written when the trial was killed: nothing has followed from it.
        whole = content.rfind(b"\n") + 1
        try:
            for line in content[:whole].splitlines():
                self._take(_LINES.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise JournalError("it is no journal of a pilot") from None
        if content and self.begin is None and not _BEGUN.startswith(content[: len(_BEGUN)]):
            raise JournalError("it is no journal of a pilot")
        os.ftruncate(self._file, whole)

    def _take(self, line: _Line) -> None:
        if isinstance(line, Begin):
            self.begin = line
        elif isinstance(line, Call):
            self.calls[line.question][line.number] = line
        elif isinstance(line, Answer):
            self.answers[line.question][line.number] = line.seen
        else:
            self.verdicts[line.question] = line.verdict
