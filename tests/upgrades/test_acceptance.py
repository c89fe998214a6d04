"""The acceptance tests of each release, with their own applications and web, against workers of the other."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.upgrades.releases import PRESENT, Release

#: What an application meets, from its call to the handset and back.
PARTS = ("sending", "callbacks", "campaigns", "holding", "lost_answers", "refusals", "shared_calls")
ACCEPTANCE = [f"tests/e2e/test_{each}.py" for each in PARTS]


def accept(tests: Release, workers: Release) -> None:
    """Run the tests of one release: what they start by its path is of the other release."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *ACCEPTANCE],
        cwd=tests.path,
        # The directory in which Python is started comes first, but not for what lies beside it.
        env={**os.environ, "PYTHONPATH": str(workers.path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout[-6000:]


def test_what_the_tests_start_by_its_path_is_of_the_other_release(last):
    """Else the two tests below would compare a release with itself."""
    command = Path(sys.executable).parent / "octopush-worker"
    code = f"import sys; sys.path[0] = {str(command.parent)!r}; import worker; print(worker.__file__)"
    environ = {**os.environ, "PYTHONPATH": str(last.path)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PRESENT.path,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(done.stdout.strip()).parents[1] == last.path


@pytest.mark.timeout(900)
def test_the_last_release_s_acceptance_tests_pass_with_the_present_workers(last):
    accept(last, PRESENT)


@pytest.mark.timeout(900)
def test_the_present_acceptance_tests_pass_with_the_last_release_s_workers(last):
    accept(PRESENT, last)
