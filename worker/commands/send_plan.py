"""What one use of ``octopush-worker send`` is to send, and to whom."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click

from producers.messages.message import CampaignOptions
from producers.settings import ProducerSettings
from worker.commands.bad_rows import BadRows
from worker.lists.recipient_list import RecipientList
from worker.presentation.counts import counted
from worker.presentation.output import Output


@dataclass(frozen=True, slots=True)
class Plan:
    """What one command is to send, and where it says so.

    Attributes:
        output: where it says so.
        file: who gets it; None for a dry run for somebody whom nobody knows.
        text: of all messages.
        options: the other fields of `Message`.
        settings: of the application.
        campaign_id: names it; None if nobody did.
        budget: euros that it may cost; None leaves the budget that there is, if any.
    """

    output: Output
    file: RecipientList | None
    text: str
    options: CampaignOptions
    settings: ProducerSettings
    campaign_id: str | None
    budget: str | None = None


@contextmanager
def handed_out(file: RecipientList | None, label: str) -> Iterator[Any]:
    """Hand out the recipients; on a terminal, show how many."""
    if file is None or not sys.stderr.isatty():
        yield file.recipients() if file else ()
        return
    with click.progressbar(
        file.recipients(), file.rows, f"{label:<10}", update_min_steps=500, file=sys.stderr
    ) as bar:
        yield bar


def why_refused(plan: Plan, bad: BadRows, then: str = "") -> str:
    """Say why the real run would refuse, or refuses, and what to do."""
    rows = plan.file.rows if plan.file else 0
    advice = "Mend them, or leave them out with --bad-rows leave-out"
    return f"{bad.count} of {counted(rows, 'row')} cannot be texted{then}. {advice}"
