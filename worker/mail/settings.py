"""Settings of the two processes of mail: ``forward-email``, and ``mail-in``."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self, cast
from urllib.parse import urlsplit

from producers.contract.secret import Secret
from producers.contract.settings import RedisSettings, Settings, variable
from producers.errors import ConfigError
from producers.messages import fields
from producers.messages.message import Purpose
from producers.settings import ProducerSettings
from worker.mail import addresses
from worker.mail.mail_server import MailServer, mail_server
from worker.mail.reply_address import ReplyAddresses
from worker.mail.routes import Route, routes
from worker.settings import known_level

#: Characters of a secret that no chance guesses.
_SECRET_MIN: Final = 32


def _long(secrets: tuple[Secret, ...]) -> None:
    if any(len(secret.reveal()) < _SECRET_MIN for secret in secrets):
        raise ValueError(
            f"needs at least {_SECRET_MIN} random characters each: "
            "python3 -c 'import secrets; print(secrets.token_hex(32))'"
        )


def _numbers(value: str) -> None:
    if value not in {"masked", "full"}:
        raise ValueError("must be masked or full")


def _console(url: str) -> None:
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be an address such as https://sms.example.com")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("must be printable ASCII")


def _purpose(value: str) -> None:
    fields.one_of(value, ("alert", "wholesale"))


def _to(value: str) -> tuple[str, ...]:
    return () if value == "nobody" else addresses.mailboxes(value)


def senders(listed: str) -> tuple[str, ...]:
    """Read an allow-list: addresses, and ``@example.com`` for all of a domain. In small letters.

    Raises:
        ValueError: an entry is neither.
    """
    found = [each.strip().lower() for each in listed.split(",") if each.strip()]
    for each in found:
        if each.startswith("@"):
            addresses.domain(each[1:])
        else:
            addresses.mailbox(each)
    return tuple(found)


@dataclass(frozen=True)
class AnswerSettings(Settings):
    """What both processes must agree on, so that answers find their way."""

    reply_domain: str = variable(
        "MAIL_REPLY_DOMAIN",
        "domain whose mail comes to `mail-in`; without one, mails are not answered",
        default="",
        check=addresses.domain,
    )
    secrets: tuple[Secret, ...] = variable(
        "MAIL_SECRET",
        "signs the addresses under which mails are answered, at least 32 random characters; of several, "
        "comma-separated, the first signs and all count",
        default=(),
        check=_long,
    )

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read all fields from an environment: that of the process if None.

        Raises:
            ConfigError: lists every missing or wrong variable by name, without its value.
        """
        environ = os.environ if environ is None else environ
        problems = cls._missing({name for name, value in environ.items() if value.strip()})
        try:
            settings = super().from_env(environ)
        except ConfigError as error:
            raise ConfigError(problems | error.problems) from None
        if problems:
            raise ConfigError(problems)
        return settings

    @classmethod
    def _missing(cls, given: set[str]) -> dict[str, str]:
        if "MAIL_REPLY_DOMAIN" in given and "MAIL_SECRET" not in given:
            return {"MAIL_SECRET": "is required with MAIL_REPLY_DOMAIN"}
        return {}

    @property
    def answers(self) -> ReplyAddresses | None:
        """Makes and reads addresses for answers; None if mails are not answered."""
        return ReplyAddresses(self.reply_domain, self.secrets) if self.reply_domain else None


@dataclass(frozen=True)
class MailSettings(AnswerSettings, RedisSettings):
    """What ``forward-email`` needs to know. The first three are required once it is started."""

    url: Secret = variable(
        "MAIL_URL",
        "mail server: `smtps://user:password@host`, or `smtp://…` for STARTTLS; plain to this machine only",
        default=Secret(""),
        check=mail_server,
    )
    sender: str = variable("MAIL_FROM", "address that mails come from", default="", check=addresses.mailbox)
    to: str = variable(
        "MAIL_TO",
        "who gets the replies that no rule of MAIL_ROUTES takes, comma-separated, or nobody",
        default="",
        check=_to,
    )
    rules: str = variable(
        "MAIL_ROUTES",
        "who gets which replies: `country:FR,BE = a@example.com; campaign:spring-* = b@example.com`",
        default="",
        check=routes,
    )
    numbers: str = variable(
        "MAIL_NUMBERS", "masked or full: how mails show numbers", default="masked", check=_numbers
    )
    console_url: str = variable(
        "CONSOLE_URL", "address of the console, for links in mails", default="", check=_console
    )
    log_level: str = variable("LOG_LEVEL", "debug, info, warning or error", default="info", check=known_level)

    @classmethod
    def _missing(cls, given: set[str]) -> dict[str, str]:
        required = dict.fromkeys({"MAIL_URL", "MAIL_FROM", "MAIL_TO"} - given, "is required")
        return super()._missing(given) | required

    @property
    def server(self) -> MailServer:
        """Where mails are handed in."""
        return mail_server(self.url)

    @property
    def routes(self) -> tuple[Route, ...]:
        """Who gets which replies."""
        return routes(self.rules)

    @property
    def otherwise(self) -> tuple[str, ...]:
        """Who gets all other replies; nobody if empty."""
        return _to(self.to)


@dataclass(frozen=True)
class MailInSettings(AnswerSettings, ProducerSettings):
    """What ``mail-in`` needs to know. The domain, the secret, senders and the SMS's sender are required."""

    senders: str = variable(
        "MAIL_IN_SENDERS",
        "who may answer by mail, comma-separated: addresses, or `@example.com` for all of a domain",
        default="",
        check=senders,
    )
    trusted: str = variable(
        "MAIL_IN_TRUSTED",
        "name under which your mail server writes Authentication-Results; answers must then pass DMARC",
        default="",
        check=addresses.domain,
    )
    text_max: int = variable(
        "MAIL_IN_TEXT_MAX",
        "characters that an answer by mail may have",
        default=459,
        low=1,
        high=fields.TEXT_MAX,
    )
    sms_sender: str = variable(
        "MAIL_IN_SMS_SENDER", "sender of the SMS, 3 to 11 letters and digits", default="", check=fields.sender
    )
    sms_purpose: str = variable(
        "MAIL_IN_SMS_PURPOSE", "alert or wholesale: purpose of the SMS", default="alert", check=_purpose
    )

    @classmethod
    def _missing(cls, given: set[str]) -> dict[str, str]:
        required = {"MAIL_REPLY_DOMAIN", "MAIL_SECRET", "MAIL_IN_SENDERS", "MAIL_IN_SMS_SENDER"}
        return super()._missing(given) | dict.fromkeys(required - given, "is required")

    @property
    def purpose(self) -> Purpose:
        """Purpose of the SMS."""
        return cast("Purpose", self.sms_purpose)

    @property
    def allowed(self) -> tuple[str, ...]:
        """Who may answer: addresses, and domains with an ``@`` in front, in small letters."""
        return senders(self.senders)
