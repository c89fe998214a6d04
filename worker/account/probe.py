"""Asking for the balance, with back-off, while the account is held or cannot pay everything."""

from collections.abc import Callable
from typing import Final

import structlog

from worker.account.gates import Gates
from worker.account.throttle import PROBE, Throttle
from worker.gateway.codes import OPERATORS
from worker.process.every_few_seconds import EveryFewSeconds

#: Seconds between looks at the hold and the gate of credit; two small script calls each.
LOOK_S: Final = 1.0
#: Code with which an account is held when nothing is left on it.
EMPTY: Final = "104"


class AccountProbe:
    """Lets sending go on when the account answers a balance request with credit. One thread per process.

    Which worker probes, and when, is decided in Redis: one of all, with a doubling wait. An account with
    nothing left is held; one with something left keeps only what it cannot pay. A campaign that awaits
    approval (126) holds the account until an operator releases it.

    Args:
        throttle: knows the hold, and when to probe.
        gates: know what cannot be paid.
        balance: asks what is left on the account; None when the gateway does not say.
    """

    def __init__(self, throttle: Throttle, gates: Gates, balance: Callable[[], float | None]) -> None:
        self._throttle = throttle
        self._gates = gates
        self._balance = balance
        self._looks = EveryFewSeconds(self.look, LOOK_S, name="account-probe", event="account.probe_failed")
        self._log = structlog.get_logger()

    def start(self) -> None:
        """Start looking in a thread of its own."""
        self._looks.start()

    def stop(self) -> None:
        """Stop looking."""
        self._looks.stop()

    def look(self) -> None:
        """Probe if a probe is due.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        held, unpaid = self._throttle.due_probe("hold"), self._throttle.due_probe("credit")
        if not (held or unpaid):
            return
        balance = self._balance()
        if balance is not None:
            self._see(balance)
        if held:
            self._release(balance)
        elif balance is not None and balance <= 0 and self._throttle.hold(EMPTY):
            self._log.error("account.held", code=EMPTY)

    def _see(self, balance: float) -> None:
        given_back, first = self._gates.see_balance(balance)
        if first and balance > 0:
            self._log.error("credit.too_low", reason="what costs more than is left waits aside")
        if given_back:
            self._log.warning("credit.seen", reason="what can be paid goes on")

    def _release(self, balance: float | None) -> None:
        hold = self._throttle.current_hold()
        if hold is not None and hold.code in OPERATORS:
            self._log.error("account.still_held", code=hold.code, reason="an operator has to release it")
        elif balance is not None and balance > 0:
            self._throttle.release(PROBE)
            self._log.warning("account.released", reason=PROBE)
        else:
            self._log.warning(
                "account.still_held", reason="no credit" if balance is not None else "no answer"
            )
