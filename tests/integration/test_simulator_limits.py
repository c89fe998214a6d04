"""Limits on rate and parallel calls, and a port that vanishes."""

import contextlib
import socket
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime

import httpx
import pytest

from tests.support.waiting import until


def test_the_token_bucket_answers_429(send_sms, simulator):
    simulator.admin.settings(rate_limit_per_s=0.001, rate_limit_burst=2)

    answers = [send_sms() for _ in range(3)]

    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert answers[2].json()["code"] == 128
    assert 990 < int(answers[2].headers["retry-after"]) <= 1001


def test_the_token_bucket_fills_up_again(send_sms, simulator):
    simulator.admin.settings(rate_limit_per_s=20)
    assert send_sms().status_code == 201

    until(lambda: send_sms().status_code == 201)


@pytest.mark.parametrize("form", ["none", "date"])
def test_other_forms_of_retry_after(send_sms, simulator, form):
    simulator.admin.settings(rate_limit_per_s=0.001, rate_limit_retry_after=form)
    send_sms()

    written = send_sms().headers.get("retry-after")

    if form == "none":
        assert written is None
    else:
        assert parsedate_to_datetime(written).timestamp() > simulator.admin.now() + 900


def test_parallel_calls_can_be_refused(send_sms, simulator):
    simulator.admin.settings(max_parallel=1, latency_ms=200)
    with ThreadPoolExecutor() as threads:
        first = threads.submit(send_sms)
        until(lambda: simulator.admin.stats()["under_way"])
        second = send_sms()

        assert (second.status_code, second.json()["code"]) == (429, 127)
        assert first.result().status_code == 201
    assert send_sms().status_code == 201


def test_latency_delays_every_answer_and_parallel_calls_are_counted(send_sms, simulator):
    simulator.admin.settings(latency_ms=150)
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: send_sms(), range(4)))

    assert all(answer.elapsed.total_seconds() >= 0.14 for answer in answers)
    assert simulator.admin.stats()["most_parallel"] == 4


def test_connections_are_refused_while_the_port_is_closed(send_sms, simulator):
    send_sms()
    simulator.admin.stop_listening()

    with pytest.raises(httpx.TransportError):
        send_sms()
    for _ in range(3):
        with pytest.raises(httpx.ConnectError):
            send_sms()
    assert simulator.admin.stats()["posts"] == 1

    simulator.admin.listen()
    assert send_sms().status_code == 201


def test_the_port_comes_back_by_itself(send_sms, simulator):
    simulator.admin.stop_listening(0.2)
    with pytest.raises(httpx.ConnectError):
        send_sms()

    def is_back():
        with contextlib.suppress(httpx.ConnectError):
            return send_sms().status_code == 201
        return False

    until(is_back)


def test_open_connections_may_survive_a_closed_port(send_sms, simulator):
    send_sms()
    simulator.admin.stop_listening(cut_connections=False)

    assert send_sms().status_code == 201
    assert simulator.admin.stats()["connections_opened"] == 1
    simulator.admin.reset()


def test_nobody_else_can_take_the_port_meanwhile(simulator):
    port = int(simulator.url.rpartition(":")[2])
    simulator.admin.stop_listening()

    with socket.socket() as thief, pytest.raises(OSError, match="in use"):
        thief.bind(("127.0.0.1", port))
    simulator.admin.listen()


def test_tls_fails_on_the_plain_port(simulator):
    with pytest.raises(httpx.ConnectError, match="SSL"):
        httpx.get(simulator.url.replace("http:", "https:"), verify=False, trust_env=False)


def test_idle_connections_are_closed_after_a_while(send_sms, simulator):
    simulator.admin.settings(keep_alive_s=0)
    send_sms()
    port = int(simulator.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
        raw.sendall(b"GET /v1/public/nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
        while raw.recv(65536):
            pass
