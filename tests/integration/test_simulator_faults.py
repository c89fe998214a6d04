"""Every fault, seen from the client's side and from the handset's."""

import time
from email.utils import parsedate_to_datetime

import httpx
import pytest

from tests.support.waiting import until

NUMBER = "+33612345678"

#: The head and the body are written apart, so what the client meets when it is cut between them varies.
CUT_WHILE_WRITING = (httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError)


def failing(send_sms, **fields):
    """Send and return the type of the exception it ends in."""
    with pytest.raises(httpx.TransportError) as caught:
        send_sms(**fields)
    return caught.type


def sent(simulator):
    return len(simulator.admin.messages())


@pytest.mark.parametrize(
    ("preset", "error", "messages"),
    [
        ("accept_then_reset", httpx.ReadError, 1),
        ("accept_then_close", httpx.RemoteProtocolError, 1),
        ("accept_then_truncated", httpx.RemoteProtocolError, 1),
        ("accept_then_garbage", httpx.RemoteProtocolError, 1),
        ("reset_before", httpx.ReadError, 0),
        ("reset_unread", CUT_WHILE_WRITING, 0),
        ("close_before", httpx.RemoteProtocolError, 0),
        ("claim_then_reset", httpx.ReadError, 0),
    ],
)
def test_cut_connections(send_sms, simulator, preset, error, messages):
    simulator.admin.fault(preset, times=1)

    assert issubclass(failing(send_sms, request_id="a"), error)

    assert sent(simulator) == messages
    assert simulator.admin.stats()["posts"] == 1
    assert (send_sms(request_id="a").status_code == 201) == (messages == 0 and preset != "claim_then_reset")


@pytest.mark.parametrize(("preset", "messages"), [("accept_then_silence", 1), ("silence_before", 0)])
def test_silence_ends_when_the_client_gives_up(gateway_http, send_sms, simulator, preset, messages):
    simulator.admin.fault(preset, times=1)
    gateway_http.timeout = httpx.Timeout(5, read=0.1)

    assert failing(send_sms) is httpx.ReadTimeout

    assert sent(simulator) == messages
    simulator.admin.wait_until_idle()


def test_a_late_answer_comes_after_the_message_left(send_sms, simulator):
    simulator.admin.fault("accept_then_late", after_ms=150, times=1)
    started = time.monotonic()

    assert send_sms().status_code == 201

    assert time.monotonic() - started >= 0.14
    (record,) = simulator.admin.requests()
    assert simulator.admin.messages()[0].sent_at - record.at < 0.14


def test_late_processing_goes_on_when_the_client_has_gone(gateway_http, send_sms, simulator):
    simulator.admin.fault("late_then_accept", before_ms=300, times=1)
    gateway_http.timeout = httpx.Timeout(5, read=0.05)

    assert failing(send_sms) is httpx.ReadTimeout
    assert sent(simulator) == 0
    until(lambda: sent(simulator))


def test_a_delayed_call_has_no_effect_after_a_reset(gateway_http, send_sms, simulator):
    simulator.admin.fault("late_then_accept", before_ms=150, times=1)
    gateway_http.timeout = httpx.Timeout(5, read=0.05)
    assert failing(send_sms) is httpx.ReadTimeout

    simulator.admin.reset()

    simulator.admin.wait_until_idle()
    assert sent(simulator) == 0


@pytest.mark.parametrize("status", [502, 503, 504])
@pytest.mark.parametrize(("moment", "messages"), [("accept_then_{}", 1), ("{}_before", 0)])
def test_error_pages(send_sms, simulator, status, moment, messages):
    simulator.admin.fault(moment.format(status), times=1)

    answer = send_sms()

    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert "<html>" in answer.text
    assert sent(simulator) == messages


def test_429_without_and_with_retry_after(send_sms, simulator):
    for preset in ("429", "429_retry_after", "429_retry_after_date"):
        simulator.admin.fault(preset, times=1)

    plain, seconds, date = (send_sms() for _ in range(3))

    assert [answer.status_code for answer in (plain, seconds, date)] == [429] * 3
    assert "retry-after" not in plain.headers
    assert seconds.headers["retry-after"] == "1"
    instant = parsedate_to_datetime(date.headers["retry-after"]).timestamp()
    assert instant == pytest.approx(simulator.admin.now() + 1, abs=5)
    assert sent(simulator) == 0


@pytest.mark.parametrize(("preset", "messages"), [("accept_then_empty", 1), ("empty_before", 0)])
def test_an_empty_body_with_200(send_sms, simulator, preset, messages):
    simulator.admin.fault(preset, times=1)

    answer = send_sms()

    assert (answer.status_code, answer.content) == (200, b"")
    assert sent(simulator) == messages


@pytest.mark.parametrize("status", [200, 201])
def test_a_truncated_body_has_the_status_asked_for(gateway_http, simulator, status):
    simulator.admin.fault("accept_then_truncated", status=status)
    body = {"recipients": [{"phone_number": NUMBER}], "text": "Hello", "purpose": "alert"}
    chunks = []

    with gateway_http.stream("POST", "/sms-campaign/send", json=body) as answer:
        assert answer.status_code == status
        with pytest.raises(httpx.RemoteProtocolError):
            chunks.extend(answer.iter_raw())

    received = b"".join(chunks)
    assert received.startswith(b'{"sms_ticket"')
    assert len(received) < int(answer.headers["content-length"])


@pytest.mark.parametrize(("preset", "messages"), [("accept_then_not_json", 1), ("not_json_before", 0)])
def test_a_body_that_is_not_json(send_sms, simulator, preset, messages):
    simulator.admin.fault(preset, times=1)

    answer = send_sms()

    assert answer.status_code == 200
    with pytest.raises(ValueError, match="Expecting value"):
        answer.json()
    assert sent(simulator) == messages


@pytest.mark.parametrize(("preset", "messages"), [("accept_with_code", 1), ("code_with_200", 0)])
@pytest.mark.parametrize("code", [125, "125"])
def test_success_status_with_an_error_code(send_sms, simulator, preset, messages, code):
    simulator.admin.fault(preset, code=code, message="Odd", times=1)

    answer = send_sms()

    assert (answer.status_code, answer.json()) == (200, {"code": code, "message": "Odd"})
    assert sent(simulator) == messages


def test_success_without_ticket(send_sms, simulator):
    simulator.admin.fault("accept_without_ticket", times=1)

    answer = send_sms()

    assert answer.status_code == 201
    assert "sms_ticket" not in answer.json()
    assert "total_cost" in answer.json()
    assert sent(simulator) == 1


@pytest.mark.parametrize(("status", "code"), [(400, 113), (403, "207"), (402, 105), (400, 1340), (500, 500)])
def test_any_refusal_can_be_played(send_sms, simulator, status, code):
    simulator.admin.fault("refuse", status=status, code=code, message="No", times=1)

    answer = send_sms()

    assert (answer.status_code, answer.json()) == (status, {"code": code, "message": "No"})
    assert sent(simulator) == 0
    assert simulator.admin.requests()[0].code == code


def test_a_dripping_answer_arrives_whole(send_sms, simulator):
    simulator.admin.fault("accept_dripping", drip_ms=1, times=1)
    started = time.monotonic()

    answer = send_sms()

    assert answer.json()["sms_ticket"]
    assert time.monotonic() - started > 0.001 * len(answer.content)


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_connection_cut_when_it_is_used_again(send_sms, simulator, how):
    simulator.admin.fault("accept_then_cut_reuse", on_reuse=how, times=1)
    assert send_sms(request_id="a").status_code == 201

    assert issubclass(failing(send_sms, request_id="b"), CUT_WHILE_WRITING)

    assert list(simulator.admin.attempts()) == ["a"]
    assert send_sms(request_id="b").status_code == 201
    assert simulator.admin.stats()["connections_opened"] == 2


def test_all_connections_can_be_good_for_one_request_only(send_sms, simulator):
    simulator.admin.settings(on_reuse="close")
    assert send_sms().status_code == 201
    assert issubclass(failing(send_sms), CUT_WHILE_WRITING)
    assert send_sms().status_code == 201
    assert sent(simulator) == 2
