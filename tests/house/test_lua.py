"""The Lua scripts say what they mean: each name is known and used, and they are given what they list."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from producers.contract.assembly import joined
from producers.contract.scripts import Script
from tests.house.repository import modules, none_of, text
from tests.support import lua_scripts
from tests.support.lua_names import text_of
from tests.support.lua_reading import Reading, is_table
from tests.support.lua_scripts import HEAD, ROOT, assembled, script_files
from worker.sandbox.redis_server import NoServerError, RedisServer

SCRIPTS = script_files()
LIBRARY = Reading(lua_scripts.whole_library())
READINGS = {path: Reading(assembled(path)) for path in SCRIPTS}
ALL = [*READINGS.values(), LIBRARY]
#: Functions that Redis makes anew for each run of a script, before it begins, at most: see decision 210.
FUNCTIONS = {
    "producers/queueing/enqueue.lua": 130,
    "worker/ledger/compose.lua": 80,
    "worker/ledger/claim.lua": 175,
    "worker/ledger/finish.lua": 90,
    "worker/ledger/end_members.lua": 62,
    "worker/callbacks/publish.lua": 107,
}


def name(path: Path) -> str:
    """Name a file from the root."""
    return path.relative_to(ROOT).as_posix()


def script(path: Path) -> Script:
    """Load a script as the module beside it does."""
    return Script(".".join(path.parent.relative_to(ROOT).parts), path.stem)


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


def faults_of_compiling(server: redis.Redis, path: Path) -> Iterator[str]:
    """Let a server compile a script, and translate what it complains about."""
    try:
        server.script_load(script(path).text)
    except redis.ResponseError as error:
        # The first line of the text is its shebang.
        line = re.search(r"user_script:(\d+): (.*?)(?: script: \w+.*)?$", str(error))
        yield f"{assembled(path).line(int(line[1]) - 1)}: {line[2]}" if line else f"{name(path)}: {error}"


def test_every_script_compiles(server):
    none_of(fault for path in SCRIPTS for fault in faults_of_compiling(server, path))


def test_what_is_checked_here_is_what_redis_gets():
    for path in SCRIPTS:
        texts = {lua_scripts.text_name(each): each.read_text("utf-8") for each in assembled(path).files}
        assert script(path).text.partition("\n")[2] == joined(texts)


def faults_of_leaving_out(path: Path) -> Iterator[str]:
    """Compare what a script gets with what it comes to."""
    reading, lines = READINGS[path], script(path).text.partition("\n")[2].splitlines()
    for node in reading.names.root.named_children:
        is_there, is_reached = bool(lines[node.start_point.row].strip()), reading.is_reached(node)
        if node.type != "comment" and is_there != is_reached:
            fault = "has what it does not come to" if is_there else "comes to what it does not have"
            yield f"{name(path)}: {fault}: {reading.place(node)}"


def test_a_script_gets_what_it_comes_to_and_nothing_else():
    none_of(fault for path in SCRIPTS for fault in faults_of_leaving_out(path))


@pytest.mark.parametrize("path", FUNCTIONS)
def test_a_script_that_is_run_for_each_message_makes_few_functions(path):
    """A limit far above what there is would say nothing."""
    code = re.sub("--.*", "", script(ROOT / path).text)
    made = len(re.findall(r"\bfunction\b", code))
    assert 0.8 * FUNCTIONS[path] < made <= FUNCTIONS[path], f"{made} functions"


def test_every_file_is_a_script_that_somebody_runs():
    pattern = re.compile(r' = Script\(\s*(?:__package__|"([\w.]+)"), "(\w+)"')
    run = {
        f"{package.replace('.', '/') or name(module.parent)}/{stem}.lua"
        for module in modules("producers", "worker")
        for package, stem in pattern.findall(text(module))
    }

    assert sorted(run) == [name(path) for path in SCRIPTS]


def test_every_name_is_known(server):
    """What no file declares must be Redis's, also the member behind a dot."""
    known: dict[str, bool] = {}
    faults = []
    for reading in ALL:
        for node in reading.names.globals_read:
            read = text_of(node.parent if is_table(node) else node)
            if read not in known:
                known[read] = server.eval(f"return pcall(function() assert({read} ~= nil) end) and 1 or 0", 0)
            if not known[read]:
                faults.append(f"{reading.place(node)}: nobody declares {read}")

    none_of(faults)


def test_no_script_writes_a_global():
    none_of(
        f"{reading.place(node)}: {text_of(node)} is not local"
        for reading in ALL
        for node in reading.names.globals_written
    )


def test_every_name_is_used():
    """Of the library a script uses what it needs: the library's outer names have a test of their own."""
    none_of(
        f"{reading.place(variable.node)}: nobody uses {variable.name}"
        for reading in ALL
        for variable in reading.names.variables
        if variable.name != "_" and not variable.is_used
        if not (variable.is_top and reading.file(variable.node) not in SCRIPTS)
    )


def test_no_name_hides_another():
    none_of(
        f"{reading.place(variable.node)}: {variable.name} hides {reading.place(variable.shadows.node)}"
        for reading in ALL
        for variable in reading.names.variables
        if variable.shadows and variable.name != "_"
    )


def test_only_the_head_reads_keys_and_arguments():
    none_of(
        f"{reading.place(node)}: {text_of(node)}; take it from prefix and given"
        for reading in (LIBRARY, *(READINGS[path] for path in SCRIPTS))
        for node in reading.names.globals_read
        if text_of(node) in {"KEYS", "ARGV"} and reading.file(node) != HEAD
    )


def faults_of_uses(reading: Reading, path: Path) -> Iterator[str]:
    """Compare the line `-- uses:` of a file with the names that it uses."""
    said, needed = lua_scripts.uses(path), reading.needed_parts(path)
    yield from (f"{name(path)}: uses nothing of {part}" for part in said if part not in needed)
    yield from (f"{at}: uses {part} and does not say so" for part, at in needed.items() if part not in said)


def test_a_file_uses_the_parts_of_the_library_that_it_names():
    files = [(READINGS[path], path) for path in SCRIPTS] + [(LIBRARY, path) for path in lua_scripts.parts()]

    none_of(fault for reading, path in files for fault in faults_of_uses(reading, path))


def faults_of_given(path: Path) -> Iterator[str]:
    """Compare the line `-- Given:` of a script with what it reads, and what the library reads for it."""
    reading, listed, read = READINGS[path], lua_scripts.given(path), set()
    for node in reading.reads_of_given():
        if not is_table(node):
            yield f"{reading.place(node)}: given is not read by name"
            continue
        field = text_of(node.parent.child_by_field_name("field"))
        read.add(field)
        if field not in listed:
            yield f"{reading.place(node)}: {name(path)} does not list given.{field}"
    yield from (f"{name(path)}: lists {field} and never reads it" for field in set(listed) - read)
    for field, parts in listed.items():
        if parts:
            yield from faults_of_entries(reading, field, parts)


def faults_of_entries(reading: Reading, listed_as: str, parts: frozenset[str]) -> Iterator[str]:
    """Compare what a script lists of the entries of a list with what it reads of them."""
    here = name(reading.source.script)
    for field in reading.fields_of_entries(listed_as):
        if text_of(field) not in parts:
            yield f"{reading.place(field)}: {here} does not list {text_of(field)} of {listed_as}"
    for part in parts:
        if not re.search(rf"\.{part}\b".encode(), reading.source.text):
            yield f"{here}: lists {part} of {listed_as} and never reads it"


def test_a_script_is_given_what_it_lists():
    none_of(fault for path in SCRIPTS for fault in faults_of_given(path))


def test_some_script_uses_each_name_of_the_library():
    used = {
        reading.place(variable.node)
        for reading in READINGS.values()
        for variable in reading.names.variables
        if variable.is_top and reading.is_reached(variable.node)
    }
    none_of(
        f"{LIBRARY.place(variable.node)}: no script uses {variable.name}"
        for variable in LIBRARY.names.variables
        if variable.is_top and LIBRARY.place(variable.node) not in used
    )


def test_claim_lists_each_verdict_that_a_gate_returns_and_the_ledger_reads_it():
    claim = ROOT / "worker/ledger/claim.lua"
    verdict = re.compile(r"return \{ '(\w+)'")
    gates = [path for path in lua_scripts.parts() if path.parent.name == "gates" or path.stem == "send"]
    returned = {word for path in (claim, *gates) for word in verdict.findall(text(path))}
    listed = set(re.findall(r"^--   '(\w+)'", text(claim), re.MULTILINE))
    read = set(re.findall(r'b"(\w+)"', text("worker/ledger/answers.py").partition("def read_claim")[2]))

    assert returned == listed
    assert listed <= read
