"""The commands ``forward-email``, which runs until stopped, and ``mail-in``, for a mail server's pipe."""

import os
import signal
import sys
from contextlib import suppress
from os import EX_TEMPFAIL
from typing import NoReturn

import click
import structlog

from producers.contract.known_pseudonyms import KnownPseudonyms
from producers.contract.scripts import REDIS_ERRORS
from producers.contract.steps import drive
from producers.errors import ConfigError, QueueRefused
from worker.commands.command import Command
from worker.forwarding import process
from worker.mail.forward_email import ForwardEmail, store, try_at_once
from worker.mail.incoming import MAIL_MAX_BYTES, Refusal, read
from worker.mail.mail_in import send
from worker.mail.postbox import Postbox
from worker.mail.settings import MailInSettings, MailSettings
from worker.process import log
from worker.process.connection import connect

#: What a mail server that starts `mail-in` reads of its output, where the mail was taken.
_TAKEN = "2.0.0"
_NOT_SET_UP = "4.3.5 Not set up rightly; try again later"


@click.command("forward-email", cls=Command)
def forward_email() -> None:
    """Mail each reply to those whom MAIL_TO and MAIL_ROUTES name, until SIGTERM.

    Several processes share the work. A server that is away gets all mails later. What it refuses for good
    waits for: octopush-worker forward replay email --dead
    """
    settings = MailSettings.from_env(os.environ)
    server, kept = settings.server, store(settings)
    log.configure(settings.log_level, settings.namespace)
    postbox = Postbox(server)
    with connect(settings.redis_url) as client:
        # While Redis is away there is nothing to end yet; the process itself waits for Redis.
        with suppress(*REDIS_ERRORS):
            drive(KnownPseudonyms(settings).read(), client)
            try_at_once(client, kept.keys)
        # One mail at a time, over one connection: mail servers count both.
        process.run(
            settings,
            kept,
            ForwardEmail(client, kept.keys, settings, postbox).deliver,
            receiver=f"{server.host}:{server.port}",
            log_level=settings.log_level,
            places=1,
        )
    postbox.close()


class _WrongCall(click.UsageError):
    """The mail server keeps the mail until somebody has mended the call."""

    exit_code = EX_TEMPFAIL


class _MailIn(click.Command):
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise _WrongCall(error.format_message(), ctx) from None


@click.command("mail-in", cls=_MailIn)
@click.option("--recipient", help="Address that the mail came to; without it the headers To and Cc tell.")
def mail_in(recipient: str | None) -> None:
    """Read one mail from standard input, and send the SMS that answers a reply.

    For the pipe of a mail server. Exit status: 0 taken; 75 try again later; 65 and 77 refused, with a line on
    standard output that its sender may read. Logs go to standard error. A mail that comes twice is sent once.
    """
    # The server cuts short what hangs, and asks again after this status only.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(EX_TEMPFAIL))
    log.configure("info", os.environ.get("SMS_NAMESPACE") or "sms", fd=2)
    logger = structlog.get_logger()
    try:
        settings = MailInSettings.from_env(os.environ)
        sent = send(read(sys.stdin.buffer.read(MAIL_MAX_BYTES + 1), settings, recipient), settings)
    except Refusal as refusal:
        logger.warning("mail.refused", reason=refusal.reason, code=refusal.code)
        _end(refusal.status, f"{refusal.code} {refusal.words}")
    except ConfigError as error:
        # A log line is one line: its problems are parted by semicolons.
        problem = "; ".join(f"{name}: {each}" for name, each in error.problems.items())
        logger.error("mail.put_off", reason="settings", problem=problem)  # noqa: TRY400 - names say it all
        _end(EX_TEMPFAIL, _NOT_SET_UP)
    except QueueRefused as error:
        logger.error("mail.put_off", reason="settings", problem=str(error))  # noqa: TRY400 - names say it all
        _end(EX_TEMPFAIL, _NOT_SET_UP)
    except Exception as error:  # noqa: BLE001 - whatever it is, the mail must not be lost
        logger.error("mail.put_off", reason=type(error).__name__)  # noqa: TRY400 - a traceback may hold the text
        _end(EX_TEMPFAIL, "4.3.0 Try again later")
    logger.info("mail.taken", request_id=sent.request_id, repeated=not sent.created)
    click.echo(f"{_TAKEN} Taken as {sent.request_id}")


def _end(status: int, words: str) -> NoReturn:
    click.echo(words)
    sys.exit(status)
