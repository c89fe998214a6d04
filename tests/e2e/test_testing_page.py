"""docs/testing.md does what it shows: an application team copies its blocks into files, and they pass."""

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "testing.md"


def test_the_examples_pass_as_they_stand(tmp_path):
    application, *tests = re.findall(
        r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    (tmp_path / "bookings.py").write_text(application, "utf-8")
    for number, block in enumerate(tests):
        (tmp_path / f"test_example_{number}.py").write_text(block, "utf-8")

    # In the directory of an application, whose environment has no variable of ours.
    environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += [f"--basetemp={tmp_path / 'temporary'}", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)

    assert re.search(rf"^{application_tests(tests)} passed", done.stdout, re.MULTILINE), done.stdout


def application_tests(blocks: list[str]) -> int:
    """Count the tests of all blocks."""
    return sum(block.count("\ndef test_") for block in blocks)
