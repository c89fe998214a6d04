"""Budgets, what waits for them, prices, blocks and alarms: on the page of money and on others."""

import pytest

from producers.contract.steps import drive
from producers.rules.days import day_name
from tests.support.counted import counted
from tests.support.keys import AllKeys
from worker.inquiry import audit
from worker.inquiry.money import NEWEST

KEYS = AllKeys()
BLOCK = "+3361234"


@pytest.fixture
def spent(redis_client) -> None:
    """Let the account and an application have spent some of their budgets today."""
    day = day_name(redis_client.time()[0])
    redis_client.zadd(KEYS.apps, {"shop": 1})
    used = {"spent": 40_000_000, "reserved": 45_000_000, "limit": 100_000_000, "hard": 300_000_000}
    redis_client.hset(KEYS.spend("account", day), mapping=used)
    redis_client.hset(KEYS.spend("app:shop", day), mapping={"spent": 1_500_000, "limit": 0})
    redis_client.zadd(KEYS.aside("budget"), {"spring.0": 1, "spring.1": 2})


@pytest.fixture
def blocked(redis_client) -> None:
    """Block some numbers, and tell it."""
    now_ms = redis_client.time()[0] * 1000
    redis_client.zadd(KEYS.blocked, {BLOCK: now_ms + 3_600_000, "+3369999": now_ms - 1})
    alarm(redis_client, "prefix_blocked", BLOCK, "", "27", "20")


def alarm(client, kind: str, scope: str, level: str, value: str, limit: str, entry: str = "*") -> None:
    fields = {"v": "1", "kind": kind, "scope": scope, "level": level, "value": value, "limit": limit}
    client.xadd(KEYS.stream("alarms"), {**fields, "at": "2026-11-26T10:00:00+00:00"}, id=entry)


@pytest.mark.parametrize("path", ["/", "/money"])
def test_budgets_are_shown_with_what_waits_for_them(viewer, spent, path):
    page = viewer.get(path).text

    for words in ("40.00 €", "45.00 €", "100.00 €", "300.00 €", "85 %", "app:shop", "1.50 €"):
        assert words in page
    assert "2 sends wait</span> for the next day of Paris or a larger budget" in page


def test_the_first_page_says_nothing_of_money_that_nobody_counts(viewer):
    page = viewer.get("/").text

    assert "Budgets of today" not in page
    assert "get no alerts" not in page
    assert "Alarms" not in page


def test_a_budget_that_an_operator_sets_shows_at_once_and_is_audited(operator, redis_client, spent):
    answer = operator.post("/money/budget", {"scope": "account", "euros": "250,5"})

    assert answer.headers["location"] == "/money"
    page = operator.get("/money").text
    assert "250.50 €" in page
    assert "set by an operator" in page
    assert redis_client.hget(KEYS.budgets, "account") == b"250500000"
    [row, *_] = drive(audit.newest(KEYS), redis_client).rows
    assert (row.action, row.about["scope"]) == ("budget", "account")
    assert '<span class="muted">limit</span> 250.50 €' in operator.get("/audit").text
    operator.post("/money/budget", {"scope": "account", "euros": "default"})
    assert "100.00 €" in operator.get("/money").text


def test_no_budget_can_be_set_too(operator, redis_client, spent):
    operator.post("/money/budget", {"scope": "hard", "euros": "0"})

    assert "300.00 €" not in operator.get("/money").text


@pytest.mark.parametrize("euros", ["", "much", "-1", "1e3", "0.0000001"])
def test_what_is_no_budget_is_said_beside_its_field(operator, redis_client, euros):
    answer = operator.post("/money/budget", {"scope": "app", "euros": euros})

    assert answer.status_code == 422
    assert 'aria-describedby="h-euros p-euros"' in answer.text
    assert redis_client.hgetall(KEYS.budgets) == {}


def test_a_budget_of_nothing_is_refused(operator):
    assert operator.post("/money/budget", {"scope": "month", "euros": "1"}).status_code == 400


def test_the_first_page_asks_for_money_in_few_commands_however_many_applications_there_are(
    viewer, spent, blocked, redis_client
):
    redis_client.zadd(KEYS.apps, {f"app-{n}": n for n in range(100)})
    viewer.get("/")
    with counted() as sent:
        viewer.get("/")

    # Those for the session and the layout are among them.
    assert len(sent.commands) <= 73 + 6
    assert sent.round_trips <= 6 + 2


@pytest.mark.parametrize("path", ["/", "/money"])
def test_a_block_is_listed_and_lifted_where_it_was_seen(operator, redis_client, blocked, path):
    page = operator.get(path).text
    assert f"{BLOCK}…</bdi>" in page
    assert "+3369999" not in page
    assert f'name="back" value="{path}"' in page

    answer = operator.post("/money/lift", {"block": BLOCK, "back": path})

    assert answer.headers["location"] == path
    assert redis_client.zscore(KEYS.blocked, BLOCK) is None
    assert operator.post("/money/lift", {"block": BLOCK, "back": path}).status_code == 409


def test_a_lift_leads_to_no_other_page(operator, blocked):
    answer = operator.post("/money/lift", {"block": BLOCK, "back": "https://evil.example"})

    assert answer.headers["location"] == "/money"


@pytest.mark.parametrize("path", ["/", "/money", "/audit"])
def test_a_viewer_sees_no_more_of_a_block_than_of_a_number(operator, viewer, blocked, redis_client, path):
    assert BLOCK[:4] + "…" in viewer.get("/money").text
    if path == "/audit":
        operator.post("/money/lift", {"block": BLOCK})

    assert BLOCK not in viewer.get(path).text


def test_a_viewer_changes_nothing(viewer, redis_client, blocked):
    page = viewer.get("/money").text

    assert 'action="/money' not in page
    assert viewer.post("/money/lift", {"block": BLOCK}).status_code == 403
    assert viewer.post("/money/budget", {"scope": "account", "euros": "1"}).status_code == 403
    assert viewer.post("/campaigns/spring/budget", {"euros": "1"}).status_code == 403
    assert redis_client.zscore(KEYS.blocked, BLOCK) is not None


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (("budget", "account", "80", "8.02", "10"), "80 % of the budget of account: 8.02 € of 10.00 €"),
        (
            ("budget", "account", "100", "8.02", "10"),
            "something does not fit into the budget of account: 8.02 € of 10.00 €",
        ),
        (("budget", "hard", "100", "30", "30"), "100 % of the hard budget: 30.00 € of 30.00 €"),
        (
            ("price_drift", "account", "11", "12.2", "11"),
            "what was estimated at 11.00 € has cost 12.20 €: 11 % off",
        ),
        (("credit_low", "account", "", "8.2", "10"), "8.20 € are left on the account, less than 10.00 €"),
        (("prefix", BLOCK, "", "27", "20"), f"27 numbers {BLOCK}… got alerts in an hour, and 20 may"),
        (("prefix_blocked", BLOCK, "", "27", "20"), "and 20 may: they get none for some hours"),
        (("another", "account", "", "1", "2"), "another of account: 1.00 of 2.00"),
    ],
)
def test_alarms_say_in_a_sentence_what_they_tell(operator, redis_client, told, words):
    alarm(redis_client, *told)

    assert words in operator.get("/money").text


def test_the_first_page_tells_the_newest_alarms_of_the_last_day_alone(viewer, redis_client):
    alarm(redis_client, "credit_low", "account", "", "1", "10", entry="1-1")
    assert "Alarms of the last day" not in viewer.get("/").text
    for euros in range(2, 4 + NEWEST):
        alarm(redis_client, "credit_low", "account", "", str(euros), "10")

    page = viewer.get("/").text

    assert page.count("are left on the account") == NEWEST
    assert f"{3 + NEWEST}.00 € are left" in page
    assert "1.00 € are left" not in page


def test_prices_are_shown_with_who_says_so_and_what_is_assumed_of_others(viewer, redis_client):
    prices = {"sms_premium:32": "0.07", "sms_premium:33": "0.041", "sms_premium:41": "0.06"}
    redis_client.hset(KEYS.prices, mapping=prices)
    redis_client.hset(KEYS.prices_inferred, "sms_premium:41", "0.06")
    redis_client.hset(KEYS.prices_set, "sms_premium:33", "0.041")

    page = viewer.get("/money").text

    assert page.index("sms_premium:32") < page.index("the gateway, lately") < page.index("sms_premium:33")
    assert "an operator" in page
    assert "the balance</div>" in page
    assert "Elsewhere a segment is taken to cost 0.25 €." in page


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (KEYS.budgets, "What today has cost cannot be read now"),
        (KEYS.aside("budget"), "What waits for a budget cannot be read now"),
        (KEYS.blocked, "This list cannot be read now"),
    ],
)
@pytest.mark.parametrize("path", ["/", "/money"])
def test_each_part_fails_alone(viewer, redis_client, path, key, words):
    redis_client.set(key, "another type")

    page = viewer.get(path)

    assert page.status_code == 200
    assert page.text.count("cannot be read now; the rest") == 1
    assert words in page.text


def test_alarms_that_cannot_be_read_leave_the_first_page_standing(viewer, redis_client):
    redis_client.xadd(KEYS.stream("alarms"), {"kind": "budget"})
    assert "cannot be read" in viewer.get("/").text
    redis_client.delete(KEYS.stream("alarms"))
    redis_client.set(KEYS.stream("alarms"), "another type")

    assert "What alarms there were cannot be read now" in viewer.get("/").text


def campaign(sms, **options) -> None:
    text, people = "Hi STOP au 30101", ["+33612345678", "+33612345679"]
    sms.send_campaign(text, people, campaign_id="spring", sender="Bistro", **options)


def test_a_campaign_shows_its_budget_and_who_wants_no_more(viewer, sms, redis_client):
    campaign(sms, budget="1")
    redis_client.hset(KEYS.campaign("spring"), mapping={"cancelled": 1, "suppressed": 1})

    page = viewer.get("/campaigns/spring").text

    assert "50 %</span> of 1.00 €: 0.00 € spent, 0.50 € reserved" in page
    assert "1 want no more SMS" in page


def test_an_operator_changes_the_budget_of_a_campaign(operator, sms, redis_client):
    campaign(sms)
    assert operator.post("/campaigns/spring/budget", {"euros": "x"}).status_code == 422

    assert operator.post("/campaigns/spring/budget", {"euros": "2.5"}).headers["location"].endswith("spring")
    assert "of 2.50 €" in operator.get("/campaigns/spring").text
    operator.post("/campaigns/spring/budget", {"euros": "0"})
    assert redis_client.hget(KEYS.campaign("spring"), "limit") is None
    assert operator.post("/campaigns/nobody/budget", {"euros": "1"}).status_code == 404
