"""Finds the worker that lies beside these producers, also where `worker` is a module of the application.

An application may well have a ``worker.py``, and a test process has both. So where `worker` is not ours, ours
is loaded under a name that no application has, and what imports it, here and within it, is compiled to import
that name. The module of the application is neither executed nor replaced. It is the same with `producers`, if
this package is `octopush_producers`: the worker then imports that one.
"""

import ast
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import find_spec, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Final

#: Where both packages lie.
_HERE: Final = Path(__file__).resolve().parents[2]


def find_worker(package: str) -> str:
    """Let the modules of this package find our worker, and return the name that it has. Safe to repeat.

    Args:
        package: the name of this package's parent, `producers` or `octopush_producers`.
    """
    if package == "producers" and _is_ours("worker"):
        return "worker"
    name = f"{package}_worker"
    if not any(isinstance(each, _Finder) and each.worker == name for each in sys.meta_path):
        sys.meta_path.insert(0, _Finder(package, name))
    return name


def _is_ours(name: str) -> bool:
    """Tell whether a package that would be imported now is ours, without importing it."""
    try:
        found = find_spec(name)
    except ValueError:  # something that was made by hand has this name
        return False
    # Where there is none at all, an import shall say so.
    return found is None or Path(found.origin or "").resolve() == _HERE / name / "__init__.py"


class _Finder(MetaPathFinder):
    """Finds our worker by its other name, and the modules for tests, which import it.

    Args:
        producers: the name of the package of producers.
        worker: the other name.
    """

    def __init__(self, producers: str, worker: str) -> None:
        self.worker = worker
        self._testing = f"{producers}.testing."
        self._names = {"worker": worker, "producers": producers}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module, with a loader that renames what it imports."""
        if fullname == self.worker:
            package = _HERE / "worker"
            file = str(package / "__init__.py")
            loader = _Renaming(fullname, file, self._names)
            return spec_from_file_location(
                fullname, file, loader=loader, submodule_search_locations=[str(package)]
            )
        if not fullname.startswith((f"{self.worker}.", self._testing)):
            return None
        spec = PathFinder.find_spec(fullname, path)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Renaming(fullname, spec.loader.path, self._names)
        return spec


class _Renaming(SourceFileLoader):
    """Compiles a module so that it imports packages by other names.

    Args:
        fullname: of the module.
        path: of its file.
        names: the other names, by those that stand in the file.
    """

    def __init__(self, fullname: str, path: str, names: Mapping[str, str]) -> None:
        super().__init__(fullname, path)
        self._names = names

    def get_code(self, fullname: str) -> CodeType:
        """Compile it anew: what Python has compiled before has the names that stand in the file."""
        path = self.get_filename(fullname)
        tree = ast.parse(self.get_data(path), path)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                root, dot, rest = node.module.partition(".")
                node.module = self._names.get(root, root) + dot + rest
            elif isinstance(node, ast.Import):
                for each in node.names:
                    if each.name in self._names:
                        each.name, each.asname = self._names[each.name], each.asname or each.name
        code: Any = compile(tree, path, "exec", dont_inherit=True)
        return code  # type: ignore[no-any-return]
