"""The Python programs in `examples` pass their own tests, as they do in an application of their own.

That of Django has no variables but those of the command in docs/django.md.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.example_programs import EXAMPLES

NAMES = ("celery", "django", "fastapi", "flask", "script")
#: Starlette's client says that it would rather have another package, which is not among ours.
WARNINGS = ("-W", "error", "-W", "ignore:Using `httpx`")

#: Django has a runner of its own.
DJANGO = ("manage.py", "test", "--noinput")
SECRETS = {"SECRET_KEY": "x"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, subprocess.Popen[str]]]:
    """Start all of them at once: each waits for something now and then."""
    environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    pytest_ = ["-m", "pytest", "-q", "-p", "no:cacheprovider"]
    with ExitStack() as ending:

        def start(name: str) -> subprocess.Popen[str]:
            above = tmp_path_factory.mktemp("examples")
            directory = above / name
            shutil.copytree(EXAMPLES / name, directory, ignore=shutil.ignore_patterns("__pycache__"))
            # While several runs tidy the directory of all, one may leave it half read, and warn of itself.
            own = [*pytest_, f"--basetemp={above / 'temporary'}"]
            command = [sys.executable, *WARNINGS, *(DJANGO if name == "django" else own)]
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
            process = subprocess.Popen(command, cwd=directory, env=environ | SECRETS, **pipes)
            ending.enter_context(process)
            ending.callback(process.kill)
            return process

        yield {name: start(name) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_the_example_passes_its_own_tests(runs, name):
    output, _ = runs[name].communicate(timeout=100)

    passed = re.search(r"^(?:Ran )?(\d+) (?:passed|tests) in", output, re.MULTILINE)
    assert passed, output
    assert int(passed[1]) >= written_in(EXAMPLES / name) > 0, output
    assert runs[name].returncode == 0, output


def written_in(directory: Path) -> int:
    return sum(
        len(re.findall(r"^ *def test_", file.read_text("utf-8"), re.MULTILINE))
        for file in directory.rglob("test*.py")
    )
