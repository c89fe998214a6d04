"""Every script is documented by its head."""

import re

import pytest

from tests.house.repository import name, scripts, text

each_script = pytest.mark.parametrize("script", scripts(), ids=name)


def head(script) -> str:
    """Return the comment that a script begins with, in one line."""
    lines = re.match(r"(?:--.*\n)+", text(script))
    assert lines, "no comment at the beginning"
    return " ".join(line.removeprefix("--").strip() for line in lines[0].splitlines())


@each_script
def test_a_script_says_what_it_does_takes_and_returns(script):
    assert re.match(r"[A-Z].+\. Given: .+ Returns ", head(script))


@each_script
def test_a_script_is_given_what_it_lists_and_nothing_else_by_position(script):
    listed = re.search(r"Given: (.+?) Returns ", head(script))[1]
    used = set(re.findall(r"\bgiven\.(\w+)", text(script)))

    assert {name for name in used if not re.search(rf"\b{name}\b", listed)} == set()
    assert re.findall(r"\b(?:KEYS|ARGV)\[", text(script)) == []


@each_script
def test_no_script_walks_all_keys(script):
    assert not re.search(r"call\('(KEYS|SCAN|FLUSH\w+)'", text(script))
