"""`explain` names the gate that keeps a message, the weightiest reason first, and tells its life."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from producers import Message, Producer
from producers.contract.admission import ADMISSION
from producers.contract.jobs import RECORD_VERSION
from producers.contract.known_pseudonyms import KnownPseudonyms
from producers.contract.settings import RedisSettings
from producers.contract.steps import drive
from producers.rules.hours import Hours
from producers.rules.settings import RulesSettings
from producers.settings import ProducerSettings
from tests.support.hand_worker import KEYS, HandWorker
from tests.support.replies import Counting
from tests.support.spending import budgets
from tests.support.template_sends import send_codes
from worker.account.throttle import Throttle
from worker.callbacks.payloads import parse
from worker.callbacks.publisher import Publisher
from worker.gateway.outcomes import Accepted, Deferred, Duplicate, Refused, Unknown
from worker.inquiry import held_reasons, reasons
from worker.inquiry.explain import Explanation, explain
from worker.inquiry.send_facts import LOOKED_AT
from worker.operator.decisions import Decisions

HOURS = Hours(RulesSettings())
NUMBER = "+33612345678"


@pytest.fixture
def worker(redis_client) -> HandWorker:
    return HandWorker(redis_client)


@pytest.fixture
def throttle(redis_client) -> Throttle:
    return Throttle(redis_client, KEYS)


@pytest.fixture
def alive(redis_client) -> None:
    """Let a worker give signs of life."""
    seconds, _ = redis_client.time()
    redis_client.zadd(KEYS.workers, {"w": (seconds - 5) * 1000})


@pytest.fixture
def asked(redis_client):
    def ask(request_id: str = "a") -> Explanation:
        counting = Counting(redis_client)
        found = counting.drive(explain(KEYS, KnownPseudonyms(RedisSettings()), HOURS, request_id))
        assert counting.trips <= 7
        return found

    return ask


@pytest.fixture
def one(sms) -> str:
    return send(sms)


def send(sms: Producer, request_id: str = "a", **options: object) -> str:
    given = {"sender": "Bistro", "purpose": "alert", "request_id": request_id, **options}
    return sms.send(NUMBER, given.pop("text", "Hello"), **given).request_id


def words(found: Explanation) -> list[str]:
    return [reason.word for reason in found.reasons]


def test_an_id_that_nobody_knows_is_forgotten(redis_client, asked):
    assert (asked().verdict, asked().state, asked().timeline) == ("forgotten", None, ())


@pytest.mark.parametrize(
    ("outcome", "state", "says"),
    [
        (Accepted("sms_1"), "accepted", "ticket sms_1"),
        (Refused("121"), "rejected", "code 121, premium: STOP mention missing"),
    ],
)
def test_an_end_is_the_verdict(worker, one, asked, throttle, outcome, state, says):
    [claim] = worker.take()
    worker.finish(claim, outcome)
    throttle.hold("101")
    found = asked()
    assert (found.verdict, found.state, words(found)) == ("ended", state, ["ended"])
    assert says in found.sentence
    assert [moment.what for moment in found.timeline] == ["queued", "first_attempt", "ended"]


def test_what_a_person_can_do_about_an_end_is_said(worker, one, asked, redis_client):
    [claim] = worker.take()
    worker.finish(claim, Refused("121"))
    assert "octopush-worker replay a" in asked().sentence
    redis_client.hset(KEYS.record("a"), "state", "unknown")
    assert "octopush-worker resolve a --as-accepted or --send-again" in asked().sentence


@pytest.mark.parametrize("code", ["120", "182"])
def test_of_a_duplicate_it_is_said_first_that_it_was_sent(worker, one, asked, code):
    """So ends what had left, was forgotten by Redis and is repeated: sent again, it would come twice."""
    [claim] = worker.take()
    worker.finish(claim, Duplicate(code))
    found = asked()
    assert found.state == "unknown"
    assert (
        "it was probably sent. To close it: octopush-worker resolve a --as-accepted. Only if"
        in found.sentence
    )
    assert found.reasons[0].cause.endswith("so it was probably sent.")


def test_a_hold_comes_before_everything_but_an_attempt(asked, one, sms, throttle, worker, alive):
    throttle.hold("101")
    found = asked()
    assert words(found) == ["hold", "next"]
    assert re.search(
        r"held since 20\S+ \S+\+0[12]:00: code 101, wrong login details\. It ends by itself", found.sentence
    )
    throttle.hold("126")
    assert "Only an operator ends it. To end it now: octopush-worker release." in asked().sentence
    throttle.pause("http_429", 60_000)
    assert words(asked()) == ["hold", "pause", "next"]
    throttle.release("probe")
    throttle.release("anna")
    [claim] = worker.take()
    throttle.hold("101")
    found = asked()
    assert words(found) == ["attempt"]
    assert found.sentence.startswith("An attempt runs since 20")
    worker.lose(claim)
    assert asked().details["worker_lost"]
    assert "is in doubt" in asked().sentence


def test_a_pause_says_until_when(asked, one, throttle, alive):
    throttle.pause("http_429", 60_000)
    found = asked()
    assert found.verdict == "pause"
    assert found.details["until"] - datetime.now(UTC) < timedelta(seconds=61)


def test_a_campaign_that_is_paused_or_cancelled(sms, asked, worker, alive, redis_client):
    sms.send_campaign("Hi STOP", [NUMBER], campaign_id="spring", sender="Bistro", purpose="alert")
    sms.pause_campaign("spring")
    assert words(asked("spring.0")) == ["campaign", "next"]
    assert "octopush-worker campaign resume spring" in asked("spring.0").sentence
    worker.take()
    assert words(asked("spring.0")) == ["campaign"]
    # A resume that was cut short has lifted the pause and given nothing back.
    redis_client.hdel(KEYS.campaign("spring"), "paused")
    assert "not to the end" in asked("spring.0").sentence
    redis_client.hset(KEYS.campaign("spring"), "stopped", 1)
    assert "was cancelled" in asked("spring.0").sentence


def test_a_campaign_keeps_nothing_that_is_in_doubt(sms, asked, worker, alive):
    sms.send_campaign("Hi STOP", [NUMBER], campaign_id="spring", sender="Bistro", purpose="alert")
    [claim] = worker.take()
    worker.finish(claim, Unknown("timeout_error"))
    sms.pause_campaign("spring")
    assert "campaign" not in words(asked("spring.0"))


def test_a_date_that_has_not_come(sms, asked, alive):
    when = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2)
    send(sms, send_at=when)
    found = asked()
    assert (words(found), found.details["at"]) == (["due"], when)
    assert [moment.what for moment in found.timeline] == ["queued", "due"]


@pytest.mark.parametrize(("outcome", "in_doubt"), [(Deferred("http_500"), False), (Unknown("timeout"), True)])
def test_a_message_that_is_tried_again(asked, one, worker, redis_client, outcome, in_doubt, alive):
    [claim] = worker.take()
    worker.finish(claim, outcome)
    redis_client.zincrby(KEYS.queue("alert").delayed, 30_000, "a")
    found = asked()
    assert words(found) == ["retry"]
    assert (found.details["attempts"], found.details["in_doubt"]) == (1, in_doubt)
    assert f"after 1 counted POST, the last of which came to code {outcome.code}" in found.sentence
    assert ("the gateway may have it" in found.sentence) == in_doubt


def test_a_time_to_live_that_is_over(asked, sms, redis_client, alive):
    send(sms, ttl=timedelta(hours=1))
    redis_client.hincrby(KEYS.record("a"), "expires", -3_601_000)
    assert words(asked()) == ["lifetime", "next"]


@pytest.mark.parametrize(
    ("gate", "facts", "word", "says"),
    [
        ("credit", {"code": "104", "since": 1, "balance": 25}, "credit", "costs about 30.00, 25.00 left"),
        (
            "777",
            {"code": "777", "since": 1, "shut": {"sender": "Bistro"}},
            "breaker",
            "release --breaker 777",
        ),
    ],
)
def test_what_waits_aside(asked, one, worker, redis_client, alive, gate, facts, word, says):
    [claim] = worker.take()
    worker.finish(claim, Deferred("http_500"))
    redis_client.hset(KEYS.gates, gate, json.dumps(facts))
    redis_client.hset(KEYS.record("a"), mapping={"aside": gate, "price": "30.0"})
    redis_client.zincrby(KEYS.queue("alert").delayed, 600_000, "a")
    assert words(asked()) == [word]
    assert says in asked().sentence


def test_what_a_budget_keeps_is_told_once_by_one_clock_with_its_price(asked, redis_url, redis_client, alive):
    """The clock is that of the recipient. Midnight of Paris was told beside it, as a reason of its own."""
    counting = Producer(redis_url, settings=ProducerSettings(budget_day="1000"))
    redis_client.hset(KEYS.prices, "sms_premium:689", "30")
    counting.send("+68987123456", "Hello STOP au 30101", sender="Bistro", request_id="a")
    assert HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="10")).take() == []

    found = asked()
    assert words(found) == ["budget"]
    assert " in PF, the budget is used up: it costs about 30.00. " in found.sentence
    assert found.sentence.endswith("It leaves sooner if there is more: octopush-worker budget set.")
    assert found.reasons[0].cause.endswith(" about 30.00.")
    assert found.details["price"] == 30


def test_nobody_there_to_send_comes_before_the_place_in_the_queue(asked, one, redis_client):
    assert words(asked()) == ["no_worker", "next"]
    assert "No worker is alive: nothing leaves" in asked().sentence
    seconds, _ = redis_client.time()
    redis_client.zadd(KEYS.workers, {"w": (seconds - 75) * 1000})
    assert re.search(r"No worker was seen for 7[5-9] s", asked().sentence)
    redis_client.zadd(KEYS.workers, {"w": seconds * 1000})
    assert words(asked()) == ["next"]


def test_the_place_in_the_queue_is_found_from_both_ends(asked, sms, alive, redis_client):
    ready = KEYS.queue("alert").ready
    redis_client.rpush(ready, *(f"x{n}" for n in range(LOOKED_AT + 5)))
    send(sms)
    assert (words(asked()), asked().details["ahead"]) == (["behind"], LOOKED_AT + 5)
    redis_client.delete(ready)
    redis_client.rpush(
        ready, *(f"x{n}" for n in range(LOOKED_AT + 5)), "a", *(f"y{n}" for n in range(LOOKED_AT + 5))
    )
    assert asked().sentence.endswith(f"more than {LOOKED_AT} are before it.")


def test_the_rate_says_when_the_next_may_leave(asked, one, throttle, redis_client, alive):
    throttle.set_limits("anna", rate=1)
    seconds, micro = redis_client.time()
    debts = {"all": 61_000, "alert": 61_000, "at": seconds * 1000 + micro // 1000}
    redis_client.hset(KEYS.rate, mapping=debts)
    found = asked()
    assert words(found) == ["rate", "next"]
    assert timedelta(seconds=50) < found.details["at"] - datetime.now(UTC) < timedelta(seconds=61)
    throttle.set_limits("anna", rate=0)
    assert words(asked()) == ["next"]


def test_calls_in_flight_are_shared_out_as_the_gate_does(asked, one, throttle, redis_client, alive):
    throttle.set_limits("anna", in_flight=2)
    redis_client.zadd(KEYS.queue("alert").leases, {"x:p": 1})
    assert words(asked()) == ["next"]
    redis_client.zadd(KEYS.queue("alert").leases, {"x:q": 1})
    assert words(asked()) == ["in_flight", "next"]
    assert "2, since so the limit says" in asked().sentence
    redis_client.hset(KEYS.strain, "limit", "1.5")
    assert "1, since the gateway shows strain" in asked().sentence
    redis_client.sadd(KEYS.queue("alert").ending, "x:p", "x:q")
    assert words(asked()) == ["next"]


def test_the_gate_itself_agrees_with_what_is_said_of_calls_in_flight(
    sms, throttle, redis_client, asked, alive
):
    """What `explain` computes from plain reads is what the Lua gate decides, for both queues."""
    for limit in (1, 2, 5, 10):
        for busy in range(limit + 1):
            redis_client.flushall()
            throttle.set_limits("anna", in_flight=limit)
            redis_client.zadd(KEYS.workers, {"w": redis_client.time()[0] * 1000})
            send(sms, "m", text="Hello STOP au 30101", purpose="wholesale")
            send(sms)
            for name in ("alert", "marketing"):
                leases = {f"p.{n}:{n}": 4_102_444_800_000 for n in range(busy)} if name == "alert" else {}
                if leases:
                    redis_client.zadd(KEYS.queue(name).leases, leases)
            said = {
                name: "in_flight" in words(asked(request_id))
                for name, request_id in (("alert", "a"), ("marketing", "m"))
            }
            marketing = HandWorker(redis_client, queue="marketing").fetch()
            assert said["marketing"] == (marketing is None), (limit, busy)
            if marketing is None:
                alert = HandWorker(redis_client).fetch()
                assert said["alert"] == (alert is None), (limit, busy)


def test_messages_that_gather_and_the_call_that_they_leave_with(sms, asked, worker, alive):
    ids = send_codes(sms, range(5))
    assert words(asked(ids[3])) == ["gathering", "next"]
    assert asked(ids[3]).details["ahead"] == 3
    [claim] = worker.take()
    found = asked(ids[3])
    assert words(found) == ["attempt"]
    assert claim.entry.id in found.sentence
    worker.finish(claim, Deferred("http_500"))
    found = asked(ids[3])
    assert "shared" in words(found)
    assert found.reasons[-1].details["members"] == 5 or "5 messages in one POST" in found.sentence


def test_what_a_worker_has_fetched_and_not_begun(asked, one, worker, alive):
    worker.fetch()
    assert words(asked()) == ["fetched"]


def test_what_newer_producers_wrote_and_what_is_dead(asked, one, redis_client, alive):
    redis_client.hset(KEYS.record("a"), "v", RECORD_VERSION + 1)
    assert words(asked())[0] == "newer"
    redis_client.hset(KEYS.record("a"), "v", RECORD_VERSION)
    redis_client.delete(KEYS.queue("alert").ready)
    redis_client.zadd(KEYS.queue("alert").dead, {"a": 1})
    assert words(asked())[0] == "dead"


def test_each_gate_that_can_keep_a_message_has_a_reason():
    """The reasons have the names of gates; what is left out never keeps a message of its own."""
    source = "".join(Path(each.__file__).read_text("utf-8") for each in (reasons, held_reasons))
    said = set(re.findall(r'Reason\(\s*"(\w+)"', source)) | {"credit"}
    # A shared call is composed in the step that claims it; what opt-outs end is over.
    assert set(ADMISSION) - said == {"ended", "suppressed", "composed"}


def test_the_timeline_tells_receipts_and_the_replies_of_this_message_only(sms, asked, worker, redis_client):
    send(sms, with_replies=True)
    [claim] = worker.take()
    worker.finish(claim, Accepted("sms_1"))
    publisher, now = Publisher(redis_client, RedisSettings()), datetime.now(UTC)
    for text, request_id in (("Oui", "a"), ("Non", "other")):
        publisher.publish([answer(text, request_id, now)])
    stamp = now.strftime("%Y-%m-%d %H:%M:%S")
    receipt = {"message_id": "sms_1", "number": NUMBER, "status": "DELIVERED", "delivery_date": stamp}
    publisher.publish([bound(parse(receipt, "", now, "c1"), "a")])
    told = {moment.what: moment.details for moment in asked().timeline}
    assert set(told) == {"queued", "first_attempt", "ended", "receipt", "reply"}
    assert (told["reply"]["text"], told["receipt"]["status"]) == ("Oui", "DELIVERED")
    times = [moment.at for moment in asked().timeline]
    assert times == sorted(times)


def test_the_timeline_tells_of_the_rounds_before_a_person_sent_it_again(sms, asked, worker, redis_client):
    send(sms, ttl=timedelta(hours=1))
    [claim] = worker.take()
    worker.finish(claim, Refused("121"))
    drive(Decisions(RedisSettings(), "anna").replay("a"), redis_client)
    [claim] = worker.take()
    life = asked().timeline
    before = ["queued", "first_attempt", "ended", "sent_again", "first_attempt"]
    assert [moment.what for moment in life] == [*before, "expires"]
    assert life[2].details == {"state": "rejected", "code": "121"}
    assert life[3].details == {"after": "rejected"}
    worker.finish(claim, Accepted("sms_1"))
    assert [moment.what for moment in asked().timeline] == [*before, "ended"]


def test_a_receipt_dated_to_the_second_follows_what_it_reports_on(sms, asked, worker, redis_client):
    """The gateway cuts fractions off: its date alone would put the receipt before the message was queued."""
    send(sms)
    [claim] = worker.take()
    worker.finish(claim, Accepted("sms_1"))
    ended = next(moment.at for moment in asked().timeline if moment.what == "ended")
    stamp = ended.astimezone(ZoneInfo("Europe/Paris")).strftime("%Y-%m-%d %H:%M:%S")
    receipt = {"message_id": "sms_1", "number": NUMBER, "status": "DELIVERED", "delivery_date": stamp}
    Publisher(redis_client, RedisSettings()).publish([bound(parse(receipt, "", ended, "c1"), "a")])
    assert [moment.what for moment in asked().timeline][-1] == "receipt"


def answer(text: str, request_id: str, now: datetime):
    event = {"number": NUMBER, "text": text, "reception_date": now.strftime("%Y-%m-%d %H:%M:%S")}
    return bound(parse(event, "", now, "c1"), request_id)


def bound(event, request_id: str):
    return msgspec.structs.replace(event, request_id=request_id)


def test_many_recipients_cost_no_more(sms, asked, redis_client, alive):
    [sent] = sms.send_many(
        [
            Message(
                [f"+336{n:08d}" for n in range(12_000_000, 12_000_500)],
                "Hi",
                sender="Bistro",
                purpose="alert",
                request_id="a",
            )
        ]
    )
    redis_client.hset(
        KEYS.deliveries("a"),
        mapping={
            f"+336{n:08d}": "1|2030-01-31T14:05:09+00:00|DELIVERED" for n in range(12_000_000, 12_000_500)
        },
    )
    assert sent.created
    assert len(asked().timeline) <= 101
    assert drive(explain(KEYS, KnownPseudonyms(RedisSettings()), HOURS, "a"), redis_client).state == "queued"
