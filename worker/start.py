"""``octopush-worker worker``, ``web`` and ``console``: processes of the Procfile, in whatever directory."""

import sys

import click

from producers.errors import ConfigError
from worker.process import launch
from worker.process.extras import brought_by
from worker.settings import WorkerSettings

_HOST = "Address on which it listens."
_PORT = "Port on which it listens."


@click.command()
@click.option(
    "--processes",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    envvar="WORKER_PROCESSES",
    help="Processes that it starts.",
)
@click.option(
    "--threads",
    type=click.IntRange(1),
    default=4,
    show_default=True,
    envvar="WORKER_THREADS",
    help="Threads of each that claim sends and process callbacks.",
)
def worker(processes: int, threads: int) -> None:
    """Send what is queued, and read callbacks, until SIGTERM.

    SIGHUP stops like SIGTERM. The settings are those of a worker.
    """
    try:
        WorkerSettings.from_env()
    except ConfigError as error:
        # Each process would say so, and Dramatiq after it that the process has ended.
        sys.exit(f"octopush-worker: {error}")
    launch.dramatiq(processes, threads)


@click.command(epilog=brought_by("web"))
@click.option("--host", default="0.0.0.0", show_default=True, envvar="HOST", help=_HOST)  # noqa: S104
@click.option("--port", type=click.IntRange(0), default=8000, show_default=True, envvar="PORT", help=_PORT)
def web(host: str, port: int) -> None:
    """Take Octopush's callbacks, until SIGTERM. Needs CALLBACK_TOKENS."""
    connection = "producers.web_connection:Connection"
    launch.uvicorn("web", "producers.web:create_app", host, port, http=connection)


@click.command(epilog=brought_by("console"))
@click.option("--host", default="127.0.0.1", show_default=True, envvar="CONSOLE_BIND", help=_HOST)
@click.option(
    "--port", type=click.IntRange(0), default=8001, show_default=True, envvar="CONSOLE_PORT", help=_PORT
)
def console(host: str, port: int) -> None:
    """Show the console, until SIGTERM. Needs CONSOLE_TOKENS."""
    launch.uvicorn("console", "worker.console.app:create_app", host, port, _console_lacks)


def _console_lacks() -> list[str]:
    from worker.console.settings import ConsoleSettings  # noqa: PLC0415 - needs no web framework, but its room does

    if ConsoleSettings.from_env().sender:
        return []
    return ["CONSOLE_SENDER is empty: only two-way answers can be sent"]
