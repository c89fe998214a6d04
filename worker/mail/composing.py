"""Mails about replies, headers and all: threaded by conversation, and never answered by machines. Pure."""

import hashlib
import re
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from worker.mail.addresses import domain_of
from worker.mail.letter import Letter, body, shown_number
from worker.mail.reply_address import LIFETIME, ReplyAddresses
from worker.mail.routes import recipients
from worker.mail.settings import MailSettings
from worker.mail.smtp_connection import Mail

#: Ids that may stand in a Message-ID as they are. Ours are; whoever writes into the stream may use others.
_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")
#: Digits of a conversation's key in the subject: they tell people apart whose masked numbers look the same.
_MARK: Final = 6


class Composer:
    """Writes mails.

    Args:
        settings: who they come from and go to, and what they show.
    """

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings
        self._addresses: ReplyAddresses | None = settings.answers
        self._domain = domain_of(settings.sender)

    def mail(self, letter: Letter, now: datetime) -> Mail | None:
        """Write the mail about a reply; None if it goes to nobody.

        Equal but for the address for answers, which begins its life now.
        """
        settings = self._settings
        to = recipients(
            settings.routes, settings.otherwise, country=letter.reply.country, campaign=letter.campaign
        )
        if not to:
            return None
        message = self._about(letter, now)
        message["To"] = [_address(each) for each in to]
        return Mail(settings.sender, to, message.as_bytes())

    def test(self, event_id: str, now: datetime) -> Mail:
        """Write a mail that tries out the way to everybody whom a reply may reach."""
        settings = self._settings
        named = (*settings.otherwise, *(each for route in settings.routes for each in route.to))
        to = tuple(dict.fromkeys(named)) or (settings.sender,)
        message = self._message("octopush-worker", "A test of replies by e-mail", event_id, now)
        message["To"] = [_address(each) for each in to]
        message.set_content(
            "Replies by SMS find their way to you. This mail is a test and asks for nothing.\n"
        )
        return Mail(settings.sender, to, message.as_bytes())

    def _about(self, letter: Letter, now: datetime) -> EmailMessage:
        settings, reply = self._settings, letter.reply
        talk = letter.talk or _plain(reply.event_id)
        who = shown_number(reply.number, full=False)
        thread = f"<talk.{talk}@{self._domain}>"
        # The subject is the same for all of a conversation, or mail programs would part it.
        subject = f"SMS from {who} [{talk[:_MARK]}]"
        message = self._message(f"{who} by SMS", subject, reply.event_id, reply.received_at)
        message["In-Reply-To"] = thread
        message["References"] = thread
        until = None
        if self._addresses:
            message["Reply-To"] = self._addresses.address(letter.entry_id, reply.event_id, now)
            until = now + LIFETIME
        text = body(
            letter, full=settings.numbers == "full", console_url=settings.console_url, answered_until=until
        )
        # Legible as it is, and neither long lines nor dots nor spaces at a line's end can come to harm.
        message.set_content(text, cte="quoted-printable")
        return message

    def _message(self, name: str, subject: str, event_id: str, at: datetime) -> EmailMessage:
        """Begin a mail with the headers that all of ours have."""
        message = EmailMessage(policy=SMTP)
        message["From"] = _address(self._settings.sender, name)
        message["Subject"] = subject
        message["Date"] = format_datetime(at.astimezone(UTC))
        message["Message-ID"] = f"<reply.{_plain(event_id)}@{self._domain}>"
        message["List-Id"] = f"SMS replies <sms-replies.{self._domain}>"
        # Neither a holiday notice nor another machine is to answer.
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
        return message


def _address(mailbox: str, name: str = "") -> Address:
    user, _, domain = mailbox.rpartition("@")
    return Address(name, user, domain)


def _plain(event_id: str) -> str:
    if _PLAIN_ID.fullmatch(event_id):
        return event_id
    return hashlib.sha256(event_id.encode("utf-8", "surrogatepass")).hexdigest()[:32]
