"""The acceptance tests of each release, with their own applications and web, against workers of the other."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.upgrades.releases import PRESENT, Release

#: What an application meets, from its call to the handset and back.
PARTS = ("sending", "callbacks", "campaigns", "holding", "lost_answers", "refusals", "shared_calls")
ACCEPTANCE = [f"tests/e2e/test_{each}.py" for each in PARTS]
#: What only workers of this release can do; the next release empties it.
SINCE_THE_LAST_RELEASE = [
    # Decision 208: a worker looks what waits for a budget that has money again.
    "tests/e2e/test_holding.py::test_a_budget_lets_all_leave_that_it_can_pay",
]


def accept(tests: Release, workers: Release, leaving_out: Sequence[str] = ()) -> None:
    """Run the tests of one release: what they start by its path is of the other release."""
    left_out = [f"--deselect={each}" for each in leaving_out]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *left_out, *ACCEPTANCE],
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
    accept(PRESENT, last, SINCE_THE_LAST_RELEASE)
