"""What may and may not be in the repository."""

import functools
import re

import pytest

from tests.house.repository import files, modules, name, text

#: Built from pieces, so that this file passes its own check.
_HOSTS = ["py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com", "yarn" + "pkg.com"]
_HOSTS += ["crates" + ".io", "ruby" + "gems.org", "proxy.golang" + ".org"]
_MACHINE_PATHS = re.compile(r"(?<![\w.}>])/(?:wo" + "rk|ro" + "ot|ho" + "me|Us" + "ers)/")
_FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "base", "tasks", "misc"}


@functools.cache
def contents(path):
    """Read a file as text, whatever it holds."""
    return path.read_bytes().decode("utf-8", "replace")


def test_no_file_names_a_package_registry_or_a_place_on_a_machine():
    named = [
        f"{name(path)}: {found}"
        for path in files()
        for found in [host for host in _HOSTS if host in contents(path)]
        + _MACHINE_PATHS.findall(contents(path))
    ]

    assert named == []


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_locks_pin_by_hash_and_name_no_address(lock):
    requirements = re.split(r"\n(?=\S)", text(lock).replace("\\\n", " ").strip())

    assert "://" not in text(lock)
    for requirement in requirements:
        assert re.match(r"[A-Za-z0-9_.-]+==\S+", requirement), requirement
        assert "--hash=sha256:" in requirement, requirement


def test_modules_are_named_after_what_they_hold():
    named = {part for path in modules("producers", "worker") for part in (path.stem, *path.parts)}

    assert named & _FORBIDDEN_NAMES == set()


def test_the_worker_stops_before_the_platform_kills_it():
    from worker.process.launch import SHUTDOWN_MS
    from worker.sending.repeats import ATTEMPT_BUDGET_S

    explained = re.search(r"shutdown time-out \((\d+) s\)", text("worker/sending/repeats.py"))

    assert explained
    assert ATTEMPT_BUDGET_S * 1000 < SHUTDOWN_MS < 30_000
    assert int(explained[1]) * 1000 == SHUTDOWN_MS
