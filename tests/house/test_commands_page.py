"""docs/commands.md names every command, each of its options, and every verdict: as the code declares them."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.house.repository import ROOT, rows, text
from tests.support.commands_page import SECTIONS, codes, options
from worker.cli import main
from worker.presentation.output import Exit


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield " ".join((*path, name)), command


COMMANDS = dict(commands(main))
#: Those that run until a signal, and the one that a mail server calls, have rules of their own.
OURS = sorted(set(COMMANDS) - {"worker", "web", "console", "mail-in"})


def declared(command: click.Command) -> set[str]:
    """Name arguments and options, but for ``--json`` and ``--help``."""
    found = {name for each in command.params for name in each.opts if isinstance(each, click.Option)}
    found |= {each.name.upper() for each in command.params if isinstance(each, click.Argument) and each.name}
    return found - {"--json", "--help"}


def test_the_page_has_a_section_for_each_command_and_no_other():
    assert set(SECTIONS) == set(COMMANDS)


@pytest.mark.parametrize("name", OURS)
def test_the_options_of_a_command_are_those_that_it_declares(name):
    assert options(name) == declared(COMMANDS[name])


@pytest.mark.parametrize("name", OURS)
def test_every_command_speaks_json_and_says_how_it_ends(name):
    assert "--json" in {option for each in COMMANDS[name].params for option in each.opts}
    assert 0 in codes(name)
    assert "- JSON: " in SECTIONS[name]


def test_the_exit_codes_are_those_of_the_code():
    told = {int(cells[0]) for cells in rows("docs/commands.md", "What all commands have in common")}
    assert told == {*Exit, 130}


def test_the_verdicts_are_those_of_the_code():
    sources = (ROOT / "worker" / "inquiry" / each for each in ("reasons.py", "held_reasons.py", "explain.py"))
    said = {word for path in sources for word in words(path)}
    assert {cells[0].strip("`") for cells in rows("docs/commands.md", "explain")} == said


def words(path: Path) -> set[str]:
    # Two gates are named by their constants.
    found = set(re.findall(r'Reason\(\s*"(\w+)"', text(path)))
    return found | {name for name in ("credit", "budget") if f"Reason({name.upper()}" in text(path)}
