"""deploy/README.md can be followed: each line names programs, files, commands and variables that exist."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from typing import Final

from tests.house.repository import ROOT, files, name, none_of, text
from tests.house.test_deploy import DEPLOY, known, runs
from tests.support.code_blocks import blocks_in

#: Programs of Debian, Docker and Kubernetes.
PROGRAMS: Final = {
    *(
        "apt-get",
        "cat",
        "chmod",
        "cp",
        "df",
        "docker",
        "echo",
        "install",
        "journalctl",
        "kubectl",
        "mkdir",
        "nginx",
    ),
    *(
        "openssl",
        "promtool",
        "python3",
        "redis-cli",
        "rm",
        "sh",
        "sudoedit",
        "sysctl",
        "systemctl",
        "tee",
        "touch",
    ),
}
#: With which Redis refuses, as processes quote it.
REFUSALS: Final = {"NOAUTH", "NOQUORUM", "WRONGPASS"}
BLOCKS: Final = [block.code for block in blocks_in("deploy/README.md", text("deploy/README.md"))]


def typed() -> Iterator[list[str]]:
    """Give the words of each line of the page's blocks, without what says who runs it."""
    for block in BLOCKS:
        for line in block.splitlines():
            yield [word for word in shlex.split(line) if word != "sudo"]


def missing(path: str) -> bool:
    """Say whether a file that a line names is neither in the repository nor in deploy/."""
    if "*" in path or (ROOT / path).is_dir():
        return False
    return not {path, f"deploy/{path}"} & {name(each) for each in files()}


def faults(line: list[str]) -> Iterator[str]:
    while re.match(r"[A-Z_]+=", line[0]):
        variable = line.pop(0).partition("=")[0]
        if not known(variable):
            yield variable
    program, *rest = line
    if program.endswith(("/octopush", "/octopush-worker")):
        runs(rest)
    elif program not in PROGRAMS and not program.endswith(("/pip", "passwords.sh")):
        yield program
    yield from (each for each in line if re.match(r"deploy|requirements|redis/pass", each) and missing(each))
    if program == "systemctl":
        units = [re.sub(r"@[\d*]", "@", each) for each in rest if re.match(r"octopush-[a-z]", each)]
        yield from (each for each in units if not (DEPLOY / "systemd" / f"{each}.service").exists())


def test_the_page_names_files_and_commands_that_are_there():
    none_of(fault for line in typed() for fault in faults(line))


def test_the_pages_blocks_can_be_typed():
    for block in BLOCKS:
        subprocess.run(["/bin/sh", "-n", "-c", block], check=True)


def test_variables_that_the_page_names_are_settings():
    named = re.findall(r"`([A-Z][A-Z_]{5,})(?:=[^`]*)?`", text("deploy/README.md"))
    none_of(each for each in named if not known(each) and each not in REFUSALS)
