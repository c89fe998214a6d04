"""Asking a held account, with back-off, whether it is well again."""

import threading
from collections.abc import Callable
from typing import Final

import redis
import structlog

from producers.outages import passes
from worker.throttle import Throttle

#: Seconds between looks at the hold; one small script call each.
LOOK_S: Final = 1.0


class AccountProbe:
    """Releases the hold when the account answers a balance request with credit. One thread per process.

    Which worker probes, and when, is decided in Redis: one of all, with a doubling wait.

    Args:
        throttle: knows the hold.
        balance: asks what is left on the account; None when the gateway does not say.
    """

    def __init__(self, throttle: Throttle, balance: Callable[[], float | None]) -> None:
        self._throttle = throttle
        self._balance = balance
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._log = structlog.get_logger()

    def start(self) -> None:
        """Start looking in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="account-probe", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop looking."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def look(self) -> None:
        """Probe if a probe is due.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        if not self._throttle.due_probe():
            return
        balance = self._balance()
        if balance is not None and balance > 0:
            self._throttle.release("probe")
            self._log.warning("account.released", reason="probe")
        else:
            self._log.warning(
                "account.still_held", reason="no credit" if balance is not None else "no answer"
            )

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_S):
            try:
                self.look()
            except redis.RedisError as error:
                if not passes(error):  # an outage is told once, by the connection
                    self._log.warning("account.probe_failed", reason=type(error).__name__)
