"""``octopush-worker up``: one Redis per directory, nothing outlives it, nothing for others to see."""

import os
import signal
import socket
import stat
import sys
from pathlib import Path

import pytest
import redis

from producers import Producer
from tests.support.hostile import make_hostile
from tests.support.installation import API_KEY, API_LOGIN, TOKEN, bare_environment, new_number
from tests.support.processes import command, descendants, environment, running
from tests.support.simulator import SimulatorThread
from tests.support.up_process import UpProcess
from tests.support.waiting import until
from worker.sandbox.processes import GRACE_S, Process, start, stop_all
from worker.sandbox.redis_server import RedisServer
from worker.sandbox.simulator.settings import SimulatorSettings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc; see docs/decisions.md")


@pytest.fixture
def gateway():
    simulator = SimulatorThread(SimulatorSettings())
    simulator.admin.settings(api_login=API_LOGIN, api_key=API_KEY)
    yield simulator
    simulator.stop()


@pytest.fixture
def environ(gateway):
    return {
        **bare_environment(),
        "OCTOPUSH_API_LOGIN": API_LOGIN,
        "OCTOPUSH_API_KEY": API_KEY,
        "OCTOPUSH_BASE_URL": gateway.base_url,
        "CALLBACK_TOKENS": TOKEN,
    }


def send(up, request_id="one"):
    producer = Producer(up.redis_url)
    producer.send(new_number(), "Hi", sender="Bistro", purpose="alert", request_id=request_id)
    return producer


def is_accepted(producer, request_id="one"):
    return until(lambda: producer.status(request_id).state == "accepted", 40)


def child(up, words):
    """Find a process of a family by words of its command line; None if there is none."""
    return next((pid for pid in running(descendants(up.process.pid)) if words in command(pid)), None)


def refuses(url):
    """Say whether a Redis does not take commands, or not yet."""
    try:
        with redis.Redis.from_url(url) as client:
            client.ping()
    except redis.RedisError:
        return True
    return False


def modes(directory):
    """Give the rights of everything in a directory, as far as others have any."""
    found = [directory, *directory.rglob("*")]
    return {str(path): path.lstat().st_mode & 0o077 for path in found if path.lstat().st_mode & 0o077}


def test_a_second_start_is_refused_by_name_and_disturbs_nobody(tmp_path, environ):
    with UpProcess(tmp_path, environ) as first:
        second = UpProcess(tmp_path, environ, log="second.log").refused()

        assert f"is in use by process {first.process.pid}" in second
        assert "Traceback" not in second
        assert is_accepted(send(first))


def test_a_lock_that_a_dead_process_left_blocks_nobody(tmp_path, environ):
    (tmp_path / ".octopush").mkdir()
    (tmp_path / ".octopush" / "lock").write_text("1 2")

    with UpProcess(tmp_path, environ) as up:
        assert is_accepted(send(up))


@pytest.mark.parametrize(
    "signals", [[signal.SIGTERM], [signal.SIGHUP], [signal.SIGTERM, signal.SIGHUP], [signal.SIGHUP] * 3]
)
def test_signals_stop_everything(tmp_path, environ, signals):
    with UpProcess(tmp_path, environ) as up:
        for number in signals:
            up.process.send_signal(number)

        assert up.wait() == 0
        assert up.leaves_nothing_within(1)


def test_each_process_has_its_own_time_to_stop_and_is_killed_after_it(tmp_path, environ):
    ends_late = "trap 'sleep 1; exit 0' TERM; echo is-ready; while :; do sleep 0.05; done"
    never_ends = "trap '' TERM; echo is-ready; while :; do sleep 0.05; done"
    with (tmp_path / "log").open("wb") as log:
        late, never = (
            Process(["/bin/sh", "-c", line], environ, log, grace_s=grace_s)
            for line, grace_s in ((ends_late, 60.0), (never_ends, 0.2))
        )
        mails = start("forward-email", environ, log)
        until(lambda: (tmp_path / "log").read_bytes().count(b"is-ready") == 2)
        stop_all([late, never])
        mails.kill()

    assert (late.status, never.status) == (0, -signal.SIGKILL)
    assert mails.grace_s == GRACE_S["forward-email"]


def test_a_start_after_sigkill_goes_on_where_the_killed_one_was(tmp_path, environ, gateway):
    gateway.admin.settings(latency_ms=1_000)
    with UpProcess(tmp_path, environ) as up:
        producer = send(up)
        until(lambda: gateway.admin.requests())
        up.process.kill()
        assert up.leaves_nothing_within(5)

        with UpProcess(tmp_path, environ, log="again.log") as again:
            assert again.redis_url == up.redis_url
            assert is_accepted(producer)
            assert set(gateway.admin.delivered().values()) == {1}


def test_a_redis_that_outlives_its_starter_keeps_the_directory(tmp_path, environ):
    with UpProcess(tmp_path, environ) as up:
        server = child(up, "redis.sock")
        # As if it took its time to end.
        os.kill(server, signal.SIGSTOP)
        up.process.kill()
        up.wait()

        refused = UpProcess(tmp_path, environ, log="second.log").refused()
        assert f"is in use by process {up.process.pid}, whose Redis is process {server}" in refused

        os.kill(server, signal.SIGCONT)
        with UpProcess(tmp_path, environ, log="third.log") as third:
            assert is_accepted(send(third))


def test_directories_do_not_know_of_each_other(tmp_path, environ):
    with UpProcess(tmp_path / "a", environ) as a, UpProcess(tmp_path / "b b%", environ) as b:
        assert is_accepted(send(a))
        assert Producer(b.redis_url).status("one") is None
        assert is_accepted(send(b, "two"), "two")


def test_a_directory_whose_path_is_too_long_for_a_socket_will_do(tmp_path, environ):
    with UpProcess(tmp_path / ("d" * 60) / ("e" * 60), environ) as up:
        assert is_accepted(send(up))


def test_other_users_can_read_nothing(tmp_path, environ):
    data = tmp_path / ".octopush"
    (data / "redis").mkdir(parents=True)
    data.chmod(0o755)
    (data / "redis").chmod(0o755)
    (data / "redis" / "old.log").write_text("a text")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.touch(mode=0o644)
    (data / "link").symlink_to(elsewhere)

    with UpProcess(tmp_path, environ) as up:
        assert is_accepted(send(up))
        (data / "link").unlink()
        assert modes(data) == {}
        assert stat.S_IMODE(elsewhere.stat().st_mode) & 0o044
        # No address of the machine leads to this Redis, only the path.
        assert "unixsocket:" in command(child(up, "redis.sock"))


def test_each_process_gets_what_its_settings_declare_and_no_more(tmp_path, environ):
    further = {
        "WORKER_CALLS": "32",
        "HTTPS_PROXY": "http://proxy.invalid:1",
        "DATABASE_URL": "somebody-elses",
    }
    with UpProcess(tmp_path, environ | further) as up:
        worker, web = (environment(child(up, f"octopush_worker {name}")) for name in ("worker", "web"))
        # A Redis writes its title over what it was given.
        server = Path(f"/proc/{child(up, 'redis.sock')}/environ").read_bytes()

    assert worker["OCTOPUSH_API_KEY"] == API_KEY
    assert worker["WORKER_CALLS"] == "32"
    assert web["CALLBACK_TOKENS"] == TOKEN
    assert web["PORT"] == up.port
    assert worker["REDIS_URL"] == web["REDIS_URL"] == up.redis_url
    for found in (worker, web):
        assert found["PATH"]
        assert found["HTTPS_PROXY"]
        assert "DATABASE_URL" not in found
    assert not {"CALLBACK_TOKENS", "PORT"} & worker.keys()
    assert not {"OCTOPUSH_API_KEY", "OCTOPUSH_API_LOGIN", "WORKER_CALLS"} & web.keys()
    assert API_KEY.encode() not in server
    assert TOKEN.encode() not in server


def test_modules_of_the_directory_do_not_stand_in_for_ours(tmp_path, environ):
    make_hostile(tmp_path)

    with UpProcess(tmp_path, environ) as up:
        assert is_accepted(send(up))


def test_a_redis_that_dies_is_started_again_with_its_data(tmp_path, environ):
    with UpProcess(tmp_path, environ) as up:
        producer = send(up)
        assert is_accepted(producer)
        killed = child(up, "redis.sock")
        os.kill(killed, signal.SIGKILL)

        until(lambda: "redis ended with status -9; starting it again" in up.output)
        until(lambda: child(up, "redis.sock") not in {killed, None})
        # A producer repeats for about a second; the data may take longer to be read.
        producer = until(lambda: not refuses(up.redis_url) and Producer(up.redis_url))
        assert is_accepted(producer)
        assert is_accepted(send(up, "two"), "two")


def test_a_port_that_is_taken_is_named_before_anything_starts(tmp_path, environ):
    with UpProcess(tmp_path / "a", environ) as up:
        other = UpProcess(tmp_path / "b", environ | {"PORT": up.port}).refused()

        assert up.port in other
        assert "Traceback" not in other


def test_the_port_of_whatever_is_configured_is_looked_at_before_anything_starts(tmp_path, environ):
    """The process would end at once, again and again. A test of the settings holds where each listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        api = {"API_TOKENS": f"shop:{'kX7rT2mQ9vLs4WnZ' * 2}", "API_PORT": port}
        said = UpProcess(tmp_path, environ | api).refused()

    assert (
        f"api cannot listen on 127.0.0.1:{port} (Address already in use): set API_HOST and API_PORT" in said
    )


def test_a_password_in_the_address_of_redis_is_never_shown(tmp_path, environ):
    with RedisServer(tmp_path / "redis") as server:
        with redis.Redis.from_url(server.url) as client:
            client.config_set("requirepass", "not-to-be-shown/#@")
        url = f"redis://:not-to-be-shown%2F%23%40@127.0.0.1:{server.port}/0"
        with UpProcess(tmp_path, environ | {"REDIS_URL": url}) as up:
            assert f"redis://127.0.0.1:{server.port}/0" in up.output
            up.process.terminate()
            up.wait()
        assert "not-to-be-shown" not in up.output
        assert not (tmp_path / ".octopush").exists()
