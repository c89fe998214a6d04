"""``octopush-worker conversation``: what went to a number and what came back."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click

from producers.queueing.conversations import Conversation
from producers.queueing.turns import Turn
from worker.commands.command import Command, at_desk, with_producer
from worker.commands.numbers import number_argument
from worker.inquiry.dates import in_paris
from worker.presentation.masking import hide_within
from worker.presentation.output import NotFound, Output


@click.command(cls=Command)
@number_argument
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="Newest turns.")
@click.option("--reveal", is_flag=True, help="Show the number in full, with an entry in the audit stream.")
@click.pass_obj
def conversation(output: Output, number: str, region: str | None, limit: int, *, reveal: bool) -> None:
    """Show what went to a number and what came back, the oldest first.

    Of messages, those that can be answered or answer a reply.
    """
    with with_producer(region) as producer:
        found = producer.conversation(number, limit=limit)
    if not found.turns:
        raise NotFound("nothing is kept of a conversation with this number")
    with at_desk() as desk:
        shown = desk.unmasked("conversation", reveal=reveal, conversation=found.key)
    output.give(_fields(found, shown))
    output.show(f"conversation with {shown(found.number or number)}")
    for turn in found.turns:
        output.show(f"{in_paris(turn.at)}  {_line(turn)}")


def _line(turn: Turn) -> str:
    text = "(text not kept)" if turn.text is None else turn.text
    if turn.opted_out:
        return f"<  asked for no more messages ({text})"
    if turn.direction == "in":
        answers = f"  answers {turn.request_id} (by {turn.match or 'ticket'})" if turn.request_id else ""
        return f"<  {text}{answers}"
    delivery = f", {turn.delivery.status}" if turn.delivery else ""
    return f">  {text}  {turn.request_id} ({turn.state}{delivery})"


def _fields(found: Conversation, shown: Callable[[str], str]) -> dict[str, Any]:
    """Name all turns, for programs. A number that is not shown in full is hidden within contexts, too."""
    known, turns = found.number or "", found.turns
    if shown(known) != known:
        turns = tuple(replace(turn, context=hide_within(turn.context, known)) for turn in turns)
    return {"number": shown(known) or None, "key": found.key, "turns": turns}
