"""What receipts tell: states that never go back, numbers of campaigns, of whom nothing was heard."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import permutations, product

import msgspec
import pytest
import redis
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from producers import Producer
from producers.contract.heartbeats import Rules
from producers.contract.receipts import AWAITED_MS, HOUR_MS, STATES, missing
from producers.contract.settings import RedisSettings
from producers.contract.steps import drive
from producers.queueing.message_status import read_delivery
from tests.support.hand_worker import HandWorker
from tests.support.keys import AllKeys
from tests.support.scraping import scrape
from tests.support.sends import correlate_one
from tests.support.template_sends import number, only, send_codes
from worker.callbacks.payloads import parse
from worker.callbacks.publisher import Publisher
from worker.callbacks.ranks import RANKS
from worker.gateway.outcomes import Accepted, Duplicate, Refused, Unknown
from worker.operator.decisions import Decisions
from worker.process.heartbeat import Heartbeat

KEYS = AllKeys()
SETTINGS = RedisSettings()
DECISIONS = Decisions(SETTINGS, "tester")
AT = datetime(2030, 1, 31, tzinfo=UTC)
ORDER = ["sent", "undelivered", "delivered"]
TEXT = "Hello STOP au 30101"


def receipt(request_id: str, status: str, to: str = number(0), minute: int = 5):
    event = {
        "message_id": "sms_1",
        "number": to,
        "status": status,
        "delivery_date": f"2030-01-31 14:{minute:02}:09",
    }
    return msgspec.structs.replace(parse(event, "", AT, "c1"), request_id=request_id)


def publish(client: redis.Redis, *events) -> None:
    for event in events:
        Publisher(client, SETTINGS).publish([event])


def send(sms: Producer, request_id: str, recipients: int = 1, **options: object) -> str:
    numbers = [number(each) for each in range(recipients)]
    sms.send(numbers, "Hi", sender="Bistro", purpose="alert", request_id=request_id, **options)
    return request_id


def accept(hand: HandWorker, **facts: object) -> None:
    for claim in hand.take():
        hand.finish(claim, Accepted(f"t-{claim.entry.id}", **facts))


def awaited(client: redis.Redis) -> int:
    return sum(map(int, client.hgetall(KEYS.receipts_awaited).values()))


def states_on_stream(client: redis.Redis) -> list[str]:
    return [fields[b"state"].decode() for _, fields in client.xrange(KEYS.stream("receipts"))]


def let_hours_pass(client: redis.Redis, hours: int, *request_ids: str, campaign: str = "") -> None:
    """Let the acceptance of all messages lie further back, in records and counts."""
    for each in request_ids:
        client.hincrby(KEYS.record(each), "ended", -hours * HOUR_MS)
    for key, prefix in ((KEYS.receipts_awaited, ""), (KEYS.campaign(campaign), "awaited:")):
        for field, count in client.hgetall(key).items():
            if field.decode().removeprefix(prefix).isdigit():
                client.hdel(key, field)
                hour = int(field.decode().removeprefix(prefix)) - hours
                client.hset(key, f"{prefix}{hour}", count)


FINAL_ONES = ["DELIVERED", "NOT_DELIVERED", "READ", "UNDEFINED", "ACK"]


def test_every_order_of_contradicting_receipts_ends_delivered_and_never_goes_back(redis_client):
    """Each receipt is later than the one before, by its date."""
    for which, order in enumerate(permutations(FINAL_ONES)):
        seen = []
        for minute, status in enumerate(order):
            publish(redis_client, receipt("a", status, number(which), minute))
            found = redis_client.hget(KEYS.deliveries("a"), number(which)).decode()
            seen.append(ORDER.index(read_delivery(found).state))

        assert seen == sorted(seen), order
        assert ORDER[seen[-1]] == "delivered", order


@pytest.mark.parametrize("dates", list(product([1, 2], repeat=2)))
@pytest.mark.parametrize("order", [("DELIVERED", "NOT_DELIVERED"), ("NOT_DELIVERED", "DELIVERED")])
def test_what_was_delivered_stays_so_whatever_another_final_receipt_says_and_when(redis_client, order, dates):
    for status, minute in zip(order, dates, strict=True):
        publish(redis_client, receipt("a", status, minute=minute))

    found = read_delivery(redis_client.hget(KEYS.deliveries("a"), number(0)).decode())
    assert (found.status, found.state, found.final) == ("DELIVERED", "delivered", True)


TOLD = st.lists(
    st.tuples(st.sampled_from([*RANKS, "TELEPORTED"]), st.integers(0, 2), st.integers(0, 2)),
    min_size=1,
    max_size=10,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), told=TOLD)
def test_any_order_and_repetition_of_receipts_leads_to_the_same_states_and_counts(
    sms, redis_client, data, told
):
    """The state of a recipient is the furthest that any receipt says; the campaign counts each once."""
    ends = set()
    for order in (told, data.draw(st.permutations(told)), [*reversed(told), *told]):
        redis_client.flushall()
        sms.send_campaign(TEXT, [number(each) for each in range(3)], sender="Bistro", campaign_id="spring")
        furthest: dict[int, int] = {}
        for status, which, minute in order:
            event = receipt("spring.0", status, number(which), minute)
            publish(redis_client, event)
            furthest[which] = max(furthest.get(which, 0), ORDER.index(STATES[RANKS.get(status, 0)]))

            found = sms.status("spring.0").deliveries
            assert {to: each.state for to, each in found.items()} == {
                number(which): ORDER[state] for which, state in furthest.items()
            }
            counted = Counter(ORDER[state] for state in furthest.values())
            campaign = sms.campaign_status("spring")
            assert {name: getattr(campaign, name) for name in ORDER} == {
                name: counted[name] for name in ORDER
            }
        ends.add(
            tuple(
                sorted((to, each) for to, each in redis_client.hgetall(KEYS.deliveries("spring.0")).items())
            )
        )
        shown: dict[str, list[str]] = {}
        for _, fields in redis_client.xrange(KEYS.stream("receipts")):
            shown.setdefault(fields[b"number"].decode(), []).append(fields[b"state"].decode())
        for states in shown.values():
            assert states == sorted(states, key=ORDER.index)
    assert len(ends) == 1


def test_an_entry_says_where_the_recipient_stands_and_not_only_what_came(redis_client):
    publish(
        redis_client,
        receipt("a", "ACK"),
        receipt("a", "DELIVERED", minute=6),
        receipt("a", "NOT_DELIVERED", minute=7),
        receipt("a", "ACK", minute=8),
    )
    publish(redis_client, msgspec.structs.replace(receipt("", "NOT_DELIVERED", minute=9), request_id=None))

    assert states_on_stream(redis_client) == ["sent", "delivered", "delivered", "delivered", "undelivered"]


def test_a_send_has_no_more_deliveries_than_recipients(sms, hand, redis_client):
    """Somebody who has the callback token may name any number: no counter follows."""
    sms.send_campaign(TEXT, [number(0), number(1)], sender="Bistro", campaign_id="spring")
    for claim in HandWorker(redis_client, queue="marketing").take():
        hand.finish(claim, Accepted("t"))
    for each in range(5):
        publish(redis_client, receipt("spring.0", "DELIVERED", number(each)))

    assert sorted(sms.status("spring.0").deliveries) == [number(0), number(1)]
    assert sms.campaign_status("spring").delivered == 2
    assert awaited(redis_client) == 0
    assert len(states_on_stream(redis_client)) == 5


def test_a_campaign_that_redis_has_forgotten_is_not_counted_anew(sms, redis_client):
    sms.send_campaign(TEXT, [number(0)], sender="Bistro", campaign_id="spring")
    redis_client.delete(KEYS.campaign("spring"))

    publish(redis_client, receipt("spring.0", "DELIVERED"))

    assert not redis_client.exists(KEYS.campaign("spring"))
    assert sms.status("spring.0").deliveries[number(0)].state == "delivered"


@pytest.mark.parametrize("hours", [47, 48])
def test_no_receipt_after_two_days_is_a_state_of_a_message(sms, hand, redis_client, hours):
    send(sms, "a", 3)
    accept(hand)
    publish(redis_client, receipt("a", "ACK"))
    assert sms.status("a").receipts_missing == 0

    let_hours_pass(redis_client, hours, "a")

    assert sms.status("a").receipts_missing == (2 if hours == 48 else 0)
    publish(redis_client, receipt("a", "DELIVERED", number(1)), receipt("a", "NOT_DELIVERED", number(2)))
    assert sms.status("a").receipts_missing == 0


@pytest.mark.parametrize("options", [{"type": "sms_low_cost"}, {"simulation_mode": True}])
def test_where_the_gateway_does_not_report_nothing_is_missing(sms, hand, redis_client, options):
    send(sms, "a", 2, **options)
    accept(hand)
    let_hours_pass(redis_client, 100, "a")

    assert sms.status("a").receipts_missing == 0
    assert not redis_client.exists(KEYS.receipts_awaited)
    publish(redis_client, receipt("a", "DELIVERED"))
    assert not redis_client.exists(KEYS.receipts_awaited)


def test_what_the_gateway_left_out_is_not_missing(sms, hand, redis_client):
    send(sms, "a", 3, auto_remove_blacklisted_numbers=True)
    accept(hand, contacts=2)
    send(sms, "b", 5)
    accept(hand)
    let_hours_pass(redis_client, 49, "a", "b")

    assert (sms.status("a").receipts_missing, awaited(redis_client)) == (2, 7)
    publish(redis_client, *(receipt("a", "DELIVERED", number(each)) for each in range(3)))
    assert (sms.status("a").receipts_missing, awaited(redis_client)) == (0, 5)


def test_what_the_gateway_is_to_send_later_is_awaited_from_then_on(sms, hand, redis_client):
    later = datetime.now(UTC) + timedelta(days=5)
    send(sms, "a", schedule="gateway", send_at=later)
    accept(hand)
    let_hours_pass(redis_client, 49, "a")

    assert sms.status("a").receipts_missing == 0
    redis_client.hset(KEYS.record("a"), "receipts", 1)
    assert sms.status("a").receipts_missing == 1


def test_the_hour_of_what_the_gateway_is_to_send_later_is_that_of_its_date(sms, hand, redis_client):
    later = datetime.now(UTC) + timedelta(days=5)
    send(sms, "a", schedule="gateway", send_at=later)
    accept(hand)
    [hour] = redis_client.hkeys(KEYS.receipts_awaited)
    assert int(hour) == int(later.timestamp()) * 1000 // HOUR_MS

    publish(redis_client, receipt("a", "DELIVERED"))
    assert not redis_client.exists(KEYS.receipts_awaited)


def test_missing_receipts_are_counted_per_campaign(sms, redis_client):
    hand = HandWorker(redis_client, queue="marketing")
    sms.send_campaign(TEXT, [number(each) for each in range(3)], sender="Bistro", campaign_id="spring")
    accept(hand)
    publish(redis_client, receipt("spring.0", "DELIVERED"))
    assert sms.campaign_status("spring").receipts_missing == 0

    let_hours_pass(redis_client, 49, "spring.0", campaign="spring")

    assert (sms.campaign_status("spring").receipts_missing, sms.campaign_status("spring").delivered) == (2, 1)
    publish(redis_client, *(receipt("spring.0", "DELIVERED", number(each)) for each in (1, 2)))
    assert (sms.campaign_status("spring").receipts_missing, sms.campaign_status("spring").delivered) == (0, 3)
    assert not [
        field for field in redis_client.hkeys(KEYS.campaign("spring")) if field.startswith(b"awaited")
    ]


def test_members_of_a_shared_call_are_awaited_one_by_one(sms, hand, redis_client):
    send_codes(sms, range(30))
    hand.finish(only(hand.take()), Accepted("sms_t"))
    assert awaited(redis_client) == 30

    publish(redis_client, *(receipt(f"m{each}", "ACK", number(each)) for each in range(10)))

    assert awaited(redis_client) == 20


def test_hours_whose_records_are_gone_are_dropped_and_a_late_receipt_counts_nothing(sms, hand, redis_client):
    gone = dict.fromkeys(range(10, 10 + SETTINGS.retention_ms // HOUR_MS + 3), 1)
    send(sms, "a")
    accept(hand)
    redis_client.delete(KEYS.receipts_awaited)
    publish(redis_client, receipt("a", "DELIVERED"))
    assert not redis_client.exists(KEYS.receipts_awaited)

    redis_client.hset(KEYS.receipts_awaited, mapping=gone)
    send(sms, "b")
    accept(hand)

    assert awaited(redis_client) == redis_client.hlen(KEYS.receipts_awaited) == 1


@pytest.mark.parametrize(
    ("age_h", "counts"), [(47, False), (48, False), (50, True), (719, True), (721, False)]
)
def test_the_gauge_counts_what_is_older_than_two_days_and_not_forgotten(age_h, counts):
    now_ms = 1_000_000 * HOUR_MS
    hours = {str(1_000_000 - age_h).encode(): b"3"}

    assert missing(hours, now_ms, 720 * HOUR_MS) == (3 if counts else 0)
    assert missing(hours, now_ms) == (3 if counts or age_h > 720 else 0)
    assert AWAITED_MS == 48 * HOUR_MS


def test_the_metrics_say_how_many_receipts_are_missing_and_how_many_workers_live(
    sms, hand, redis_url, redis_client
):
    send(sms, "a", 3)
    accept(hand)
    Heartbeat(redis_client, KEYS, Rules("1", "2026a", "ab")).beat()
    redis_client.zadd(KEYS.workers, {"silent": 1})
    before = scrape(redis_url)
    let_hours_pass(redis_client, 50, "a")
    publish(redis_client, receipt("a", "ACK"))
    after = scrape(redis_url)

    assert "octopush_receipts_missing 0.0\n" in before
    assert "octopush_receipts_missing 2.0\n" in after
    assert "octopush_workers 1.0\n" in after


#: What may happen to one of four messages: `a0` to one recipient, `a1` to three, `m10` and `m11` in one call.
STEPS = st.one_of(
    st.tuples(st.just("end"), st.sampled_from(["accepted", "few", "unknown", "refused", "lost", "used"])),
    st.tuples(st.just("receipt"), st.integers(0, 5)),
    st.tuples(st.sampled_from(["replay", "as-accepted", "send-again", "callback"]), st.integers(0, 3)),
)
IDS = ["a0", "a1", "m10", "m11"]
#: The recipient of each receipt: which message, and which number.
RECIPIENTS = [("a0", 50), ("a1", 0), ("a1", 1), ("a1", 2), ("m10", 10), ("m11", 11)]
OUTCOMES = {
    "accepted": Accepted("sms_t"),
    "few": Accepted("sms_few", contacts=1),
    "unknown": Duplicate("120"),
    "refused": Refused("106"),
    "lost": Unknown("read_timeout"),
    "used": Accepted(None),
}


def expected(client: redis.Redis) -> int:
    """Count, record by record, of whom nothing was heard although the message was accepted."""
    total = 0
    for each in IDS:
        record = {name.decode(): value.decode() for name, value in client.hgetall(KEYS.record(each)).items()}
        if record.get("state") == "accepted":
            recipients = int(record.get("recipients", 1))
            reported = min(recipients, int(record.get("contacts", recipients)))
            total += max(0, reported - client.hlen(KEYS.deliveries(each)))
    return total


ALL = [("end", "accepted")] * 3


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=4, max_size=20))
@example(steps=[("receipt", 0), ("receipt", 4), *ALL, ("receipt", 0), ("receipt", 1)])
@example(steps=[*ALL[:2], ("end", "few"), ("receipt", 1), ("receipt", 2), ("receipt", 3)])
@example(steps=[("end", "used"), ("callback", 1), *ALL[:2], ("receipt", 4)])
@example(
    steps=[*[("end", "unknown")] * 3, ("as-accepted", 0), ("send-again", 1), ("callback", 2), ("end", "few")]
)
@example(steps=[*[("end", "refused")] * 3, ("receipt", 1), ("replay", 1), ("replay", 0), *ALL])
def test_the_number_of_awaited_receipts_never_drifts(sms, redis_client, steps):
    """Receipts before the acceptance, adopted tickets, replays and decisions in any order."""
    redis_client.flushall()
    hand = HandWorker(redis_client)
    sms.send(number(50), "Hi", sender="Bistro", purpose="alert", request_id="a0")
    send(sms, "a1", 3)
    send_codes(sms, range(10, 12))
    running = hand.take()
    for what, which in steps:
        if what == "end":
            running += hand.take()
            if running:
                hand.finish(running.pop(0), OUTCOMES[which])
        elif what == "receipt":
            request_id, to = RECIPIENTS[which]
            publish(redis_client, receipt(request_id, "DELIVERED", number(to)))
        elif what == "callback":
            correlate_one(
                hand.ledger, f"sms_c{which}", number((50, 0, 10, 11)[which]), 2**42, only_when_idle=False
            )
        elif what == "replay":
            drive(DECISIONS.replay(IDS[which]), redis_client)
        else:
            drive(DECISIONS.resolve(IDS[which], what), redis_client)

        assert awaited(redis_client) == expected(redis_client)
        assert all(int(count) > 0 for count in redis_client.hvals(KEYS.receipts_awaited))


def test_a_message_under_an_id_of_before_begins_without_receipts(sms, hand, redis_client):
    """The receipt of the first came days after its end, and must not outlive its record."""
    send(sms, "a")
    accept(hand)
    redis_client.pexpire(KEYS.record("a"), 5_000)
    publish(redis_client, receipt("a", "DELIVERED"))
    assert 0 < redis_client.pttl(KEYS.deliveries("a")) <= redis_client.pttl(KEYS.record("a")) + 5

    redis_client.delete(KEYS.record("a"))
    publish(redis_client, receipt("a", "READ"))
    assert 0 < redis_client.pttl(KEYS.deliveries("a")) <= HOUR_MS
