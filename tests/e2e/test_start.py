"""A process whose settings are wrong ends at once and says all that is wrong, without showing a value."""

from tests.support.installation import bare_environment
from tests.support.web_server import WebServer
from tests.support.worker_process import WorkerProcess
from worker.sandbox.redis_server import RedisServer

SECRET = "not-to-be-shown"
#: Variables that are wrong, and what stands in them.
WRONG_WORKER = {
    "REDIS_URL": f"http://:{SECRET}@localhost",
    "OCTOPUSH_API_KEY": f"{SECRET}-é",
    "OCTOPUSH_BASE_URL": f"ftp://{SECRET}",
    "OCTOPUSH_READ_TIMEOUT_S": SECRET,
    "OCTOPUSH_FRESH_CONNECTIONS": SECRET,
    "RECORD_RETENTION_DAYS": "0",
    "LOG_LEVEL": SECRET,
}
WRONG_WEB = {
    "REDIS_URL": f"http://:{SECRET}@localhost",
    "CALLBACK_TOKENS": SECRET[:8],
    "STREAM_MAXLEN": SECRET,
    "SMS_NAMESPACE": "{no}",
}


def run_worker(log, environ):
    worker = WorkerProcess(log, bare_environment() | environ).start()
    try:
        return worker.wait(), worker.output
    finally:
        worker.kill()


def run_web(log, environ):
    web = WebServer(log, dict.fromkeys(WRONG_WEB, "") | environ)
    try:
        return web.process.wait(30), web.output
    finally:
        web.process.kill()


def assert_named(output, variables):
    assert {name for name in variables if name not in output} == set()
    assert SECRET not in output
    assert "Traceback" not in output


def test_a_worker_without_settings_names_what_it_needs(tmp_path):
    status, output = run_worker(tmp_path / "log", {})

    assert status == 1
    assert_named(output, ["OCTOPUSH_API_LOGIN", "OCTOPUSH_API_KEY"])


def test_a_worker_names_everything_that_is_wrong_at_once(tmp_path):
    status, output = run_worker(tmp_path / "log", WRONG_WORKER)

    assert status == 1
    assert_named(output, ["OCTOPUSH_API_LOGIN", *WRONG_WORKER])


def test_a_web_process_without_settings_names_what_it_needs(tmp_path):
    status, output = run_web(tmp_path / "log", {})

    assert status == 1
    assert_named(output, ["CALLBACK_TOKENS"])


def test_a_web_process_names_everything_that_is_wrong_at_once(tmp_path):
    status, output = run_web(tmp_path / "log", WRONG_WEB)

    assert status == 1
    assert_named(output, WRONG_WEB)


def test_a_worker_that_finds_no_redis_waits_for_it(install, tmp_path):
    """A platform that starts everything at once must not see the worker die."""
    redis_server = RedisServer(tmp_path / "redis")
    installation = install(redis_server.url)
    installation.wait_for(lambda: installation.worker.output)
    assert installation.worker.is_running

    with redis_server:
        assert installation.settled(installation.send()).state == "accepted"

        assert installation.worker.terminate() == 0
