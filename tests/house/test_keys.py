"""Every key is documented in one table, whether Lua makes it or Python."""

import dataclasses
import inspect
import re

from producers.contract import key_table
from producers.contract.keys import QUARANTINE, Keys, QueueKeys
from producers.contract.kinds import TYPES
from tests.support.lua_keys import ANY, keys

KEYS = Keys("sms")


def table() -> list[str]:
    """Return the names in the table's first column, with their placeholders."""
    rows = re.findall(r"^\| (``.*?) \|", key_table.__doc__, re.MULTILINE)
    return [re.sub(r"<[^>]*>", ANY, key) for row in rows for key in re.findall(r"``(.+?)``", row)]


def of_python() -> set[str]:
    """Make an example of every key that `Keys` can name, without the prefix."""
    found = {KEYS.stream(stream) for stream in (*TYPES, QUARANTINE)}
    found |= {getattr(KEYS.queue("x"), field.name) for field in dataclasses.fields(QueueKeys)}
    for method, member in inspect.getmembers(Keys):
        if not method.startswith("_") and method not in {"prefix", "namespace", "queue", "stream"}:
            parameters = len(inspect.signature(member).parameters) - 1 if callable(member) else 0
            value = getattr(KEYS, method)
            found.add(value(*["x"] * parameters) if parameters else value)
    return {key.removeprefix(KEYS.prefix) for key in found}


def fits(one: str, other: str) -> bool:
    """Say whether two keys can be the same, whatever stands for `ANY` in one of them."""
    pattern = re.escape(one).replace(ANY, "[^:]+")
    return re.fullmatch(pattern, other.replace(ANY, "x")) is not None


def test_the_table_lists_every_key_that_lua_makes():
    unlisted = {
        f"{key} in {', '.join(sorted(files))}"
        for key, files in keys().items()
        if not any(fits(key, row) or fits(row, key) for row in table())
    }
    assert unlisted == set(), "without a row in producers/contract/key_table.py"


def test_the_table_lists_every_key_that_python_makes():
    assert {key for key in of_python() if not any(fits(row, key) for row in table())} == set()


def test_the_table_lists_nothing_else():
    # A key of which only the run knows anything fits every row.
    made = {key for key in keys() if key != ANY} | of_python()
    assert [row for row in table() if not any(fits(key, row) or fits(row, key) for key in made)] == []
