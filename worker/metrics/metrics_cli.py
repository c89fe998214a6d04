"""``octopush-worker metrics``: a process of the Procfile."""

import os

import click

from worker.commands.command import Command
from worker.metrics.reading import Reading
from worker.metrics.settings import MetricsSettings
from worker.presentation.output import Output
from worker.process import launch
from worker.process.extras import brought_by


@click.command(cls=Command, epilog=brought_by("metrics"))
@click.pass_obj
def metrics(_: Output) -> None:
    """Tell Prometheus what is in Redis, until SIGTERM."""
    settings = MetricsSettings.from_env(os.environ)
    # Its user in Redis may run no script: what a scrape reads is what it must be allowed to read.
    launch.uvicorn(
        "metrics",
        "worker.metrics.app:create_app",
        settings.host,
        settings.port,
        ask=lambda client, of: Reading(of).read(client),
    )
