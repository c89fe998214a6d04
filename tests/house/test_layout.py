"""What is in Redis is described: every field of every hash, with who writes, removes and reads it."""

import functools
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from producers.contract import key_table, layout, send_layout
from tests.house.repository import modules, name, none_of
from tests.support import python_fields
from tests.support.lua_fields import ANY, Access, Fields
from tests.support.lua_scripts import parts, script_files

COLUMNS = ("write", "remove", "read")
TABLES = f"{send_layout.__doc__}\n{layout.__doc__}"

Who = Mapping[str, set[str]]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("| ").split(" | ")]


def listed(cell: str) -> set[str]:
    return set() if cell == "-" else set(cell.split(", "))


@functools.cache
def sections() -> dict[str, dict[str, Who]]:
    """Return the rows of each hash: field, with `ANY` for its placeholders, and who does what to it."""
    found = {}
    for key, rows in re.findall(r"^\*\*(.+?)\*\*.*\n\n((?:\|.*\n)+)", TABLES, re.MULTILINE):
        table = [cells(line) for line in rows.splitlines()[2:]]
        fields = {re.sub(r"<[^>]*>", ANY, field.strip("`")): who for field, _, *who in table}
        found[key] = {
            field: dict(zip(COLUMNS, map(listed, who), strict=True)) for field, who in fields.items()
        }
    return found


def hash_of(key: str) -> str:
    """Name a hash as `Access` does."""
    return key.rpartition(":")[2] if key.startswith("queue:") else key.partition(":")[0]


@functools.cache
def accesses() -> tuple[Access, ...]:
    found = [access for path in lua_files() for access in Fields(path).accesses()]
    for path in modules("producers", "worker"):
        if "sandbox" not in path.parts:
            found += python_fields.accesses(path, name(path))
    return tuple(found)


def lua_files():
    return [*parts(), *script_files()]


def row_of(access: Access, fields: Mapping[str, Who]) -> str | None:
    """Find the row of a field: its own, else one with a placeholder that fits."""
    if access.field in fields:
        return access.field
    fitting = (field for field in fields if ANY in field)
    return next(
        (row for row in fitting if re.fullmatch(re.escape(row).replace(ANY, ".+"), access.field)), None
    )


def reads_all(access: Access) -> bool:
    return access.mode == "read" and access.field == ANY


@functools.cache
def found() -> dict[str, dict[str, dict[str, set[str]]]]:
    """Return what the code does, ordered like the table."""
    result = defaultdict(lambda: defaultdict(lambda: defaultdict(set)))
    for key, fields in sections().items():
        for access in accesses():
            if access.key == hash_of(key) and (row := row_of(access, fields)):
                result[key][row][access.mode].add(access.by)
    return result


def differences(said: set[str], true: set[str], place: str) -> Iterator[str]:
    """Yield what a table lacks and what it has too much of."""
    yield from (f"{place}: lacks {each}" for each in true - said)
    yield from (f"{place}: {each} is not so" for each in said - true)


def test_every_hash_has_its_fields_listed():
    rows = re.findall(r"^\| ``([^`]+)`` \| hash\b", key_table.__doc__, re.MULTILINE)
    none_of(
        differences(set(sections()), set(rows), "hashes in producers/contract/layout.py and send_layout.py")
    )


def test_every_field_that_is_used_is_listed():
    fields = {hash_of(key): rows for key, rows in sections().items()}
    none_of(
        f"{access.by}, line {access.line}: {access.mode} {access.field} of {access.key}, which is not listed"
        for access in accesses()
        if not row_of(access, fields.get(access.key, {})) and not (reads_all(access) and access.key in fields)
    )


def test_every_field_that_is_listed_is_used():
    none_of(
        f"{field} of {key}: nobody uses it"
        for key, fields in sections().items()
        for field in fields
        if field not in found()[key]
    )


def test_the_table_says_who_writes_removes_and_reads_each_field():
    none_of(
        fault
        for key, fields in sections().items()
        for field, who in fields.items()
        for mode in COLUMNS
        for fault in differences(who[mode], found()[key][field][mode], f"{field} of {key}, {mode}")
    )


def test_the_table_says_who_calls_the_functions_that_use_fields():
    said = dict(re.findall(r"^\| ``(\w+\(\))`` \| (.+?) \|$", TABLES, re.MULTILINE))
    callers = {access.by: set() for access in accesses() if re.fullmatch(r"\w+\(\)", access.by)}
    for path in lua_files():
        for caller, called in Fields(path).calls():
            if called + "()" in callers:
                callers[called + "()"].add(caller)
    none_of(differences(set(said), set(callers), "functions in producers/contract/send_layout.py"))
    none_of(
        fault
        for function, true in callers.items()
        for fault in differences(listed(said[function]), true, f"callers of {function}")
    )
