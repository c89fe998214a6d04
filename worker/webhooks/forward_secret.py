"""``octopush-worker forward secret``: what the receiver of webhooks needs to verify them."""

import os

import click

from worker.commands.command import Command
from worker.commands.forward_cli import named
from worker.presentation.output import Output
from worker.webhooks.settings import WebhookSettings
from worker.webhooks.signing import secrets_of


@click.command(cls=Command)
@click.argument("name", callback=named)
@click.pass_obj
def secret(output: Output, name: str) -> None:
    """Print the secret with which the webhooks of NAME are signed; while it changes, the new one first."""
    for each in secrets_of(WebhookSettings.from_env(os.environ), name):
        output.show(each)
        output.give({"secret": each})
