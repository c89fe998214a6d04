"""``octopush-worker show``: everything that is known of one message or shared call."""

import os
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any, Final

import click

from producers.contract.settings import ProducerSettings
from producers.queueing.records import Records
from worker.inquiry.send_detail import SendDetail, find
from worker.operator.command import Command, at_desk
from worker.presentation.json_lines import json_text
from worker.presentation.output import NotFound, Output

#: Fields of the status that are shown apart from the others.
_APART: Final = frozenset({"request_id", "state", "deliveries"})
#: What is shown of a body. The others are options of the gateway.
_OF_BODY: Final = ("text", "sender", "type", "purpose", "with_replies", "send_at")


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
        raise NotFound(f"nobody knows {request_id}: it never was, or has been forgotten")
    recipients, members = list(_recipients(found, shown)), list(_members(found, shown))
    head = {"request_id": request_id, "state": found.status.state}
    output.give({**head, **_known(found), "recipients": recipients, "members": members})
    output.show(f"{request_id}: {found.status.state}")
    for name, value in _known(found).items():
        if value is not None:
            output.show(f"  {name:<18} {value if isinstance(value, str) else json_text(value)}")
    for each in (*recipients, *members):
        output.show("  " + "  ".join(str(value) for value in each.values() if value is not None))


def _known(found: SendDetail) -> dict[str, Any]:
    """Name what is known beside recipients and members."""
    status = {each.name: getattr(found.status, each.name) for each in fields(found.status)}
    told = {name: value for name, value in status.items() if name not in _APART}
    record = {name: value for name, value in found.fields.items() if name != "recipients"}
    body = {name: getattr(found.body, name) for name in _OF_BODY} if found.body else {}
    return told | record | body


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
