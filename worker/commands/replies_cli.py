"""``octopush-worker replies``: by country, date and what they say; as words, JSON, CSV, or as they come."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import click

from worker.commands.command import Command, Desk, at_desk
from worker.commands.following import follow
from worker.commands.option_types import Date, in_order
from worker.inquiry.dates import in_paris, read_since, read_until
from worker.inquiry.paging import PAGE
from worker.inquiry.replies import MATCHES, Found, ReplyFilter, find
from worker.inquiry.reply_rows import REPLY_COLUMNS, reply_row
from worker.presentation.csv_rows import csv_rows
from worker.presentation.output import Output


class _Asked(NamedTuple):
    """What one command asks for."""

    which: ReplyFilter
    limit: int
    show_number: Callable[[str], str]


@click.command(cls=Command)
@click.option("--country", help="Only from this country, such as FR; ZZ for unknown ones.")
@click.option("--since", type=Date(read_since), help="From this day or time on, read in Europe/Paris.")
@click.option("--until", type=Date(read_until), help="Up to this day, or before this time; likewise.")
@click.option("--match", type=click.Choice(MATCHES), help="Only those found to answer a send in this way.")
@click.option("--text", help="Only those that contain this, whatever the case and the accents.")
@click.option(
    "--follow", is_flag=True, help="Show those that come from now on (or since --since), till Ctrl-C."
)
@click.option("--limit", type=click.IntRange(1), help=f"How many; {PAGE} unless they are followed.")
@click.option("--csv", "as_csv", is_flag=True, help="CSV for spreadsheets.")
@click.option("--reveal", is_flag=True, help="Show numbers in full, with an entry in the audit stream.")
@click.pass_obj
def replies(
    output: Output, /, limit: int | None, *, follow: bool, as_csv: bool, reveal: bool, **given: Any
) -> None:
    """Show replies, the newest first; followed, the oldest first.

    A date without an offset is read in Europe/Paris, and a day is all of it. A reply has the date at which it
    was published, moments after it came. To follow acknowledges nothing: no application misses a reply.
    """
    which = _filter(**given)
    if as_csv and (follow or output.as_json):
        raise click.UsageError("--csv goes with neither --follow nor --json")
    if follow and which.until is not None:
        raise click.UsageError("--follow has no --until")
    with at_desk() as desk:
        shown = desk.unmasked("replies", reveal=reveal, **_about(which))
        if follow:
            _follow(desk, output, _Asked(which, limit or 0, shown))
        else:
            _list(desk, output, _Asked(which, limit or PAGE, shown), as_csv=as_csv)


def _filter(**given: Any) -> ReplyFilter:
    if given["country"]:
        given["country"] = given["country"].upper()
    in_order(given["since"], given["until"])
    try:
        return ReplyFilter(**given)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _about(which: ReplyFilter) -> dict[str, str]:
    """Say for the audit stream what was asked for, but not which text."""
    dates = {"since": which.since, "until": which.until}
    found = {name: at.isoformat() for name, at in dates.items() if at is not None}
    return (
        found | ({"country": which.country} if which.country else {}) | ({"text": "*"} if which.text else {})
    )


def _list(desk: Desk, output: Output, asked: _Asked, *, as_csv: bool) -> None:
    more: list[bool] = []
    found = _found(desk, output, asked, more)
    if as_csv:
        for piece in csv_rows(REPLY_COLUMNS, (reply_row(each, asked.show_number) for each in found)):
            output.write(piece)
    elif output.as_json:
        rows = [reply_row(each, asked.show_number) for each in found]
        output.give({"replies": rows, "more": bool(more)})
    else:
        count = 0
        for count, each in enumerate(found, 1):  # noqa: B007 - counted
            output.show(reply_words(each, asked.show_number))
        if not count:
            output.say("no replies")
    if more:
        output.say(f"… and older ones: --limit {10 * asked.limit}")


def _found(desk: Desk, output: Output, asked: _Asked, more: list[bool]) -> Iterator[Found]:
    """Ask for page after page until the limit is reached; then `more` says whether there are older ones."""
    left, cursor = asked.limit, None
    while left:
        page = desk.ask(find(desk.keys, asked.which, cursor, most=min(left, PAGE)))
        yield from page.replies
        left, cursor = left - len(page.replies), page.cursor
        if cursor is None:
            return
        if page.searched_to is not None:
            output.say(f"searched back to {in_paris(page.searched_to)}, going on")
    more.append(True)


def _follow(desk: Desk, output: Output, asked: _Asked) -> None:
    for count, each in enumerate(follow(desk, output, asked.which), 1):
        output.give(reply_row(each, asked.show_number))
        output.show(reply_words(each, asked.show_number))
        if count == asked.limit:
            return


def reply_words(found: Found, show_number: Callable[[str], str]) -> str:
    """Write a reply for people, on one line."""
    reply = found.reply
    if reply is None:
        return f"{in_paris(found.at)}  entry {found.id} cannot be read"
    hint = "  (an opt-out?)" if reply.optout_hint else ""
    answers = f"  answers {reply.request_id} (by {reply.match or 'ticket'})" if reply.request_id else ""
    country, number = reply.country or "??", show_number(reply.number)
    return f"{in_paris(reply.received_at)}  {country}  {number}  {reply.text}{hint}{answers}"
