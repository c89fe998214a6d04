"""A mail that answers a reply, read and judged, before anything is looked up. Pure.

Every `Refusal` has words that its sender may read: they hold nothing but what the sender knows.
"""

import email
import email.errors
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from os import EX_DATAERR, EX_NOPERM
from typing import Any, Final

from worker.mail.addresses import domain_of
from worker.mail.authentication import passes_dmarc
from worker.mail.automatic import is_automatic
from worker.mail.plain_text import text_of
from worker.mail.reply_address import Target
from worker.mail.settings import MailInSettings
from worker.mail.written_above import Interleaved, written_above

#: Bytes of a mail that are read; beyond that it is refused. Pictures in signatures need some.
MAIL_MAX_BYTES: Final = 10_000_000
#: What Python's reader of mails raises for what strangers make up.
_UNREADABLE: Final = (
    *(ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError),
    email.errors.MessageError,
)


class Refusal(Exception):
    """A mail that will not become an SMS.

    Attributes:
        reason: one word, for the operator's log.
        words: for the sender.
        status: exit status, of sysexits.h.
        code: enhanced status code (RFC 3463), for the bounce.
    """

    def __init__(self, reason: str, words: str, status: int = EX_DATAERR, code: str = "5.6.0") -> None:
        self.reason, self.words, self.status, self.code = reason, words, status, code
        super().__init__(reason)


def not_allowed(reason: str) -> Refusal:
    """Refuse somebody. The words never say what was wrong: whoever tries out learns nothing."""
    return Refusal(reason, "This address takes no mail from you, or does not any more", EX_NOPERM, "5.7.1")


@dataclass(frozen=True)
class Answer:
    """What a mail wants.

    Attributes:
        target: which reply it answers; still to be proved.
        text: of the SMS.
        mail_id: fingerprint of its Message-ID; the same when the mail comes again.
    """

    target: Target
    text: str = field(repr=False)
    mail_id: str


def read(content: bytes, settings: MailInSettings, recipient: str | None = None) -> Answer:
    """Read a mail.

    Args:
        content: header and body.
        settings: who may write, and how much.
        recipient: of the envelope; None if the mail server does not tell, then the headers do.

    Raises:
        Refusal: it will not become an SMS.
    """
    if len(content) > MAIL_MAX_BYTES:
        raise Refusal("too_large", "The mail is too large", code="5.3.4")
    try:
        message = email.message_from_bytes(content, policy=SMTP)
        sender = _sender(message)
        _check_sender(message, sender, settings)
        target = _target(message, settings, recipient)
        return Answer(target, _text(message, settings.text_max), _mail_id(message))
    except _UNREADABLE as error:
        # No cause is named: it may hold what was written.
        raise Refusal(f"unreadable_{type(error).__name__}", "The mail cannot be read") from None


def _sender(message: EmailMessage) -> str:
    found = _addresses(message.get_all("From", []))
    if len(found) != 1:
        raise not_allowed("no_single_sender")
    return found[0].lower()


def _check_sender(message: EmailMessage, sender: str, settings: MailInSettings) -> None:
    if sender not in settings.allowed and f"@{domain_of(sender)}" not in settings.allowed:
        raise not_allowed("sender_not_allowed")
    if settings.trusted:
        said = [str(each) for each in message.get_all("Authentication-Results", [])]
        if not passes_dmarc(said, settings.trusted, domain_of(sender)):
            raise not_allowed("sender_not_authenticated")
    if is_automatic(message, sender):
        raise Refusal("automatic", "Automatic mail does not become an SMS", code="5.7.0")


def _target(message: EmailMessage, settings: MailInSettings, recipient: str | None) -> Target:
    answers = settings.answers
    named = [recipient] if recipient else _addresses(message.get_all("To", []) + message.get_all("Cc", []))
    targets = {target for each in named if answers and (target := answers.read(each))}
    if len(targets) != 1:
        raise not_allowed("several_addresses" if targets else "no_address_of_ours")
    return targets.pop()


def _text(message: EmailMessage, text_max: int) -> str:
    try:
        text = written_above(text_of(message))
    except Interleaved:
        words = "The answer stands between quoted lines: write it above the quoted mail"
        raise Refusal("interleaved", words) from None
    if not text:
        raise Refusal("no_text", "No text stands above the quoted mail")
    if len(text) > text_max:
        raise Refusal(
            "too_long",
            f"The answer has {len(text)} characters: an SMS may have {text_max} here",
            code="5.3.4",
        )
    return text


def _mail_id(message: EmailMessage) -> str:
    found = [str(each).strip() for each in message.get_all("Message-ID", [])]
    if len(found) != 1 or not found[0]:
        raise Refusal("no_message_id", "The mail has no Message-ID: it could be sent twice")
    return hashlib.sha256(found[0].encode("utf-8", "surrogatepass")).hexdigest()


def _addresses(headers: Sequence[Any]) -> list[str]:
    """List the addresses in headers as Python's parser gives them."""
    groups: Iterable[Any] = (address for header in headers for address in header.addresses)
    return [address.addr_spec for address in groups]
