"""One connection to the mail server, and what its answers mean for a mail and for all mails.

An answer before the first ``RCPT`` speaks of the server, the login or our own address: it is the same for all
mails, and costs none of them an attempt. What comes later speaks of the one mail.
"""

import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, TypeVar

from worker.forwarding.outcomes import Delivered, Halted, Outcome, Refused, Unreachable
from worker.mail.mail_server import MailServer

T = TypeVar("T")

#: Seconds to connect.
CONNECT_S: Final = 10.0
#: Seconds to wait for an answer.
ANSWER_S: Final = 20.0
#: Seconds to wait for the answer to a whole mail. Who gives up too early gets the mail twice.
TAKEN_S: Final = 60.0
#: Seconds to wait for the answer to QUIT, which matters to nobody.
QUIT_S: Final = 2.0
#: Seconds until a login that was refused is tried again.
REFUSED_PROBE_S: Final = 600.0
#: Named to the server in place of this machine, whose name is often unknown and takes long to look up.
_OURSELVES: Final = "[127.0.0.1]"
#: Enhanced status codes (RFC 3463) at the beginning of an answer.
_ENHANCED: Final = re.compile(rb"[245]\.[0-9]{1,3}\.[0-9]{1,3}(?= )")
_LOST: Final = (smtplib.SMTPServerDisconnected, OSError)


@dataclass(frozen=True)
class Mail:
    """A mail as it is handed in.

    Attributes:
        sender: of the envelope.
        recipients: of the envelope, at least one.
        content: header and body, lines ended by CRLF, ASCII only.
    """

    sender: str
    recipients: Sequence[str] = field(repr=False)
    content: bytes = field(repr=False)


class NotConnected(Exception):
    """The server takes no mail at all now.

    Attributes:
        outcome: what that means for the mail at hand, which has cost no attempt.
    """

    def __init__(self, outcome: Halted) -> None:
        self.outcome = outcome
        super().__init__(outcome.why)


class SmtpConnection:
    """A connection that is ready to take mails. Not thread-safe.

    Args:
        server: where to, and how.
        context: decides which certificates are trusted.

    Raises:
        NotConnected: nobody answers, the greeting is none, TLS fails, or the login is refused.
    """

    def __init__(self, server: MailServer, context: ssl.SSLContext) -> None:
        self._smtp = _asked("connect", lambda: _connected(server, context))
        try:
            self._begin(server, context)
        except BaseException:
            self._smtp.close()
            raise

    def _begin(self, server: MailServer, context: ssl.SSLContext) -> None:
        smtp = self._smtp
        self._wait_for(ANSWER_S)
        if server.security == "starttls":
            _asked("STARTTLS", lambda: _positive(smtp.starttls(context=context)))
        _asked("EHLO", smtp.ehlo_or_helo_if_needed)
        if server.user and server.password:
            user, password = server.user, server.password.reveal()
            _asked("AUTH", lambda: smtp.login(user, password))

    def hand_in(self, mail: Mail) -> Outcome:
        """Hand in one mail, and say what became of it.

        A mail with a recipient that is refused for now goes to nobody yet. With one that is refused for ever
        it goes to the others, and counts as refused.
        """
        stage = "MAIL"
        try:
            self._wait_for(ANSWER_S)
            code, answer = self._smtp.mail(mail.sender)
            if code != 250:
                return _halted(code, answer, stage)
            stage = "RCPT"
            refused = self._name_recipients(mail)
            if isinstance(refused, Unreachable | Refused):
                self._smtp.rset()
                return refused
            stage = "DATA"
            self._wait_for(TAKEN_S)
            return _taken(*self._smtp.data(mail.content), refused, len(mail.recipients))
        except smtplib.SMTPDataError as error:
            return _taken(error.smtp_code, error.smtp_error, [], 1)
        except _LOST as error:
            return Unreachable(f"{_name(error)} at {stage}")

    def close(self) -> None:
        """Say good-bye and close; whatever the server makes of it, what it took is taken."""
        with suppress(smtplib.SMTPException, *_LOST, ValueError):
            self._wait_for(QUIT_S)
            self._smtp.quit()
        self._smtp.close()

    def cut(self) -> None:
        """Break the connection off; from any thread. Whoever waits for an answer has lost it then."""
        with suppress(OSError, AttributeError):
            self._smtp.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]

    def _name_recipients(self, mail: Mail) -> list[str] | Unreachable | Refused:
        """Name the recipients; return why some are refused for ever, or an outcome if none may get it now."""
        refused: list[str] = []
        for recipient in mail.recipients:
            code, answer = self._smtp.rcpt(recipient)
            if 400 <= code < 500:
                return Unreachable(_why(code, answer, "RCPT"))
            if code not in {250, 251}:
                refused.append(_why(code, answer, "RCPT"))
        return Refused(refused[0]) if len(refused) == len(mail.recipients) else refused

    def _wait_for(self, seconds: float) -> None:
        if self._smtp.sock is not None:
            self._smtp.sock.settimeout(seconds)


def _connected(server: MailServer, context: ssl.SSLContext) -> smtplib.SMTP:
    to = (server.host, server.port, _OURSELVES)
    if server.security == "tls":
        return smtplib.SMTP_SSL(*to, timeout=CONNECT_S, context=context)
    return smtplib.SMTP(*to, timeout=CONNECT_S)


def _asked(stage: str, ask: Callable[[], T]) -> T:
    """Do something that is not about one mail.

    Raises:
        NotConnected: it failed.
    """
    try:
        return ask()
    except smtplib.SMTPResponseException as error:
        halted = _halted(error.smtp_code, error.smtp_error, stage)
    except (smtplib.SMTPException, OSError) as error:  # TLS raises OSErrors
        halted = Halted(f"{_name(error)} at {stage}", lasting=False)
    # No cause is named: it may hold what the server said about the login.
    raise NotConnected(halted) from None


def _halted(code: int, answer: bytes | str, stage: str) -> Halted:
    """Hold all mails. A refused login or address of ours is not tried often: that locks accounts."""
    is_ours = stage in {"AUTH", "MAIL"} and code >= 500
    return Halted(_why(code, answer, stage), lasting=False, probe_s=REFUSED_PROBE_S if is_ours else None)


def _positive(answer: tuple[int, bytes]) -> None:
    if answer[0] != 220:
        raise smtplib.SMTPResponseException(*answer)


def _taken(code: int, answer: bytes | str, refused: list[str], recipients: int) -> Outcome:
    """Read the answer to a whole mail, or to the wish to send one."""
    if 400 <= code < 500:
        return Unreachable(_why(code, answer, "DATA"))
    if code != 250:
        return Refused(_why(code, answer, "DATA"))
    if refused:
        return Refused(f"{refused[0]} for {len(refused)} of {recipients} recipients, the others have it")
    return Delivered()


def _why(code: int, answer: bytes | str, stage: str) -> str:
    """Name an answer by its codes. Its words are left out: they may hold addresses."""
    found = _ENHANCED.match(answer if isinstance(answer, bytes) else answer.encode("utf-8", "replace"))
    return f"{code} {found[0].decode()} at {stage}" if found else f"{code} at {stage}"


def _name(error: Exception) -> str:
    return type(error).__name__
