"""Sections side by side, each within its time: one that hangs or fails keeps no other from its answer."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from redis import exceptions

from producers.contract.connections import within
from producers.contract.outages import passes, what_is_refused
from producers.errors import ConfigError
from worker.doctor.findings import Finding, advice, error, warning

#: Where it is said what users of Redis need.
_RIGHTS = "redis.md#which-redis"
_PAGE = "operating.md#a-check-before-the-night"


@dataclass(frozen=True, slots=True)
class Section:
    """What is looked at together.

    Attributes:
        name: in one word.
        bound_s: seconds that it may take.
        look: yields what it finds, one by one: what was found before it fails or hangs is kept.
    """

    name: str
    bound_s: float
    look: Callable[[], Iterator[Finding]]


@dataclass(slots=True)
class _Running:
    """A section that runs in a thread of its own."""

    section: Section
    ends_s: float
    found: list[Finding] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        name = self.section.name
        try:
            # Waiting for Redis ends a little earlier than waiting for this thread.
            with within(0.9 * self.section.bound_s):
                for each in self.section.look():
                    self.found.append(each)
        except Exception as failure:  # noqa: BLE001 - whatever it is, the other sections are not concerned
            self.found.append(_failed(name, failure))
        finally:
            self.over.set()

    def result(self) -> list[Finding]:
        """Wait for the end of the section, or of its time."""
        if not self.over.wait(max(0.0, self.ends_s - time.monotonic())):
            late = warning(
                f"{self.section.name}.look",
                f"The look at {self.section.name} took longer than {self.section.bound_s:g} s.",
                "Run the doctor again; if that helps not, look at the network and at Redis.",
                _PAGE,
            )
            return [*self.found, late]
        return self.found


def run(sections: Sequence[Section]) -> list[Finding]:
    """Look at all sections at the same time.

    Returns:
        What was found, in the order of the sections, after the time of the longest of them at the latest.
    """
    running = [_Running(each, time.monotonic() + each.bound_s) for each in sections]
    for each in running:
        # A thread that hangs must not keep the process.
        threading.Thread(target=each.run, name=f"doctor-{each.section.name}", daemon=True).start()
    return [finding for each in running for finding in each.result()]


def _failed(name: str, failure: Exception) -> Finding:
    """Say why a section was not looked at to its end; the text of an error may quote a value."""
    what = what_is_refused(failure)
    if what:
        return advice(
            f"{name}.look",
            f"Not all of {name} could be looked at: Redis refuses {what}.",
            "Run the doctor as the user of an operator.",
            _RIGHTS,
        )
    if isinstance(failure, ConfigError):
        return error(
            f"{name}.look", f"The settings are wrong: {failure}.", "Mend these variables.", "settings.md"
        )
    why = "Redis did not answer" if passes(failure) else "the doctor made a mistake"
    if isinstance(failure, exceptions.ReadOnlyError | exceptions.OutOfMemoryError):
        why = "Redis takes no writes"
    return warning(
        f"{name}.look",
        f"Not all of {name} could be looked at: {why} ({type(failure).__name__}).",
        "Run the doctor again; report it if Redis is well.",
        _PAGE,
    )
