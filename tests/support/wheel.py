"""The wheel as people install it: built once, installed by pip without dependencies, which are linked in."""

import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement

ROOT: Final = Path(__file__).parents[2]

#: Runs command lines one after the other in this process, as the console script does; each tells its end.
_RUN: Final = """
import contextlib, io, json, os, sys, traceback
import octopush_worker

def run(arguments, environ):
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = ["octopush-worker", *arguments]
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            octopush_worker.main()
        except SystemExit as end:
            code = end.code
            if isinstance(code, str):
                code = print(code, file=err) or 1
        except BaseException:
            traceback.print_exc()
    out.flush()
    return {"code": code or 0, "out": out.buffer.getvalue().decode(), "err": err.getvalue()}

sys.stdin = open(os.devnull)
print(json.dumps([run(*each) for each in json.loads(sys.argv[1])]))
"""


def build(kind: str, source: Path, directory: Path) -> Path:
    """Build a ``wheel`` or an ``sdist`` of a source tree, and return it."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(directory)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    [built] = directory.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return built


def needed(name: str, extra: str = "") -> Iterator[str]:
    """List the distributions that pip would install beside this one, again and again."""
    for line in distribution(name).requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            if requirement.name != "octopush-worker":
                yield requirement.name
            for further in requirement.extras or {""}:
                yield from needed(requirement.name, further)


class Installed:
    """One wheel in a virtual environment of its own.

    Args:
        wheel: what `build` has built.
        directory: receives the environment, and the dependencies of each extra.
    """

    def __init__(self, wheel: Path, directory: Path) -> None:
        self.directory = directory
        home = directory / "venv"
        venv.EnvBuilder(symlinks=True).create(home)
        self.python = home / "bin" / "python"
        self.command = home / "bin" / "octopush-worker"
        pip = [sys.executable, "-m", "pip", "--python", str(self.python), "install", "--quiet"]
        subprocess.run([*pip, "--no-deps", "--no-index", "--no-compile", str(wheel)], check=True)

    def environ(self, extra: str, *first: Path, **variables: str) -> dict[str, str]:
        """Give a process what an extra brings, and nothing else that is installed here.

        Args:
            extra: its name, or empty for an installation without any.
            first: directories that stand before that on the path.
            **variables: further ones.
        """
        path = os.pathsep.join(map(str, (*first, self.dependencies(extra))))
        own = {"PATH": str(self.command.parent), "HOME": str(self.directory), "PYTHONPATH": path}
        return {**own, **variables}

    def run(self, extra: str, lines: list[tuple[list[str], Mapping[str, str]]]) -> list[dict[str, Any]]:
        """Run command lines, each with variables of its own: ``code``, ``out`` and ``err`` of each."""
        given = [(arguments, {**self.environ(extra), **variables}) for arguments, variables in lines]
        done = subprocess.run(
            [self.python, "-c", _RUN, json.dumps(given)],
            env=self.environ(extra),
            cwd=self.directory,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert done.returncode == 0, done.stderr
        ended: list[dict[str, Any]] = json.loads(done.stdout)
        return ended

    def dependencies(self, extra: str) -> Path:
        """Give a directory of all that an extra brings."""
        return self._links(f"with-{extra or 'nothing'}", set(needed("octopush-worker", extra)))

    def linked(self, name: str) -> Path:
        """Give a directory of a distribution and all that it needs."""
        return self._links(f"only-{name}", {name, *needed(name)})

    def _links(self, directory: str, names: set[str]) -> Path:
        linked = self.directory / directory
        if not linked.exists():
            linked.mkdir()
            for name in names:
                found = distribution(name)
                for top in {file.parts[0] for file in found.files or () if file.parts[0] != ".."}:
                    target = linked / top
                    if not target.exists() and top != "__pycache__":
                        target.symlink_to(Path(str(found.locate_file(top))))
        return linked
