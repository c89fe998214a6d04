"""``octopush-worker forward-http``: the process that brings events to somebody's server."""

import os

import click

from producers.contract.keys import Keys
from producers.errors import ConfigError
from worker.commands.command import Command
from worker.forwarding import process
from worker.forwarding.schedule import A_DAY
from worker.forwarding.store import Store, check_name
from worker.webhooks.settings import DEFAULT_STREAMS, WebhookSettings, check_streams, check_url
from worker.webhooks.signing import secrets_of


@click.command("forward-http", cls=Command)
@click.argument("name", required=False)
@click.argument("url", required=False)
@click.option(
    "--streams",
    help="Comma-separated: replies, optouts, receipts, statuses, alarms. Without it WEBHOOK_STREAMS, "
    f"which is {DEFAULT_STREAMS} by default.",
)
@click.option("--insecure", is_flag=True, help="Allow http to another machine: numbers and texts in clear.")
def forward_http(name: str | None, url: str | None, streams: str | None, *, insecure: bool) -> None:
    """Bring the events of streams to URL as signed webhooks, until SIGTERM.

    Without NAME and URL, the settings WEBHOOK_NAME and WEBHOOK_URL say what. Several
    processes of one NAME share the work; each NAME has its own events, retries and secret.
    """
    from worker.webhooks.sender import Sender  # noqa: PLC0415 - no other command needs an HTTP client

    if name is not None and url is None:
        raise click.UsageError("say NAME and URL, or neither")
    settings = WebhookSettings.from_env(os.environ)
    secrets = secrets_of(settings, name or settings.name)
    try:
        to = check_url(url or _configured(settings), insecure=insecure)
        store = Store(
            Keys(settings.namespace),
            check_name(name or settings.name),
            check_streams(streams or settings.streams),
            A_DAY,
        )
        sender = Sender(to, secrets)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    with sender:
        process.run(settings, store, sender.deliver, receiver=sender.receiver, log_level=settings.log_level)


def _configured(settings: WebhookSettings) -> str:
    if not settings.url:
        raise ConfigError({"WEBHOOK_URL": "is required without NAME and URL"})
    return settings.url
