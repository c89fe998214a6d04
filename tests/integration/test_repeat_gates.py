"""A POST leaves a while after its claim only if the next claim would let it: a repeat, or a late one.

The judge is the handset: something happens after the first POST and before its repeat, at a real gateway.
What was surely not taken met a connection that was refused; what is in doubt was answered by a proxy, and not
taken.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import redis

from producers import Producer
from producers.contract.settings import RedisSettings
from producers.rules.settings import RulesSettings
from producers.settings import ProducerSettings
from tests.support.between_posts import Posting
from tests.support.hand_worker import KEYS, HandWorker, numbers_of
from tests.support.marketing import Marketing
from tests.support.pseudonyms import pseudonyms
from tests.support.set_clock import clock, leaping_server
from tests.support.spending import budgets, used
from tests.support.template_sends import number, only
from tests.support.whole_database import contents
from worker.account.identity import Account
from worker.gateway.outcomes import Unknown
from worker.ledger.claims import Claim
from worker.ledger.may_post import Recheck
from worker.person.erasing import Erasure
from worker.person.named import Person
from worker.process.connection import REDIS_TIMEOUT_S, connect
from worker.sending.attempt import FRESH_S
from worker.settings import WorkerSettings

__all__ = ["clock", "leaping_server"]

ALL = range(3)
#: Who writes STOP.
WHO = 1
NO_HOURS = ProducerSettings(marketing_hours_fr="off", marketing_hours_other="off")


@pytest.fixture
def post(market) -> Iterator[Callable[..., Posting]]:
    """Open a gateway for a worker."""
    with ExitStack() as stopping:

        def open_gateway(hand: HandWorker | None = None, *, refuses: bool) -> Posting:
            made = Posting(hand or market.hand, refuses=refuses)
            stopping.callback(made.stop)
            return made

        yield open_gateway


def finish_all(posting: Posting) -> None:
    """Make the attempts that are left."""
    for claim in posting.hand.take():
        posting.attempt(claim)


def shown(posting: Posting) -> list[int]:
    return [posting.shown(number(each)) for each in ALL]


# A STOP


@pytest.mark.parametrize(
    ("refuses", "end"), [(True, ("cancelled", "suppressed")), (False, ("unknown", "suppressed_in_doubt"))]
)
def test_nobody_is_texted_whose_stop_comes_before_a_repeat(refuses, end, market, post):
    posting = post(refuses=refuses)
    market.send(WHO, "a")

    posting.attempt(only(market.hand.take()), lambda: market.stop(WHO))
    finish_all(posting)

    assert market.state("a") == end
    assert posting.posts() == ([] if refuses else [[number(WHO)]])
    assert shown(posting) == [0, 0, 0]
    assert market.hand.is_idle()


@pytest.mark.parametrize("shared", [False, True])
def test_the_others_get_it_once_when_one_of_them_writes_stop_before_a_repeat(shared, market, post):
    posting = post(refuses=True)
    if shared:
        for each in ALL:
            market.send(each, f"m{each}", shared=True)
    else:
        market.send(ALL, "a")

    posting.attempt(only(market.hand.take()), lambda: market.stop(WHO))
    finish_all(posting)

    assert posting.posts() == [[number(0), number(2)]]
    assert shown(posting) == [1, 0, 1]
    if shared:
        states = [market.state(f"m{each}")[0] for each in ALL]
        assert states == ["accepted", "cancelled", "accepted"]
    assert market.hand.is_idle()


def test_what_is_in_doubt_and_goes_to_several_is_settled_by_the_next_claim_which_counts_it(market, post):
    posting = post(refuses=False)
    market.send(ALL, "a")
    claim = only(market.hand.take())

    posting.attempt(claim, lambda: market.stop(WHO))
    assert len(posting.posts()) == 1
    assert market.redis.hget(KEYS.counts, "optout_race") is None

    again = only(market.hand.take())
    assert (again.body, again.in_doubt) == (claim.body, True)
    posting.attempt(again)
    assert shown(posting) == [1, 1, 1]
    assert market.redis.hget(KEYS.counts, "optout_race") == b"1"


@pytest.mark.parametrize("refuses", [True, False])
def test_a_post_is_repeated_at_once_while_nothing_happens(refuses, market, post):
    posting = post(refuses=refuses)
    market.send(WHO, "a")

    posting.attempt(only(market.hand.take()))

    assert market.state("a") == ("accepted", None)
    assert shown(posting) == [0, 1, 0]


@pytest.mark.parametrize("shared", [False, True])
def test_nobody_is_texted_whose_stop_comes_while_a_claim_waits_for_a_free_call(shared, market, post):
    posting = post(refuses=True)
    for each in ALL:
        market.send(each, f"m{each}", shared=shared)
    claims = market.hand.take()
    assert posting.gateway

    market.stop(WHO)
    for claim in claims:
        posting.attempt(claim, waited_s=FRESH_S)
    finish_all(posting)

    assert shown(posting) == [1, 0, 1]
    assert market.state(f"m{WHO}") == ("cancelled", "suppressed")
    assert market.hand.is_idle()


# An erasure


def erase(market: Marketing) -> None:
    person = Person(number(WHO), pseudonyms(market.redis).all_of(number(WHO)))
    Erasure(market.redis, RedisSettings(), person, "ben", None).run()


@pytest.mark.parametrize("purpose", ["wholesale", "alert"])
@pytest.mark.parametrize("how", ["alone", "to several", "shared"])
def test_nobody_is_texted_who_is_erased_before_a_repeat_and_the_others_get_it_once(
    how, purpose, market, post
):
    hand = market.hand if purpose == "wholesale" else HandWorker(market.redis)
    posting = post(hand, refuses=True)
    whom = [WHO] if how == "alone" else [*ALL]
    if how == "shared":
        for each in whom:
            market.send(each, f"m{each}", shared=True, purpose=purpose)
    else:
        market.send(whom[0] if how == "alone" else ALL, "a", purpose=purpose)

    posting.attempt(only(hand.take()), lambda: erase(market))
    finish_all(posting)

    assert shown(posting) == [int(each in whom and each != WHO) for each in ALL]
    assert hand.is_idle()


@pytest.mark.parametrize("which", [WHO, ALL])
def test_an_alert_in_doubt_is_repeated_although_somebody_is_erased(which, market, post):
    """The same bytes go out again: nobody could say otherwise what became of it."""
    hand = HandWorker(market.redis)
    posting = post(hand, refuses=False)
    market.send(which, "a", purpose="alert")
    posting.attempt(only(hand.take()), lambda: erase(market))
    assert shown(posting) == [1, 1, 1] if which == ALL else [0, 1, 0]
    assert hand.is_idle()


# What halts all sending, a campaign, or the hour


@pytest.mark.parametrize("refuses", [True, False])
@pytest.mark.parametrize("how", ["pause", "hold"])
def test_nothing_is_repeated_while_all_sending_waits_and_it_leaves_once_after_that(
    how, refuses, market, post
):
    posting, throttle = post(refuses=refuses), market.hand.throttle
    market.send(WHO, "a", purpose="alert")
    alerts = HandWorker(market.redis)
    posting.hand = alerts

    posting.attempt(
        only(alerts.take()),
        lambda: throttle.hold("101") if how == "hold" else throttle.pause("http_429", 60_000),
    )
    assert len(posting.posts()) == (0 if refuses else 1)
    assert alerts.take() == []

    throttle.release("operator")
    finish_all(posting)
    assert (market.state("a")[0], shown(posting)) == ("accepted", [0, 1, 0])


def test_no_slice_of_a_campaign_is_repeated_that_was_paused_and_it_leaves_once_when_it_goes_on(market, post):
    posting = post(refuses=True)
    to = [number(each) for each in ALL]
    market.sms.send_campaign("Sale STOP au 30101", to, campaign_id="c", sender="Bistro")

    posting.attempt(only(market.hand.take()), lambda: market.sms.pause_campaign("c"))
    finish_all(posting)
    assert posting.posts() == []

    market.sms.resume_campaign("c")
    finish_all(posting)
    assert shown(posting) == [1, 1, 1]


@pytest.mark.parametrize("refuses", [True, False])
def test_a_breaker_keeps_what_was_surely_not_taken_and_what_is_in_doubt_is_repeated_at_once(
    refuses, market, post
):
    posting = post(refuses=refuses)
    market.send(WHO, "a")
    breaker = json.dumps({"shut": {"sender": "Bistro"}})

    posting.attempt(only(market.hand.take()), lambda: market.redis.hset(KEYS.gates, "999", breaker))

    assert market.state("a")[0] == ("queued" if refuses else "accepted")
    assert posting.posts() == ([] if refuses else [[number(WHO)]] * 2)


@pytest.mark.parametrize("refuses", [True, False])
def test_no_marketing_is_repeated_after_its_hours_and_it_leaves_once_when_they_come(refuses, clock, post):
    hand = HandWorker(clock.redis, queue="marketing", hours=RulesSettings())
    posting, sms = post(hand, refuses=refuses), Producer(client=clock.redis, settings=NO_HOURS)
    clock.set("2027-03-30T19:49")
    sms.send(number(WHO), "Sale STOP au 30101", sender="Bistro", request_id="a")

    posting.attempt(only(hand.take()), lambda: clock.set("2027-03-30T20:00:01"))
    assert len(posting.posts()) == (0 if refuses else 1)
    assert hand.take() == []
    assert sms.status("a").held == "hours"

    clock.set("2027-03-31T08:02")
    finish_all(posting)
    assert shown(posting) == [0, 1, 0]


# Redis


@pytest.mark.parametrize("refuses", [True, False])
def test_without_an_answer_of_redis_nothing_is_repeated_nor_lost(refuses, own_redis_server, post):
    market = Marketing(redis.Redis(port=own_redis_server.port), own_redis_server.url)
    posting = post(market.hand, refuses=refuses)
    market.send(WHO, "a")
    before: list[int] = []

    def come_back() -> None:
        before.append(len(posting.posts()))
        own_redis_server.start()

    posting.attempt(only(market.hand.take()), own_redis_server.kill, come_back)
    assert before == [0 if refuses else 1]

    finish_all(posting)
    assert (market.state("a")[0], shown(posting)) == ("accepted", [0, 1, 0])
    market.sms.close()


def test_a_redis_that_hangs_at_the_question_keeps_nobody_for_longer_than_a_question_may(
    own_redis_server, post
):
    client = connect(own_redis_server.url)
    market = Marketing(client, own_redis_server.url)
    posting = post(market.hand, refuses=False)
    market.send(WHO, "a")
    at: list[float] = []

    def hang() -> None:
        own_redis_server.suspend()
        at.append(time.monotonic())

    def answer() -> None:
        at.append(time.monotonic())
        own_redis_server.resume()

    posting.attempt(only(market.hand.take()), hang, answer)
    assert at[1] - at[0] < REDIS_TIMEOUT_S
    assert len(posting.posts()) == 1

    finish_all(posting)
    assert (market.state("a")[0], shown(posting)) == ("accepted", [0, 1, 0])
    market.sms.close()


def test_nothing_is_repeated_under_a_claim_that_another_worker_has_taken_over(market, post):
    posting = post(refuses=True)
    market.send(WHO, "a")
    lost = only(market.hand.take())
    claims: list[Claim] = []

    def take_over() -> None:
        market.hand.lose(lost)
        claims.append(only(HandWorker(market.redis, queue="marketing").take()))

    posting.attempt(lost, take_over)

    assert posting.posts() == []
    assert market.state("a")[0] == "sending"
    posting.attempt(only(claims))
    assert shown(posting) == [0, 1, 0]


# Money


@pytest.mark.parametrize(
    ("refuses", "stops", "after"),
    [(True, True, (0, 0)), (False, True, (0, 0.05)), (True, False, (0, 0.05)), (False, False, (0, 0.05))],
)
def test_what_is_not_repeated_is_paid_for_once_and_only_if_it_may_have_left(
    refuses, stops, after, redis_client, redis_url, post
):
    market = Marketing(redis_client, redis_url, budget_day="1000")
    redis_client.hset(KEYS.prices, "sms_premium:33", "0.05")
    hand = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="0.05"))
    posting = post(hand, refuses=refuses)
    market.send(WHO, "a")

    def happens() -> None:
        if stops:
            market.stop(WHO)
        else:
            hand.throttle.pause("http_429", 60_000)

    posting.attempt(only(hand.take()), happens)
    hand.throttle.release("operator")
    finish_all(posting)

    assert used(redis_client) == after
    assert hand.is_idle()
    market.sms.close()


# The question itself


def shut(market: Marketing, what: str, claim: Claim) -> None:
    """Let something happen to a send."""
    record, client = KEYS.record(claim.entry.id), market.redis
    credit = {"code": "104", "since": 1, "floors": {"sms_premium:33": {"segments": 1, "least": 1, "at": 1}}}
    {
        "STOP": lambda: market.stop(0),
        "STOP, counted": lambda: (market.stop(0), client.hset(record, "raced", 1)),
        "erased": lambda: client.hset(record, mapping={"erase": number(0), "to": ""}),
        "one erased": lambda: client.hset(record, "erase", number(0)),
        "another era": lambda: client.hset(record, "era", "0"),
        "not composed": lambda: client.hdel(record, "composed"),
        "window": lambda: client.hset(record, "first", 1),
        "ttl": lambda: client.hset(record, "expires", 1),
        "body": lambda: client.delete(KEYS.body(claim.entry.id)),
        "hold": lambda: market.hand.throttle.hold("101"),
        "pause": lambda: market.hand.throttle.pause("http_429", 60_000),
        "credit": lambda: client.hset(KEYS.gates, "credit", json.dumps(credit)),
        "breaker": lambda: client.hset(KEYS.gates, "999", json.dumps({"shut": {"sender": "Bistro"}})),
        "another breaker": lambda: client.hset(KEYS.gates, "9", json.dumps({"shut": {"sender": "Else"}})),
        "another claim": lambda: client.hincrby(record, "token", 1),
        "a claim of the same token": lambda: client.hset(record, "running", "of another entry"),
        "recorded": lambda: client.hdel(record, "running"),
        "forgotten": lambda: client.delete(record),
        "nothing": lambda: None,
    }[what]()


def asked(market: Marketing, claim: Claim) -> list[bool]:
    """Ask whether a POST may be repeated: surely not taken, and in doubt. Nothing may change by that."""
    before = contents(market.redis)
    answers = [market.hand.recheck.may_post(claim, in_doubt=each) for each in (False, True)]
    assert contents(market.redis) == before
    return answers


NEVER, ONLY_IN_DOUBT, EVER = [False, False], [False, True], [True, True]


@pytest.mark.parametrize(
    ("what", "may"),
    [
        *(
            (what, NEVER)
            for what in ("STOP", "STOP, counted", "erased", "window", "ttl", "body", "hold", "pause")
        ),
        *((what, NEVER) for what in ("another claim", "a claim of the same token")),
        *((what, NEVER) for what in ("recorded", "forgotten")),
        *((what, ONLY_IN_DOUBT) for what in ("credit", "breaker", "one erased")),
        *((what, EVER) for what in ("another breaker", "nothing")),
    ],
)
def test_a_message_is_repeated_if_its_claim_stands_and_no_gate_keeps_it(what, may, market):
    market.send(0, "a")
    claim = only(market.hand.take())
    shut(market, what, claim)
    assert asked(market, claim) == may


@pytest.mark.parametrize(
    ("what", "may"),
    [
        ("STOP", NEVER),
        ("STOP, counted", ONLY_IN_DOUBT),
        ("another era", ONLY_IN_DOUBT),
        ("not composed", ONLY_IN_DOUBT),
        ("nothing", EVER),
    ],
)
def test_a_shared_call_is_repeated_if_nobody_is_to_be_left_out_and_it_is_composed_here(what, may, market):
    for each in ALL:
        market.send(each, f"m{each}", shared=True)
    claim = only(market.hand.take())
    assert len(numbers_of(claim)) == len(ALL)
    shut(market, what, claim)
    assert asked(market, claim) == may


@pytest.mark.parametrize("halt", ["pause_campaign", "cancel_campaign"])
def test_a_slice_is_repeated_while_its_campaign_goes_on_or_if_it_is_in_doubt(halt, market):
    market.sms.send_campaign("Sale STOP au 30101", [number(0)], campaign_id="c", sender="Bistro")
    claim = only(market.hand.take())
    assert asked(market, claim) == EVER
    getattr(market.sms, halt)("c")
    assert asked(market, claim) == ONLY_IN_DOUBT


def test_a_claim_lets_go_in_doubt_for_those_alone_who_had_written_stop_before_it(market):
    market.send(ALL, "a")
    market.hand.finish(only(market.hand.take()), Unknown("read_timeout"))
    market.stop(0)
    claim = only(market.hand.take())
    assert asked(market, claim) == EVER
    market.stop(1)
    assert asked(market, claim) == NEVER
    for _ in range(2):
        market.hand.finish(claim, Unknown("read_timeout"))
        claim = only(market.hand.take())
        assert asked(market, claim) == EVER
    assert market.redis.hget(KEYS.counts, "optout_race") == b"1"


def test_doubt_of_an_earlier_attempt_counts(market):
    market.send(0, "a")
    market.hand.finish(only(market.hand.take()), Unknown("read_timeout"))
    claim = only(market.hand.take())
    shut(market, "breaker", claim)
    assert asked(market, claim) == EVER


def test_marketing_whose_zone_nobody_has_met_is_not_repeated(clock):
    hand, sms = HandWorker(clock.redis, queue="marketing"), Producer(client=clock.redis, settings=NO_HOURS)
    clock.set("2027-03-30T10:00")
    sms.send(number(0), "Sale STOP au 30101", sender="Bistro", request_id="a")
    claim = only(hand.take())
    other = HandWorker(clock.redis, queue="marketing", hours=RulesSettings())
    assert not other.recheck.may_post(claim, in_doubt=True)


def test_nothing_is_repeated_in_a_namespace_that_was_given_to_another_account(market):
    market.send(0, "a")
    claim = only(market.hand.take())
    settings = WorkerSettings.from_env({"OCTOPUSH_API_LOGIN": "a@example.com", "OCTOPUSH_API_KEY": "k"})
    account = Account(settings, market.redis)
    assert account.bind()
    recheck = Recheck(market.redis, KEYS, None, account)
    assert recheck.may_post(claim, in_doubt=False)
    market.redis.set(KEYS.account, "another")
    assert not recheck.may_post(claim, in_doubt=True)
