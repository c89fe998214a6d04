"""request_ids: when a second call is a duplicate, and what uses an id up."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.waiting import until

NUMBER = "+33612345678"


def outcomes(simulator, request_id):
    return simulator.admin.attempts(request_id)[request_id]["outcomes"]


@pytest.mark.parametrize("code", [120, 182])
def test_a_duplicate_is_refused_without_ticket(send_sms, simulator, code):
    simulator.admin.settings(duplicate_code=code)

    assert send_sms(request_id="a").status_code == 201
    again = send_sms(request_id="a")

    assert again.status_code == 400
    assert again.json()["code"] == code
    assert "sms_ticket" not in again.json()
    assert simulator.admin.delivered() == {("a", NUMBER): 1}
    assert len(simulator.admin.accepted("a")) == 1
    assert simulator.admin.balance() == 999.95


def test_every_attempt_is_recorded_with_the_hash_of_its_bytes(send_sms, simulator):
    send_sms(request_id="a")
    send_sms(request_id="a")
    send_sms(request_id="a", text="something else")

    record = simulator.admin.attempts()["a"]
    assert record["posts"] == 3
    assert sorted(record["sha256"].values()) == [1, 2]
    assert record["outcomes"] == {"accepted": 1, "duplicate": 2}
    assert simulator.admin.stats()["posts"] == 3
    assert [r.code for r in simulator.admin.requests()] == [None, 120, 120]


def test_calls_without_request_id_are_never_duplicates(send_sms, simulator):
    for empty in (..., None, ""):
        send_sms(request_id=empty)

    assert simulator.admin.delivered() == {(None, NUMBER): 3}


def test_a_request_id_is_forgotten_after_24_hours(send_sms, simulator):
    send_sms(request_id="a")
    simulator.admin.advance(86_390)
    assert send_sms(request_id="a").status_code == 400
    assert simulator.admin.stats()["request_ids_remembered"] == 1

    simulator.admin.advance(20)
    assert simulator.admin.stats()["request_ids_remembered"] == 0
    assert send_sms(request_id="a").status_code == 201
    assert simulator.admin.delivered() == {("a", NUMBER): 2}


@pytest.mark.parametrize(("burn", "status"), [(False, 201), (True, 400)])
def test_whether_a_refusal_uses_the_id_up(send_sms, simulator, burn, status):
    simulator.admin.settings(refusals_burn_request_id=burn)
    assert send_sms(request_id="a", text="x" * 1300).json()["code"] == 189
    assert send_sms(request_id="a").status_code == status

    simulator.admin.balance(0)
    assert send_sms(request_id="b").json()["code"] == 104
    simulator.admin.balance(1)
    assert send_sms(request_id="b").status_code == status

    simulator.admin.fault("refuse", code=153, times=1)
    assert send_sms(request_id="c").json()["code"] == 153
    assert send_sms(request_id="c").status_code == status


@pytest.mark.parametrize(("scope", "status"), [("account", 400), ("login", 201)])
def test_scope_over_sub_accounts(send_sms, gateway_http, simulator, scope, status):
    simulator.admin.settings(request_id_scope=scope, sub_accounts={"shop@example.com": "shop-key"})
    send_sms(request_id="a")

    gateway_http.headers.update({"api-login": "shop@example.com", "api-key": "shop-key"})

    assert send_sms(request_id="a").status_code == status


def test_a_parallel_duplicate_is_refused_at_once(send_sms, simulator):
    simulator.admin.settings(processing_ms=300)
    with ThreadPoolExecutor() as threads:
        first = threads.submit(send_sms, request_id="a")
        until(lambda: simulator.admin.stats()["request_ids_remembered"])
        second = send_sms(request_id="a")

        assert second.status_code == 400
        assert not first.done()
        assert simulator.admin.messages() == []
        assert first.result().status_code == 201
    assert simulator.admin.delivered() == {("a", NUMBER): 1}
    assert simulator.admin.stats()["most_parallel"] == 2


def test_a_parallel_duplicate_can_wait_for_the_first(send_sms, simulator):
    simulator.admin.settings(processing_ms=100, concurrent_duplicate="wait")
    with ThreadPoolExecutor() as threads:
        first = threads.submit(send_sms, request_id="a")
        until(lambda: simulator.admin.stats()["request_ids_remembered"])
        second = send_sms(request_id="a")

        assert second.status_code == 400
        assert simulator.admin.delivered() == {("a", NUMBER): 1}
        assert first.result().status_code == 201


def test_many_parallel_calls_with_one_id_send_once(send_sms, simulator):
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: send_sms(request_id="a").status_code, range(24)))

    assert sorted(answers) == [201] + [400] * 23
    assert outcomes(simulator, "a") == {"accepted": 1, "duplicate": 23}
    assert simulator.admin.delivered() == {("a", NUMBER): 1}


def test_a_gateway_that_dies_halfway_uses_the_id_up_and_sends_nothing(send_sms, simulator):
    simulator.admin.fault("claim_then_503", times=1)
    assert send_sms(request_id="a").status_code == 503

    assert send_sms(request_id="a").json()["code"] == 120
    assert simulator.admin.messages() == []
    assert outcomes(simulator, "a") == {"claimed": 1, "duplicate": 1}


def test_a_call_being_processed_has_no_effect_after_a_reset(send_sms, simulator):
    simulator.admin.settings(processing_ms=150)
    with ThreadPoolExecutor() as threads:
        call = threads.submit(send_sms, request_id="a")
        until(lambda: simulator.admin.stats()["request_ids_remembered"])
        simulator.admin.reset()
        call.result()

    assert simulator.admin.messages() == []
    assert simulator.admin.stats()["request_ids_remembered"] == 0
