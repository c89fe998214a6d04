"""``octopush-worker``: what an operator or developer runs by hand."""

import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from producers.contract.settings import RedisSettings
from producers.errors import ConfigError
from worker.api.api_cli import api, api_token
from worker.commands.all_commands import COMMANDS
from worker.commands.command import Command, Group
from worker.commands.forward_cli import forward
from worker.doctor.doctor_cli import doctor
from worker.gateway.profile import read_profile
from worker.mail.mail_cli import forward_email, mail_in
from worker.metrics.metrics_cli import metrics
from worker.pilot.pilot_cli import pilot
from worker.presentation.output import Failed, Output
from worker.process.extras import brought_by, missing
from worker.sandbox.environments import ANY_HOUR
from worker.settings import WorkerSettings
from worker.start import console, web, worker
from worker.webhooks.forward_http import forward_http
from worker.webhooks.forward_listen import listen
from worker.webhooks.forward_secret import secret

#: Where `up` keeps its embedded Redis, below the current directory. Not the sandbox's: what was queued for
#: the simulated gateway must never meet real credentials.
DATA_DIR = Path(".octopush")


@click.group(cls=Group)
@click.version_option(package_name="octopush-worker")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Send and receive SMS through the Octopush gateway.

    Each command ends with 0 if all is well, 1 if it failed, 2 if it was called wrongly, 3 if nothing was
    found, 4 if Redis is away, 5 if the state forbids it.
    """
    if os.environ.get("NO_COLOR"):
        ctx.color = False


def _stop(*_: object) -> None:
    """End the process in such a way that every `with` and `finally` runs."""
    _stay_calm()
    sys.exit(0)


def _stay_calm() -> None:
    """Ignore further signals, which would cut the stopping short; a second Ctrl-C still does."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


@main.command(cls=Command, epilog=brought_by("demo"))
@click.pass_obj
def demo(output: Output) -> None:
    """Send a two-way SMS through everything, on this machine, and stop."""
    from worker.sandbox import demo as story  # noqa: PLC0415 - needs the sandbox extra

    with _said_plainly():
        story.run(output)


@main.command(cls=Command, epilog=brought_by("sandbox"))
@click.pass_obj
def sandbox(output: Output) -> None:
    """Run Redis, a simulated Octopush, worker, web and console until Ctrl-C."""
    from worker.sandbox.stack import Stack  # noqa: PLC0415 - needs the sandbox extra

    with (
        _said_plainly(),
        tempfile.TemporaryDirectory(prefix="octopush-sandbox-") as data_dir,
        Stack(Path(data_dir), logs_to_files=False, console=True) as stack,
    ):
        places = {
            "redis_url": stack.redis_url,
            "admin_url": stack.admin_url,
            "callback_url": stack.callback_url,
            "console_url": stack.console_url or "",
            "console_secret": stack.console_secret,
        }
        output.give(places)
        if not output.as_json:
            click.echo(instructions(**places, api_token=secrets.token_urlsafe(32)))
        _until_interrupted(output, lambda: stack.supervise(output.say))


@main.command(cls=Command)
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
            click.echo(_addresses(**places))
        _until_interrupted(output, lambda: installation.supervise(output.say))


for part in (listen, secret):
    forward.add_command(part)
for command in (
    *COMMANDS,
    doctor,
    worker,
    web,
    console,
    api,
    api_token,
    metrics,
    forward_http,
    forward_email,
    mail_in,
    pilot,
):
    main.add_command(command)


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
    from worker.sandbox.environments import SETTINGS, configured  # noqa: PLC0415 - needs the sandbox extra

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


def _addresses(redis_url: str | None, web_url: str | None, console_url: str | None) -> str:
    if redis_url:
        connect = f"connect with\n\n    export REDIS_URL={redis_url}\n"
    else:
        connect = f"use the Redis at {RedisSettings.from_env(os.environ).redis_url}."
    return f"""
Worker and web are up. Applications on this machine {connect}
Callbacks are taken at {web_url}/callbacks/<token>
{f"The console is at {console_url}/" if console_url else "There is no console without CONSOLE_TOKENS."}
"""


def instructions(
    redis_url: str, admin_url: str, callback_url: str, console_url: str, console_secret: str, api_token: str
) -> str:
    """Say what can be done with a sandbox, in snippets that can be pasted as they are."""
    hours = " ".join(f"{name}={value}" for name, value in ANY_HOUR.items())
    # Snippets stand at the margin: Python's shell refuses pasted lines that are indented.
    return f"""
The sandbox is up, until Ctrl-C. Open its phone in a browser, and answer what arrives there:

    {admin_url}/

The console, where operators read replies and decide:

    {console_url}/    token: {console_secret}

Paste into an app (or a Python shell of this environment):

from producers import Producer
sms = Producer("{redis_url}")
sms.send("+33612345678", "Reply YES to confirm.", sender="Bistro", purpose="alert",
         with_replies=True, context={{"booking": 42}})

Read the replies, until Ctrl-C:

from producers.feeds import Feed
for reply in Feed("replies", group="my-app", redis_url="{redis_url}"):
    print(reply)

In other terminals, octopush-worker and the commands in docs/ need these lines. The last one lets them send
marketing at any hour, as the worker of the sandbox does:

export REDIS_URL={redis_url}
export ADMIN={admin_url}
export {hours}

Applications in other languages send through the HTTP API. With the lines above and these, octopush-worker api
starts it, and the examples in Node and PHP find it:

export OCTOPUSH_URL=http://127.0.0.1:8002 OCTOPUSH_TOKEN={api_token}
export API_TOKENS=shop:send+read+campaign:{api_token}

Answer without the phone:    curl -d '{{"number": "+33612345678", "text": "YES"}}' {admin_url}/replies
What reached which handset:  curl {admin_url}/messages
Callbacks arrive at:         {callback_url}
"""


if __name__ == "__main__":
    main()
