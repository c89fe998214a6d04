"""Redis is documented: every key in one table, every script by its head."""

import dataclasses
import inspect
import re

import pytest

from producers.contract import keys as keys_module
from producers.contract.keys import AUDIT, QUARANTINE, Keys, QueueKeys
from producers.contract.kinds import TYPES
from tests.house.repository import name, scripts, text

KEYS = Keys("sms")

each_script = pytest.mark.parametrize("script", scripts(), ids=name)


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


def head(script) -> str:
    """Return the comment that a script begins with, in one line."""
    lines = re.match(r"(?:--.*\n)+", text(script))
    assert lines, "no comment at the beginning"
    return " ".join(line.removeprefix("--").strip() for line in lines[0].splitlines())


def is_given_by_name(script) -> bool:
    """Say whether a script is given its values by name, and names its parts of the library."""
    return re.search(r"^-- uses:", text(script), re.MULTILINE) is not None


def declared_keys(script) -> list[str] | None:
    """Return the KEYS that the head lists; None if they are derived or their number depends on the call."""
    if is_given_by_name(script):
        return None
    listed = re.search(r"KEYS: (.+?) ARGV:", head(script))
    assert listed, "no KEYS, or not before ARGV"
    if "per message" in listed[1] or "ipairs(KEYS)" in text(script):
        return None
    keys = listed[1].replace("the transition keys", "record, body, statuses, counts, parked")
    keys = re.sub(r"; (and for a queue of sends: )?", ", ", keys)
    return re.sub(r" \([^)]*\)", "", keys).split(", ")


@pytest.mark.parametrize("method", examples())
def test_the_table_lists_every_key(method):
    assert any(fits(row, examples()[method]) for row in table())


@pytest.mark.parametrize("row", table())
def test_the_table_lists_nothing_else(row):
    assert any(fits(row, key) for key in examples().values())


@each_script
def test_a_script_says_what_it_does_takes_and_returns(script):
    takes = "Given: .+" if is_given_by_name(script) else r"KEYS: .+ ARGV: .+"

    assert re.match(rf"[A-Z].+\. {takes} Returns ", head(script))


@each_script
def test_a_script_uses_the_keys_that_it_lists(script):
    declared = declared_keys(script)
    if declared is None:
        return
    unpacked = [
        len(names.split(", "))
        for names in re.findall(r"^local (.+) = unpack\(KEYS(?:, 1, \d+)?\)$", text(script), re.MULTILINE)
    ]
    used = {int(number) for number in re.findall(r"KEYS\[(\d+)\]", text(script))}
    used |= set(range(1, max(unpacked, default=0) + 1))
    if "transition_keys()" in text(script):
        used |= {1, 2, 3, 4, 5}

    loops = re.search(r"for i = (\d+), (\d+), 2 do", text(script))
    if loops:
        used |= set(range(int(loops[1]), int(loops[2]) + 2))
    assert used == set(range(1, len(declared) + 1))


@each_script
def test_a_script_is_given_what_it_lists_and_nothing_else_by_position(script):
    if not is_given_by_name(script):
        return
    listed = re.search(r"Given: (.+?) Returns ", head(script))[1]
    used = set(re.findall(r"\bgiven\.(\w+)", text(script)))

    assert {name for name in used if not re.search(rf"\b{name}\b", listed)} == set()
    assert re.findall(r"\b(?:KEYS|ARGV)\[", text(script)) == []


@each_script
def test_no_script_walks_all_keys(script):
    assert not re.search(r"call\('(KEYS|SCAN|FLUSH\w+)'", text(script))
