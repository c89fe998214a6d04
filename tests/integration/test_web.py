"""The callback server in its own process, over real sockets."""

import asyncio
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from contextlib import ExitStack, suppress

import httpx
import pytest
import redis

from producers.callbacks import BODY_MAX_BYTES
from producers.contract.keys import Keys
from producers.contract.secret import Secret
from producers.contract.settings import WebSettings
from producers.web import create_app
from producers.web_connection import CONNECTIONS_MAX, HEAD_S, raise_file_limit
from tests.support.waiting import until
from tests.support.web_server import WebServer

TOKEN = "canary-token-0123456789"
NUMBER, TEXT = "+33698765432", "canary text of a reply"
REPLY = f'{{"number": "{NUMBER}", "text": "{TEXT}", "reception_date": "2024-01-31 14:05:09"}}'.encode()
CANARIES = (TOKEN, NUMBER, TEXT, "canary")


@pytest.fixture(scope="module")
def web(redis_server, tmp_path_factory):
    """Share one process between the tests; it must not have told anything in the end."""
    environ = {"REDIS_URL": redis_server.url, "SMS_NAMESPACE": "web", "CALLBACK_TOKENS": TOKEN}
    # No --no-access-log here: an operator who forgets it must not leak the token.
    with WebServer(tmp_path_factory.mktemp("web") / "log", environ, "--log-level", "trace") as server:
        yield server
        assert server.terminate()
        assert [canary for canary in CANARIES if canary in server.output] == []


def post(web, path, body=REPLY, **options):
    return httpx.post(web.url + path, content=body, **options)


def raw_bodies(client):
    keys = Keys("web")
    ids = [callback_id.decode() for callback_id in client.lrange(keys.queue("callbacks").ready, 0, -1)]
    return [client.hget(keys.callback(callback_id), "raw") for callback_id in ids]


def request(path, body, *, length=None):
    """Write a request by hand; ``length`` is what its Content-Length claims."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    head += f"Content-Length: {len(body) if length is None else length}\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize("path", ["", "/replies", "/receipts", "/optouts", "/", "/replies/"])
def test_a_callback_gets_an_empty_200_once_stored(web, redis_client, path):
    answer = post(web, f"/callbacks/{TOKEN}{path}")

    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "0")
    assert raw_bodies(redis_client) == [REPLY]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/callbacks/wrong-token-0123456789", REPLY, 404),
        (f"/callbacks/{TOKEN}/visits", REPLY, 404),
        (f"/callbacks/{TOKEN}/replies/more", REPLY, 404),
        ("/callbacks/wrong-token-0123456789/", REPLY, 404),
        (f"/callbacks/{TOKEN}//", REPLY, 404),
        (f"/callbacks/{TOKEN}/replies//", REPLY, 404),
        (f"/callbacks/{TOKEN}/replies/%0a", REPLY, 404),
        (f"/callbacks/{TOKEN}%0a", REPLY, 404),
        ("/callbacks", REPLY, 404),
        ("/callbacks/%C3%A9%FF", REPLY, 404),
        (f"/callbacks/{TOKEN}", b"", 400),
        (f"/callbacks/{TOKEN}", b"canary nonsense", 400),
        (f"/callbacks/{TOKEN}", b"x" * (BODY_MAX_BYTES + 1), 413),
        (f"/callbacks/{TOKEN}", b"x" * (20 * BODY_MAX_BYTES), 413),
        ("/callbacks/wrong-token-0123456789", b"x" * (20 * BODY_MAX_BYTES), 404),
    ],
)
def test_every_refusal_is_an_empty_answer(web, redis_client, path, body, status):
    answer = post(web, path, body)

    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (status, b"", "0")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
@pytest.mark.parametrize("kind", ["", "/replies"])
def test_other_methods_are_refused_alike_for_any_token(web, redis_client, method, kind):
    right, wrong = (
        httpx.request(method, f"{web.url}/callbacks/{token}{kind}")
        for token in (TOKEN, "wrong-token-0123456789")
    )

    assert (right.status_code, right.content) == (405, b"")
    assert (wrong.status_code, wrong.content) == (405, b"")
    assert {**right.headers, "date": ""} == {**wrong.headers, "date": ""}
    assert redis_client.dbsize() == 0


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("path", "status"),
    [
        *((f"/callbacks/{TOKEN}{path}", 200) for path in ("", "/", "/replies", "/replies/")),
        (f"/callbacks/{TOKEN}/visits", 404),
        ("/callbacks/wrong-token-0123456789", 404),
        ("/callbacks/wrong-token-0123456789/replies", 404),
    ],
)
def test_a_url_can_be_tried(web, redis_client, method, path, status):
    answer = httpx.request(method, web.url + path)

    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (status, b"", "0")
    assert redis_client.dbsize() == 0


def test_a_percent_encoded_token_is_the_token(web, redis_client):
    assert post(web, f"/callbacks/%{ord(TOKEN[0]):x}{TOKEN[1:]}").status_code == 200


def test_a_stranger_is_refused_before_the_body_is_read(web, redis_client):
    head = b"POST /callbacks/wrong-token-0123456789 HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n"

    start = time.monotonic()
    answer = web.exchange(head + b"x" * 10)

    assert answer.startswith(b"HTTP/1.1 404 ")
    assert time.monotonic() - start < 5  # the body may take 10 s


@pytest.mark.parametrize(
    "path",
    [
        "/metrics%0a",
        "/%6detrics",
        "/metrics%20",
        "/metrics/",
        "//metrics",
        "/x/../metrics",
        "/healthz%0a",
        "/%68ealthz",
    ],
)
def test_probes_have_one_spelling(web, redis_client, path):
    answer = web.exchange(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())

    assert answer.startswith(b"HTTP/1.1 404 ")
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_metrics_are_not_for_those_behind_a_proxy(web, redis_client, header):
    answer = httpx.get(f"{web.url}/metrics", headers={header: "127.0.0.1"})

    assert (answer.status_code, answer.content) == (404, b"")


@pytest.mark.parametrize(
    ("settings", "client", "metrics", "callback"),
    [
        ({}, "127.0.0.1", 200, 200),
        ({}, "10.1.2.3", 200, 200),
        ({}, "::ffff:10.1.2.3", 200, 200),
        ({}, "93.184.216.34", 404, 200),
        ({}, None, 200, 200),
        ({"metrics_addresses": "any"}, "93.184.216.34", 200, 200),
        ({"metrics_addresses": "10.1.0.0/16"}, "10.1.2.3", 200, 200),
        ({"metrics_addresses": "10.1.0.0/16"}, "127.0.0.1", 404, 200),
        ({"allowed_addresses": "93.184.216.0/24, ::1"}, "93.184.216.34", 404, 200),
        ({"allowed_addresses": "93.184.216.0/24, ::1"}, "::1", 200, 200),
        ({"allowed_addresses": "93.184.216.0/24"}, "127.0.0.1", 200, 404),
        ({"allowed_addresses": "93.184.216.0/24"}, None, 200, 404),
    ],
)
def test_addresses_decide_who_is_answered(redis_client, redis_url, settings, client, metrics, callback):
    app = create_app(WebSettings(redis_url=redis_url, callback_tokens=(Secret(TOKEN),), **settings))

    async def status(method, path):
        scope = {"type": "http", "method": method, "path": path, "headers": [], "query_string": b""}
        messages, sent = [{"type": "http.request", "body": REPLY, "more_body": False}], []

        async def receive():
            return messages.pop()

        async def send(message):
            sent.append(message)

        await app({**scope, "client": client and (client, 1)}, receive, send)
        return sent[0]["status"]

    async def both():
        async with app.router.lifespan_context(app):
            return await status("GET", "/metrics"), await status("POST", f"/callbacks/{TOKEN}")

    assert asyncio.run(both()) == (metrics, callback)


def test_many_half_heads_keep_nobody_from_being_answered(redis_server, redis_client, tmp_path):
    raise_file_limit()
    environ = {"REDIS_URL": redis_server.url, "SMS_NAMESPACE": "web", "CALLBACK_TOKENS": TOKEN}
    with WebServer(tmp_path / "log", environ) as web, ExitStack() as stack:
        silent = []
        for number in range(CONNECTIONS_MAX + 100):
            connection = socket.create_connection(("127.0.0.1", web.port), timeout=20)
            stack.callback(connection.close)
            connection.sendall(b"POST /callbacks/x HTTP/1.1\r\nHost: x\r\n"[: number % 40])
            silent.append(connection)
            if number % 100 == 99:
                start = time.monotonic()
                assert post(web, f"/callbacks/{TOKEN}").status_code == 200
                assert time.monotonic() - start < 1

        for connection in silent:
            with suppress(ConnectionError):
                assert connection.recv(1) == b""
        assert web.terminate()
        assert "accept" not in web.output


def test_a_head_that_drips_and_an_idle_connection_are_given_up(web, redis_client):
    with socket.create_connection(("127.0.0.1", web.port), timeout=20) as connection:
        connection.sendall(request(f"/callbacks/{TOKEN}", REPLY).replace(b"Connection: close\r\n", b""))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
        connection.settimeout(0.2)
        start, ended = time.monotonic(), False
        while not ended:
            with suppress(TimeoutError):
                ended = connection.recv(1) == b""
            with suppress(ConnectionError):
                connection.sendall(b"P")
            assert time.monotonic() - start < HEAD_S + 10


@pytest.mark.parametrize("token", [TOKEN, "wrong-token-0123456789"])
@pytest.mark.parametrize("pause_s", [0, 0.05])
@pytest.mark.parametrize("before", [b"", b"5\r\nhello\r\n", b"0\r\n\r\n"])
def test_bad_chunks_do_not_flood_the_log(web, redis_client, token, pause_s, before):
    head = f"POST /callbacks/{token} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    for _ in range(5):
        with (
            socket.create_connection(("127.0.0.1", web.port), timeout=20) as connection,
            suppress(ConnectionError),
        ):
            connection.sendall(head + before)
            time.sleep(pause_s)  # the rest comes with the head, or by itself
            connection.sendall(b"canary is no chunk\r\n\r\n")
            while connection.recv(65_536):
                pass

    assert httpx.get(f"{web.url}/healthz").status_code == 200
    assert "Traceback" not in web.output
    assert web.output.count("Invalid HTTP request") <= 1


def test_a_body_without_a_length_is_bounded_too(web, redis_client):
    sent = []

    def endless():
        for _ in range(100_000):
            sent.append(1)
            yield b"x" * 1024

    assert post(web, f"/callbacks/{TOKEN}", endless()).status_code == 413
    assert len(sent) < 50_000
    assert redis_client.dbsize() == 0


def test_a_chunked_callback_is_taken(web, redis_client):
    assert post(web, f"/callbacks/{TOKEN}", iter([REPLY[:10], REPLY[10:]])).status_code == 200
    assert raw_bodies(redis_client) == [REPLY]


def test_a_truncated_body_leaves_no_trace(web, redis_client):
    truncated = request(f"/callbacks/{TOKEN}", REPLY, length=len(REPLY) + 1)

    web.exchange(truncated, half_close=True)

    assert post(web, f"/callbacks/{TOKEN}", b"").status_code == 400
    assert redis_client.dbsize() == 0


@pytest.mark.parametrize("linger", [None, struct.pack("ii", 1, 0)], ids=["closed", "reset"])
def test_a_whole_callback_is_kept_although_its_sender_has_given_up(web, redis_client, linger):
    """The gateway waits a second; a server that stood still for longer has the bytes all the same."""
    web.process.send_signal(signal.SIGSTOP)
    try:
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", web.port)) as client:
                client.sendall(request(f"/callbacks/{TOKEN}", REPLY))
                if linger:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    finally:
        web.process.send_signal(signal.SIGCONT)

    until(lambda: len(raw_bodies(redis_client)) == 20)
    assert set(raw_bodies(redis_client)) == {REPLY}
    assert "Traceback" not in web.output


def test_a_length_that_claims_too_little_stores_what_it_claims(web, redis_client):
    answer = web.exchange(request(f"/callbacks/{TOKEN}", REPLY, length=len(REPLY) - 1))

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert raw_bodies(redis_client) == [REPLY[:-1]]


def test_a_length_that_claims_a_lot_is_not_believed(web, redis_client):
    large = b"x" * (BODY_MAX_BYTES * 2)

    answer = web.exchange(request(f"/callbacks/{TOKEN}", large, length=10**12))

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert redis_client.dbsize() == 0


def test_nothing_becomes_a_websocket(web, redis_client):
    head = f"GET /callbacks/{TOKEN} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    head += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

    assert web.exchange(head.encode(), half_close=True).split(b" ")[1] in {b"200", b"403", b"405"}


def test_probes_answer(web, redis_client):
    assert httpx.get(f"{web.url}/healthz").status_code == 200
    assert httpx.get(f"{web.url}/readyz").status_code == 200


def test_each_web_process_counts_what_it_answered(web, redis_client):
    post(web, f"/callbacks/{TOKEN}")

    page = httpx.get(f"{web.url}/metrics")

    assert page.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'octopush_callbacks_total{status="200"}' in page.text
    assert 'octopush_callback_duration_seconds_count{kind="any"}' in page.text
    assert "octopush_redis_up" not in page.text


def test_a_token_that_brings_too_much_is_told_so(web, redis_client, monkeypatch):
    body = b'{"number": "x"}'.ljust(BODY_MAX_BYTES)
    statuses = [post(web, f"/callbacks/{TOKEN}", body).status_code for _ in range(80)]

    assert statuses == sorted(statuses)
    assert set(statuses) == {200, 429}
    assert post(web, f"/callbacks/{TOKEN}").status_code == 200


def test_without_redis_the_server_stays_up_and_says_503(own_redis_server, tmp_path):
    environ = {"REDIS_URL": own_redis_server.url, "CALLBACK_TOKENS": TOKEN}
    with WebServer(tmp_path / "log", environ) as web:
        own_redis_server.suspend()
        start = time.monotonic()
        assert post(web, f"/callbacks/{TOKEN}").status_code == 503
        assert time.monotonic() - start < 1
        assert httpx.get(f"{web.url}/healthz").status_code == 200
        assert httpx.get(f"{web.url}/readyz").status_code == 503
        assert 'octopush_callbacks_total{status="503"} 1.0\n' in httpx.get(f"{web.url}/metrics").text

        own_redis_server.resume()
        assert post(web, f"/callbacks/{TOKEN}").status_code == 200
        with redis.Redis(port=own_redis_server.port) as client:
            assert client.keys("{sms}:callback:*")
        assert web.terminate()
        assert [canary for canary in CANARIES if canary in web.output] == []


def test_a_body_that_never_ends_is_given_up(redis_client, redis_url, monkeypatch):
    monkeypatch.setattr("producers.web._BODY_S", 0.02)
    app = create_app(WebSettings(redis_url=redis_url, callback_tokens=(Secret(TOKEN),)))
    path = f"/callbacks/{TOKEN}"
    scope = {"type": "http", "method": "POST", "path": path, "headers": [], "query_string": b""}
    messages, sent = [{"type": "http.request", "body": REPLY, "more_body": True}], []

    async def receive():
        return messages.pop() if messages else await asyncio.Future()

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send))

    assert sent[0]["status"] == 408
    assert redis_client.dbsize() == 0


@pytest.mark.parametrize("times", [1, 2])
def test_sigterm_ends_it_cleanly_also_when_it_comes_twice(redis_server, tmp_path, times):
    environ = {"REDIS_URL": redis_server.url, "CALLBACK_TOKENS": TOKEN}
    with WebServer(tmp_path / "log", environ) as web:
        assert post(web, f"/callbacks/{TOKEN}").status_code == 200

        assert web.terminate(times)


def test_wrong_settings_end_the_process_with_one_clear_message():
    environ = {**os.environ, "CALLBACK_TOKENS": "canary", "STREAM_MAXLEN": "canary"}
    command = [sys.executable, "-m", "uvicorn", "--factory", "producers.web:create_app", "--port", "0"]

    ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=20, check=False)

    assert ended.returncode == 1
    assert ended.stderr.endswith(
        "wrong or missing settings:\n"
        "  STREAM_MAXLEN: must be a whole number\n"
        "  CALLBACK_TOKENS: needs tokens of at least 16 characters each\n"
    )
    assert "Traceback" not in ended.stderr
    assert "canary" not in ended.stderr + ended.stdout
