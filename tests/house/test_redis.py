"""Redis is documented: every key in one table, every script by its head."""

import dataclasses
import inspect
import re
from collections.abc import Iterator

from producers.contract import keys as keys_module
from producers.contract.keys import AUDIT, QUARANTINE, Keys, QueueKeys
from producers.contract.kinds import TYPES
from tests.house.repository import name, text
from tests.support.lua_scripts import script_files as scripts

KEYS = Keys("sms")


def table() -> list[str]:
    """Return the names in the table's first column, with their placeholders."""
    rows = re.findall(r"^\| (``.*?) \|", keys_module.__doc__, re.MULTILINE)
    return [key for row in rows for key in re.findall(r"``(.+?)``", row)]


def examples() -> dict[str, str]:
    """Make an example of every key that `Keys` can name, without the prefix."""
    found = {}
    for method, member in inspect.getmembers(Keys):
        if method.startswith("_") or method in {"prefix", "namespace", "queue", "stream"}:
            continue
        arguments = ["x"] * (len(inspect.signature(member).parameters) - 1) if callable(member) else None
        value = getattr(KEYS, method)
        found[method] = value(*arguments) if arguments is not None else value
    for stream in (*TYPES, QUARANTINE, AUDIT):
        found[stream] = KEYS.stream(stream)
    for field in dataclasses.fields(QueueKeys):
        found[f"queue.{field.name}"] = getattr(KEYS.queue("x"), field.name)
    return {method: key.removeprefix(KEYS.prefix) for method, key in found.items() if isinstance(key, str)}


def fits(row: str, key: str) -> bool:
    """Say whether a key is one that a row describes."""
    pattern = "".join(
        r"[^:]+" if part.startswith("<") else re.escape(part) for part in re.split(r"(<[^>]+>)", row)
    )
    return re.fullmatch(pattern, key) is not None


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


def test_the_table_lists_every_key_and_nothing_else():
    keys = examples().values()

    assert [key for key in keys if not any(fits(row, key) for row in table())] == []
    assert [row for row in table() if not any(fits(row, key) for key in keys)] == []


def test_a_script_says_what_it_does_takes_and_returns():
    faults = [f"{name(script)}: {fault}" for script in scripts() for fault in faults_of_head(script)]

    assert faults == []


def test_no_script_walks_all_keys():
    walks = [name(each) for each in scripts() if re.search(r"call\('(KEYS|SCAN|FLUSH\w+)'", text(each))]

    assert walks == []
