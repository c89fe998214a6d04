"""``octopush-worker forward listen``: webhooks to an application that is being written, on this machine."""

import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import click

from worker.commands.command import Command, Desk, at_desk
from worker.commands.following import entries_after
from worker.forwarding.outcomes import Deliver, Delivered, Outcome, OutgoingEvent
from worker.forwarding.store import check_name, event_id_of
from worker.presentation.output import Output
from worker.webhooks.settings import DEFAULT_STREAMS, WebhookSettings, check_streams, check_url
from worker.webhooks.signing import secrets_of


@click.command(cls=Command)
@click.option("--to", "url", required=True, help="Such as http://localhost:8000/webhooks.")
@click.option("--name", help="Sign as this forwarder does; WEBHOOK_NAME by default.")
@click.option(
    "--streams", help=f"Comma-separated. Without it WEBHOOK_STREAMS, which is {DEFAULT_STREAMS} by default."
)
@click.pass_obj
def listen(output: Output, url: str, name: str | None, streams: str | None) -> None:
    """Send what comes from now on to a server on this machine, once and signed as in earnest, until Ctrl-C.

    Beside the forwarders: nobody gets an event less because of it, and none is tried again.
    """
    from worker.webhooks.sender import Sender  # noqa: PLC0415 - no other command needs an HTTP client

    settings = WebhookSettings.from_env(os.environ)
    try:
        chosen = check_streams(streams or settings.streams)
        secrets = secrets_of(settings, check_name(name or settings.name))
        sender = Sender(check_url(url), secrets)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    with at_desk() as desk, sender:
        last = _last_ids(desk, chosen)
        output.say(f"{', '.join(chosen)} go to {_shown(url)}; the secret is {secrets[0]}")
        _follow(desk, sender.deliver, last, output)


def _shown(url: str) -> str:
    """Write the address as it was typed, without a password in it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _last_ids(desk: Desk, streams: Sequence[str]) -> dict[str, str]:
    """Say where the streams end now."""
    newest: list[Any] = [desk.client.xrevrange(desk.keys.stream(name), count=1) for name in streams]
    return {name: found[0][0].decode() if found else "0" for name, found in zip(streams, newest, strict=True)}


def _follow(desk: Desk, deliver: Deliver, last: dict[str, str], output: Output) -> None:
    for stream, entry_id, fields in entries_after(desk, output, last):
        event = OutgoingEvent(event_id_of(entry_id.encode(), fields), stream, entry_id, 1, fields, "")
        _tell(output, event, deliver(event))


def _tell(output: Output, event: OutgoingEvent, outcome: Outcome) -> None:
    said = "delivered" if isinstance(outcome, Delivered) else outcome.why
    output.show(f"{event.stream:<9} {event.event_id}  {said}", alarming=not isinstance(outcome, Delivered))
    output.give({"stream": event.stream, "id": event.event_id, "result": said})
