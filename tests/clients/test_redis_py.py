"""Each redis-py that `pyproject.toml` allows: the tests of what applications and workers do with it pass."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: Everything that talks to Redis in ways in which its versions differ: pools, retries, pipelines, locks.
TESTS = [
    "tests/integration/test_producer.py",
    "tests/integration/test_feeds.py",
    "tests/integration/test_callback_intake.py",
    "tests/integration/test_cluster_clients.py",
    "tests/integration/test_moved_primary.py",
    "tests/integration/test_promotion.py",
    "tests/integration/test_queue.py",
    "tests/e2e/test_sending.py",
]


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("version", ["6.4.*", "7.*", "8.*"])
def test_what_is_done_with_redis_is_done_with_this_client(version, tmp_path):
    """In a directory of its own in front of what is installed, which has a newer one."""
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(tmp_path / "client"),
    ]
    got = subprocess.run([*pip, f"redis=={version}"], capture_output=True, text=True, check=False)
    if got.returncode:
        pytest.skip(f"no registry has redis=={version}: {got.stderr.splitlines()[-1:]}")

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "client")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
