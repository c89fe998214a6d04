"""Callbacks of all kinds: where they go, their odd forms, and what the receiver may do wrong."""

import re
import socket
import time
from contextlib import ExitStack
from urllib.parse import parse_qs

import pytest

from tests.support.waiting import until
from worker.sandbox.simulator import complaints as complaints_of_the_simulator

NUMBER = "+33612345678"


def test_each_kind_has_its_own_url_and_the_token_passes_through(send_sms, simulator, callback_receiver):
    url = callback_receiver.url
    simulator.admin.settings(
        callback_url="",
        callback_url_replies=f"{url}/replies?token=a%2Fb",
        callback_url_optouts=f"{url}/optouts",
    )
    send_sms()
    simulator.admin.reply(NUMBER, "YES")
    simulator.admin.stop(NUMBER)
    simulator.admin.wait_until_idle()

    paths = sorted(post.path for post in callback_receiver.received)
    assert paths == ["/callbacks/optouts", "/callbacks/replies?token=a%2Fb"]


def test_without_url_there_are_no_callbacks(send_sms, simulator):
    send_sms()
    simulator.admin.reply(NUMBER, "YES")

    assert simulator.admin.stats()["callbacks_pending"] == 0
    assert simulator.admin.callbacks() == []


def test_form_encoding(simulator, callback_receiver):
    simulator.admin.settings(callback_format="form")
    simulator.admin.receipt("sms_1", NUMBER, "DELIVERED")

    (post,) = callback_receiver.wait(1)
    assert post.headers["content-type"] == "application/x-www-form-urlencoded"
    fields = {name: value[0] for name, value in parse_qs(post.body.decode()).items()}
    assert fields.pop("delivery_date")
    assert fields == {"channel": "sms", "message_id": "sms_1", "number": NUMBER, "status": "DELIVERED"}


def test_arrays_of_events(send_sms, simulator, callback_receiver):
    simulator.admin.settings(
        callback_array=2, callback_array_wait_ms=100, receipts={"ack": False, "final_delay_ms": 0}
    )
    send_sms("+33600000001", "+33600000002", "+33600000003")

    full, rest = callback_receiver.wait(2)
    assert [event["number"] for event in full.json] == ["+33600000001", "+33600000002"]
    assert [event["number"] for event in rest.json] == ["+33600000003"]


@pytest.mark.parametrize("value", ["", "text/plain"])
def test_odd_content_types(simulator, callback_receiver, value):
    simulator.admin.settings(callback_content_type=value)
    simulator.admin.reply(NUMBER, "YES")

    assert callback_receiver.wait(1)[0].headers.get("content-type", "") == value


def test_the_odd_forms_of_single_fields(simulator, callback_receiver):
    simulator.admin.settings(
        callback_meta_data="array",
        callback_number_format="no_plus",
        receipt_date_in_capitals=True,
        reply_date_field="answer_date",
    )
    simulator.admin.receipt("sms_1", NUMBER, "ACK")
    receipt = callback_receiver.wait(1)[0].json
    assert (receipt["meta_data"], receipt["number"]) == ([], "33612345678")
    assert "DELIVERY_DATE" in receipt
    assert "delivery_date" not in receipt

    simulator.admin.settings(callback_number_format="national")
    simulator.admin.reply(NUMBER, "YES")
    reply = callback_receiver.wait(2)[1].json
    assert reply["number"] == "0612345678"
    assert "answer_date" in reply
    assert "reception_date" not in reply


@pytest.mark.parametrize(
    ("status", "answer", "violations"),
    [
        (200, b"ok", ["body"]),
        (500, b"", ["status"]),
        (302, b"moved", ["body", "status"]),
        (204, b"", []),
    ],
)
def test_what_the_receiver_does_wrong_is_recorded(simulator, callback_receiver, status, answer, violations):
    callback_receiver.status, callback_receiver.answer = status, answer
    simulator.admin.reply(NUMBER, "YES")
    simulator.admin.wait_until_idle()

    (record,) = simulator.admin.callbacks("reply")
    assert (record.http_status, record.violations) == (status, violations)
    assert record.outcome == ("delivered" if status < 300 else "failed")
    assert simulator.admin.violations() == ([record] if violations else [])
    assert len(callback_receiver.received) == 1


def test_slowness_is_cut_off_recorded_and_told_once_with_the_limit(simulator, callback_receiver, caplog):
    url = f"{callback_receiver.url}/canary"
    simulator.admin.settings(callback_timeout_ms=100, callback_url=url)
    callback_receiver.hold.clear()
    started = time.monotonic()
    simulator.admin.reply(NUMBER, "YES")
    simulator.admin.wait_until_idle()

    assert time.monotonic() - started < 10
    (record,) = simulator.admin.violations()
    assert (record.http_status, record.violations, record.outcome) == (None, ["slow"], "failed")
    assert record.ms >= 95
    simulator.admin.reply(NUMBER, "YES")
    simulator.admin.wait_until_idle()
    [line] = complaints(caplog)
    assert "(reply) to http://127.0.0.1" in line
    assert "no answer within 100 ms" in line
    assert "callback_timeout_ms" in line
    assert "canary" not in line


def test_a_receiver_that_is_right_again_is_told_of_what_comes_later(simulator, callback_receiver, caplog):
    for status in (500, 200, 404, 404):
        callback_receiver.status = status
        simulator.admin.reply(NUMBER, f"YES {status}")
        simulator.admin.wait_until_idle()

    assert [re.search(r"answered (\d+)", line)[1] for line in complaints(caplog)] == ["500", "404"]


def test_a_server_that_takes_no_more_connections_is_told_apart_from_one_that_answers_late(simulator, caplog):
    with ExitStack() as until_then:
        server = until_then.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            # Nobody accepts: the queue is full, and whoever comes later gets no connection.
            waiting = until_then.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        url = f"http://127.0.0.1:{server.getsockname()[1]}/canary"
        simulator.admin.settings(callback_timeout_ms=200, callback_url=url)
        simulator.admin.reply(NUMBER, "YES")
        simulator.admin.wait_until_idle()

    [line] = complaints(caplog)
    assert "no connection within 200 ms" in line
    assert "callback_parallel" in line
    assert [(r.violations, r.connected) for r in simulator.admin.violations()] == [(["slow"], False)]


def test_what_a_person_wrote_is_posted_before_the_receipts_that_wait_and_in_its_own_order(
    simulator, callback_receiver
):
    simulator.admin.settings(callback_parallel=1, callback_timeout_ms=20_000)
    callback_receiver.hold.clear()
    for ticket in ("sms_1", "sms_2", "sms_3"):
        simulator.admin.receipt(ticket, NUMBER, "DELIVERED")
    callback_receiver.wait(1)
    simulator.admin.stop(NUMBER)
    simulator.admin.reply(NUMBER, "START")
    callback_receiver.hold.set()
    simulator.admin.wait_until_idle()

    posted = [post.json.get("text") or post.json["message_id"] for post in callback_receiver.received]
    assert posted == ["sms_1", "stop", "START", "sms_2", "sms_3"]


def test_callbacks_that_wait_and_are_dropped_by_a_reset_keep_no_slot(simulator, callback_receiver):
    simulator.admin.settings(callback_parallel=1, callback_timeout_ms=20_000)
    callback_receiver.hold.clear()
    for ticket in ("sms_1", "sms_2", "sms_3"):
        simulator.admin.receipt(ticket, NUMBER, "DELIVERED")
    callback_receiver.wait(1)
    simulator.admin.reset()
    callback_receiver.hold.set()
    simulator.admin.settings(callback_parallel=1, callback_url=callback_receiver.url)
    simulator.admin.receipt("sms_4", NUMBER, "DELIVERED")

    _, after = callback_receiver.wait(2)
    assert after.json["message_id"] == "sms_4"
    simulator.admin.wait_until_idle()


def test_what_is_lost_after_the_first_is_counted_in_few_lines(
    simulator, callback_receiver, caplog, monkeypatch
):
    monkeypatch.setattr(complaints_of_the_simulator, "QUIET_S", 0.5)
    started = time.monotonic()
    for status in (500, 200, 500, 200, 500, 500):
        callback_receiver.status = status
        simulator.admin.reply(NUMBER, "YES")
        simulator.admin.wait_until_idle()

    took_s = time.monotonic() - started
    until(lambda: any("4 of 6 callbacks to http://127.0.0.1" in line for line in complaints(caplog)))
    told = [line for line in complaints(caplog) if "answered 500" in line]
    assert 1 <= len(told) <= 1 + took_s / 0.5


def test_a_burst_that_is_lost_is_told_by_its_first_and_by_one_count(
    simulator, callback_receiver, caplog, monkeypatch
):
    monkeypatch.setattr(complaints_of_the_simulator, "QUIET_S", 0.5)
    callback_receiver.status, started = 503, time.monotonic()
    for _ in range(20):
        simulator.admin.reply(NUMBER, "YES")
    simulator.admin.wait_until_idle()
    until(lambda: any("20 of 20 callbacks" in line for line in complaints(caplog)))

    first, *counts = complaints(caplog)
    assert "answered 503" in first
    assert len(counts) <= (time.monotonic() - started) / 0.5


def test_a_callback_that_a_repeat_delivers_is_not_lost(simulator, callback_receiver, caplog, monkeypatch):
    monkeypatch.setattr(complaints_of_the_simulator, "QUIET_S", 0.05)
    simulator.admin.settings(callback_retries=1, callback_retry_backoff_ms=100)
    for status in (200, 503):
        # The first has a repeat that is right, the second has none.
        callback_receiver.status = 503
        simulator.admin.reply(NUMBER, "YES")
        until(lambda: len(callback_receiver.received) % 2 == 1)
        callback_receiver.status = status
        simulator.admin.wait_until_idle()

    until(lambda: any(" lost " in line for line in complaints(caplog)))
    assert ["1 of 2" in line for line in complaints(caplog) if " lost " in line] == [True]


def complaints(caplog):
    return [each.getMessage() for each in caplog.records if each.name == "octopush.simulator"]


def test_an_unreachable_url_is_recorded(simulator):
    simulator.admin.settings(callback_url="http://127.0.0.1:1/")
    simulator.admin.reply(NUMBER, "YES")
    simulator.admin.wait_until_idle()

    assert [r.violations for r in simulator.admin.violations()] == [["unreachable"]]


def test_failed_callbacks_can_be_repeated_with_growing_waits(simulator, callback_receiver):
    simulator.admin.settings(callback_retries=2, callback_retry_backoff_ms=40)
    callback_receiver.status = 503
    simulator.admin.reply(NUMBER, "YES")

    first, second, third = callback_receiver.wait(3)
    simulator.admin.wait_until_idle()

    assert first.body == second.body == third.body
    assert second.at - first.at >= 0.035
    assert third.at - second.at >= 0.075
    assert [r.attempt for r in simulator.admin.callbacks()] == [1, 2, 3]
    assert len(callback_receiver.received) == 3


def test_repeats_stop_at_success(simulator, callback_receiver):
    simulator.admin.settings(callback_retries=5, callback_retry_backoff_ms=200)
    callback_receiver.status = 503
    simulator.admin.reply(NUMBER, "YES")
    callback_receiver.wait(1)
    callback_receiver.status = 200
    simulator.admin.wait_until_idle()

    assert [r.outcome for r in simulator.admin.callbacks()] == ["failed", "delivered"]


def test_a_misbehaving_url_can_be_switched_off(simulator, callback_receiver):
    simulator.admin.settings(callback_off_after_violations=2)
    callback_receiver.answer = b"<html></html>"
    for _ in range(3):
        simulator.admin.reply(NUMBER, "YES")
        simulator.admin.wait_until_idle()

    assert [r.outcome for r in simulator.admin.callbacks()] == ["delivered", "delivered", "off"]

    simulator.admin.call("POST", "/callbacks/on")
    simulator.admin.reply(NUMBER, "YES")
    until(lambda: len(callback_receiver.received) == 3)
