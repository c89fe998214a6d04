"""The story of one two-way SMS through the real processes, told on the terminal."""

from collections.abc import Callable
from typing import Final

import click

from producers import MessageStatus, Producer
from producers.contract.phone import mask
from producers.contract.settings import RedisSettings
from producers.events import Reply
from producers.feeds import Feed
from worker.presentation.output import Output
from worker.sandbox.installation import InstallationError, wait_for
from worker.sandbox.scratch_directory import scratch_directory
from worker.sandbox.stack import Stack

#: Seconds the demo waits for each of its steps.
STEP_S: Final = 20.0
NUMBER: Final = "+33612345678"
TEXT: Final = "Bistro: table for 4 tonight at 8 pm. Reply YES to confirm."
ANSWER: Final = "YES, see you at 8!"


def run(output: Output) -> None:
    """Start everything, send, let the handset answer, show each step, stop everything.

    Args:
        output: for people, or for programs an object per step.

    Raises:
        InstallationError: a step did not happen; the message names the logs, which are kept then.
    """
    _say(output, "", "starting an embedded Redis, a simulated Octopush, a worker and the web process")
    with scratch_directory("octopush-demo-") as data_dir, Stack(data_dir) as stack:
        _tell(stack, output)
    _say(output, "", "all processes stopped")


def _tell(stack: Stack, output: Output) -> None:
    """Follow one SMS from `send` to the reply on the stream."""
    stack.gateway.auto_reply(ANSWER, after_ms=900, match={"number": NUMBER})
    sms = Producer(stack.redis_url)
    sent = sms.send(
        NUMBER,
        TEXT,
        sender="Bistro",
        purpose="alert",
        with_replies=True,
        request_id="booking-42",
        context={"booking": 42},
    )
    _say(output, "queued", f"request_id {sent.request_id}, {sent.segments} segment")

    def status(awaited: str, reached: Callable[[MessageStatus], bool]) -> MessageStatus:
        def look() -> MessageStatus | None:
            now = sms.status(sent.request_id)
            return now if now and reached(now) else None

        return wait_for(look, stack.check, awaited, STEP_S)  # type: ignore[return-value]

    accepted = status("an accepted message", lambda now: now.state == "accepted")
    _say(
        output,
        "accepted",
        f"ticket {accepted.ticket}, cost {accepted.cost} €, POSTs made: {accepted.attempts}",
    )
    delivered = status(
        "a final receipt", lambda now: any(delivery.final for delivery in now.deliveries.values())
    )
    _say(output, "delivered", f"{mask(NUMBER)} shows the text; receipt {delivered.deliveries[NUMBER].status}")
    reply = _first_reply(stack)
    _say(output, "reply", f"{reply.text!r} from {mask(reply.number)}")
    _say(
        output,
        "",
        f"read from the stream with request_id {reply.request_id} and the app's context {reply.context}",
    )
    sms.close()


def _first_reply(stack: Stack) -> Reply:
    """Read the replies as an application does."""
    feed = Feed("replies", group="demo", settings=RedisSettings().at(stack.redis_url))
    for reply in feed:
        feed.stop()
        return reply
    raise InstallationError("no reply")


def _say(output: Output, step: str, text: str) -> None:
    output.give({"step": step or None, "text": text})
    if not output.as_json:
        click.echo(f"{click.style(f'{step:>10}', fg='green', bold=True)}  {text}")
