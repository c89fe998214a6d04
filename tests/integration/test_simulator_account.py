"""Credit, prices, blacklist, legal mentions and the other switches of the account."""

import pytest

from producers.messages.dues import ANSWERABLE
from producers.rules.money import MICRO
from worker.sandbox.simulator.settings import SimulatorSettings

NUMBER = "+33612345678"
OTHER = "+33687654321"


def refusal(answer):
    body = answer.json()
    assert set(body) == {"code", "message"}
    return answer.status_code, body["code"]


@pytest.mark.parametrize("status", [400, 402])
def test_too_little_credit_refuses_without_charging(send_sms, simulator, status):
    simulator.admin.settings(low_balance_status=status)
    simulator.admin.balance(0.07)

    assert refusal(send_sms(NUMBER, OTHER)) == (status, 104)
    assert send_sms(NUMBER).status_code == 201
    assert simulator.admin.balance() == 0.02


def test_price_surcharge_and_segments_make_the_cost(send_sms, simulator):
    simulator.admin.settings(price_per_segment=0.04, reply_surcharge=0.03)

    body = send_sms(NUMBER, OTHER, text="x" * 161, with_replies=True).json()

    assert body["number_of_sms_needed"] == 4
    assert body["total_cost"] == pytest.approx(4 * (0.04 + 0.03))


def test_a_two_way_segment_costs_as_much_more_as_workers_reckon():
    """Else a worker would learn another price of a segment from each two-way message."""
    assert SimulatorSettings().reply_surcharge * MICRO == ANSWERABLE


def test_one_bad_number_can_be_dropped_instead(send_sms, simulator):
    simulator.admin.settings(bad_numbers="partial")

    answer = send_sms(NUMBER, "0612345678")

    assert answer.json()["number_of_contacts"] == 1
    assert [m.number for m in simulator.admin.messages()] == [NUMBER]
    assert refusal(send_sms("0612345678")) == (400, 117)


def test_the_stop_mention_is_checked_in_marketing_to_france_only(send_sms, simulator):
    refused = send_sms(purpose="wholesale")

    assert refusal(refused) == (400, 121)
    assert "[STOP au 30101]" in refused.json()["message"]
    assert refusal(send_sms(purpose="wholesale", text="Sale! stop au 30101")) == (400, 121)
    assert send_sms(purpose="wholesale", text="Sale! STOP au 30101").status_code == 201
    assert send_sms("+32470123456", purpose="wholesale").status_code == 201
    assert send_sms(purpose="wholesale", type="sms_low_cost").status_code == 201
    simulator.admin.settings(stop_mention="STOP au 36111", low_cost_mention="no PUB=STOP")
    assert "[STOP au 36111]" in send_sms(purpose="wholesale", text="STOP au 30101").json()["message"]
    assert refusal(send_sms(purpose="wholesale", type="sms_low_cost")) == (400, 122)


def test_small_switches_of_the_answer(send_sms, simulator):
    simulator.admin.settings(success_status=200, codes_as_strings=True, sender_allows_space=True)

    assert send_sms(sender="My Shop").status_code == 200
    assert send_sms(text=...).json()["code"] == "107"


def test_limits_on_recipients_and_segments_are_settings(send_sms, simulator):
    simulator.admin.settings(max_recipients=1, max_segments=2)

    assert refusal(send_sms(NUMBER, OTHER)) == (400, 305)
    assert refusal(send_sms(text="x" * 307)) == (400, 189)
    assert send_sms(text="x" * 306).status_code == 201


def test_the_pessimistic_count_of_double_characters(send_sms, simulator):
    text = "@" * 81
    assert send_sms(text=text).json()["number_of_sms_needed"] == 1

    simulator.admin.settings(octopush_double_counting=True)
    assert send_sms(text=text).json()["number_of_sms_needed"] == 2


def test_the_balance_per_product(gateway_http):
    query = {"country_code": "FR", "product_name": "sms_premium"}

    assert gateway_http.get("/wallet/check-balance", params=query).json() == {
        "amount": 20_000,
        "unit": "sms_premium",
    }
    query["with_details"] = "1"
    assert gateway_http.get("/wallet/check-balance", params=query).json()["wallet_packs"] == []


@pytest.mark.parametrize(
    "flag",
    [
        "auto_remove_blacklisted_numbers",
        "auto_delete_optout_contacts",
        "auto_remove_blacklisted_contacts",
    ],
)
def test_the_blacklist_flag_removes_numbers_for_a_fee(send_sms, simulator, flag):
    simulator.admin.blacklist(add=NUMBER)

    body = send_sms(NUMBER, OTHER, **{flag: True}).json()

    assert (body["number_of_contacts"], body["total_cost"]) == (1, 0.06)
    assert [m.number for m in simulator.admin.messages()] == [OTHER]
    assert refusal(send_sms(NUMBER, **{flag: True})) == (400, 117)


def test_without_the_flag_a_blacklisted_number_costs_and_shows_nothing(send_sms, simulator):
    simulator.admin.blacklist(add=NUMBER)

    assert send_sms(NUMBER).json()["total_cost"] == 0
    assert simulator.admin.messages() == []
    assert simulator.admin.blacklist(remove=NUMBER) == []
    send_sms(NUMBER)
    assert len(simulator.admin.messages()) == 1


def test_a_number_given_twice_is_texted_twice(send_sms, simulator):
    send_sms(NUMBER, NUMBER, request_id="twice")

    assert simulator.admin.delivered() == {("twice", NUMBER): 2}
    assert simulator.admin.delivered_texts() == {(NUMBER, "Your table is ready"): 2}


def parameters(gateway_http):
    return gateway_http.get("/user/campaign-parameters").json()


def test_the_parameters_are_read_in_their_three_groups(gateway_http, simulator):
    simulator.admin.settings(
        callback_url="https://sms.example.com/all", callback_url_replies="https://r.example"
    )

    told = parameters(gateway_http)

    assert set(told) == {"sms_campaign_alert_parameters", "campaign_parameters", "callbacks"}
    assert told["callbacks"] == {
        "callback_url_for_deliveries": "https://sms.example.com/all",
        "callback_url_for_blacklisted_numbers": "https://sms.example.com/all",
        "callback_url_for_inbounds": "https://r.example",
        "callback_url_for_visits": "",
        "email_for_inbounds": "",
    }


def test_a_change_of_the_parameters_takes_what_it_can_understand(gateway_http, simulator):
    change = {
        "callbacks": {
            "callback_url_for_inbounds": "https://r.example",
            "callback_url_for_deliveries": "ftp://no",
            "callback_url_for_blacklisted_numbers": ["no"],
            "email_for_inbounds": "a@example.com",
            "no_such": "x",
        },
        "campaign_parameters": {"sender_for_sms_premium": 12345},
        "callback_url_for_visits": "https://flat.example",
        "sms_campaign_alert_parameters": "no object",
    }

    answer = gateway_http.patch("/user/campaign-parameters/edit", json=change)

    told = parameters(gateway_http)
    assert (answer.status_code, answer.json()) == (200, told)
    assert told["callbacks"] == {
        "callback_url_for_deliveries": "",
        "callback_url_for_blacklisted_numbers": "",
        "callback_url_for_inbounds": "https://r.example",
        "callback_url_for_visits": "",
        "email_for_inbounds": "a@example.com",
    }
    assert told["campaign_parameters"]["sender_for_sms_premium"] == "12345"
    simulator.admin.reset()
    assert parameters(gateway_http)["callbacks"]["email_for_inbounds"] == ""


def test_callbacks_go_where_the_parameters_say(gateway_http, send_sms, callback_receiver, simulator):
    url = callback_receiver.url
    simulator.admin.settings(callback_url="")
    gateway_http.patch(
        "/user/campaign-parameters/edit", json={"callbacks": {"callback_url_for_deliveries": url}}
    )

    send_sms()

    assert callback_receiver.wait(1)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/user/campaign-parameters"), ("PATCH", "/user/campaign-parameters/edit")]
)
def test_the_parameters_are_for_the_account_alone(gateway_http, method, path):
    for headers, code in (({"api-key": ""}, 109), ({"api-login": ""}, 108), ({"api-key": "x"}, 101)):
        assert refusal(gateway_http.request(method, path, headers=headers, json={})) == (401, code)


def test_a_change_without_an_object_is_refused(gateway_http):
    answer = gateway_http.patch("/user/campaign-parameters/edit", content=b"no json")

    assert refusal(answer) == (400, 100)
    assert gateway_http.post("/user/campaign-parameters/edit", json={}).status_code == 405
