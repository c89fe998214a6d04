"""What one use of ``octopush-worker send`` is to send, and to whom."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
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
        leave_out: whether bad rows are left out; otherwise they refuse all of it.
        bad_rows_to: file that takes the rows that are to be mended, if one was named.
    """

    output: Output
    file: RecipientList | None
    text: str
    options: CampaignOptions
    settings: ProducerSettings
    campaign_id: str | None
    budget: str | None = None
    leave_out: bool = False
    bad_rows_to: Path | None = None


@dataclass(frozen=True, slots=True)
class Stay:
    """How long a command stays.

    Attributes:
        wait: until all has ended.
        replies_s: seconds for which replies are shown after that, if there can be any; None until Ctrl-C.
    """

    wait: bool
    replies_s: float | None


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


def show_mended(plan: Plan, bad: BadRows) -> None:
    """Say how rows that were left out are sent once they are mended."""
    output = plan.output
    if plan.bad_rows_to is not None:
        if bad.bad:
            rows = counted(bad.bad, "bad row")
            output.say(f"           {rows} to mend in {plan.bad_rows_to}. Then send that file,")
            output.say("           with another --campaign if you gave one, and another --bad-rows-to")
    elif bad.bad:
        output.say(
            "           once mended, send them from a file of their own (--bad-rows-to): this one, changed,"
        )
        output.say("           would be a new campaign, and everybody in it would be texted again")


def why_refused(plan: Plan, bad: BadRows, then: str = "") -> str:
    """Say why the real run would refuse, or refuses, and what to do."""
    if plan.file is None or plan.file.listed is None:
        return f"the number cannot be texted{then}"
    found = {"bad": bad.bad, "repeated": bad.repeated}
    told = [f"{count} {'is' if count == 1 else 'are'} {word}" for word, count in found.items() if count]
    advice = "Mend them, or leave them out with --bad-rows leave-out or --bad-rows-to FILE"
    return f"of {counted(plan.file.rows, 'row')} {' and '.join(told)}{then}. {advice}"
