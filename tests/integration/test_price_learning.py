"""Prices are inferred from the balance, where nobody knows better; the simulated gateway is asked."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import pytest
from click.testing import CliRunner

from producers import Producer
from tests.support.hand_worker import HandWorker
from tests.support.keys import AllKeys
from tests.support.simulator import SimulatorThread
from worker.account.gates import Gates
from worker.account.observed import Observed
from worker.cli import main
from worker.gateway import balances
from worker.gateway.outcomes import Accepted
from worker.sandbox.simulator.settings import SimulatorSettings

KEYS = AllKeys()
TARIFF = "sms_premium:33"


@pytest.fixture
def run(redis_url: str, simulator_thread: SimulatorThread) -> Callable[..., Mapping[str, Any]]:
    settings = SimulatorSettings()
    environment = {
        "REDIS_URL": redis_url,
        "OCTOPUSH_BASE_URL": simulator_thread.base_url,
        "OCTOPUSH_API_LOGIN": settings.api_login,
        "OCTOPUSH_API_KEY": settings.api_key,
    }

    def command(*arguments: str, code: int = 0, **changed: str) -> Mapping[str, Any]:
        result = CliRunner().invoke(main, [*arguments, "--json"], env=environment | changed)
        assert result.exit_code == code, result.output
        return json.loads(result.stdout.splitlines()[0])

    return command


def listed(run) -> list[tuple[str, str, str]]:
    return [(each["tariff"], each["euros"], each["source"]) for each in run("prices", "list")["prices"]]


def test_the_balance_tells_between_what_a_price_lies_and_the_most_counts(run, simulator):
    price = SimulatorSettings().price_per_segment
    simulator.admin.balance(100.01)

    [found] = run("prices", "learn", "fr")["prices"]

    assert Decimal(found["above"]) < Decimal(str(price)) <= Decimal(found["euros"])
    assert (found["country"], found["tariff"], found["verdict"]) == ("FR", TARIFF, "balance")
    assert listed(run) == [(TARIFF, found["euros"], "balance")]


def test_of_countries_with_one_code_the_dearest_counts_once(run):
    found = run("prices", "learn", "US", "CA", "BE")["prices"]
    assert {each["tariff"] for each in found} == {"sms_premium:1", "sms_premium:32"}


def test_an_operator_and_an_answer_know_better(run, redis_client, sms):
    run("prices", "set", TARIFF, "0.041")
    assert run("prices", "learn", "FR")["prices"][0]["verdict"] == "operator"
    assert listed(run) == [(TARIFF, "0.041", "operator")]
    run("prices", "set", TARIFF, "default")
    assert [source for _, _, source in listed(run)] == ["balance"]

    accept(redis_client, sms, "0.05")
    assert listed(run) == [(TARIFF, "0.05", "answer")]
    assert redis_client.hgetall(KEYS.prices_inferred) == {}
    assert run("prices", "learn", "FR")["prices"][0]["verdict"] == "answer"
    assert listed(run) == [(TARIFF, "0.05", "answer")]


def accept(client, sms: Producer, cost: str) -> None:
    sms.send("+33612345678", "Hi", sender="Bistro", purpose="alert", request_id="a")
    [claim] = HandWorker(client).take()
    seen = Observed(
        *("a", "alert", "Bistro", "sms_premium", "+33612345678"),
        size=1,
        outcome=Accepted("t", cost=cost),
        posts=1,
        post_s=0.1,
        strained=False,
    )
    assert claim.entry.id == "a"
    Gates(client, KEYS).observe([seen])


def test_nothing_left_tells_no_price(run, simulator, redis_client):
    simulator.admin.balance(0.0)
    assert run("prices", "learn", "FR", code=1)["prices"][0]["verdict"] == "no_credit"
    assert redis_client.exists(KEYS.prices) == 0


def test_a_gateway_that_does_not_answer_tells_no_price(run, redis_client):
    found = run("prices", "learn", "FR", code=1, OCTOPUSH_API_KEY="wrong")["prices"]
    assert found == [
        {"country": "FR", "tariff": TARIFF, "above": None, "euros": None, "verdict": "no_answer"}
    ]
    assert redis_client.exists(KEYS.prices) == 0


@pytest.mark.parametrize("wrong", ["XX", "33", "France"])
def test_what_is_no_country_is_refused(run, wrong):
    run("prices", "learn", wrong, code=1)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"amount": 204, "unit": "sms_premium"}, (204, False)),
        ({"amount": 204, "unit": "sms_premium", "wallet_packs": []}, (204, False)),
        ({"amount": 204, "unit": "sms_premium", "wallet_packs": [{"credit": 0}]}, (204, False)),
        ({"amount": 204, "unit": "sms_premium", "wallet_packs": [{"credit": 7}]}, (204, True)),
        ({"amount": 204, "unit": "sms_premium", "wallet_packs": [7]}, (204, True)),
        ({"amount": 204, "unit": "euros"}, None),
        ({"amount": -1, "unit": "sms_premium"}, None),
        ({}, None),
    ],
)
def test_packs_are_seen_in_the_answer(answer, expected):
    read = balances.prepaid(200, json.dumps(answer).encode(), "sms_premium")
    assert (read and (read.messages, read.has_packs)) == expected
    assert balances.prepaid(500, json.dumps(answer).encode(), "sms_premium") is None


@pytest.mark.parametrize("answer", [{"amount": 5, "unit": "credits"}, {"amount": "x", "unit": "euros"}, {}])
def test_what_is_left_counts_in_euros_only(answer):
    assert balances.euros(200, json.dumps(answer).encode()) is None
