"""``octopush-worker completion``: the one line that docs/commands.md names makes a shell complete.

Each shell runs as a person has it, on a terminal, with a home of its own. Those that are not installed are
left out.
"""

import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from subprocess import PIPE

import pytest

from tests.house.repository import rows

LINES = {shell: line.strip("`") for shell, line in rows("docs/commands.md", "completion")}
#: How a shell is started so that it reads the files that a person's reads, and no others.
STARTS = {
    "bash": ["bash", "--noprofile", "-i"],
    "zsh": ["zsh", "-o", "no_global_rcs", "-i"],
    "fish": ["fish", "-i"],
}
WITHIN_S = 60


def test_the_page_has_a_line_for_each_shell():
    assert set(LINES) == set(STARTS)


@pytest.mark.parametrize("shell", STARTS)
def test_the_documented_line_makes_the_shell_complete(shell, tmp_path):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    (tmp_path / ".config" / "fish" / "completions").mkdir(parents=True)
    here = Path(sys.executable).parent
    own = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / ".config"), "TERM": "xterm"}
    environment = {**os.environ, **own, "PATH": f"{here}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-c", LINES[shell]], env=environment, check=True, timeout=WITHIN_S)

    shown = typed(STARTS[shell], environment, b"octopush-worker campa\t", until=b"octopush-worker campaign")

    assert b"campaign" in shown, shown


def typed(command: list[str], environment: dict[str, str], keys: bytes, until: bytes) -> bytes:
    """Type into a shell on a terminal, again and again until it shows something, and return what it showed.

    A shell that still starts may lose what is typed, so the line is wiped (Ctrl-U) before each try.
    """
    terminal = [sys.executable, "-c", "import pty, sys; pty.spawn(sys.argv[1:])", *command]
    shown, last, next_try = b"", time.monotonic() + WITHIN_S, 0.0
    with subprocess.Popen(terminal, stdin=PIPE, stdout=PIPE, env=environment) as process:
        while until not in shown and time.monotonic() < last:
            if time.monotonic() > next_try:
                os.write(process.stdin.fileno(), b"\x15" + keys)
                next_try = time.monotonic() + 5
            if select.select([process.stdout], [], [], 0.2)[0]:
                shown += os.read(process.stdout.fileno(), 65536)
        process.kill()
    return shown
