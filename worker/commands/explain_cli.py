"""``octopush-worker explain``: why has this message not left, or what became of it?"""

from collections.abc import Callable, Mapping
from typing import Any

import click

from worker.commands.command import Command, at_desk
from worker.inquiry.dates import in_paris
from worker.inquiry.explain import explain as explaining
from worker.inquiry.timeline import Moment
from worker.presentation.amounts import amount
from worker.presentation.counts import counted
from worker.presentation.masking import mask_numbers
from worker.presentation.output import Exit, Output


@click.command(cls=Command)
@click.argument("request_id")
@click.option("--reveal", is_flag=True, help="Show numbers in full, with an entry in the audit stream.")
@click.pass_context
def explain(ctx: click.Context, request_id: str, *, reveal: bool) -> None:
    """Say why a message has not left yet, or what became of it, and show its life so far."""
    output: Output = ctx.obj
    with at_desk() as desk:
        shown = desk.unmasked("explain", reveal=reveal, request_id=request_id)
        found = desk.ask(explaining(desk.keys, desk.pseudonyms, desk.hours, request_id))
    receipts = found.more_receipts + sum(moment.what == "receipt" for moment in found.timeline)
    output.give(
        {
            "request_id": request_id,
            "state": found.state,
            "verdict": found.verdict,
            "sentence": found.sentence,
            "details": found.details,
            "reasons": found.reasons,
            "receipts": receipts,
            "timeline": [_fields(each, shown) for each in found.timeline],
        }
    )
    output.show(f"{found.verdict}: {found.sentence}")
    for reason in found.reasons[1:]:
        output.show(f"also {reason.word}: {reason.sentence}")
    for moment in found.timeline:
        output.show(_line(moment, shown))
    if found.more_receipts:
        output.show(
            f"  and {counted(found.more_receipts, 'more receipt')}: octopush-worker show {request_id}"
        )
    if found.state is None:
        ctx.exit(Exit.NOT_FOUND)


def _shown(details: Mapping[str, Any], shown: Callable[[str], str]) -> dict[str, Any]:
    told = dict(details)
    if "number" in told:
        told["number"] = shown(told["number"])
    if "message" in told:
        # The gateway's own words may name whom it refuses.
        told["message"] = mask_numbers(told["message"], lambda number: shown(number) == number)
    return told


def _said(name: str, value: object) -> str:
    if name == "final":
        return "final" if value else "not final"
    return f"{name} {amount(str(value)) if name == 'cost' else value}"


def _fields(moment: Moment, shown: Callable[[str], str]) -> dict[str, Any]:
    return {"at": moment.at, "what": moment.what, "details": _shown(moment.details, shown)}


def _line(moment: Moment, shown: Callable[[str], str]) -> str:
    details = _shown(moment.details, shown)
    told = ", ".join(_said(name, value) for name, value in details.items() if name != "event_id")
    what = "sent again by a person" if moment.what == "sent_again" else moment.what.replace("_", " ")
    return f"  {in_paris(moment.at)}  {what}{': ' if told else ''}{told}"
