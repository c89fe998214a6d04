"""The commands ``forward-email``, which runs until stopped, and ``mail-in``, for a mail server's pipe."""

import os
import signal
import sys
from os import EX_TEMPFAIL
from typing import NoReturn, TypeVar

import click
import redis
import structlog

from producers.contract.keys import Keys
from producers.contract.outages import OutageLog
from producers.contract.settings import ProducerSettings, RedisSettings, Settings
from producers.contract.steps import drive
from producers.errors import ConfigError
from worker.forwarding import counts
from worker.forwarding.decisions import Decisions
from worker.mail.forward_email import NAME, runner
from worker.mail.incoming import MAIL_MAX_BYTES, Refusal, read
from worker.mail.mail_in import send
from worker.mail.settings import MailInSettings, MailSettings
from worker.process import log
from worker.process.connection import connect, waits_for_redis
from worker.process.middleware import stop_at_once

S = TypeVar("S", bound=Settings)

#: What a mail server that starts `mail-in` reads of its output, where the mail was taken.
_TAKEN = "2.0.0"
_STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@click.command("forward-email")
def forward_email() -> None:
    """Mail each reply to those whom MAIL_TO and MAIL_ROUTES name, until it is stopped.

    Several processes may run at a time. A server that is away gets all mails later. What it refuses for good
    waits for: octopush-worker forward replay email --dead
    """
    settings, mail = _settings(RedisSettings), _settings(MailSettings)
    log.configure("info")
    with connect(settings.redis_url, _outage_log()) as client:
        with stop_at_once():
            _try_at_once(client, settings)
        loop = runner(client, settings, mail)
        for number in _STOPPING:
            signal.signal(number, lambda *_: loop.stop())
        loop.run()


@click.command("mail-in")
@click.option("--recipient", help="Address that the mail came to; without it the headers To and Cc tell.")
def mail_in(recipient: str | None) -> None:
    """Read one mail from standard input, and send the SMS that answers a reply.

    For the pipe of a mail server. Exit status: 0 taken; 75 try again later; 65 and 77 refused, with a line on
    standard output that its sender may read. Logs go to standard error. A mail that comes twice is sent once.
    """
    # The server cuts short what hangs, and asks again after this status only.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(EX_TEMPFAIL))
    log.configure("info", fd=2)
    logger = structlog.get_logger()
    try:
        mail, producer = MailInSettings.from_env(os.environ), ProducerSettings.from_env(os.environ)
        sent = send(read(sys.stdin.buffer.read(MAIL_MAX_BYTES + 1), mail, recipient), mail, producer)
    except Refusal as refusal:
        logger.warning("mail.refused", reason=refusal.reason, code=refusal.code)
        _end(refusal.status, f"{refusal.code} {refusal.words}")
    except ConfigError as error:
        logger.error("mail.put_off", reason="settings", problem=str(error))  # noqa: TRY400 - names say it all
        _end(EX_TEMPFAIL, "4.3.5 Not set up rightly; try again later")
    except Exception as error:  # noqa: BLE001 - whatever it is, the mail must not be lost
        logger.error("mail.put_off", reason=type(error).__name__)  # noqa: TRY400 - a traceback may hold the text
        _end(EX_TEMPFAIL, "4.3.0 Try again later")
    logger.info("mail.taken", request_id=sent.request_id, repeated=not sent.created)
    click.echo(f"{_TAKEN} Taken as {sent.request_id}")


def _end(status: int, words: str) -> NoReturn:
    click.echo(words)
    sys.exit(status)


def _settings(kind: type[S]) -> S:
    try:
        return kind.from_env(os.environ)
    except ConfigError as error:
        raise click.ClickException(str(error)) from None


def _try_at_once(client: redis.Redis, settings: RedisSettings) -> None:
    """End a hold that is left from before: whoever starts the process has perhaps mended what was wrong."""
    keys = Keys(settings.namespace)
    for attempt in waits_for_redis():
        with attempt:
            (found,) = drive(counts.counts(keys, [NAME]), client)
            if found.held and not found.paused:
                Decisions(client, keys, NAME, by="forward-email").resume()


def _outage_log() -> OutageLog:
    logger = structlog.get_logger()
    return OutageLog(
        lambda reason: logger.warning("redis.unavailable", reason=reason),
        lambda seconds: logger.warning("redis.back", duration_ms=round(seconds * 1000)),
    )
