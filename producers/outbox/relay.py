"""The relay of an outbox: hands rows over whenever it is kicked, and every few seconds. Knows no database.

Set the standard logger ``producers.outbox`` to see outages and rows that stay; no line of it holds a number
or a text.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from ..errors import ConfigError, QueueRefused, QueueUnavailable
from .handing_over import ROWS, HandedOver

_log = logging.getLogger("producers.outbox")

#: Seconds after which a relay looks for rows although nobody kicked it: those of a process that died after
#: its commit, and those that Redis did not take.
SWEEP_S: Final = 5.0
#: Seconds after which a thread runs again that an error ended which no waiting mends.
ANEW_S: Final = 60.0
#: Seconds that the end of a block waits for the step at hand.
_END_S: Final = 5.0


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
            self._wait(SWEEP_S)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run in a thread until the end of the block, then `stop`: for the lifespan of an application.

        Whatever ends `run` is an error line, and the thread runs again a minute later: nobody else would
        start it anew. The end of the block waits at most 5 s for the step at hand. One that is cut off then
        is repeated by the next relay.
        """
        thread = threading.Thread(target=self._run_always, name="outbox", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.stop()
            thread.join(_END_S)

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

    def _run_always(self) -> None:
        while not self._stopping:
            try:
                self.run()
            except (QueueRefused, ConfigError) as error:
                _log.error("the outbox stands still: %s: %s", type(error).__name__, error)
                self._rest()
            except Exception as error:  # noqa: BLE001 - nobody else would go on; its text may hold a row
                _log.error("the outbox stands still: %s", type(error).__name__)
                self._rest()

    def _rest(self) -> None:
        """Let the time pass, however often somebody kicks meanwhile: each try would be an error line."""
        ends_s = time.monotonic() + ANEW_S
        while not self._stopping and (left_s := ends_s - time.monotonic()) > 0:
            self._wait(left_s)

    def _wait(self, seconds: float) -> None:
        if self._stopping:
            return
        try:
            self._kicks.get(timeout=seconds)
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
