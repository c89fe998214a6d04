"""A preview and a dry run say who may not be texted, what it costs in all, and how far a budget reaches."""

import asyncio
import json
from decimal import Decimal

import pytest
from click.testing import CliRunner

from producers import InvalidMessage, OverBudget, Producer
from producers.aio import AsyncProducer
from producers.contract.keys import Keys
from producers.queueing import chunks
from producers.settings import ProducerSettings
from worker.cli import main

KEYS = Keys()
TEXT = "Bonjour STOP au 30101"
FRENCH = [f"+3361200000{n}" for n in range(6)]
SETTINGS = ProducerSettings(marketing_hours_fr="off", marketing_hours_other="off")


@pytest.fixture(autouse=True)
def _priced(redis_client, monkeypatch):
    monkeypatch.setattr(chunks, "SLICE", 2)
    redis_client.hset(KEYS.prices, "sms_premium:33", "0.05")


def producer(client, **chosen: str) -> Producer:
    return Producer(client=client, settings=ProducerSettings(marketing_hours_fr="off", **chosen))


@pytest.fixture
def command(redis_url, monkeypatch, tmp_path):
    """Run ``send`` in this process."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("MARKETING_HOURS_FR", "off")
    path = tmp_path / "list.csv"
    path.write_text("\n".join(["phone_number", *FRENCH]), "utf-8")

    def run(*arguments: str):
        given = ["send", "--sender", "Bistro", "--csv", str(path), "--text", TEXT, *arguments]
        return CliRunner().invoke(main, given)

    return run


def test_who_may_not_be_texted_is_left_out_of_a_preview_as_of_a_campaign(redis_client):
    chosen = {"allowed_countries": "FR", "allowed_numbers": ",".join([*FRENCH[:2], "+32470123456"])}
    people = [*FRENCH[:3], "+32470123456"]
    seen = producer(redis_client, **chosen).preview(TEXT, people)
    told: list[int] = []
    sent = producer(redis_client, **chosen).send_campaign(
        *(TEXT, people), sender="Bistro", on_invalid=lambda place, *_: told.append(place)
    )
    assert (seen.recipients, seen.left_out) == (sent.recipients, sent.left_out) == (2, 2)
    assert told == [2, 3]


@pytest.mark.parametrize(
    ("variable", "value", "why"),
    [
        ("ALLOWED_COUNTRIES", "RE,BE", "is of a country that ALLOWED_COUNTRIES does not name"),
        ("ALLOWED_NUMBERS", ",".join(FRENCH[1:]), "is not among ALLOWED_NUMBERS"),
    ],
)
def test_a_dry_run_says_who_may_not_be_texted_and_is_refused(command, monkeypatch, variable, value, why):
    monkeypatch.setenv(variable, value)
    result = command("--dry-run")
    assert result.exit_code == 1
    assert why in result.output


def test_replies_and_the_look_at_the_blacklist_cost_too(redis_client):
    sms = producer(redis_client)
    plain = sms.preview(TEXT, FRENCH[:2])
    asked = sms.preview(TEXT, FRENCH[:2], with_replies=True, auto_remove_blacklisted_numbers=True)
    assert (plain.cost, asked.cost) == (Decimal("0.10"), Decimal("0.17"))
    assert sms.preview(TEXT, FRENCH[:2], simulation_mode=True).worst_cost == 0


@pytest.mark.parametrize(
    "options", [{}, {"with_replies": True}, {"auto_remove_blacklisted_numbers": True, "with_replies": True}]
)
@pytest.mark.parametrize("budget", ["0.09", "0.1", "0.3", "0.31", "0.35", "0.54"])
def test_a_budget_reaches_as_far_as_the_preview_says(redis_client, budget, options):
    sms = producer(redis_client)
    text = "Bonjour & bienvenue STOP au 30101"
    seen = sms.preview(text, FRENCH, budget=budget, **options)
    try:
        sms.send_campaign(text, FRENCH, campaign_id="spring", sender="Bistro", budget=budget, **options)
    except OverBudget:
        assert seen.affordable < len(FRENCH)
    queued = sms.campaign_status("spring")
    assert seen.affordable == (queued.recipients if queued else 0)


def test_without_a_budget_nothing_is_said_of_it(redis_client):
    sms = producer(redis_client)
    assert sms.preview(TEXT, FRENCH).affordable is None
    assert sms.preview(TEXT, budget=5).affordable is None


@pytest.mark.parametrize("wrong", ["-1", "nan", 0.1, "0.0000001", True, "0", 0, "ten", "1e3", "inf", ""])
def test_a_budget_must_be_an_amount_above_nothing(redis_client, wrong):
    sms = producer(redis_client)
    for ask in (
        lambda: sms.preview(TEXT, FRENCH, budget=wrong),
        lambda: sms.send_campaign(TEXT, FRENCH, sender="Bistro", budget=wrong),
    ):
        with pytest.raises(InvalidMessage) as refused:
            ask()
        assert list(refused.value.fields) == ["budget"]


def test_asyncio_says_the_same(redis_client, redis_url):
    async def ask():
        sms = AsyncProducer(redis_url, settings=SETTINGS)
        try:
            return await sms.preview(TEXT, FRENCH, budget="0.2")
        finally:
            await sms.close()

    assert asyncio.run(ask()) == producer(redis_client).preview(TEXT, FRENCH, budget="0.2")


def test_a_price_that_nobody_knows_is_a_problem_where_it_is_refused(redis_client):
    belgian = ["+32470123456"]
    assert not producer(redis_client).preview("Hi", belgian).problems
    seen = producer(redis_client, price_unknown="refuse").preview("Hi", belgian)
    assert "prices set sms_premium:32 EUROS" in seen.problems["recipients"]
    assert seen.cost is None


def test_a_dry_run_says_how_far_the_budget_reaches(command):
    result = command("--dry-run", "--budget", "0.25")
    assert result.exit_code == 1
    assert "budget     is enough for 4 of 6 recipients; 2 would be refused" in result.output.splitlines()
    enough = command("--dry-run", "--budget", "0.3")
    assert enough.exit_code == 0, enough.output
    assert "budget     is enough for all" in enough.output.splitlines()


def test_a_dry_run_knows_the_budget_that_a_campaign_has(command, redis_client):
    redis_client.hset(KEYS.campaign("spring"), "limit", 100_000)
    result = command("--dry-run", "--campaign", "spring", "--json")
    assert json.loads(result.stdout.splitlines()[0])["preview"]["affordable"] == 2


def test_a_campaign_beyond_its_budget_is_said_plainly_and_goes_on_with_a_larger_one(command, redis_client):
    result = command("--campaign", "spring", "--budget", "0.25")
    assert result.exit_code == 5
    assert "larger --budget" in result.output
    assert command("--campaign", "spring", "--budget", "0.3").exit_code == 0
    assert redis_client.hget(KEYS.campaign("spring"), "recipients") == b"6"


def test_a_budget_of_a_command_that_is_no_amount_is_refused(command):
    assert command("--budget", "0").exit_code == 1
    assert "budget: must be above 0" in command("--budget", "0", "--dry-run").output
