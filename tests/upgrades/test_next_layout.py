"""A release to come, with a newer layout: a running queue is migrated, and older code stands back."""

import subprocess
import sys

import pytest

from producers.contract.jobs import LAYOUT
from tests.support.waiting import until
from tests.upgrades.releases import NEW_FIELD, PRESENT
from tests.upgrades.street import Street, replace

pytestmark = pytest.mark.timeout(300)


def command(street: Street, release, *arguments: str):
    line = [sys.executable, "-m", "worker.cli", *arguments]
    environ = release.environ(street.place.environ)
    return subprocess.run(line, env=environ, capture_output=True, text=True, timeout=120, check=False)


def forms(street: Street) -> list[bytes | None]:
    """Return what each record says in the field that is new; None of one that was written as before."""
    client, keys = street.place.redis, street.place.keys
    records = client.keys(keys.prefix.replace("{", "[{]").replace("}", "[}]") + "record:*")
    return [client.hget(each, NEW_FIELD) for each in records]


def test_a_running_queue_is_migrated_without_a_stop(street: Street, coming):
    """All in order: workers, web, applications; then the layout is raised, while both kinds of data wait."""
    street.web(PRESENT)
    worker = street.worker(PRESENT)
    street.send(PRESENT, 90)
    until(lambda: sum(street.shown().values()) > 20)

    newer = street.worker(coming)
    refused = command(street, coming, "layout", "raise")
    assert (refused.returncode, refused.stderr) == (
        5,
        f"Error: 1 live worker does not serve layout {LAYOUT + 1} yet: upgrade first; nothing was changed\n",
    )
    replace(street, worker, coming)
    street.web(coming)
    street.verdict()
    assert set(forms(street)) == {None}

    newer.terminate()
    street.send(coming, 60, 200)
    until(lambda: not street.is_sending)
    raised = command(street, coming, "layout", "raise")
    assert (raised.returncode, raised.stdout) == (0, f"the data have layout {LAYOUT + 1}\n")
    street.send(coming, 60)
    street.verdict()
    assert set(forms(street)) == {None, b"new"}


def test_code_that_does_not_serve_the_layout_says_so_and_touches_nothing(street: Street, coming):
    street.worker(coming)
    street.web(coming)
    assert command(street, coming, "layout", "raise").returncode == 0
    older = street.worker(PRESENT)
    assert older.wait() != 0
    words = f"the data have layout {LAYOUT + 1}, and it serves layouts up to {LAYOUT}."
    assert words in older.output
    assert words in command(street, PRESENT, "status").stderr

    street.send(coming, 30)
    street.verdict()


def test_a_worker_that_runs_while_the_layout_is_raised_stands_back_until_it_is_replaced(
    street: Street, coming
):
    """Nobody should raise it then; who does by hand loses nothing."""
    older = street.worker(PRESENT)
    # The first process of an installation gives it the newest layout that it serves.
    until(lambda: street.place.redis.exists(street.place.keys.layout))
    street.web(coming)
    street.send(coming, 150)
    until(lambda: sum(street.shown().values()) > 20)
    street.place.redis.set(street.place.keys.layout, LAYOUT + 1)
    until(lambda: "redis.refused" in older.output)
    said = [each for each in street.events("worker") if each["event"] == "redis.refused"]
    assert len(said) == 1
    assert "Install a release that serves" in said[0]["problem"]

    older.terminate()
    street.worker(coming)
    street.verdict()


def test_records_of_a_newer_version_wait_for_a_newer_worker(street: Street, hasty):
    older = street.worker(PRESENT)
    street.web(PRESENT)
    street.send(PRESENT, 30)
    street.verdict()
    street.send(hasty, 30)
    until(lambda: "sms.record_of_newer_version" in older.output)
    until(lambda: not street.is_sending)

    street.worker(hasty)
    street.verdict()
