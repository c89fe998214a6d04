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
from worker.mail.session import Mail
from worker.mail.settings import MailSettings

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
        message = self._message(letter, now)
        message["To"] = [_address(each) for each in to]
        return Mail(settings.sender, to, message.as_bytes())

    def _message(self, letter: Letter, now: datetime) -> EmailMessage:
        settings, reply = self._settings, letter.reply
        talk = letter.talk or _plain(reply.event_id)
        who = shown_number(reply.number, full=False)
        thread = f"<talk.{talk}@{self._domain}>"
        message = EmailMessage(policy=SMTP)
        message["From"] = _address(settings.sender, f"{who} by SMS")
        # The same for all of a conversation, or mail programs would part it.
        message["Subject"] = f"SMS from {who} [{talk[:_MARK]}]"
        message["Date"] = format_datetime(reply.received_at.astimezone(UTC))
        message["Message-ID"] = f"<reply.{_plain(reply.event_id)}@{self._domain}>"
        message["In-Reply-To"] = thread
        message["References"] = thread
        message["List-Id"] = f"SMS replies <sms-replies.{self._domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
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


def _address(mailbox: str, name: str = "") -> Address:
    user, _, domain = mailbox.rpartition("@")
    return Address(name, user, domain)


def _plain(event_id: str) -> str:
    if _PLAIN_ID.fullmatch(event_id):
        return event_id
    return hashlib.sha256(event_id.encode("utf-8", "surrogatepass")).hexdigest()[:32]
