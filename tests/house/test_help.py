"""What ``--help`` says fits into 80 columns, and nothing of it is cut."""

from collections.abc import Iterator

import click
import pytest

from worker.cli import main


def contexts(command: click.Command, parent: click.Context | None = None) -> Iterator[click.Context]:
    name = command.name if parent else "octopush-worker"
    ctx = click.Context(command, parent=parent, info_name=name, terminal_width=None, max_content_width=80)
    yield ctx
    if isinstance(command, click.Group):
        for each in command.commands.values():
            yield from contexts(each, ctx)


def squeezed(text: str) -> str:
    """Leave out white space, which wrapping changes."""
    return "".join(text.split())


@pytest.mark.parametrize("ctx", list(contexts(main)), ids=lambda ctx: ctx.command_path)
def test_help_fits_into_80_columns_and_nothing_of_it_is_cut(ctx, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    shown = ctx.get_help()

    assert max(map(len, shown.splitlines())) <= 80
    assert "..." not in shown.partition("\n")[2]
    whole = squeezed(shown)
    for each in ctx.command.params:
        if isinstance(each, click.Option):
            assert each.help, each.opts
            assert squeezed(each.help) in whole, each.opts
    for paragraph in (ctx.command.help or "").split("\n\n"):
        assert squeezed(paragraph) in whole
    if isinstance(ctx.command, click.Group):
        for each in ctx.command.commands.values():
            assert each.help
            first, stop, _ = " ".join(each.help.split("\n\n")[0].split()).partition(". ")
            assert squeezed(first + stop) in whole, each.name
