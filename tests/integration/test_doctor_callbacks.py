"""The callback URL from the outside to Redis: what a probe finds out, and that it is nobody's event."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler

import httpx
import pytest
from click.testing import CliRunner

from producers.callbacks import CallbackIntake
from producers.contract.keys import Keys
from producers.contract.settings import WebSettings
from producers.intake.probe import ARRIVED, AWAITED, new_probe, probe_key, probe_name
from tests.support.answering import Answering
from tests.support.doors import Locked, can_be_locked
from tests.support.waiting import until
from tests.support.web_server import WebServer
from worker.cli import main

TOKEN, BOUND, OTHER = "0f3a9d7c5b1e8642aa17", "77c0ffee1234567890ab", "5ee5a1fb08d2c9347e66"
KEYS = Keys()


@pytest.fixture(scope="module")
def web(redis_server, tmp_path_factory) -> Iterator[WebServer]:
    """Run a web process on the shared server."""
    tokens = f"{OTHER},{TOKEN},receipts={BOUND}"
    environ = {"CALLBACK_TOKENS": tokens, "REDIS_URL": redis_server.url, "CALLBACK_SPOOL_DIR": ""}
    with WebServer(tmp_path_factory.mktemp("web") / "log", environ) as running:
        yield running


@pytest.fixture
def look(redis_url) -> Callable[..., dict[tuple[str, str], str]]:
    """Say what was found of callbacks, as check and level."""

    def run(url: str, tokens: str = f"{TOKEN},receipts={BOUND}", **environ: str) -> dict:
        env = {"CALLBACK_TOKENS": tokens, "REDIS_URL": redis_url, **environ}
        told = CliRunner().invoke(main, ["doctor", "--json", "--callback-url", url], env=env)
        assert TOKEN not in told.output
        found = json.loads(told.output)["findings"]
        return {
            (each["check"], each["level"]): each["finding"]
            for each in found
            if each["check"].startswith("callbacks.")
        }

    return run


class Talkative(Answering):
    """A proxy that adds words to each answer, and hands each callback on after more than a second."""

    def __init__(self, behind: str) -> None:
        super().__init__(200)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._pass_on(httpx.get(behind + self.path))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                threading.Event().wait(1.05)
                self._pass_on(httpx.post(behind + self.path, content=body))

            def _pass_on(self, answer: httpx.Response) -> None:
                self.send_response(answer.status_code)
                self.send_header("Content-Length", "6")
                self.end_headers()
                self.wfile.write(b"thanks")

            def log_message(self, *_: object) -> None:
                pass

        self.RequestHandlerClass = Handler


def test_a_probe_of_each_kind_arrives_and_leaves_nothing(look, web, redis_client):
    found = look(web.url)

    assert set(found) == {("callbacks.arrived", "ok"), ("callbacks.https", "advice")}
    assert redis_client.keys("*") == []


def test_a_token_that_the_web_process_does_not_know_is_told(look, web):
    assert ("callbacks.token", "error") in look(web.url, "ab5d90e3c1f7246881dd")


def test_a_kind_that_no_token_may_bring_is_told(look, web):
    assert "replies" in look(web.url, f"receipts={BOUND},optouts={TOKEN}")["callbacks.token", "error"]


def test_a_web_process_on_another_redis_is_told(look, web):
    assert ("callbacks.arrived", "error") in look(web.url, SMS_NAMESPACE="other")


@pytest.mark.parametrize(
    ("status", "headers", "check"),
    [
        (200, {}, "callbacks.stranger"),
        (302, {"Location": "https://elsewhere.example/"}, "callbacks.redirect"),
        (502, {}, "callbacks.reached"),
    ],
)
def test_what_is_no_web_process_of_ours_is_given_no_token(look, status, headers, check):
    with Answering(status, b"hello", **headers) as other:
        assert set(look(other.url)) == {(check, "error")}


@pytest.mark.parametrize(("status", "check"), [(200, "callbacks.stranger"), (404, "callbacks.token")])
def test_an_answer_without_an_end_is_judged_by_its_head(look, status, check):
    with Answering(status, endless=True) as other:
        assert (check, "error") in look(other.url)


def test_an_answer_that_is_neither_yes_nor_unknown_is_told(look):
    with Answering(403) as other:
        assert ("callbacks.answer", "error") in look(other.url)


def test_what_a_slow_and_talkative_proxy_does_is_told(look, web):
    with Talkative(web.url) as proxy:
        found = look(proxy.url)

    assert {("callbacks.body", "warning"), ("callbacks.speed", "warning")} <= set(found)
    assert ("callbacks.arrived", "ok") in found


def test_an_address_where_nothing_listens_is_told(look):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert set(look(f"http://127.0.0.1:{port}")) == {("callbacks.reached", "error")}


def test_an_address_in_clear_is_not_tried(look):
    assert set(look("http://sms.example.com")) == {("callbacks.https", "error")}


@pytest.mark.skipif(not can_be_locked(), reason="no openssl here")
def test_a_certificate_is_verified_and_its_end_is_told(look, redis_server, tmp_path, monkeypatch):
    door = Locked(tmp_path / "door")
    files = ("--ssl-certfile", door.options["ssl_certfile"], "--ssl-keyfile", door.options["ssl_keyfile"])
    environ = {"CALLBACK_TOKENS": TOKEN, "REDIS_URL": redis_server.url, "CALLBACK_SPOOL_DIR": ""}
    server = WebServer(tmp_path / "log", environ, *files)
    try:
        until(lambda: listens(server.port))
        url = f"https://127.0.0.1:{server.port}"
        assert set(look(url, TOKEN)) == {("callbacks.certificate", "error")}
        monkeypatch.setenv("SSL_CERT_FILE", door.options["ssl_ca_certs"])
        assert set(look(url, TOKEN)) == {("callbacks.certificate", "warning"), ("callbacks.arrived", "ok")}
    finally:
        server.process.kill()
        server.process.wait(20)


def listens(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def intake(redis_url) -> Iterator[CallbackIntake]:
    made = CallbackIntake(WebSettings.from_env({"CALLBACK_TOKENS": TOKEN, "REDIS_URL": redis_url}))
    yield made
    made.close()


def waiting(client) -> int:
    return client.llen(KEYS.queue("callbacks").ready)


def test_a_probe_that_is_awaited_is_noted_once_and_is_no_callback(intake, redis_client):
    body, name = new_probe()
    redis_client.set(probe_key(KEYS.prefix, name), AWAITED, ex=60)

    assert intake.accept_callback(TOKEN, body, "replies") == 200
    assert (redis_client.get(probe_key(KEYS.prefix, name)), waiting(redis_client)) == (ARRIVED.encode(), 0)
    assert 0 < redis_client.ttl(probe_key(KEYS.prefix, name)) <= 60

    assert intake.accept_callback(TOKEN, body, "replies") == 200
    assert waiting(redis_client) == 1


def test_what_only_looks_like_a_probe_is_a_callback_like_any_other(intake, redis_client):
    body, name = new_probe()

    assert intake.accept_callback(TOKEN, body) == 200

    assert waiting(redis_client) == 1
    assert redis_client.exists(probe_key(KEYS.prefix, name)) == 0


def test_a_probe_with_a_wrong_token_is_not_heard(intake, redis_client):
    body, name = new_probe()
    redis_client.set(probe_key(KEYS.prefix, name), AWAITED, ex=60)

    assert intake.accept_callback(OTHER, body) == 404
    assert redis_client.get(probe_key(KEYS.prefix, name)) == AWAITED.encode()


def test_the_name_of_a_probe_does_not_tell_its_body():
    body, name = new_probe()
    assert (probe_name(body), name.encode() in body) == (name, False)
    assert probe_name(body + b" ") == probe_name(b'{"text":"STOP"}') == ""
