"""Hands mails in, one after the other: over one connection while there are more, and then over a new one."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from worker.forwarding.outcomes import Delivered, Halted, Outcome, Unreachable
from worker.mail.mail_server import MailServer
from worker.mail.smtp_connection import Mail, NotConnected, SmtpConnection

#: Seconds for which a connection waits for one more mail.
IDLE_S: Final = 0.5
#: Mails that one connection takes; servers end connections that never end.
BATCH_MAX: Final = 50
#: Seconds that one mail may take from connecting to its answer. Then the connection is cut.
MAIL_MAX_S: Final = 100.0
#: Seconds until a server that takes no mail is tried again: the first time, and at most.
FIRST_PROBE_S: Final = 5.0
LONGEST_PROBE_S: Final = 600.0


class Postbox:
    """Thread-safe, and takes one mail at a time.

    Args:
        server: where mails are handed in.
        context: decides which certificates are trusted; None trusts those that this machine trusts.
        mail_max_s: seconds that one mail may take.
    """

    def __init__(
        self, server: MailServer, context: ssl.SSLContext | None = None, *, mail_max_s: float = MAIL_MAX_S
    ) -> None:
        self._server = server
        self._context = context or ssl.create_default_context()
        self._mail_max_s = mail_max_s
        self._lock = threading.Lock()
        self._connection: SmtpConnection | None = None
        self._taken = 0
        self._hang_up = threading.Timer(0, self.close)
        self._halts = 0

    def hand_in(self, mail: Mail) -> Outcome:
        """Hand in one mail. At least once: a connection that is lost after the mail may bring it twice."""
        with self._lock:
            self._hang_up.cancel()
            outcome = self._kept(mail) or self._fresh(mail)
            self._taken += 1
            if not isinstance(outcome, Delivered) or self._taken >= BATCH_MAX:
                self._close()
            else:
                self._hang_up = threading.Timer(IDLE_S, self.close)
                self._hang_up.daemon = True
                self._hang_up.start()
            return self._with_probe(outcome)

    def close(self) -> None:
        """End the connection, if there is one. Safe to repeat."""
        with self._lock:
            self._close()

    def _kept(self, mail: Mail) -> Outcome | None:
        """Use the connection of the mail before; None if there is none, or if it was lost meanwhile."""
        if self._connection is None:
            return None
        with self._bounded(self._connection):
            outcome = self._connection.hand_in(mail)
        if isinstance(outcome, Unreachable) and outcome.why.endswith("at MAIL"):
            self._close()
            return None
        return outcome

    def _fresh(self, mail: Mail) -> Outcome:
        self._taken = 0
        try:
            self._connection = SmtpConnection(self._server, self._context)
        except NotConnected as error:
            return error.outcome
        with self._bounded(self._connection):
            return self._connection.hand_in(mail)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def _bounded(self, connection: SmtpConnection) -> Iterator[None]:
        """Cut a connection that takes too long: the time for each answer is bounded, but they add up."""
        cut = threading.Timer(self._mail_max_s, connection.cut)
        cut.daemon = True
        cut.start()
        try:
            yield
        finally:
            cut.cancel()

    def _with_probe(self, outcome: Outcome) -> Outcome:
        """Say when a server that takes no mail is to be tried again: later each time."""
        if not isinstance(outcome, Halted):
            self._halts = 0
            return outcome
        if outcome.probe_s is not None:
            return outcome
        probe_s = min(FIRST_PROBE_S * 2**self._halts, LONGEST_PROBE_S)
        self._halts = min(self._halts + 1, 10)
        return replace(outcome, probe_s=probe_s)
