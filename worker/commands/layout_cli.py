"""``octopush-worker layout``: which layout the data in Redis have, and the step to a newer one."""

import click

from producers.contract.jobs import LAYOUT
from worker.commands.command import Command, Group, at_desk, whoever
from worker.inquiry.layouts import Layouts, read_layouts
from worker.operator.layout_decision import raising_layout
from worker.presentation.output import Forbidden, Output


@click.group(cls=Group)
def layout() -> None:
    """Which layout the data in Redis have, for the time of an upgrade."""


@layout.command("show", cls=Command)
@click.pass_obj
def show(output: Output) -> None:
    """Show the layout of the data, and which layouts this release and the live workers serve."""
    with at_desk(any_layout=True) as desk:
        found = desk.ask(read_layouts(desk.keys))
    workers = {str(each): count for each, count in sorted(found.workers.items())}
    output.give({"layout": found.data, "serves": LAYOUT, "workers": workers})
    output.show(f"the data have layout {found.data}; this release serves layouts up to {LAYOUT}")
    for each, count in workers.items():
        output.show(f"{count} live {'worker serves' if count == 1 else 'workers serve'} layouts up to {each}")
    if (what_next := _what_next(found)) is not None:
        output.say(what_next)


def _what_next(found: Layouts) -> str | None:
    if found.data > LAYOUT:
        return "this release leaves these data alone: install the one that the workers have"
    if found.data < LAYOUT:
        return "once every process is of this release: octopush-worker layout raise"
    return None


@layout.command("raise", cls=Command)
@click.pass_obj
def raise_(output: Output) -> None:
    """Let all processes write the newest layout that this release serves; nobody can take it back."""
    with at_desk() as desk:
        now = raising_layout(desk.keys, whoever()).run(desk.client)
    if now.older:
        stay = f"{now.older} live {'worker does' if now.older == 1 else 'workers do'}"
        raise Forbidden(f"{stay} not serve layout {LAYOUT} yet: upgrade first; nothing was changed")
    output.give({"layout": now.layout})
    output.show(f"the data have layout {now.layout}")
