"""The Lua scripts say what they mean: each name is known and used, and they are given what they list."""

import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from producers.contract.scripts import Script
from tests.house.repository import modules, text
from tests.support import lua_scripts
from tests.support.lua_names import Names, Variable, text_of, walk
from tests.support.lua_scripts import HEAD, ROOT, Text, assembled, script_files
from worker.sandbox.redis_server import NoServerError, RedisServer

SCRIPTS = script_files()
CONVERTED = [path for path in SCRIPTS if lua_scripts.is_converted(path)]
LIBRARY = lua_scripts.whole_library()
TEXTS = [*(assembled(path) for path in SCRIPTS), LIBRARY]
NAMES = {source.files: Names(source.text) for source in TEXTS}


def none_of(faults) -> None:
    """Let a test fail with its faults, one a line."""
    if faults:
        pytest.fail("\n".join(sorted(faults)), pytrace=False)


def names(source: Text) -> Names:
    """Return the names of a text, read once."""
    return NAMES[source.files]


def home(source: Text, variable: Variable) -> Path:
    """Return the file that declares a variable."""
    return source.file(variable.node.start_byte)


def statement(source: Text, node) -> int:
    """Return the number of the outermost statement that holds a node."""
    while node.parent.parent is not None:
        node = node.parent
    return node.start_byte


def is_used(source: Text, variable: Variable) -> bool:
    """Say whether somebody reads a variable; a function's own call does not count."""
    if variable.node.parent.type != "function_declaration":
        return bool(variable.reads)
    own = variable.node.parent
    return any(not own.start_byte <= read.start_byte < own.end_byte for read in variable.reads)


def calls(source: Text) -> dict[int, set[int]]:
    """Return what each outermost statement needs: what declares its names, what defines its methods."""
    found: dict[int, set[int]] = {}
    for variable in names(source).variables:
        if variable.is_top:
            for use in (*variable.reads, *variable.writes):
                found.setdefault(statement(source, use), set()).add(statement(source, variable.node))
    fields: dict[str, set[int]] = {}
    for node in walk(names(source).root):
        if node.type == "dot_index_expression":
            fields.setdefault(text_of(node.child_by_field_name("field")), set()).add(statement(source, node))
    for method in names(source).root.named_children:
        if method.type == "function_declaration" and method.children[0].type != "local":
            field = method.child_by_field_name("name").child_by_field_name("field")
            for user in fields[text_of(field)]:
                found.setdefault(user, set()).add(method.start_byte)
    return found


@functools.cache
def reached(source: Text) -> frozenset[int]:
    """Return the outermost statements that a script can come to: its own, and the functions it calls."""
    needed, found = calls(source), set()
    waiting = [
        node.start_byte
        for node in names(source).root.named_children
        if node.type != "function_declaration" or source.file(node.start_byte) == source.script
    ]
    while waiting:
        here = waiting.pop()
        if here not in found:
            found.add(here)
            waiting += needed.get(here, ())
    return frozenset(found)


def reads_of_given(source: Text) -> Iterator:
    """Yield where a script that can come there reads what it is given."""
    (given,) = (v for v in names(source).variables if v.name == "given" and home(source, v) == HEAD)
    places = reached(source)
    return (read for read in given.reads if statement(source, read) in places)


def is_table(node) -> bool:
    """Say whether a dot and a field follow a name."""
    return node.parent.type == "dot_index_expression" and node.parent.child_by_field_name("table") == node


def fields_of(variable: Variable) -> Iterator:
    """Yield the names of the fields that are read of a variable."""
    for read in variable.reads:
        if is_table(read):
            yield read.parent.child_by_field_name("field")


def entries_of(source: Text, name: str) -> list[Variable]:
    """List what stands for an entry of a list that a script is given: a loop's variable, a parameter."""
    own = [each for each in names(source).variables if home(source, each) == source.script]
    found = set()
    for variable in own:
        clause = variable.node.parent.parent
        if (
            clause.type == "for_generic_clause"
            and text_of(clause.named_children[1]) == f"ipairs(given.{name})"
        ):
            found.add(text_of(clause.named_children[0].named_children[1]))
    return [each for each in own if each.name in found]


def needed_parts(source: Text, path: Path) -> dict[str, str]:
    """Return the parts of the library whose names a file uses, each with a place where it does."""
    found: dict[str, str] = {}
    for variable in names(source).variables:
        part = home(source, variable)
        if variable.is_top and part not in {HEAD, path}:
            for use in (*variable.reads, *variable.writes):
                if source.file(use.start_byte) == path:
                    found.setdefault(lua_scripts.part_name(part), source.place(use.start_byte))
    return found


def faults_of_uses(source: Text, path: Path) -> list[str]:
    """Compare the line `-- uses:` of a file with the names that it uses."""
    name, said, needed = path.relative_to(ROOT).as_posix(), lua_scripts.uses(path), needed_parts(source, path)
    return [
        *(f"{name}: uses nothing of {part}" for part in said if part not in needed),
        *(f"{place}: uses {part} and does not say so" for part, place in needed.items() if part not in said),
    ]


def faults_of_given(path: Path) -> list[str]:
    """Compare the line `-- Given:` of a script with what it reads, and what the library reads for it."""
    source, name, listed = assembled(path), path.relative_to(ROOT).as_posix(), lua_scripts.given(path)
    faults, read = [], set()
    for place in reads_of_given(source):
        if not is_table(place):
            faults.append(f"{source.place(place.start_byte)}: given is not read by name")
            continue
        field = text_of(place.parent.child_by_field_name("field"))
        read.add(field)
        if field not in listed:
            faults.append(f"{source.place(place.start_byte)}: {name} does not list given.{field}")
    faults += [f"{name}: lists {field} and never reads it" for field in sorted(set(listed) - read)]
    for field, parts in listed.items():
        faults += faults_of_entries(source, field, parts) if parts else []
    return faults


def faults_of_entries(source: Text, name: str, listed: frozenset[str]) -> list[str]:
    """Compare what a script lists of the entries of a list with what it reads of them."""
    read = [field for entry in entries_of(source, name) for field in fields_of(entry)]
    here = source.script.relative_to(ROOT).as_posix()
    return [
        *(
            f"{source.place(field.start_byte)}: {here} does not list {text_of(field)} of {name}"
            for field in read
            if text_of(field) not in listed
        ),
        *(
            f"{here}: lists {part} of {name} and never reads it"
            for part in sorted(listed)
            if not re.search(rf"\.{part}\b".encode(), source.text)
        ),
    ]


@pytest.fixture(scope="module", params=["redis", "valkey"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis.Redis]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SANDBOX_SERVER", request.param)
        try:
            running = RedisServer(tmp_path_factory.mktemp(request.param)).start()
        except NoServerError:
            pytest.skip(f"no {request.param} here")
    with redis.Redis(port=running.port) as client:
        yield client
    running.kill()


def test_every_script_compiles(server):
    faults = []
    for path in SCRIPTS:
        script = Script(".".join(path.parent.relative_to(ROOT).parts), path.stem)
        try:
            server.script_load(script.text)
        except redis.ResponseError as error:
            line = re.search(r"user_script:(\d+): (.*?)(?: script: \w+.*)?$", str(error))
            # The first line of the text is its shebang.
            faults.append(
                f"{assembled(path).line(int(line[1]) - 1)}: {line[2]}" if line else f"{path}: {error}"
            )

    none_of(faults)


def test_what_is_checked_here_is_what_redis_gets():
    for path in SCRIPTS:
        script = Script(".".join(path.parent.relative_to(ROOT).parts), path.stem)
        assert script.text.partition("\n")[2].encode() == assembled(path).text


def test_every_file_is_a_script_that_somebody_runs():
    pattern = re.compile(r' = Script\(\s*"([\w.]+)", "(\w+)"')
    run = {
        ROOT.joinpath(*package.split("."), f"{name}.lua")
        for module in modules("producers", "worker")
        for package, name in pattern.findall(text(module))
    }

    assert sorted(run) == SCRIPTS


def test_every_name_is_known(server):
    """What no file declares must be Redis's, also the member behind a dot."""
    faults, found = set(), {}
    for source in TEXTS:
        for node in names(source).globals_read:
            name = text_of(node.parent if is_table(node) else node)
            if name not in found:
                found[name] = server.eval(f"return pcall(function() assert({name} ~= nil) end) and 1 or 0", 0)
            if not found[name]:
                faults.add(f"{source.place(node.start_byte)}: nobody declares {name}")

    none_of(faults)


def test_no_script_writes_a_global():
    faults = {
        f"{source.place(node.start_byte)}: {text_of(node)} is not local"
        for source in TEXTS
        for node in names(source).globals_written
    }

    none_of(faults)


def test_every_name_is_used():
    faults = {
        f"{source.place(variable.node.start_byte)}: nobody uses {variable.name}"
        for source in TEXTS
        for variable in names(source).variables
        if variable.name != "_" and not is_used(source, variable)
        # Of the library, a script uses what it needs.
        if not (variable.is_top and (source is LIBRARY or home(source, variable) != source.script))
    }

    none_of(faults)


def test_no_name_hides_another():
    faults = {
        f"{source.place(variable.node.start_byte)}: {variable.name} hides that of "
        + source.place(variable.shadows.node.start_byte)
        for source in TEXTS
        for variable in names(source).variables
        if variable.shadows and variable.name != "_"
    }

    none_of(faults)


def test_only_the_head_reads_keys_and_arguments():
    faults = {
        f"{source.place(node.start_byte)}: {text_of(node)}; take it from prefix and given"
        for source in (LIBRARY, *map(assembled, CONVERTED))
        for node in names(source).globals_read
        if text_of(node) in {"KEYS", "ARGV"} and source.file(node.start_byte) != HEAD
    }

    none_of(faults)


def test_a_file_uses_the_parts_of_the_library_that_it_names():
    faults = [fault for path in CONVERTED for fault in faults_of_uses(assembled(path), path)]
    faults += [fault for path in lua_scripts.parts() for fault in faults_of_uses(LIBRARY, path)]

    none_of(faults)


def test_a_script_is_given_what_it_lists():
    none_of([fault for path in CONVERTED for fault in faults_of_given(path)])


@pytest.mark.skipif(len(CONVERTED) < len(SCRIPTS), reason="not all scripts use the library yet")
def test_some_script_uses_each_name_of_the_library():
    used = {
        source.place(variable.node.start_byte)
        for source in map(assembled, SCRIPTS)
        for variable in names(source).variables
        if statement(source, variable.node) in reached(source)
    }
    faults = [
        f"{place}: no script uses {variable.name}"
        for variable in names(LIBRARY).variables
        if (place := LIBRARY.place(variable.node.start_byte)) not in used and variable.is_top
    ]

    none_of(faults)
