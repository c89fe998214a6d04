"""A process whose settings are wrong ends at once and says all that is wrong, without showing a value."""

import os
import subprocess
import traceback
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest
import redis

from producers import AsyncProducer, Feed, Producer
from producers.contract.settings import WebSettings
from producers.errors import ConfigError
from producers.settings import ProducerSettings
from tests.support.hostile import make_hostile
from tests.support.installation import bare_environment
from tests.support.up_process import OCTOPUSH
from tests.support.waiting import until
from tests.support.web_server import WebServer
from tests.support.worker_process import WorkerProcess, procfile_line
from worker.sandbox.free_port import free_port
from worker.sandbox.redis_server import RedisServer
from worker.settings import WorkerSettings

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

#: Passwords that were not escaped, and other addresses that readers of URLs read differently.
UNREADABLE = [
    f"redis://:{SECRET}/x@localhost:6379/0",
    f"redis://:12/{SECRET}@localhost",
    f"redis://:{SECRET}#x@localhost",
    f"redis://:12#{SECRET}@localhost",
    f"redis://:{SECRET}?x@localhost",
    f"redis://:x@{SECRET}@localhost",
    f"redis://:%zz{SECRET}@localhost",
    f"redis://:x {SECRET}@localhost",
    f"redis://localhost:{SECRET}",
    f"redis://:{SECRET}@localhost:99999/0",
    f"redis://localhost/{SECRET}",
    f"redis://localhost?{SECRET}=1",
    f"rediss://localhost?ssl_cert_reqs={SECRET}",
    f"redis://:[{SECRET}@localhost",
    f"unix://{SECRET}/socket",
]
CLI = {
    **dict.fromkeys(["OCTOPUSH_API_LOGIN", "OCTOPUSH_API_KEY"], "x"),
    "CALLBACK_TOKENS": "token-0123456789ab",
}
COMMANDS = [
    ["up"],
    ["status"],
    ["limits"],
    ["campaign", "status", "x"],
    ["send", "--csv", "/dev/null", "--sender", "Bistro", "--text", "Hi"],
]


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


@pytest.mark.parametrize("url", UNREADABLE)
def test_an_address_of_redis_that_cannot_be_read_is_named_and_never_shown(url):
    for kind in (ProducerSettings, WebSettings, WorkerSettings):
        with pytest.raises(ConfigError) as caught:
            kind.from_env(CLI | {"REDIS_URL": url})
        assert set(caught.value.problems) == {"REDIS_URL"}
        assert SECRET not in "".join(traceback.format_exception(caught.value))
    for make in (Producer, AsyncProducer, lambda url: Feed("replies", "g", redis_url=url)):
        with pytest.raises(ConfigError) as caught:
            make(url)
        assert SECRET not in "".join(traceback.format_exception(caught.value))


def refused(command: Sequence[str], directory: Path, url: str, status: int = 1) -> str:
    """Run a command that has to fail with this REDIS_URL; return all that it said."""
    done = subprocess.run(
        [OCTOPUSH, *command],
        cwd=directory,
        env=bare_environment() | CLI | {"REDIS_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status
    return done.stdout + done.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize("url", [UNREADABLE[0], UNREADABLE[3]])
def test_no_command_shows_the_address_of_redis(command, url, tmp_path):
    assert_named(refused(command, tmp_path, url), ["REDIS_URL"])


@pytest.mark.parametrize("command", COMMANDS[1:4], ids=lambda command: command[0])
def test_a_redis_that_does_not_answer_is_told_without_its_password(command, tmp_path):
    url = f"redis://:{SECRET}@127.0.0.1:{free_port()}/0"
    assert_named(refused(command, tmp_path, url, status=4), ["Redis"])


def test_processes_name_an_address_of_redis_that_cannot_be_read(tmp_path):
    _, output = run_worker(tmp_path / "worker.log", CLI | {"REDIS_URL": UNREADABLE[0]})
    assert_named(output, ["REDIS_URL"])
    _, output = run_web(tmp_path / "web.log", CLI | {"REDIS_URL": UNREADABLE[0]})
    assert_named(output, ["REDIS_URL"])


#: What a process of the Procfile is asked whether it is well.
WELL = {"web": "/readyz", "console": "/healthz"}


@pytest.mark.parametrize("process_type", ["worker", "web", "console"])
def test_the_lines_of_the_procfile_can_be_started_in_any_directory(process_type, tmp_path, redis_url):
    """Where an application has modules of the same names, these are not loaded in place of ours."""
    make_hostile(tmp_path)
    log = tmp_path / "log"
    port = str(free_port())
    places = {"HOST": "127.0.0.1", "PORT": port, "CONSOLE_PORT": port}
    tokens = {"CONSOLE_TOKENS": f"operator:ben:{SECRET}-0123456789-abcdefghij"}
    environ = bare_environment() | CLI | {"REDIS_URL": redis_url} | places | tokens
    environ["PATH"] = os.pathsep.join([str(Path(OCTOPUSH).parent), environ["PATH"]])
    line = ["/bin/sh", "-c", "exec " + procfile_line(process_type)]
    with log.open("wb") as output:
        process = subprocess.Popen(line, cwd=tmp_path, env=environ, stdout=output, stderr=output)
    try:
        if process_type in WELL:
            url = f"http://127.0.0.1:{port}{WELL[process_type]}"
            until(lambda: process.poll() is not None or answers(url))
        else:
            with redis.Redis.from_url(redis_url) as client:
                until(lambda: process.poll() is not None or client.keys("{sms}:queue:*:heard"))
        assert process.poll() is None, log.read_text()
    finally:
        process.terminate()
        process.wait(30)


def answers(url):
    """Say whether something answers well."""
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.HTTPError:
        return False
