"""How a worker's command ends: by a signal, by a closed terminal, by the death of its parent process."""

import os
import pty
import signal
import sys

import pytest

from producers import Message
from tests.support.installation import new_number
from tests.support.processes import descendants
from tests.support.up_process import OCTOPUSH
from tests.support.waiting import until
from tests.support.worker_process import PLATFORM_GRACE_S
from worker.sandbox.free_port import free_port


@pytest.fixture
def busy(install):
    """An installation whose worker is in the middle of calls."""
    installation = install()
    installation.gateway.settings(latency_ms=1_000)
    messages = [Message(new_number(), "Hi", sender="Bistro", purpose="alert") for _ in range(5)]
    installation.sends = installation.producer.send_many(messages)
    installation.wait_for(lambda: len(installation.gateway.requests()) == 5)
    return installation


@pytest.mark.parametrize("whole_group", [False, True])
@pytest.mark.parametrize("signals", [[signal.SIGHUP], [signal.SIGTERM, signal.SIGHUP], [signal.SIGHUP] * 2])
def test_a_hang_up_stops_a_worker_like_sigterm(busy, signals, whole_group):
    for number in signals:
        busy.worker._signal(number, whole_group=whole_group)

    assert busy.worker.wait(PLATFORM_GRACE_S) == 0
    assert busy.worker._is_gone_within(1)
    assert {busy.status(sent).state for sent in busy.sends} == {"accepted"}


def test_a_worker_process_does_not_outlive_its_parent(busy):
    os.kill(busy.worker.pid, signal.SIGKILL)

    assert busy.worker._is_gone_within(5)
    busy.worker.start()
    assert busy.all_settled(busy.sends) == {"accepted"}
    assert set(busy.gateway.delivered().values()) == {1}


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_several_worker_processes_do_not_outlive_their_parent(install):
    installation = install(worker=False)
    installation.worker._environ["WORKER_PROCESSES"] = "3"
    installation.worker.start()
    until(lambda: len(descendants(installation.worker.pid)) == 3)
    # A child that has just been forked does not know its parent yet.
    assert installation.settled(installation.send()).state == "accepted"

    os.kill(installation.worker.pid, signal.SIGKILL)
    assert installation.worker._is_gone_within(15)


def test_a_terminal_that_is_closed_stops_up_and_what_is_under_way_is_recorded(install, tmp_path):
    installation = install(worker=False)
    environ = installation.environ | {"HOST": "127.0.0.1", "PORT": str(free_port())}
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execve(OCTOPUSH, [OCTOPUSH, "up"], environ)
    printed = b""
    while b"are up" not in printed:
        printed += os.read(terminal, 4_096)
    sends = []
    # The first answer comes when nobody reads the log any more; the second after that was found out.
    for latency_ms in (1_000, 2_000):
        installation.gateway.settings(latency_ms=latency_ms)
        sends.append(installation.send())
        installation.wait_for(lambda: installation.posts(sends[-1]))
    os.close(terminal)

    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    for sent in sends:
        found = installation.status(sent)
        assert (found.state, found.attempts, bool(found.ticket)) == ("accepted", 1, True)


def test_a_worker_is_seen_to_live_until_it_stops(busy):
    def seen() -> int:
        return busy.redis.zcard(busy.keys.workers)

    until(lambda: seen() == 1)

    busy.worker._signal(signal.SIGTERM, whole_group=False)

    assert busy.worker.wait(PLATFORM_GRACE_S) == 0
    assert seen() == 0
