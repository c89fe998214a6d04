"""What the simulator answers to a send call by default."""

import re

import pytest

NUMBER = "+33612345678"
OTHER = "+33687654321"


def refusal(answer):
    body = answer.json()
    assert set(body) == {"code", "message"}
    return answer.status_code, body["code"]


def test_an_accepted_call_answers_as_documented(send_sms, simulator):
    answer = send_sms(NUMBER, OTHER)

    assert answer.status_code == 201
    body = answer.json()
    assert re.fullmatch(r"sms_[0-9]{22}", body.pop("sms_ticket"))
    assert body == {
        "number_of_contacts": 2,
        "number_of_sms_needed": 2,
        "residual_credit": 999.9,
        "total_cost": 0.1,
    }
    assert [m.number for m in simulator.admin.messages()] == [NUMBER, OTHER]


def test_the_same_seed_gives_the_same_tickets(send_sms, simulator):
    first = [send_sms().json()["sms_ticket"] for _ in range(3)]
    simulator.admin.reset()

    assert [send_sms().json()["sms_ticket"] for _ in range(3)] == first
    assert len(set(first)) == 3


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"recipients": ...}, 110),
        ({"recipients": NUMBER}, 110),
        ({"recipients": []}, 103),
        ({"recipients": [{"phone_number": NUMBER}] * 501}, 305),
        ({"recipients": [{"phone_number": "0612345678"}]}, 117),
        ({"recipients": [NUMBER]}, 117),
        ({"recipients": [{"phone_number": NUMBER}, {"phone_number": "33612345678"}]}, 181),
        ({"text": ...}, 107),
        ({"text": "  "}, 107),
        ({"text": "x" * 1225}, 189),
        ({"sender": "ab"}, 106),
        ({"sender": "abcdefghijkl"}, 106),
        ({"sender": "Café"}, 106),
        ({"sender": "My Shop"}, 106),
        ({"purpose": "wholesale"}, 121),
        ({"purpose": ...}, 121),
    ],
)
def test_a_bad_call_is_refused_with_its_code_and_sends_nothing(send_sms, simulator, fields, code):
    assert refusal(send_sms(**fields)) == (400, code)
    assert simulator.admin.messages() == []
    assert simulator.admin.balance() == 1000


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b'"text"', b"\xff\xfe"])
def test_a_body_that_is_no_json_object_is_code_100(gateway_http, body):
    assert refusal(gateway_http.post("/sms-campaign/send", content=body)) == (400, 100)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"api-login": ""}, 108),
        ({"api-key": ""}, 109),
        ({"api-key": "wrong"}, 101),
        ({"api-login": "nobody@example.com"}, 101),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/sms-campaign/send"), ("DELETE", "/sms-campaign/cancel"), ("GET", "/wallet/check-balance")],
)
def test_wrong_credentials_are_401(gateway_http, headers, code, method, path):
    answer = gateway_http.request(method, path, json={}, headers=headers)

    assert refusal(answer) == (401, code)


def test_the_key_can_be_rotated(gateway_http, simulator):
    simulator.admin.settings(api_key="new-key")

    assert refusal(gateway_http.get("/wallet/check-balance")) == (401, 101)
    answer = gateway_http.get("/wallet/check-balance", headers={"api-key": "new-key"})
    assert answer.json() == {"amount": 1000.0, "unit": "euros"}


def test_unknown_paths_and_methods_answer_json(gateway_http):
    assert refusal(gateway_http.get("/nowhere")) == (404, 404)
    assert refusal(gateway_http.get("/sms-campaign/send")) == (405, 405)


def test_unknown_and_mistyped_fields_are_ignored_or_cast(send_sms, simulator):
    answer = send_sms(
        text=12345,
        sms_type="sms_premium",
        with_replies="perhaps",
        simulation_mode="no",
        send_at=["soon"],
        request_id=42,
        recipients=[{"phone_number": NUMBER, "colour": "blue", "first_name": 7}],
    )

    assert answer.status_code == 201
    (message,) = simulator.admin.messages()
    assert (message.text, message.sender, message.request_id) == ("12345", "Bistro", "42")


def test_placeholders_are_filled_per_recipient_and_absent_ones_vanish(send_sms, simulator):
    send_sms(
        text="Hi {first_name}{last_name}, code {param1} {unknown}",
        auto_optimize_text=False,
        recipients=[
            {"phone_number": NUMBER, "first_name": "Zoe", "param1": "17", "last_name": None},
            {"phone_number": OTHER, "param1": "{param2}", "param2": "18"},
        ],
    )

    assert [m.text for m in simulator.admin.messages()] == [
        "Hi Zoe, code 17 {unknown}",
        "Hi , code {param2} {unknown}",
    ]


def test_length_is_checked_after_filling_in(send_sms):
    long_value = "y" * 50

    def at(length):
        recipient = {"phone_number": NUMBER, "param1": long_value}
        return send_sms(text="x" * (length - 50) + "{param1}", recipients=[recipient])

    assert at(1224).json()["number_of_sms_needed"] == 8
    assert refusal(at(1225)) == (400, 189)


@pytest.mark.parametrize(
    ("text", "optimised", "shown", "segments"),
    [
        ("déjà  vu …  “ça”", None, 'déjà vu . "ca"', 1),
        ("déjà  vu …  “ça”", True, 'déjà vu . "ca"', 1),
        ("déjà  vu …  “ça”", False, "déjà  vu …  “ça”", 1),
        ("ç" * 71, False, "ç" * 71, 2),
        ("ç" * 71, True, "c" * 71, 1),
    ],
)
def test_the_handset_shows_the_optimised_text(send_sms, simulator, text, optimised, shown, segments):
    answer = send_sms(text=text, auto_optimize_text=... if optimised is None else optimised)

    assert answer.json()["number_of_sms_needed"] == segments
    (message,) = simulator.admin.messages()
    assert (message.text, message.segments) == (shown, segments)


def test_with_replies_shows_the_short_number(send_sms, simulator):
    send_sms(with_replies=True)
    send_sms(sender=...)

    assert [m.sender for m in simulator.admin.messages()] == ["12345", "Octopush"]


def test_simulation_mode_has_no_effect_and_hardly_checks(send_sms, simulator):
    answer = send_sms(simulation_mode=True, request_id="sim", sender="!", recipients=[{"phone_number": "06"}])

    assert answer.status_code == 201
    assert answer.json()["residual_credit"] == 1000
    assert simulator.admin.messages() == []
    assert simulator.admin.attempts("sim")["sim"]["outcomes"] == {"simulated": 1}
    assert send_sms(request_id="sim").status_code == 201
    assert refusal(send_sms(simulation_mode=True, text=...)) == (400, 107)


def test_a_simulated_answer_without_ticket(send_sms, simulator):
    simulator.admin.settings(simulation_has_ticket=False)

    assert "sms_ticket" not in send_sms(simulation_mode=True).json()
