"""``octopush-worker forward listen``: webhooks to an application that is being written, on this machine."""

import os
import time
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import click
import redis

from producers.contract.outages import passes
from worker.forwarding.outcomes import Deliver, Delivered, Outcome, OutgoingEvent
from worker.forwarding.store import check_name, event_id_of
from worker.operator.command import Command, Desk, at_desk
from worker.presentation.output import Output
from worker.webhooks.settings import WebhookSettings, check_streams, check_url
from worker.webhooks.signing import secrets_of

#: Milliseconds that one look for entries waits.
_LOOK_MS: Final = 1_000
#: Seconds between two tries while Redis is away.
_AWAY_S: Final = 0.5


@click.command(cls=Command)
@click.option("--to", "url", required=True, help="Such as http://localhost:8000/webhooks.")
@click.option("--name", help="Sign as this forwarder does; WEBHOOK_NAME by default.")
@click.option("--streams", help="Comma-separated; WEBHOOK_STREAMS by default.")
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


def _last_ids(desk: Desk, streams: Sequence[str]) -> dict[str, bytes]:
    """Say where the streams end now."""
    newest: list[Any] = [desk.client.xrevrange(desk.keys.stream(name), count=1) for name in streams]
    return {name: found[0][0] if found else b"0" for name, found in zip(streams, newest, strict=True)}


def _follow(desk: Desk, deliver: Deliver, last: dict[str, bytes], output: Output) -> None:
    names = {desk.keys.stream(name).encode(): name for name in last}
    away = False
    while True:
        ids: dict[Any, Any] = {key: last[name] for key, name in names.items()}
        try:
            found: Any = desk.client.xread(ids, count=10, block=_LOOK_MS)
        except redis.RedisError as error:
            if not passes(error):
                raise
            if not away:
                output.say(f"Redis does not answer ({type(error).__name__}); waiting for it")
            away = True
            time.sleep(_AWAY_S)
            continue
        if away:
            output.say("Redis is back")
            away = False
        for key, entries in found or ():
            for entry_id, fields in entries:
                last[names[key]] = entry_id
                event = OutgoingEvent(
                    event_id_of(entry_id, fields), names[key], entry_id.decode(), 1, fields, ""
                )
                _tell(output, event, deliver(event))


def _tell(output: Output, event: OutgoingEvent, outcome: Outcome) -> None:
    said = "delivered" if isinstance(outcome, Delivered) else outcome.why
    output.show(f"{event.stream:<9} {event.event_id}  {said}", alarming=not isinstance(outcome, Delivered))
    output.give({"stream": event.stream, "id": event.event_id, "result": said})
