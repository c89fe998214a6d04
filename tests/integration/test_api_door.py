"""What every call of the API passes: the order of its checks, its bounds, and what is written down of it."""

import json
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
import redis

from tests.support.api_client import ALL, ONE, READER, ApiClient, api_settings
from tests.support.redis_users import own_user
from tests.support.waiting import until
from tests.support.web_server import ApiServer
from worker.api.json_body import IN_FLIGHT_BYTES, LARGE_BYTES
from worker.sandbox.redis_server import RedisServer

JSON = {"Content-Type": "application/json"}
PACKED = {**JSON, "Content-Encoding": "gzip"}
LARGE = b"x" * (LARGE_BYTES + 1)
DEEP = b'{"context":' + b"[" * 32 + b"]" * 32 + b"}"
HEAD = f"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON['Content-Type']}\r\n"


@pytest.fixture(scope="module")
def shared(redis_server: RedisServer) -> Iterator[ApiClient]:
    """Call the API on a Redis that other tests fill, too."""
    with ApiClient(api_settings(redis_server.url, SMS_NAMESPACE="door")) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "code"),
    [
        ("POST", "/v1/message", {"token": ""}, 404, "no-route"),
        ("POST", "/v1/messages/", {"token": ""}, 404, "no-route"),
        ("PUT", "/v1/messages", {"token": ""}, 405, "method-not-allowed"),
        ("HEAD", "/v1/messages", {"token": ""}, 405, None),
        ("POST", "/v1/messages", {"token": "", "content": b"x" * 10}, 401, "unauthenticated"),
        ("POST", "/v1/messages", {"token": "x" * 40}, 401, "unauthenticated"),
        ("POST", "/v1/messages", {"token": READER, "content": b"{"}, 403, "scope-missing"),
        ("POST", "/v1/messages", {"content": LARGE}, 415, "unsupported-media-type"),
        ("POST", "/v1/messages", {"content": b"{}", "headers": {"Content-Type": "text/plain"}}, 415, None),
        (
            "POST",
            "/v1/messages",
            {"content": b"{}", "headers": PACKED},
            415,
            None,
        ),
        (
            "POST",
            "/v1/messages",
            {"content": LARGE, "headers": JSON},
            413,
            "body-too-large",
        ),
        ("POST", "/v1/messages", {"content": b'{"text":"\xe9', "headers": JSON}, 400, "malformed-json"),
        ("POST", "/v1/messages", {"content": b"", "headers": JSON}, 400, "malformed-json"),
        ("POST", "/v1/messages", {"content": b"[" * 50_000, "headers": JSON}, 400, "malformed-json"),
        (
            "POST",
            "/v1/messages",
            {"content": DEEP, "headers": JSON},
            400,
            None,
        ),
        ("POST", "/v1/messages", {"json": []}, 422, "invalid"),
        ("GET", "/v1/messages/nobody?x=1", {}, 422, "invalid"),
        ("GET", "/v1/messages/nobody", {"headers": {"Idempotency-Key": "v"}}, 422, "invalid"),
        ("GET", "/v1/messages/nobody?wait_s=1&wait_s=1", {}, 422, "invalid"),
        ("GET", "/v1/messages/no%20body", {}, 404, "unknown-message"),
    ],
)
def test_the_first_check_that_fails_answers(shared, method, path, sent, status, code):
    answer = shared.call(method, path, **sent)

    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in answer.headers
    if code:
        problem = answer.json()
        assert (problem["code"], problem["status"]) == (code, status)
        assert problem["instance"] == f"urn:uuid:{answer.headers['x-call-id']}"


def test_a_wrong_method_is_told_which_there_are_and_a_missing_token_what_kind_it_is(shared):
    allowed = shared.call("PATCH", "/v1/messages", token="").headers["allow"]

    assert {each.strip() for each in allowed.split(",")} == {"GET", "POST"}
    assert shared.get("/v1/status", token="").headers["www-authenticate"] == "Bearer"


def test_what_needs_no_token_needs_none(shared):
    paths = ("/healthz", "/readyz", "/v1/openapi.json")

    assert [shared.get(path, token="").status_code for path in paths] == [200] * 3


def test_a_body_without_a_length_is_read_no_further_than_its_bound(shared):
    read = 0

    async def endless() -> Any:
        nonlocal read
        for _ in range(200):
            read += 65_536
            yield b" " * 65_536

    answer = shared.call("POST", "/v1/messages", content=endless(), headers=JSON)

    assert answer.status_code == 413
    assert read <= LARGE_BYTES + 2 * 65_536


def test_an_application_that_calls_too_often_waits_and_others_do_not(redis_url: str):
    batch = {"messages": [{**ONE, "request_id": f"m{n}"} for n in range(60)]}
    with ApiClient(api_settings(redis_url, API_RATE_PER_S="5")) as api:
        first = api.post("/v1/batch", batch)
        second = api.post("/v1/batch", batch)
        other = api.get("/v1/status", token=READER)

    assert first.headers["ratelimit-policy"] == '"app";q=50;w=10'
    assert first.headers["ratelimit"] == '"app";r=49;t=0'
    assert (second.status_code, second.json()["code"]) == (429, "rate-limited")
    assert 1 <= int(second.headers["retry-after"]) <= 3
    assert other.status_code == 200


def test_an_application_waits_no_longer_if_the_clock_of_redis_steps_back(redis_url: str, redis_client):
    batch = {"messages": [{**ONE, "request_id": f"m{n}"} for n in range(60)]}
    with ApiClient(api_settings(redis_url, API_RATE_PER_S="5")) as api:
        api.post("/v1/batch", batch)
        # What was written an hour ago, as a clock that was an hour ahead has written it.
        written = redis_client.get("{sms}:api:rate:shop").decode().split()
        redis_client.set("{sms}:api:rate:shop", " ".join(str(float(each) + 3_600_000) for each in written))
        answer = api.post("/v1/batch", batch)

    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 3


def test_without_redis_a_wrong_call_is_told_so_and_a_right_one_may_be_repeated():
    with ApiClient(api_settings("redis://127.0.0.1:1")) as api:
        wrong, right, ready = api.post("/v1/messages", {}), api.post("/v1/messages", ONE), api.get("/readyz")

    assert wrong.status_code == 422
    assert (right.status_code, right.json()["code"]) == (503, "queue-unavailable")
    assert right.headers["retry-after"] == "1"
    assert ready.status_code == 503


def test_a_line_tells_of_each_call_and_nothing_personal(shared, caplog):
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with caplog.at_level(logging.INFO, "worker.api"):
        body = {**ONE, "text": "code 4711"}
        answer = shared.post("/v1/messages?x=secret", body, headers={"traceparent": parent})
        shared.get("/healthz", token="")

    [line] = [record.getMessage() for record in caplog.records if record.name == "worker.api"]
    said = json.loads(line)
    assert {name: said[name] for name in ("event", "app", "route", "status", "call_id", "trace_id")} == {
        "event": "call",
        "app": "shop",
        "route": "POST /v1/messages",
        "status": 422,
        "call_id": answer.headers["x-call-id"],
        "trace_id": parent[3:35],
    }
    for private in ("secret", "4711", "33612345678", ALL):
        assert private not in line


def test_a_failure_is_logged_by_its_place_and_told_as_internal(
    redis_client: redis.Redis, redis_url: str, caplog
):
    redis_client.hset("{sms}:record:v", mapping={"state": "queued", "queued": "+33 612345678"})
    with ApiClient(api_settings(redis_url)) as api:
        answer = api.get("/v1/messages/v")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "ValueError" in caplog.text
    assert "612345678" not in caplog.text + answer.text


@pytest.fixture(scope="module")
def server(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Run the process as operators run it, as a user of Redis who cannot look at everything."""
    with redis.Redis(port=redis_server.port) as client, own_user(client, redis_server.port, "api") as url:
        settings = {"REDIS_URL": url, "API_TOKENS": f"shop:{ALL}", "SMS_NAMESPACE": "sms"}
        with ApiServer(tmp_path_factory.mktemp("api") / "log", settings) as running:
            yield running


def test_a_refused_body_is_not_read(server):
    head = f"{HEAD}Content-Length: 5000000\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(head)
        answer = connection.recv(65_536)

    assert answer.startswith(b"HTTP/1.1 401 ")


def test_a_process_reads_so_many_bytes_at_a_time_and_no_more(server, redis_client):
    head = f"{HEAD}Authorization: Bearer {ALL}\r\nContent-Length: {LARGE_BYTES}\r\n\r\n".encode()

    def send() -> httpx.Response:
        path, by = f"{server.url}/v1/messages", {"Authorization": f"Bearer {ALL}"}
        return httpx.post(path, json={**ONE, "request_id": "full"}, headers=by)

    with ExitStack() as senders:
        for _ in range(IN_FLIGHT_BYTES // LARGE_BYTES):
            connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
            senders.enter_context(connection).sendall(head)
        full = until(lambda: answer if (answer := send()).status_code == 503 else None)

    assert (full.json()["code"], full.headers["retry-after"]) == ("overloaded", "1")
    until(lambda: send().status_code in {200, 201})
    until(lambda: '"status":499' in server.output)


def test_the_process_sends_and_answers_all_who_wait_when_it_is_told_to_stop(server, redis_client):
    sent = json.dumps(ONE).encode()
    head = HEAD.replace("messages", "messages?wait_s=25") + f"Authorization: Bearer {ALL}\r\n"
    head += f"Content-Length: {len(sent)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(head.encode() + sent)
        while not redis_client.exists("{sms}:record:v"):
            time.sleep(0.01)
        began = time.monotonic()
        server.process.terminate()
        answer = connection.recv(65_536)

    assert answer.startswith(b"HTTP/1.1 201 ")
    assert time.monotonic() - began < 5
    server.process.wait(15)
    assert "Traceback" not in server.output
    assert '"route":"POST /v1/messages"' in server.output
