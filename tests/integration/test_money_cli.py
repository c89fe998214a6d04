"""Prices, budgets and blocks as people see and set them: by command, on the page, in the metrics."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from click.testing import CliRunner

from producers.rules.days import day_name
from tests.support.keys import AllKeys
from tests.support.scraping import scrape
from worker.cli import main

KEYS = AllKeys()


@pytest.fixture
def run(redis_url: str) -> Callable[..., Any]:
    def command(*arguments: str, code: int = 0) -> Mapping[str, Any]:
        result = CliRunner().invoke(main, [*arguments, "--json"], env={"REDIS_URL": redis_url})
        assert result.exit_code == code, result.output
        return json.loads(result.stdout.splitlines()[0]) if result.stdout.startswith("{") else {}

    return command


def audited(client) -> list[bytes]:
    return [fields[b"action"] for _, fields in client.xrange(KEYS.audit)]


def today(client, **amounts: int) -> None:
    day = day_name(client.time()[0])
    client.hset(KEYS.spend("account", day), mapping=amounts)


def test_a_price_that_an_operator_set_counts_until_it_is_given_back(run, redis_client):
    # The median of two answers has six decimals.
    redis_client.hset(KEYS.prices, "sms_premium:32", "0.070000")
    assert run("prices", "set", "sms_premium:33", "0.0410")["price"] == "0.041"

    assert run("prices", "list")["prices"] == [
        {"tariff": "sms_premium:32", "euros": "0.07", "source": "answer"},
        {"tariff": "sms_premium:33", "euros": "0.041", "source": "operator"},
    ]
    run("prices", "set", "sms_premium:33", "default")
    assert [each["tariff"] for each in run("prices", "list")["prices"]] == ["sms_premium:32"]
    assert audited(redis_client) == [b"price"] * 2


def test_a_price_that_is_given_back_is_the_median_of_the_last_answers(run, redis_client):
    redis_client.rpush(f"{KEYS.prefix}prices:lately:sms_premium:33", "0.9", "0.040000", "0.041000")
    run("prices", "set", "sms_premium:33", "0.05")
    run("prices", "set", "sms_premium:33", "default")

    assert redis_client.hget(KEYS.prices, "sms_premium:33") == b"0.041000"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("prices", "set", "33", "0.04"), 1),
        *[
            (command, 2)
            for wrong in ("-1", "nan", "0.0000001", "much", "1e3")
            for command in (
                ("prices", "set", "sms_premium:33", wrong),
                ("budget", "set", "account", wrong),
                ("budget", "set", "campaign:nobody", wrong),
            )
        ],
        (("prices", "set", "sms_premium:33", "1000"), 1),
        (("budget", "set", "month", "5"), 1),
        (("budget", "set", "campaign:", "5"), 1),
        (("budget", "set", "account", "1e3"), 2),
        (("budget", "set", "campaign:nobody", "5"), 3),
        (("blocks", "lift", "+3361234"), 3),
    ],
)
def test_what_cannot_be_is_refused(run, redis_client, arguments, code):
    run(*arguments, code=code)
    assert audited(redis_client) == []


def test_a_budget_that_is_set_counts_for_all_workers(run, redis_client):
    assert run("budget", "set", "account", "250.5")["limit"] == "250.5"
    assert redis_client.hgetall(KEYS.budgets) == {b"account": b"250500000"}
    run("budget", "set", "account", "default")
    assert redis_client.hgetall(KEYS.budgets) == {}
    assert audited(redis_client) == [b"budget"] * 2


def test_a_block_that_is_not_there_is_said_without_what_was_typed(run, redis_client, redis_url):
    told = CliRunner().invoke(main, ["blocks", "lift", "+33612345678"], env={"REDIS_URL": redis_url})
    assert told.exit_code == 3
    assert "name it as `octopush-worker blocks list` does, such as +3361234" in told.output
    assert "5678" not in told.output


def test_today_is_shown(run, redis_client, redis_url):
    today(redis_client, spent=40_000_000, reserved=10_000_000, limit=100_000_000, hard=0)

    found = run("budget", "show")
    [account] = found["scopes"]
    assert (account["spent"], account["reserved"], account["limit"]) == ("40", "10", "100")
    assert (account["hard"], found["waiting"]) == (None, 0)

    today(redis_client, spent=40_000_000, limit=0, hard=50_000_000)
    said = CliRunner().invoke(main, ["budget", "show"], env={"REDIS_URL": redis_url}).stdout
    assert "no budget, alerts end at 50.00 €" in said
    assert "0 wait for the next day" in said


def test_a_block_is_shown_and_lifted(run, redis_client):
    redis_client.zadd(KEYS.blocked, {"+3361234": 4_000_000_000_000, "+3365678": 1})

    assert [each["block"] for each in run("blocks", "list")["blocks"]] == ["+3361234"]
    run("blocks", "lift", "+3361234")
    assert run("blocks", "list")["blocks"] == []
    assert audited(redis_client) == [b"lift"]


def filled(client) -> None:
    today(client, spent=90_000_000, reserved=10_000_000, limit=100_000_000)
    client.zadd(KEYS.blocked, {"+3361234": 4_000_000_000_000})
    client.hset(KEYS.prices, "sms_premium:33", "0.041")
    fields = {"v": "1", "kind": "budget", "scope": "app:shop", "level": "80", "value": "80", "limit": "100"}
    client.xadd(KEYS.stream("alarms"), {**fields, "at": "2030-01-31T13:05:09.123Z"})
    client.xadd(KEYS.stream("alarms"), {"v": "9"})


def test_the_page_shows_budgets_prices_blocks_and_alarms(operator, redis_client):
    filled(redis_client)
    page = operator.get("/money").text
    for words in ("90.00 €", "100 %", "0.041 €", "+3361234…", "app:shop", "80 %", "cannot be read"):
        assert words in page


def test_an_operator_lifts_a_block_and_a_viewer_cannot(operator, viewer, redis_client):
    filled(redis_client)
    assert "/money/lift" not in viewer.get("/money").text
    assert viewer.post("/money/lift", {"block": "+3361234"}).status_code == 403
    assert operator.post("/money/lift", {"block": "+3361234"}).status_code == 303
    assert redis_client.zcard(KEYS.blocked) == 0
    assert operator.post("/money/lift", {"block": "+3361234"}).status_code == 409


def test_an_empty_page_says_so(viewer):
    page = viewer.get("/money").text
    assert "No price is known yet" in page
    assert "None yet." in page


@pytest.mark.parametrize(("euros", "ratio"), [("400", "0.25"), ("0", "0.0")])
def test_the_metrics_go_by_the_budget_that_somebody_has_just_set(redis_client, redis_url, run, euros, ratio):
    filled(redis_client)
    run("budget", "set", "account", euros)

    assert f'\noctopush_budget_ratio{{scope="account"}} {ratio}\n' in scrape(redis_url)


def test_the_metrics_tell_of_today(redis_client, redis_url):
    filled(redis_client)
    redis_client.hset(KEYS.counts, "duplicates", 3)
    redis_client.hset(KEYS.drift, "percent", "12.50")

    page = scrape(redis_url)
    for line in (
        'octopush_spend_euros{scope="account"} 90.0',
        "octopush_reserved_euros 10.0",
        'octopush_budget_ratio{scope="account"} 1.0',
        "octopush_price_drift_ratio 0.125",
        "octopush_prefix_blocked 1.0",
        "octopush_duplicates_total 3.0",
    ):
        assert f"\n{line}\n" in page
