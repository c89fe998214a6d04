"""``octopush-worker demo``, ``sandbox`` and ``up``: all processes together, on this machine.

This module is imported with every command, so it imports what needs the sandbox extra only when it is called.
"""

import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from producers.errors import ConfigError
from worker.commands.command import Command
from worker.gateway.profile import read_profile
from worker.presentation.output import Failed, Output
from worker.process.extras import brought_by, missing
from worker.sandbox.environments import SETTINGS, configured
from worker.sandbox.printed import addresses, instructions
from worker.settings import WorkerSettings

#: Where `up` keeps its embedded Redis, below the current directory. Not the sandbox's: what was queued for
#: the simulated gateway must never meet real credentials.
DATA_DIR = Path(".octopush")


@click.command(cls=Command, epilog=brought_by("demo"))
@click.pass_obj
def demo(output: Output) -> None:
    """Send a two-way SMS through everything, on this machine, and stop."""
    from worker.sandbox import demo as story  # noqa: PLC0415 - needs the sandbox extra

    with _said_plainly():
        story.run(output)


@click.command(cls=Command, epilog=brought_by("sandbox"))
@click.pass_obj
def sandbox(output: Output) -> None:
    """Run Redis, a simulated Octopush, worker, web and console until Ctrl-C."""
    from worker.sandbox.scratch_directory import scratch_directory  # noqa: PLC0415 - needs the sandbox extra
    from worker.sandbox.stack import Stack  # noqa: PLC0415 - needs the sandbox extra

    with (
        _said_plainly(),
        scratch_directory("octopush-sandbox-") as data_dir,
        Stack(data_dir, logs_to_files=False, console=True) as stack,
    ):
        places = {
            "redis_url": stack.redis_url,
            "admin_url": stack.admin_url,
            "callback_url": stack.callback_url,
            "gateway_url": stack.gateway_url,
            "console_url": stack.console_url or "",
            "console_secret": stack.console_secret,
        }
        output.give(places)
        if not output.as_json:
            click.echo(instructions(**places, api_token=secrets.token_urlsafe(32)))
        _until_interrupted(output, lambda: stack.supervise(output.say))


@click.command(cls=Command)
@click.option("--workers", type=click.IntRange(1), default=1, help="How many worker processes.")
@click.pass_obj
def up(output: Output, workers: int) -> None:
    """Run the Procfile's processes with the environment's settings until Ctrl-C.

    Worker and web always; the console if CONSOLE_TOKENS is set, forward-http if WEBHOOK_URL is, forward-email
    if MAIL_URL is, the API if API_TOKENS is, the metrics if METRICS_PORT is.

    A process that ends is started again while the others go on. Without REDIS_URL an embedded Redis is
    started, whose data stay under .octopush; nobody else can reach it, and one directory has one.

    Needs the extras of what it runs. octopush-worker[sandbox] brings them, and a server.
    """
    from worker.sandbox.installation import Installation  # noqa: PLC0415 - needs the sandbox extra

    _check_settings()
    with _said_plainly(), Installation(DATA_DIR, os.environ, workers=workers) as installation:
        places = {
            "redis_url": installation.embedded_url,
            "web_url": installation.web_url,
            "console_url": installation.console_url,
        }
        output.give(places)
        if not output.as_json:
            click.echo(addresses(**places))
        _until_interrupted(output, lambda: installation.supervise(output.say))


def _stop(*_: object) -> None:
    """End the process in such a way that every `with` and `finally` runs."""
    _stay_calm()
    sys.exit(0)


def _stay_calm() -> None:
    """Ignore further signals, which would cut the stopping short; a second Ctrl-C still does."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def _said_plainly() -> Iterator[None]:
    """Turn what may go wrong at the start into one message and status 1, and signals into a clean end."""
    from worker.sandbox.installation import InstallationError  # noqa: PLC0415 - needs the sandbox extra
    from worker.sandbox.redis_server import NoServerError  # noqa: PLC0415 - needs the sandbox extra

    for number in (signal.SIGTERM, signal.SIGHUP):
        # Under nohup the process shall outlive the terminal.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)
    try:
        yield
    except (InstallationError, NoServerError) as error:
        raise Failed(str(error)) from None


def _check_settings() -> None:
    """Name every problem of all processes at once, before any of them starts."""
    problems: dict[str, str] = {}
    for process_type in configured(os.environ):
        if lacks := missing(process_type):
            raise Failed(lacks)
        try:
            settings = SETTINGS[process_type].from_env(os.environ)
            if isinstance(settings, WorkerSettings):
                read_profile(settings.gateway_profile, settings.api_login.reveal())
        except ConfigError as error:
            problems |= error.problems
    if problems:
        raise ConfigError(problems)


def _until_interrupted(output: Output, check: Callable[[], None]) -> None:
    try:
        while True:
            check()
            time.sleep(0.5)
    except KeyboardInterrupt:
        _stay_calm()
        output.say("stopping")
