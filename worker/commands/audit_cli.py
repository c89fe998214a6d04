"""``octopush-worker audit``: who did what."""

from datetime import datetime

import click

from worker.commands.command import Command, at_desk
from worker.inquiry.audit import AuditRow, newest
from worker.inquiry.dates import in_paris
from worker.presentation.output import Output


@click.command(cls=Command)
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many.")
@click.pass_obj
def audit(output: Output, limit: int) -> None:
    """Show who decided and who looked, the newest first."""
    rows: list[AuditRow] = []
    cursor: str | None = None
    with at_desk() as desk:
        while len(rows) <= limit:
            page = desk.ask(newest(desk.keys, cursor))
            rows += page.rows
            cursor = page.cursor
            if cursor is None:
                break
    output.give({"audit": rows[:limit], "more": len(rows) > limit})
    for row in rows[:limit]:
        about = ", ".join(f"{name} {_shown(name, value)}" for name, value in row.about.items())
        output.show(f"{in_paris(row.at)}  {row.by}  {row.action}{': ' if about else ''}{about}")
    if not rows:
        output.say("nobody has decided or looked at anything yet")
    elif len(rows) > limit:
        output.say(f"… and older ones: --limit {10 * limit}")


def _shown(name: str, value: str) -> str:
    """Write what an entry says for people: the dates that somebody asked for are kept in UTC."""
    if name not in {"since", "until"}:
        return value
    try:
        return in_paris(datetime.fromisoformat(value))
    except ValueError:
        return value
