"""A wrong password of Redis, and a user without rights, are told from an outage: at once, in one line."""

import asyncio
import base64
import json
import subprocess
import sys
from functools import partial

import pytest
import redis
from click.testing import CliRunner

from producers import AsyncFeed, AsyncProducer, Feed, Producer, QueueRefused
from producers.contract.settings import WebSettings
from producers.errors import ProducerError, QueueUnavailable
from producers.web import create_app
from tests.support.api_client import ONE, ApiClient, api_settings
from tests.support.app_in_process import AppInProcess
from tests.support.console_client import OPERATOR, ConsoleClient, console_settings
from tests.support.installation import bare_environment
from worker.cli import main
from worker.sandbox.redis_server import RedisServer

ALERT = {"sender": "Bistro", "purpose": "alert"}
CANARY = "canary"
TOKEN = "callback-token-0123456789"
KEY = base64.b64encode(bytes(range(32))).decode()
KINDS = {
    f":{CANARY}@": "this user or password",
    "": "this user or password",
    f"nobody:{CANARY}@": "this user or password",
    f"reader:{CANARY}@": "this user a command or a key",
}


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        with redis.Redis(port=server.port) as admin:
            admin.execute_command(
                "ACL", "SETUSER", "reader", "on", f">{CANARY}", "~*", "+@connection", "+get"
            )
            admin.config_set("requirepass", "right")
        yield server.port
        with redis.Redis(port=server.port, password="right") as admin:
            admin.config_set("requirepass", "")


@pytest.fixture
def wrong(port):
    return f"redis://:{CANARY}@127.0.0.1:{port}/0"


@pytest.fixture
def tries(port):
    """Say how often somebody tried a user or a password since the test began."""
    with redis.Redis(port=port, password="right") as admin:
        admin.acl_log_reset()
        yield lambda: sum(int(each["count"]) for each in admin.acl_log() if each["reason"] == "auth")


def said(error: ProducerError, port: int, what: str) -> None:
    assert str(error) == f"Redis at redis://127.0.0.1:{port}/0 refuses {what}: see REDIS_URL"


@pytest.mark.parametrize("user", KINDS)
@pytest.mark.parametrize("kind", [Producer, AsyncProducer])
def test_a_producer_raises_its_own_error_which_is_no_outage(port, kind, user):
    async def send(url):
        async with AsyncProducer(url) as sms:
            await sms.send("+33612345678", "Hello", request_id="a", **ALERT)

    url = f"redis://{user}127.0.0.1:{port}/0"
    blocking = partial(Producer(url).send, "+33612345678", "Hello", request_id="a", **ALERT)
    with pytest.raises(QueueRefused) as caught:
        blocking() if kind is Producer else asyncio.run(send(url))

    said(caught.value, port, KINDS[user])
    assert caught.value.request_ids == ("a",)
    assert not isinstance(caught.value, QueueUnavailable)


def test_a_wrong_password_is_tried_once(wrong, tries):
    with Producer(wrong) as sms, pytest.raises(QueueRefused):
        sms.status("a")

    assert tries() == 1


def test_a_feed_raises_the_same_error(wrong, port):
    async def read():
        async for _ in AsyncFeed("replies", group="app", redis_url=wrong):
            pass

    for reading in (
        lambda: next(iter(Feed("replies", group="app", redis_url=wrong))),
        lambda: asyncio.run(read()),
    ):
        with pytest.raises(QueueRefused) as caught:
            reading()
        said(caught.value, port, "this user or password")


@pytest.mark.parametrize(
    "line",
    [
        ["status"],
        ["campaign", "status", "spring"],
        ["send", "--to", "+33612345678", "--text", "Hello", "--sender", "Bistro", "--purpose", "alert"],
        ["send", "--to", "+33612345678", "--text", "Hello", "--sender", "Bistro", "--dry-run"],
        ["forward-http", "shop", "http://127.0.0.1:1"],
    ],
    ids=lambda line: " ".join(line[:2]),
)
def test_a_command_says_so_in_one_line_and_does_not_say_that_redis_is_away(wrong, port, line):
    environ = {"REDIS_URL": wrong, "WEBHOOK_SECRETS": "x" * 32}
    # What logs, logs to the output of the process, which is not the runner's.
    done = CliRunner().invoke(main, line, env=environ)

    assert done.exit_code == 1, done.output
    [told] = [each for each in done.stderr.splitlines() if each.startswith("Error")]
    assert told == f"Error: Redis at redis://127.0.0.1:{port}/0 refuses this user or password: see REDIS_URL"
    assert CANARY not in done.output


def test_a_command_as_a_user_for_something_else_names_the_user_of_commands(port):
    done = CliRunner().invoke(
        main, ["explain", "a"], env={"REDIS_URL": f"redis://reader:{CANARY}@127.0.0.1:{port}/0"}
    )

    assert done.exit_code == 1, done.output
    [told] = [each for each in done.stderr.splitlines() if each.startswith("Error")]
    assert told.startswith(f"Error: Redis at redis://127.0.0.1:{port}/0 refuses this user a command or a key")
    assert "as the user operator: see docs/redis.md#users" in told
    assert CANARY not in done.output


def test_a_worker_refuses_to_start_in_one_line_instead_of_waiting(wrong, port):
    environ = {
        **bare_environment(),
        "REDIS_URL": wrong,
        "OCTOPUSH_API_LOGIN": "a@example.com",
        "OCTOPUSH_API_KEY": "key",
        "PSEUDONYM_KEYS": KEY,
    }
    program = "from worker.main import setup; setup()"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=False, timeout=60
    )

    assert done.returncode == 1
    assert CANARY not in done.stdout + done.stderr
    lines = [json.loads(each) for each in done.stdout.splitlines()]
    problem = f"Redis at redis://127.0.0.1:{port}/0 refuses this user or password: see REDIS_URL"
    assert {each["problem"] for each in lines} == {problem}
    assert [each["event"] for each in lines if each["event"] != "redis.refused"] == [
        "worker.refused_to_start"
    ]


def test_the_web_process_says_so_when_it_is_asked_and_in_its_log(wrong, port, caplog):
    settings = WebSettings.from_env({"REDIS_URL": wrong, "CALLBACK_TOKENS": TOKEN, "PSEUDONYM_KEYS": KEY})
    with AppInProcess(create_app(settings), "http://127.0.0.1:8000") as web:
        ready = web.run(web.http.get("/readyz"))
        taken = web.run(web.http.post(f"/callbacks/{TOKEN}", content=b"{}"))

    assert (ready.status_code, taken.status_code) == (503, 503)
    assert ready.text == "redis refuses this user or password: see REDIS_URL\n"
    assert f"Redis at redis://127.0.0.1:{port}/0 refuses this user or password: see REDIS_URL" in caplog.text
    assert CANARY not in caplog.text + ready.text


def test_api_and_console_answer_as_in_an_outage_and_log_what_is_wrong(wrong, caplog):
    with ApiClient(api_settings(wrong)) as api:
        assert api.post("/v1/messages", ONE).status_code == 503
    assert '"event":"refused"' in caplog.text.replace('": "', '":"')
    caplog.clear()
    with ConsoleClient(console_settings(wrong)) as console:
        assert console.get("/replies").status_code in {303, 503}
        console.log_in(OPERATOR)
    assert "redis refuses this user or password: see REDIS_URL" in caplog.text
    assert CANARY not in caplog.text
