"""The relay of an outbox: hands rows over whenever it is kicked, and every few seconds. Knows no database.

Set the standard logger ``producers.outbox`` to see outages and rows that stay; no line of it holds a number
or a text.
"""

import logging
import queue
from collections.abc import Callable
from typing import Final, NamedTuple

from ..errors import QueueUnavailable
from .handing_over import ROWS, HandedOver

_log = logging.getLogger("producers.outbox")

#: Seconds after which a relay looks for rows although nobody kicked it: those of a process that died after
#: its commit, and those that Redis did not take.
SWEEP_S: Final = 5.0


class Counts(NamedTuple):
    """How many rows were handed over, and how many were refused and stay."""

    queued: int
    refused: int


class Relay:
    """Hands the rows of one outbox over until `stop`.

    As many relays as you like may share an outbox: what two of them hand over at once is queued once.

    Args:
        step: takes at most ``ROWS`` rows, hands them over and settles them.
        away: what ``step`` raises while the database does not answer.
    """

    def __init__(self, step: Callable[[], HandedOver], away: tuple[type[Exception], ...]) -> None:
        self._step = step
        self._away: tuple[type[Exception], ...] = (QueueUnavailable, *away)
        self._is_away = False
        self._stopping = False
        # Unlike an Event, it may be set by a signal handler that interrupts whoever waits for it.
        self._kicks: queue.SimpleQueue[None] = queue.SimpleQueue()

    def kick(self) -> None:
        """Let `run` look for rows now: call it after a commit. From any thread or signal handler."""
        self._kicks.put(None)

    def stop(self) -> None:
        """End `run` after the step at hand; from any thread or signal handler. A stopped relay stays so."""
        self._stopping = True
        self.kick()

    def run(self) -> None:
        """Hand rows over until `stop`. Waits as long as Redis or the database is away.

        Raises:
            QueueRefused: Redis refuses user or password, or allows this user too little.
            ConfigError: this process lacks a key of pseudonyms.
        """
        while not self._stopping:
            try:
                self.run_once()
            except self._away as error:
                self._failed(error)
            else:
                self._answered()
            self._wait()

    def run_once(self) -> Counts:
        """Hand over all rows that are there, step by step; safe to repeat.

        Raises:
            QueueUnavailable: Redis did not confirm. The rows are as they were, or will be handed over again.
            QueueRefused: Redis refuses user or password, or allows this user too little; the same.
            ConfigError: this process lacks a key of pseudonyms.
        """
        queued = refused = 0
        while True:
            handed = self._step()
            queued += len(handed.queued)
            refused += len(handed.refused)
            handed.log_refused()
            if handed.rows < ROWS or self._stopping:
                return Counts(queued, refused)

    def _wait(self) -> None:
        if self._stopping:
            return
        try:
            self._kicks.get(timeout=SWEEP_S)
            while True:  # one look serves all who kicked meanwhile
                self._kicks.get_nowait()
        except queue.Empty:
            pass

    def _failed(self, error: Exception) -> None:
        if not self._is_away:
            # What SQLAlchemy wraps says it without the statement.
            reason = str(getattr(error, "orig", error)).partition("\n")[0]
            _log.warning("the outbox waits: %s: %s", type(error).__name__, reason)
        self._is_away = True

    def _answered(self) -> None:
        if self._is_away:
            _log.warning("the outbox goes on")
        self._is_away = False
