"""The judge stays independent: the simulator imports nothing of what it judges."""

import ast
from pathlib import Path

import worker.sandbox.simulator

_FOLDER = Path(worker.sandbox.simulator.__file__).parent


def imported(module):
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"relative import in {module.name}"
            yield node.module


def test_it_imports_nothing_else_of_the_project():
    names = {name for module in _FOLDER.rglob("*.py") for name in imported(module)}

    ours = {name for name in names if name.startswith(("producers", "worker"))}
    assert all(name.startswith("worker.sandbox.simulator") for name in ours)
    assert not {"redis", "dramatiq"} & {name.partition(".")[0] for name in names}


def test_every_module_is_on_the_map():
    text = worker.sandbox.simulator.__doc__ or ""

    for module in _FOLDER.rglob("[a-z]*.py"):
        assert f"`{module.stem}`" in text or module.stem.startswith("admin_"), module.stem
