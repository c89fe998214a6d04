"""Programs of `examples` in other languages, run as their first lines say, with all their output kept."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import pytest

from tests.support.waiting import until

EXAMPLES: Final = Path(__file__).parents[2] / "examples"
#: What the programs of the tests call the API with.
TOKEN: Final = "shop-0123456789-abcdefghijklmnopqrst"
#: What each language is run with: the command, and whether all that it needs is there.
_CHECKS: Final = {
    "node": ("node", "process.exit(Number(parseInt(process.versions.node) < 18))"),
    "php": (
        "php",
        """$lacks = array_diff(['curl', 'pdo_sqlite'], get_loaded_extensions());
        exit(PHP_VERSION_ID < 80100 || $lacks ? 1 : 0);""",
    ),
}
#: How a program is run that is no file, and the name of the client.
_EVALUATED: Final = {
    "node": (("node", "--input-type=module", "-e"), "octopush"),
    "php": (("php", "-r"), "Octopush"),
}


def missing(language: str) -> str:
    """Say in one line that a language is not there; nothing if it is."""
    command, check = _CHECKS[language]
    option = "-e" if language == "node" else "-r"
    if shutil.which(command) and not subprocess.run([command, option, check], check=False).returncode:
        return ""
    needed = {"node": "no Node 18", "php": "no PHP 8.1 with curl and SQLite"}[language]
    return f"the examples in {language} are left out: {needed} on the PATH"


class ExampleProgram:
    """One program in a subprocess; a context manager that leaves nothing running.

    Args:
        log: file that receives what it prints.
        command: how it is started.
        environ: its variables, beside those of the shell.
    """

    def __init__(self, log: Path, command: Sequence[str], environ: Mapping[str, str]) -> None:
        self._log = log
        shell = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                # Node 18 warns that fetch is new.
                env={**shell, "NODE_NO_WARNINGS": "1", **environ},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        """All it printed so far."""
        return self._log.read_text("utf-8", "replace")

    @property
    def has_ended(self) -> bool:
        """Whether it runs no more."""
        return self._process.poll() is not None

    def wait(self) -> int:
        """Wait for its end, and return the exit status."""
        # Less than the 60 s after which an entry comes again to whoever does not ask for what it holds.
        return self._process.wait(40)

    def wait_for(self, words: str) -> None:
        """Wait until it has printed something."""
        until(lambda: words in self.output or self.has_ended)
        assert words in self.output, self.output

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(10)


class Language(NamedTuple):
    """Where a client is, and how its programs are run."""

    name: str
    suffix: str

    def path(self, program: str) -> str:
        """Say where a program is."""
        return str(EXAMPLES / self.name / f"{program}.{self.suffix}")

    def run(self, log: Path, program: str, *arguments: str, **environ: str) -> ExampleProgram:
        """Run a program."""
        return ExampleProgram(log, [self.name, self.path(program), *arguments], environ)

    def ask(self, log: Path, url: str, *arguments: str, token: str = TOKEN) -> ExampleProgram:
        """Run the program that asks a guest."""
        return self.run(log, "ask", *arguments, OCTOPUSH_URL=url, OCTOPUSH_TOKEN=token)

    def evaluate(self, programs: Mapping[str, str], *arguments: str) -> Any:
        """Run this language's program of a test, which uses the client, and return the JSON that it prints.

        Args:
            programs: by language; the first argument of each is the path of the client.
            arguments: those behind it.
        """
        start, client = _EVALUATED[self.name]
        command = [*start, programs[self.name], "--", self.path(client), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)


#: The languages that have a client of the HTTP API.
LANGUAGES: Final = (Language("node", "mjs"), Language("php", "php"))


def needs(language: str) -> None:
    """Leave a test out where its language is missing."""
    if problem := missing(language):
        pytest.skip(problem)
