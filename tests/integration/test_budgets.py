"""What may be spent in a day: reserved by a claim, settled at the end, and what does not fit waits."""

import dataclasses

import pytest
import redis

from producers import OverBudget, Producer, Recipient
from producers.contract.scripts import Command, Script
from producers.contract.steps import drive
from producers.rules.money import MICRO, MoneySettings
from producers.settings import ProducerSettings
from tests.support.hand_worker import KEYS, HandWorker
from tests.support.spending import DAY, budgets, told, used
from worker.account.gates import ASIDE_MS
from worker.gateway.outcomes import Accepted, Deferred, Refused, Unknown
from worker.ledger.budgets import Budgets
from worker.ledger.claims import Claim
from worker.operator.decisions import Decisions
from worker.operator.money_decisions import set_budget

UNCLAIM = Script("worker.ledger", "unclaim")
LEARN = Script("worker.account", "learn_price")
COUNTED = ProducerSettings(
    budget_day="1000", number_alerts_per_hour=0, number_alerts_per_day=0, prefix_per_hour=0
)


@pytest.fixture
def counting(redis_url: str) -> Producer:
    return Producer(redis_url, settings=COUNTED)


def price(client: redis.Redis, euros: str = "0.05") -> None:
    client.hset(KEYS.prices, "sms_premium:33", euros)


def send(sms: Producer, name: str, purpose: str = "wholesale", people: int = 1, **options) -> None:
    numbers = [f"+336123456{each:02d}" for each in range(people)]
    sms.send(numbers, "Hi STOP au 30101", sender="Bistro", purpose=purpose, request_id=name, **options)


def ids(claims: list[Claim]) -> list[str]:
    return [claim.entry.id for claim in claims]


def field(client: redis.Redis, name: str, *fields: str) -> list[str | None]:
    return [each and each.decode() for each in client.hmget(KEYS.record(name), *fields)]


def test_a_claim_reserves_the_estimate_and_the_answer_turns_it_into_what_was_charged(counting, redis_client):
    price(redis_client)
    send(counting, "a", people=3)
    worker = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="10"))

    [claim] = worker.take()
    assert used(redis_client) == (0.15, 0)
    worker.finish(claim, Accepted("t", cost="0.147"))

    assert used(redis_client) == (0, 0.147)
    assert field(redis_client, "a", "estimate", "charged") == ["150000", None]


@pytest.mark.parametrize(
    ("outcome", "state", "after"),
    [
        (Accepted("t"), "accepted", (0, 0.05)),
        (Refused("110"), "rejected", (0, 0)),
        (Deferred("500", proven=True), "queued", (0, 0)),
        (Unknown("socket_timeout_error"), "sending", (0.05, 0)),
    ],
)
def test_what_is_in_doubt_stays_reserved_and_what_surely_did_not_leave_does_not(
    counting, redis_client, outcome, state, after
):
    price(redis_client)
    send(counting, "a")
    worker = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="10"))
    [claim] = worker.take()

    assert worker.finish(claim, outcome) == state
    assert used(redis_client) == after


def test_what_ended_unknown_counts_as_spent_by_its_estimate(counting, redis_client):
    price(redis_client)
    send(counting, "a")
    worker = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="10"))
    [claim] = worker.take()

    assert worker.finish(claim, Refused("110"), in_doubt=True) == "unknown"
    assert used(redis_client) == (0, 0.05)


def test_a_second_claim_of_what_is_in_doubt_reserves_nothing_more(counting, redis_client):
    price(redis_client)
    send(counting, "a")
    worker = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="0.05"))
    for _ in range(3):
        [claim] = worker.take()
        assert worker.finish(claim, Unknown("socket_timeout_error")) == "sending"
        assert used(redis_client) == (0.05, 0)


def test_marketing_that_does_not_fit_waits_and_what_fits_leaves(counting, redis_client):
    price(redis_client)
    worker = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="0.12"))
    send(counting, "big", people=3)
    send(counting, "small", people=2)

    assert ids(worker.take()) == ["small"]
    assert field(redis_client, "big", "state", "held", "aside") == ["queued", "over_budget", "budget"]
    assert int(field(redis_client, "big", "held_until")[0]) > redis_client.time()[0] * 1000
    said = counting.status("big").waits_for
    assert said.startswith("held until ")
    assert said.endswith(", the budget is used up")
    assert ("budget", "account", 100) in told(redis_client)


@pytest.mark.parametrize(
    ("options", "costs"),
    [
        ({}, "150000"),
        ({"with_replies": True}, "240000"),
        ({"auto_remove_blacklisted_numbers": True}, "160000"),
    ],
)
def test_what_was_dear_for_want_of_a_price_waits_no_longer_than_for_its_price(
    counting, redis_client, options, costs
):
    """Queued at 0.25 for a segment, it would wait for ever for a budget that it does not need."""
    send(counting, "a", people=3, **options)
    worker = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="0.5"))
    assert worker.take() == []
    price(redis_client)
    drive(set_budget(KEYS, "account", str(MICRO // 2), "ops"), redis_client)

    assert ids(worker.take()) == ["a"]
    assert field(redis_client, "a", "estimate") == [costs]
    assert used(redis_client) == (int(costs) / MICRO, 0)


def test_a_slice_gives_back_in_its_campaign_what_its_price_makes_it_cheaper(counting, redis_client):
    campaign(counting, 3, budget="1")
    price(redis_client)
    worker = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="0.5"))

    assert ids(worker.take()) == ["spring.0"]
    assert redis_client.hget(KEYS.campaign("spring"), "reserved") == b"150000"


def test_what_is_dear_by_its_price_too_waits(counting, redis_client):
    price(redis_client, "0.30")
    send(counting, "a", people=2)
    price(redis_client, "0.40")
    worker = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="0.5"))

    assert worker.take() == []
    assert field(redis_client, "a", "estimate", "held") == ["600000", "over_budget"]


def test_a_larger_budget_lets_go_what_waited(counting, redis_client):
    price(redis_client)
    worker = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="0.12"))
    send(counting, "big", people=3)
    assert worker.take() == []

    assert drive(set_budget(KEYS, "account", str(MICRO), "ops"), redis_client) == (True, 1)

    assert ids(worker.take()) == ["big"]
    assert field(redis_client, "big", "held", "held_until", "aside") == [None, None, None]
    assert redis_client.hgetall(KEYS.prefix + "held") == {}


def test_the_next_day_has_a_budget_of_its_own(counting, redis_client):
    price(redis_client)
    send(counting, "a")
    send(counting, "b")
    worker = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="0.05"))
    assert ids(worker.take()) == ["a"]
    tomorrow = HandWorker(redis_client, queue="marketing", budgets=budgets("20300201", budget_day="0.05"))
    redis_client.zadd(worker.names.delayed, {"b": 1})

    assert ids(tomorrow.take()) == ["b"]
    assert used(redis_client, day="20300201") == (0.05, 0)


def test_the_window_of_what_waits_for_a_budget_does_not_run(counting, redis_client):
    """Else it would be over before midnight, though nothing was ever taken."""
    price(redis_client)
    send(counting, "a")
    worker = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="0.05"))
    [claim] = worker.take()
    worker.finish(claim, Deferred("500", proven=True))
    send(counting, "b")
    assert ids(worker.take()) == ["b"]
    redis_client.zadd(worker.names.delayed, {"a": 1})
    assert worker.take() == []

    assert field(redis_client, "a", "state", "held", "first") == ["queued", "over_budget", None]


def test_a_day_in_which_only_an_alarm_was_told_is_forgotten_like_any_other(counting, redis_client):
    price(redis_client)
    send(counting, "a", people=3)
    HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="0.1")).take()

    assert told(redis_client) == [("budget", "account", 100)]
    assert 0 < redis_client.ttl(KEYS.spend("account", DAY)) <= 40 * 86_400


def test_a_claim_that_is_given_back_reserves_nothing(counting, redis_client):
    price(redis_client)
    send(counting, "a")
    worker = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="10"))
    [claim] = worker.take()
    assert used(redis_client) == (0.05, 0)

    of = {"id": "a", "token": claim.token, "lease": claim.entry.lease, "unsure": False}
    assert Command(UNCLAIM, KEYS.prefix, {**of, "retention_ms": 1000, "maxlen": 10}, bool).run(redis_client)

    assert used(redis_client) == (0, 0)
    assert field(redis_client, "a", "state", "charged") == ["queued", None]


def test_an_alert_beyond_the_budget_leaves_with_an_alarm(counting, redis_client):
    price(redis_client)
    worker = HandWorker(redis_client, budgets=budgets(budget_day="0.05"))
    for name in "abc":
        send(counting, name, "alert")

    assert ids(worker.take()) == ["a", "b", "c"]
    assert told(redis_client) == [("budget", "account", 100)]


@pytest.mark.parametrize(
    "chosen", [{"budget_day": "0.05", "budget_alerts": "stop"}, {"budget_hard_day": "0.05"}]
)
def test_an_alert_is_cancelled_where_alerts_stop_or_the_hard_budget_is_spent(counting, redis_client, chosen):
    price(redis_client)
    worker = HandWorker(redis_client, budgets=budgets(**chosen))
    send(counting, "a", "alert")
    send(counting, "b", "alert")

    assert ids(worker.take()) == ["a"]
    assert field(redis_client, "b", "state", "code") == ["cancelled", "over_budget"]


def test_marketing_waits_beyond_the_hard_budget_though_there_is_no_other(counting, redis_client):
    price(redis_client)
    worker = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_hard_day="0.05"))
    send(counting, "a")
    send(counting, "b")

    assert ids(worker.take()) == ["a"]
    assert field(redis_client, "b", "state", "held") == ["queued", "over_budget"]


def test_a_shared_call_beyond_the_hard_budget_is_cancelled_with_its_members(counting, redis_client):
    price(redis_client)
    for each in range(2):
        person = Recipient(f"+3361234560{each}", first_name="Zoe")
        counting.send(person, "Hi {first_name}", sender="Bistro", purpose="alert", request_id=f"m{each}")

    assert HandWorker(redis_client, budgets=budgets(budget_hard_day="0.04")).take() == []

    for each in range(2):
        assert field(redis_client, f"m{each}", "state", "code") == ["cancelled", "over_budget"]
    statuses = redis_client.xrange(KEYS.stream("statuses"))
    assert sorted(told_of[b"request_id"] for _, told_of in statuses) == [b"m0", b"m1"]


def test_slices_that_wait_for_a_budget_are_counted_in_their_campaign_until_they_leave(counting, redis_client):
    price(redis_client)
    campaign(counting, 1000)
    worker = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="1"))
    assert worker.take() == []
    assert held(redis_client) == [b"2"]

    drive(set_budget(KEYS, "account", str(25 * MICRO), "ops"), redis_client)
    assert ids(worker.take()) == ["spring.0"]
    assert held(redis_client) == [b"1"]
    drive(set_budget(KEYS, "account", str(50 * MICRO), "ops"), redis_client)
    assert ids(worker.take()) == ["spring.1"]
    assert held(redis_client) == []


def held(client: redis.Redis) -> list[bytes]:
    found = client.hgetall(KEYS.campaign("spring"))
    return [count for name, count in found.items() if name.startswith(b"held:")]


def test_what_does_not_fit_shortly_before_midnight_waits_until_midnight_and_no_longer(counting, redis_client):
    price(redis_client)
    midnight = redis_client.time()[0] * 1000 + 60_000
    days = [(DAY, midnight - 86_400_000, midnight), ("20300201", midnight, midnight + 86_400_000)]
    money = MoneySettings(budget_day="0.01")
    send(counting, "late")
    assert (
        HandWorker(redis_client, queue="marketing", budgets=Budgets(money, days=lambda _: days)).take() == []
    )

    assert field(redis_client, "late", "state", "held_until") == ["queued", str(midnight)]


def test_a_worker_whose_clock_is_behind_counts_in_the_last_day_that_it_names(counting, redis_client):
    price(redis_client)
    send(counting, "a")
    over = Budgets(MoneySettings(budget_day="10"), days=lambda _: [("20300129", 0, 1), ("20300130", 1, 2)])
    HandWorker(redis_client, queue="marketing", budgets=over).take()

    assert used(redis_client, day="20300130") == (0.05, 0)


def test_what_does_not_fit_into_a_day_that_is_over_is_looked_at_again(counting, redis_client):
    price(redis_client)
    send(counting, "a")
    over = Budgets(MoneySettings(budget_day="0.01"), days=lambda _: [("20300130", 1, 2)])
    now = redis_client.time()[0] * 1000
    HandWorker(redis_client, queue="marketing", budgets=over).take()

    assert now < int(field(redis_client, "a", "held_until")[0]) <= now + ASIDE_MS + 60_000


def test_what_was_reserved_and_is_lost_is_not_given_back(counting, redis_client):
    """Somebody deleted the day and the campaign, or an evicting Redis did."""
    price(redis_client)
    campaign(counting, 1)
    worker = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="10"))
    [claim] = worker.take()
    redis_client.delete(KEYS.spend("account", DAY), KEYS.campaign("spring"))
    worker.finish(claim, Accepted("t", cost="0.05"))

    assert used(redis_client) == (0, 0.05)
    assert redis_client.hmget(KEYS.campaign("spring"), "reserved", "spent") == [b"0", b"50000"]


def test_an_application_has_a_budget_of_its_own(redis_url, redis_client):
    price(redis_client)
    for app in ("shop", "news"):
        with_name = Producer(redis_url, settings=dataclasses.replace(COUNTED, app=app))
        send(with_name, f"{app}-1")
        send(with_name, f"{app}-2")
    worker = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_app_day="0.05"))

    assert ids(worker.take()) == ["shop-1", "news-1"]
    assert used(redis_client, "app:shop") == used(redis_client, "app:news") == (0.05, 0)
    assert used(redis_client) == (0.10, 0)


def test_messages_of_two_applications_share_no_call(redis_url, redis_client):
    price(redis_client)
    for app in ("shop", "news"):
        with_name = Producer(redis_url, settings=dataclasses.replace(COUNTED, app=app))
        for each in range(2):
            with_name.send(
                Recipient(f"+3361234560{each}", first_name="Zoe"),
                "Hi {first_name} STOP au 30101",
                sender="Bistro",
                request_id=f"{app}-{each}",
            )
    worker = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="10"))

    claims = worker.take()
    assert len(claims) == 2
    assert used(redis_client) == (0.20, 0)
    assert used(redis_client, "app:shop") == (0.10, 0)
    for claim in claims:
        worker.finish(claim, Accepted(f"t-{claim.entry.id}", cost="0.09"))
    assert used(redis_client) == (0, 0.18)
    assert used(redis_client, "app:shop") == used(redis_client, "app:news") == (0, 0.09)


def test_each_level_is_told_once_a_day(counting, redis_client):
    price(redis_client)
    worker = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="0.5"))
    for each in range(10):
        send(counting, f"m{each}")
        worker.take()

    assert told(redis_client) == [("budget", "account", level) for level in (50, 80, 100)]


@pytest.mark.parametrize(
    ("chosen", "scope", "told_of"),
    [
        ({"budget_day": "0.1"}, "account", "account"),
        ({"budget_app_day": "0.1"}, "app", "app:shop"),
        ({"budget_hard_day": "0.1"}, "hard", "hard"),
    ],
)
def test_of_a_budget_that_an_operator_has_set_each_level_is_told_anew(
    redis_url, redis_client, monkeypatch, chosen, scope, told_of
):
    """Who sets a larger one in the afternoon still learns that it comes to its end."""
    monkeypatch.setattr("worker.operator.money_decisions.day_name", lambda _: DAY)
    price(redis_client)
    shop = Producer(redis_url, settings=dataclasses.replace(COUNTED, app="shop"))
    worker = HandWorker(redis_client, queue="marketing", budgets=budgets(**chosen))
    for name, limit in (("a", None), ("b", MICRO // 4)):
        if limit:
            drive(set_budget(KEYS, scope, str(limit), "ops"), redis_client)
        send(shop, name, people=2)
        assert ids(worker.take()) == [name]
    shop.close()

    assert told(redis_client) == [("budget", told_of, level) for level in (100, 80)]


def test_what_was_queued_without_an_estimate_is_counted_by_its_tariff(sms, redis_client):
    send(sms, "known", people=2)
    price(redis_client, "0.04")
    worker = HandWorker(
        redis_client, queue="marketing", budgets=budgets(budget_day="10", price_unknown="0.5")
    )
    worker.take()
    assert used(redis_client) == (0.08, 0)

    sms.send("+32470123456", "Hi", sender="Bistro", request_id="unknown")
    sms.send("+33612345678", "Hi STOP au 30101", sender="Bistro", request_id="try", simulation_mode=True)
    worker.take()
    assert used(redis_client) == (0.58, 0)


@pytest.mark.parametrize(
    ("options", "costs"),
    [({"with_replies": True}, 0.14), ({"auto_remove_blacklisted_numbers": True}, 0.09)],
)
def test_what_was_queued_without_an_estimate_is_counted_with_all_that_it_costs(
    sms, redis_client, options, costs
):
    price(redis_client, "0.04")
    send(sms, "a", people=2, **options)
    HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="10")).take()

    assert used(redis_client) == (costs, 0)


def test_what_is_left_of_a_cost_by_rounding_alone_is_no_price(sms, redis_client):
    """Replies alone are charged to a pack: what follows would be estimated at nothing, and never kept."""
    send(sms, "a", people=3, with_replies=True)
    cost = str(sum([0.03] * 3) + 1e-16)
    assert not Command(LEARN, KEYS.prefix, {"id": "a", "cost": cost}, bool).run(redis_client)
    assert not redis_client.exists(KEYS.prices)


@pytest.mark.parametrize(
    ("options", "cost"),
    [({}, "0.08"), ({"with_replies": True}, "0.14"), ({"auto_remove_blacklisted_numbers": True}, "0.09")],
)
def test_the_price_of_a_segment_is_learnt_without_what_estimates_add_to_it(sms, redis_client, options, cost):
    send(sms, "a", people=2, **options)
    assert Command(LEARN, KEYS.prefix, {"id": "a", "cost": cost}, bool).run(redis_client)
    assert redis_client.hget(KEYS.prices, "sms_premium:33") == b"0.040000"

    HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="10")).take()
    assert used(redis_client) == (float(cost), 0)


def test_without_budgets_nothing_is_counted(sms, redis_client):
    send(sms, "a")
    worker = HandWorker(redis_client, queue="marketing")
    [claim] = worker.take()
    worker.finish(claim, Accepted("t", cost="0.05"))

    assert field(redis_client, "a", "estimate", "charged") == [None, None]
    assert not list(redis_client.scan_iter("*spend:*"))


@pytest.mark.parametrize(
    ("cost", "drift"),
    [("0.06", [("price_drift", "account", 20)]), ("0.0525", []), ("0.0475", []), ("0.05", [])],
)
def test_an_estimate_that_is_wrong_is_told_after_a_hundred_sends(counting, redis_client, cost, drift):
    price(redis_client)
    worker = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="100"))
    for each in range(100):
        send(counting, f"m{each}")
    for each, claim in enumerate(worker.take()):
        assert told(redis_client) == [], each
        worker.finish(claim, Accepted(f"t{each}", cost=cost))

    assert told(redis_client) == drift


def test_little_credit_is_told_once_until_there_is_more(counting, redis_client):
    worker = HandWorker(redis_client, queue="marketing", budgets=budgets(credit_low="10"))
    for each, credit in enumerate(("10.5", "9.9", "9.1", "50", "3")):
        send(counting, f"m{each}")
        [claim] = worker.take()
        worker.finish(claim, Accepted(f"t{each}", cost="0.06", credit=credit))

    assert told(redis_client) == [("credit_low", "account", None)] * 2


def test_credit_of_just_so_much_is_not_little(counting, redis_client):
    worker = HandWorker(redis_client, queue="marketing", budgets=budgets(credit_low="10"))
    send(counting, "a")
    [claim] = worker.take()
    worker.finish(claim, Accepted("t", cost="0.06", credit="10"))

    assert told(redis_client) == []


def test_a_price_that_nobody_knows_is_refused_where_that_is_wanted(redis_url, redis_client):
    careful = Producer(redis_url, settings=dataclasses.replace(COUNTED, price_unknown="refuse"))
    with pytest.raises(ValueError, match="prices set sms_premium:33 EUROS"):
        send(careful, "a")
    assert redis_client.exists(KEYS.record("a")) == 0

    price(redis_client)
    send(careful, "a")
    assert field(redis_client, "a", "estimate") == ["50000"]


def campaign(sms: Producer, people: int, budget: str | None = None) -> None:
    numbers = (f"+3361{each:07d}" for each in range(people))
    sms.send_campaign("Hi STOP au 30101", numbers, campaign_id="spring", sender="Bistro", budget=budget)


def test_a_campaign_queues_no_slice_beyond_its_budget_and_goes_on_with_a_larger_one(sms, redis_client):
    price(redis_client)
    with pytest.raises(OverBudget) as refused:
        campaign(sms, 1200, "50")
    assert (refused.value.scope, refused.value.limit, refused.value.wanted) == ("campaign:spring", 50, 60)
    assert redis_client.llen(KEYS.queue("marketing").ready) == 2

    with pytest.raises(OverBudget):
        campaign(sms, 1200)
    campaign(sms, 1200, "60")
    assert redis_client.llen(KEYS.queue("marketing").ready) == 3
    assert redis_client.hget(KEYS.campaign("spring"), "reserved") == b"60000000"
    assert told(redis_client) == [("budget", "campaign:spring", level) for level in (50, 100, 100)]


def test_a_slice_that_does_not_fit_is_told_once_and_an_operator_lets_the_same_run_go_on(sms, redis_client):
    price(redis_client)
    campaign(sms, 500, "30")
    for _ in range(2):
        with pytest.raises(OverBudget):
            campaign(sms, 1200, "40")
    assert told(redis_client) == [("budget", "campaign:spring", level) for level in (80, 100)]

    drive(set_budget(KEYS, "campaign:spring", str(80 * MICRO), "ops"), redis_client)
    campaign(sms, 1200, "40")
    assert redis_client.hmget(KEYS.campaign("spring"), "limit", "reserved") == [b"80000000", b"60000000"]


def test_an_operator_takes_the_budget_of_a_campaign_away(sms, redis_client):
    price(redis_client)
    with pytest.raises(OverBudget):
        campaign(sms, 1200, "50")
    drive(set_budget(KEYS, "campaign:spring", "0", "ops"), redis_client)

    campaign(sms, 1200)
    assert redis_client.llen(KEYS.queue("marketing").ready) == 3


def test_a_campaign_settles_what_its_slices_have_cost(sms, redis_client):
    price(redis_client)
    campaign(sms, 1500, "100")
    worker = HandWorker(redis_client, queue="marketing")
    first, second, third = worker.take()
    worker.finish(first, Accepted("t", cost="24"))
    worker.finish(second, Refused("110"))
    worker.finish(third, Unknown("socket_timeout_error"))

    found = redis_client.hmget(KEYS.campaign("spring"), "reserved", "spent")
    assert found == [b"25000000", b"24000000"]


def test_a_slice_that_a_person_sends_again_reserves_again_unless_it_still_does(sms, redis_client):
    price(redis_client)
    campaign(sms, 600, "50")
    worker = HandWorker(redis_client, queue="marketing")
    rejected, unknown = worker.take()
    worker.finish(rejected, Refused("110"))
    worker.finish(unknown, Refused("110"), in_doubt=True)
    assert redis_client.hget(KEYS.campaign("spring"), "reserved") == b"5000000"

    anna = Decisions(COUNTED, "anna")
    assert drive(anna.replay("spring.0"), redis_client) is None
    assert drive(anna.resolve("spring.1", "send-again"), redis_client) is None

    assert redis_client.hget(KEYS.campaign("spring"), "reserved") == b"30000000"


def test_the_budget_of_a_campaign_must_be_an_amount(sms):
    for wrong in ("-1", "nan", 0.1, "0.0000001", True):
        with pytest.raises(ValueError, match="budget: must be euros"):
            campaign(sms, 1, wrong)


def test_the_day_is_named_in_what_was_reserved(counting, redis_client):
    price(redis_client)
    send(counting, "a")
    HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="10")).take()
    assert field(redis_client, "a", "charged") == [DAY]
    assert 0 < redis_client.ttl(KEYS.spend("account", DAY)) <= 40 * 86_400


def test_what_may_not_be_posted_is_cancelled_and_a_shared_call_falls_apart(sms, redis_client):
    for each in range(2):
        person = Recipient(f"+3361234560{each}", first_name="Zoe")
        sms.send(person, "Hi {first_name} STOP au 30101", sender="Bistro", request_id=f"m{each}")
    sms.send("+33612345609", "Hi STOP au 30101", sender="Bistro", request_id="alone")
    worker = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="10"))

    while claims := worker.take():
        for claim in claims:
            outcome = (
                Refused("not_allowed")
                if b"+33612345600" not in claim.body or claim.body.count(b"+336") > 1
                else Accepted("t")
            )
            worker.finish(claim, outcome, posts=0)

    assert field(redis_client, "m0", "state") == ["accepted"]
    assert field(redis_client, "m1", "state", "code") == ["cancelled", "not_allowed"]
    assert field(redis_client, "alone", "state", "code") == ["cancelled", "not_allowed"]
    assert used(redis_client)[0] == 0
