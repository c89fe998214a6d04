"""The shape of the code: sizes, docstrings, and imports that do nothing."""

import ast
import io
import json
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Iterator

import producers
from tests.house.repository import ROOT, module_name, modules, name, none_of, text

FILE_MAX_LINES = 300
FUNCTION_MAX_LINES = 50

MODULES = modules("producers", "worker")
HEAVY = {"worker", "dramatiq", "httpx", "tenacity", "structlog", "starlette", "uvicorn", "click"}
HEAVY |= {"django", "sqlalchemy"}

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

#: Imports all modules named on its command line; a connection or a look-up of a host ends it. Those of an
#: application of Django are loaded by Django, with the settings of a project.
_IMPORT_ALL = """
import importlib, os, sys
import django
from django.conf import settings

def watch(event, _):
    if event in {"socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen"}:
        os.write(2, event.encode())
        os._exit(9)

os.environ.clear()
sys.addaudithook(watch)
settings.configure(INSTALLED_APPS=["producers.django"])
django.setup()
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def code_lines(source: str) -> set[int]:
    """Return the numbers of the lines that hold code: no comments, no blank lines."""
    empty = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in empty:
            lines.update(range(token.start[0], token.end[0] + 1))
    return lines


def length(function: ast.AST, lines: set[int]) -> int:
    """Count the code lines of a function without its docstring."""
    first, last = function.lineno, function.end_lineno
    docstring = function.body[0] if ast.get_docstring(function) is not None else None
    told = set(range(docstring.lineno, docstring.end_lineno + 1)) if docstring else set()
    return len({line for line in lines if first <= line <= last} - told)


def public(tree: ast.Module | ast.ClassDef) -> Iterator[Definition]:
    """Yield the public classes and functions of a module, and the public methods of those classes."""
    for node in tree.body:
        if not isinstance(node, Definition) or node.name.startswith("_") or documented_elsewhere(node):
            continue
        yield node
        if isinstance(node, ast.ClassDef):
            yield from public(node)


def documented_elsewhere(node: Definition) -> bool:
    """Say whether this is one more signature of a function, or the setter of a property."""
    decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
    return "overload" in decorators or f"{node.name}.setter" in decorators


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def long_functions(path) -> list[str]:
    """List the functions of a module that are too long."""
    lines = code_lines(text(path))
    functions = [
        n for n in ast.walk(ast.parse(text(path))) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return [f"{name(path)}: {f.name}" for f in functions if length(f, lines) > FUNCTION_MAX_LINES]


def undocumented(path) -> list[str]:
    """List what is public and says nothing, the module included."""
    tree = ast.parse(text(path))
    missing = [] if ast.get_docstring(tree) else [name(path)]
    return missing + [f"{name(path)}: {n.name}" for n in public(tree) if not ast.get_docstring(n)]


def is_a_page(path) -> bool:
    """Tell a table that is nothing but a docstring from code."""
    return len(ast.parse(text(path)).body) == 1 and ast.get_docstring(ast.parse(text(path))) is not None


def test_files_are_small():
    long = [path for path in MODULES if len(text(path).splitlines()) > FILE_MAX_LINES]
    assert [name(path) for path in long if not is_a_page(path)] == []


def test_functions_are_small():
    assert [each for path in MODULES for each in long_functions(path)] == []


def test_everything_public_is_documented():
    assert [each for path in MODULES for each in undocumented(path)] == []


def test_applications_load_nothing_heavy():
    imports = "producers, producers.feeds, producers.callbacks, producers.contract.keys"
    done = run(f"import {imports}, json, sys; print(json.dumps(list(sys.modules)))")

    assert done.returncode == 0, done.stderr
    assert {module.partition(".")[0] for module in json.loads(done.stdout)} & HEAVY == set()


def loaded(code: str) -> set[str]:
    """Name the modules that some code loads, beyond those that Python has anyway."""
    code = f"before = set(sys.modules); {code}; print(json.dumps(list(set(sys.modules) - before)))"
    done = run(f"import json, sys; {code}")
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def test_producers_brings_three_packages_into_an_application():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert len(project["dependencies"]) == 3


def test_importing_producers_loads_nothing_else_until_a_name_is_asked_for():
    """Counted instead of timed: a machine may be slow. Every start of an application pays for it."""
    assert loaded("import producers") - loaded("import importlib, typing") == {"producers"}
    # Whoever only handles errors needs no client.
    errors = loaded("from producers import QueueUnavailable")
    assert {module for module in errors if module.startswith("producers")} == {
        "producers",
        "producers.errors",
    }
    sending = loaded("from producers import Producer")
    assert "redis" in sending
    assert not {"producers.aio", "producers.callbacks", "producers.feeds", "producers.webhooks"} & sending


def test_the_names_of_producers_are_the_same_for_type_checkers_and_at_run_time():
    tree = ast.parse(text(ROOT / "producers" / "__init__.py"))
    [checked] = [node for node in tree.body if isinstance(node, ast.If) and len(node.body) > 1]
    declared = {alias.name: node.module for node in checked.body for alias in node.names}

    assert declared == producers._PLACES
    assert sorted(declared) == sorted(producers.__all__)
    for each in (*producers.__all__, *producers._MODULES):
        assert getattr(producers, each)
        assert each in dir(producers)
    assert not hasattr(producers, "Nobody")


def test_producers_names_itself_nowhere():
    """The wheel has its modules twice, for applications that have a `producers` of their own."""
    none_of(
        f"{name(path)}:{node.lineno} imports producers by name: write from .module or from ..room.module"
        for path in modules("producers")
        for node in ast.walk(ast.parse(text(path)))
        if isinstance(node, ast.ImportFrom | ast.Import) and "producers" in imported(node)
    )


def imported(node: ast.ImportFrom | ast.Import) -> set[str]:
    """Name the packages that a line imports by name."""
    named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
    return set() if getattr(node, "level", 0) else {each.partition(".")[0] for each in named}


def test_importing_needs_no_environment_and_opens_no_connection():
    done = run(_IMPORT_ALL, *(module_name(path) for path in MODULES))

    assert (done.returncode, done.stderr) == (0, "")
