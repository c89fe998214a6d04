"""A gateway that misleads: it takes a call and says no, or says nothing of who is left out."""

import httpx
import pytest

A, B, C = "+33612345601", "+33612345602", "+33612345603"


def shown(simulator):
    return [message.number for message in simulator.admin.messages() if message.reached]


def test_a_taken_call_may_be_answered_with_any_status_and_any_json(send_sms, simulator):
    simulator.admin.fault(answer="json", status=413, body={"errors": [{"code": "E1"}]}, first_posts=1)

    answer = send_sms(request_id="a")

    assert (answer.status_code, answer.json()) == (413, {"errors": [{"code": "E1"}]})
    assert shown(simulator) == ["+33612345678"]
    assert send_sms(request_id="a").json()["code"] == 120


def test_a_call_may_be_answered_with_any_bytes_and_headers(send_sms, simulator):
    simulator.admin.fault(
        answer="raw",
        processing="none",
        status=429,
        content=b'{"message": "d\xe9j\xe0"}',
        content_type="text/plain",
        headers={"Retry-After": "soon", "X-Odd": "1"},
    )

    answer = send_sms()

    assert (answer.status_code, answer.content) == (429, b'{"message": "d\xe9j\xe0"}')
    assert [answer.headers[name] for name in ("content-type", "retry-after", "x-odd")] == [
        *("text/plain", "soon", "1")
    ]
    assert shown(simulator) == []


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_has_none(send_sms, simulator, status):
    simulator.admin.fault(answer="json", status=status, body={"code": 1}, times=1)

    answer = send_sms()

    assert (answer.status_code, answer.content) == (status, b"")
    assert send_sms().status_code == 201


def test_fields_can_be_added_to_the_usual_answer(send_sms, simulator):
    simulator.admin.fault(body={"code": 153, "number_of_contacts": 7})

    answer = send_sms().json()

    assert (answer["code"], answer["number_of_contacts"]) == (153, 7)
    assert answer["sms_ticket"] == simulator.admin.messages()[0].ticket


def test_rules_for_the_first_posts_of_each_id_are_a_sequence(send_sms, simulator):
    for posts, status in ((1, 500), (2, 409), (3, 502)):
        simulator.admin.fault(answer="empty", processing="none", status=status, first_posts=posts)

    asked = [send_sms(request_id=which).status_code for which in ("a", "b", "a", "a", "b", "a", "b", "b")]

    assert asked == [500, 500, 409, 502, 409, 201, 502, 201]


def test_posts_are_counted_from_the_first_on_even_when_nothing_went_wrong_yet(send_sms, simulator):
    send_sms(request_id="a")
    simulator.admin.default_fault("502_before", first_posts=1)

    assert [send_sms(request_id=which).status_code for which in ("a", "b", "b")] == [400, 502, 201]
    simulator.admin.reset()
    simulator.admin.default_fault("502_before", first_posts=1)
    assert send_sms(request_id="a").status_code == 502


def test_calls_without_an_id_are_always_first_ones(send_sms, simulator):
    simulator.admin.fault("502_before", first_posts=1)

    assert [send_sms().status_code for _ in range(2)] == [502, 502]


@pytest.mark.parametrize(
    ("serves", "served"), [(0.5, [A, B]), (0.0, []), (1.0, [A, B, C]), ([C, A], [A, C]), ([], [])]
)
@pytest.mark.parametrize("tells", [True, False])
def test_only_some_of_a_call_may_get_the_text(send_sms, simulator, serves, served, tells):
    simulator.admin.fault(serves=serves, tells_contacts=tells)

    answer = send_sms(A, B, C, request_id="a")

    assert (answer.status_code, shown(simulator)) == (201, served)
    assert answer.json()["number_of_contacts"] == (len(served) if tells else 3)
    assert send_sms(A, B, C, request_id="a").json()["code"] == 120
    assert shown(simulator) == served


@pytest.mark.parametrize("burns", [False, True])
@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"answer": "json", "status": 400, "body": {"code": 153}}, 400),
        ({"answer": "raw", "status": 404, "content": b"no"}, 404),
        ({"answer": "empty", "status": 409}, 409),
        ({"answer": "html", "status": 403}, 403),
        ({"answer": "refusal", "code": 117}, 400),
        ({"answer": "json", "status": 500, "body": {"code": 500}}, 500),
        ({"answer": "refusal", "status": 503, "code": 117}, 503),
        ({"answer": "html"}, 503),
    ],
)
def test_an_answer_below_500_may_use_up_the_id_of_a_call_it_did_not_take(
    send_sms, simulator, fault, status, burns
):
    simulator.admin.settings(refusals_burn_request_id=burns)
    simulator.admin.fault(processing="none", first_posts=1, **fault)

    assert send_sms(request_id="a").status_code == status

    expected = 120 if burns and status < 500 else None
    assert send_sms(request_id="a").json().get("code") == expected


@pytest.mark.parametrize("preset", ["reset_before", "close_before"])
def test_no_answer_uses_up_nothing(send_sms, simulator, preset):
    simulator.admin.settings(refusals_burn_request_id=True)
    simulator.admin.fault(preset, first_posts=1)

    with pytest.raises(httpx.TransportError):
        send_sms(request_id="a")
    assert send_sms(request_id="a").status_code == 201


@pytest.mark.parametrize(
    ("preset", "status", "code"),
    [
        ("accept_then_500_json", 500, 500),
        ("accept_then_503_json", 503, 117),
        ("accept_then_153", 400, 153),
        ("accept_then_unknown_code", 400, 9999),
    ],
)
def test_presets_take_the_call_and_mislead(send_sms, simulator, preset, status, code):
    simulator.admin.fault(preset)

    answer = send_sms()

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert len(shown(simulator)) == 1
