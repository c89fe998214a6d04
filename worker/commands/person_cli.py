"""``octopush-worker person``: what is kept of somebody, and how it is erased."""

import os
from collections import Counter
from pathlib import Path
from typing import Any

import click

from producers.contract.phone import mask
from worker.commands.command import Command, Desk, Group, at_desk, whoever
from worker.commands.numbers import number_argument, read_number
from worker.operator import audit
from worker.person.erasing import Erased, Erasure
from worker.person.exporting import Kept, export
from worker.person.named import Person
from worker.presentation.output import Exit, Failed, NotFound, Output

#: How the counts of an erasure are called for people.
_WORDS = {
    "cancelled": "messages cancelled",
    "left_out": "messages that leave without this person",
    "erased": "messages that had ended",
    "gone": "messages whose record had gone",
    "entries": "entries of streams",
    "callbacks": "callbacks not processed yet",
    "events": "events of forwarders",
    "uploads": "parts of uploads that forget the number",
    "twins": "names of messages whose text may come twice",
    "keys": "keys of conversations and counters",
    "spooled": "callbacks in the spool",
}
_REWRITES = {
    "begun": "Redis writes its append-only file anew; until that is done, the old one holds what was erased.",
    "none": "There is no append-only file; snapshots of Redis hold what was erased until the next one.",
    "refused": "Redis did not rewrite its append-only file, which holds what was erased: run BGREWRITEAOF.",
}


@click.group(cls=Group)
def person() -> None:
    """What is kept of one person, and how it is erased."""


@person.command("export", cls=Command)
@number_argument
@click.pass_obj
def export_person(output: Output, number: str, region: str | None) -> None:
    """Print all that is kept of a person, in full, with an entry in the audit stream.

    Reads every key and stream.
    """
    with at_desk() as desk:
        who = _person(desk, read_number(number, region))
        audit.entry(desk.keys, whoever(), "export_person", person=who.pseudonyms[0]).run(desk.client)
        kept = list(export(desk.client, desk.keys, who))
    if not kept:
        raise NotFound("nothing is kept of this person")
    output.give({"number": who.number, "kept": kept})
    for each in kept:
        output.show(f"{each.where} {each.name}  {_said(each)}")


@person.command(cls=Command)
@number_argument
@click.option("--yes", is_flag=True, help="Do it; without this, only count what is kept.")
@click.pass_context
def erase(ctx: click.Context, number: str, region: str | None, *, yes: bool) -> None:
    """Erase a person everywhere, and text nobody of that number for marketing again.

    Safe to repeat.
    """
    output: Output = ctx.obj
    with at_desk() as desk:
        who = _person(desk, read_number(number, region))
        if not yes:
            _count(output, who, list(export(desk.client, desk.keys, who)))
            return
        try:
            done = Erasure(desk.client, desk.settings, who, whoever(), _spool(desk)).run()
        except OSError as error:
            raise Failed(f"the spool cannot be erased ({type(error).__name__}); run this again") from None
    _tell(output, who, done)
    if done.busy:
        ctx.exit(Exit.FAILED)


def _person(desk: Desk, e164: str) -> Person:
    return Person(e164, desk.ask(desk.pseudonyms.read()).all_of(e164))


def _spool(desk: Desk) -> Path | None:
    directory = os.environ.get("CALLBACK_SPOOL_DIR", "")
    return Path(directory) / desk.settings.namespace if directory else None


def _count(output: Output, who: Person, kept: list[Kept]) -> None:
    counts = Counter(each.where for each in kept)
    output.give({"number": mask(who.number), "dry_run": True, "kept": counts})
    for where, count in sorted(counts.items()):
        output.show(f"{where}: {count}")
    output.say(
        "add --yes to erase it" if kept else "nothing is kept; add --yes to refuse this number for ever"
    )


def _tell(output: Output, who: Person, done: Erased) -> None:
    facts: dict[str, Any] = {
        "number": mask(who.number),
        "dry_run": False,
        "person": who.pseudonyms[0],
        "done": done.done,
        "open": done.open,
        "mentions": done.mentions,
        "spool_busy": done.busy,
        "rewrite": done.rewrite,
    }
    output.give(facts)
    for name, count in done.done.items():
        output.show(f"{_WORDS[name]}: {count}")
    output.show(
        f"{mask(who.number)} is erased, and gets no marketing any more"
        if done.is_over
        else "not all is erased yet"
    )
    for request_id in done.open:
        again = "; run this again then, for its id holds the number" if who.is_id_of(request_id) else ""
        output.say(f"{request_id} may have been taken: it is erased when it comes back{again}")
    for place in done.mentions:
        output.say(f"{place} is about somebody else, and mentions the number: it stays")
    if done.busy:
        output.say("a web process still writes the spool: run this again in a few seconds")
    output.say(_REWRITES[done.rewrite])
    output.say("Backups, replicas that are cut off, and what applications have read are not reached.")


def _said(kept: Kept) -> str:
    return ", ".join(f"{name}={value}" for name, value in kept.fields.items() if value not in ("", None))
