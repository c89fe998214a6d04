"""``octopush-worker show``: everything that is known of one message or shared call."""

import os
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import click

from producers.queueing.records import Records
from producers.settings import ProducerSettings
from worker.commands.command import Command, at_desk
from worker.inquiry.dates import in_paris
from worker.inquiry.send_detail import SendDetail, find
from worker.presentation.amounts import amount
from worker.presentation.json_lines import json_text
from worker.presentation.masking import hide_within, mask_within
from worker.presentation.output import NotFound, Output

#: Fields of the status that are shown apart from the others.
_APART: Final = frozenset({"request_id", "state", "deliveries"})
#: What is shown of a body. The others are options of the gateway.
_OF_BODY: Final = ("text", "sender", "type", "purpose", "with_replies", "send_at")
#: Whether a receipt is the last one, in words.
_FINAL: Final[dict[bool | None, str]] = {True: "final", False: "not final"}


@click.command(cls=Command)
@click.argument("request_id")
@click.option("--reveal", is_flag=True, help="Show numbers in full, with an entry in the audit stream.")
@click.pass_obj
def show(output: Output, request_id: str, *, reveal: bool) -> None:
    """Show all that is known of a message or shared call: record, text, recipients, receipts, members."""
    records = Records(ProducerSettings.from_env(os.environ))
    with at_desk() as desk:
        shown = desk.unmasked("show", reveal=reveal, request_id=request_id)
        found = desk.ask(find(desk.keys, records, request_id))
    if found is None:
        raise NotFound(f'nobody knows "{request_id}": it never was, or has been forgotten')
    recipients, members = list(_recipients(found, shown)), list(_members(found, shown))
    masked = {"context": _masked_context(found), "message": mask_within(found.status.message)}
    known = _known(found) | ({} if reveal else masked)
    head = {"request_id": request_id, "state": found.status.state}
    output.give({**head, **known, "recipients": recipients, "members": members})
    output.show(f"{request_id}: {found.status.state}")
    for name, value in known.items():
        if value is not None:
            told = datetime.fromisoformat(value) if name == "send_at" else value
            output.show(f"  {name:<18} {_words(told)}{_about(name, found)}")
    for each in (*recipients, *members):
        row = {**each, "final": _FINAL.get(each.get("final"))}
        output.show("  " + "  ".join(_words(value) for value in row.values() if value is not None))


def _about(name: str, found: SendDetail) -> str:
    """Say of the sender of a two-way message that nobody sees it: a short number takes its place."""
    if name != "sender" or found.body is None or not found.body.with_replies:
        return ""
    seen = found.fields.get("short_number")
    return f" (the gateway shows {f'the short number {seen}' if seen else 'a short number'} in its place)"


def _words(value: object) -> str:
    """Write a value for people."""
    match value:
        case str():
            return value
        case datetime():
            return in_paris(value)
        case Decimal():
            return amount(value)
        case _:
            return json_text(value)


def _known(found: SendDetail) -> dict[str, Any]:
    """Name what is known beside recipients and members."""
    status = {each.name: getattr(found.status, each.name) for each in fields(found.status)}
    told = {name: value for name, value in status.items() if name not in _APART}
    record = {name: value for name, value in found.fields.items() if name != "recipients"}
    body = {name: getattr(found.body, name) for name in _OF_BODY} if found.body else {}
    return told | record | body


def _masked_context(found: SendDetail) -> Any:
    """Return the application's own value without the numbers of recipients."""
    context = found.status.context
    if len(found.numbers) < found.recipients:
        # The text is gone, and with it what tells a recipient's number from any other.
        return mask_within(context)
    for number in found.numbers:
        context = hide_within(context, number)
    return context


def _recipients(found: SendDetail, shown: Callable[[str], str]) -> Iterator[dict[str, Any]]:
    """Name the recipients; of a body that is gone, those with a receipt."""
    for number in found.numbers:
        delivery = found.status.deliveries.get(number)
        yield {
            "number": shown(number),
            "status": delivery and delivery.status,
            "final": delivery and delivery.final,
            "at": delivery and delivery.at,
        }


def _members(found: SendDetail, shown: Callable[[str], str]) -> Iterator[dict[str, Any]]:
    for number, request_id in found.members:
        yield {"number": shown(number), "request_id": request_id}
