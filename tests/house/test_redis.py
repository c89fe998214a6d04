"""Every script is documented by its head."""

import re
from collections.abc import Iterator

from tests.house.repository import name, text
from tests.support.lua_scripts import script_files as scripts


def head(script) -> list[str]:
    """Return the lines of the comment that a script begins with."""
    comment = re.match(r"(?:--.*\n)*", text(script))
    return [line.removeprefix("--").strip() for line in comment[0].splitlines()]


def faults_of_head(script) -> Iterator[str]:
    """Say what a script's head leaves out."""
    lines = head(script)
    if not re.match(r"[A-Z].*\. Given: ", " ".join(lines)):
        yield "first what it does, then what it is given"
    if not any(line.startswith("Returns ") for line in lines):
        yield "what it returns, on a line of its own"
    if not re.search(r"\brepeat\b", " ".join(lines)):
        yield "whether it is safe to repeat"
    if not lines or not lines[-1].startswith("uses:"):
        yield "which parts of the library it uses, last"


def test_a_script_says_what_it_does_takes_and_returns():
    faults = [f"{name(script)}: {fault}" for script in scripts() for fault in faults_of_head(script)]

    assert faults == []


def test_no_script_walks_all_keys():
    walks = [name(each) for each in scripts() if re.search(r"call\('(KEYS|SCAN|FLUSH\w+)'", text(each))]

    assert walks == []
