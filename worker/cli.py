"""``octopush-worker``: what an operator or developer runs by hand."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

from producers.errors import ConfigError
from producers.settings import WebSettings
from worker.settings import WorkerSettings

#: Where the sandbox and `up` keep their files, below the current directory.
DATA_DIR = Path(".sandbox")


@click.group()
@click.version_option(package_name="octopush-worker")
def main() -> None:
    """Send and receive SMS through the Octopush gateway."""
    # A supervisor stops us with SIGTERM; let every `with` and `finally` run.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


@main.command()
def demo() -> None:
    """Send a two-way SMS through everything, on this machine, and stop."""
    from worker.sandbox import demo as story  # noqa: PLC0415 - needs the sandbox extra

    story.run()


@main.command()
def sandbox() -> None:
    """Run Redis, a simulated Octopush, worker and web until Ctrl-C."""
    from worker.sandbox.stack import Stack  # noqa: PLC0415 - needs the sandbox extra

    with Stack(DATA_DIR, logs_to_files=False) as stack:
        click.echo(_instructions(stack.redis_url, stack.admin_url, stack.callback_url))
        _until_interrupted(stack.check)


@main.command()
def up() -> None:
    """Run the Procfile's processes with the environment's settings until Ctrl-C.

    Starts an embedded Redis, kept under .sandbox, when REDIS_URL is not set.
    """
    from worker.sandbox.installation import Installation  # noqa: PLC0415 - needs the sandbox extra

    _check_settings()
    with Installation(DATA_DIR, os.environ, os.environ.get("REDIS_URL")) as installation:
        click.echo(f"up; callbacks are taken at {installation.web_url}/callbacks/<token>")
        _until_interrupted(installation.check)


def _check_settings() -> None:
    """Name every problem of all processes at once, before any of them starts."""
    problems: dict[str, str] = {}
    for kind in (WorkerSettings, WebSettings):
        try:
            kind.from_env(os.environ)
        except ConfigError as error:
            problems |= error.problems
    if problems:
        raise click.ClickException(str(ConfigError(problems)))


def _until_interrupted(check: Callable[[], None]) -> None:
    try:
        while True:
            check()
            time.sleep(0.5)
    except KeyboardInterrupt:
        click.echo("stopping")


def _instructions(redis_url: str, admin_url: str, callback_url: str) -> str:
    return f"""
The sandbox is up. Paste into an app (or a Python shell of this environment):

    from producers import Producer
    sms = Producer("{redis_url}")
    sms.send("+33612345678", "Reply YES to confirm.", sender="Bistro", purpose="alert", with_replies=True,
             context={{"booking": 42}})

Answer from the handset:

    curl -d '{{"number": "+33612345678", "text": "YES"}}' {admin_url}/replies

Read the replies:

    from producers.feeds import Feed
    for reply in Feed("replies", group="my-app", redis_url="{redis_url}"): print(reply)

What reached which handset:  curl {admin_url}/messages
Callbacks arrive at:         {callback_url}
"""
