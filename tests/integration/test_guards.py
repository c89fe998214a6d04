"""What is too much: alerts to one number, to many numbers of a block, the same text twice."""

import dataclasses

import pytest

from producers import Message, Producer, Recipient
from producers.settings import ProducerSettings
from tests.support.hand_worker import KEYS, HandWorker
from tests.support.spending import told
from worker.gateway.outcomes import Refused
from worker.operator.money_decisions import lift_block

OFF = ProducerSettings(number_alerts_per_hour=0, number_alerts_per_day=0, prefix_per_hour=0)


@pytest.fixture
def with_rules(redis_url, redis_client):
    """Make a producer with some of the rules."""
    return lambda **rules: Producer(redis_url, settings=dataclasses.replace(OFF, **rules))


def alert(sms, number="+33612345678", **options):
    return sms.send(number, options.pop("text", "Code 1234"), sender="Bistro", purpose="alert", **options)


def number(block: int, each: int) -> str:
    return f"+336{block:04d}{each:04d}"


def test_a_number_gets_so_many_alerts_in_an_hour_and_others_get_theirs(with_rules, redis_client):
    sms = with_rules(number_alerts_per_hour=3)

    sent = [alert(sms) for _ in range(5)]
    assert [(each.state, each.code) for each in sent] == [("queued", None)] * 3 + [
        ("cancelled", "number_cap")
    ] * 2
    assert alert(sms, "+33612345679").state == "queued"
    status = sms.status(sent[4].request_id)
    assert (status.state, status.code) == ("cancelled", "number_cap")
    assert redis_client.xlen(KEYS.stream("statuses")) == 2


def test_a_repeat_of_a_cancelled_alert_is_no_second_one(with_rules):
    sms = with_rules(number_alerts_per_day=1)
    alert(sms)
    first = alert(sms, request_id="capped")

    again = alert(sms, request_id="capped")
    assert (first.created, again.created, again.state) == (True, False, "cancelled")


def test_the_day_counts_what_the_hour_has_forgotten(with_rules, redis_client):
    sms = with_rules(number_alerts_per_hour=2, number_alerts_per_day=3)
    alert(sms)
    alert(sms)
    [caps] = redis_client.scan_iter("*caps:*")
    [(name, value)] = redis_client.hgetall(caps).items()
    in_hour, hour, in_day = value.split(b"|")
    assert (in_hour, in_day) == (b"2", b"2")
    redis_client.hset(caps, name, b"|".join([in_hour, b"%d" % (int(hour) - 1), in_day]))

    assert [alert(sms).state for _ in range(2)] == ["queued", "cancelled"]


def test_an_hour_does_not_begin_anew_when_the_clock_goes_back_over_its_beginning(with_rules, redis_client):
    sms = with_rules(number_alerts_per_hour=2)
    assert [alert(sms).state for _ in range(2)] == ["queued"] * 2
    [caps] = redis_client.scan_iter("*caps:*")
    [(name, value)] = redis_client.hgetall(caps).items()
    in_hour, hour, in_day = value.split(b"|")
    begun = b"|".join([in_hour, b"%d" % (int(hour) + 1), in_day])
    redis_client.hset(caps, name, begun)

    assert alert(sms).code == "number_cap"
    redis_client.hset(caps, name, b"1" + begun[1:])
    assert alert(sms).state == "queued"
    assert alert(sms).code == "number_cap"


def test_one_call_counts_all_of_its_messages(with_rules):
    sms = with_rules(number_alerts_per_hour=3)
    messages = [Message("+33612345678", "Hi", sender="Bistro", purpose="alert") for _ in range(5)]

    assert [each.state for each in sms.send_many(messages)] == ["queued"] * 3 + ["cancelled"] * 2


def test_marketing_and_lists_of_people_are_not_counted(with_rules):
    sms = with_rules(number_alerts_per_hour=1, prefix_per_hour=1)
    for _ in range(3):
        assert alert(sms, ["+33612345678", "+33612345679"]).state == "queued"
        sent = sms.send("+33612345678", "Hi STOP au 30101", sender="Bistro")
        assert sent.state == "queued"


def test_a_block_with_many_numbers_is_told_once_and_goes_on(with_rules, redis_client):
    sms = with_rules(prefix_per_hour=5)

    states = {alert(sms, number(1234, each)).state for each in range(12)}
    assert states == {"queued"}
    assert told(redis_client) == [("prefix", "+3361234", None)]


def test_a_block_is_blocked_where_that_is_wanted_and_lifted_by_a_person(with_rules, redis_client):
    sms = with_rules(prefix_per_hour=5, prefix_action="block")

    sent = [alert(sms, number(1234, each)) for each in range(8)]
    assert [each.code for each in sent] == [None] * 5 + ["prefix_blocked"] * 3
    assert alert(sms, number(1235, 0)).state == "queued"
    assert told(redis_client) == [("prefix_blocked", "+3361234", None)]
    lasts = redis_client.zscore(KEYS.blocked, "+3361234") / 1000 - redis_client.time()[0]
    assert 12 * 3600 - 60 < lasts <= 12 * 3600 + 1

    assert lift_block(KEYS, "+3361234", "ops").run(redis_client)
    assert not lift_block(KEYS, "+3361234", "ops").run(redis_client)
    assert alert(sms, number(1234, 0)).state == "queued"


def test_a_block_of_which_was_told_is_not_told_again_when_another_application_blocks_it(
    with_rules, redis_client
):
    tells, blocks = with_rules(prefix_per_hour=5), with_rules(prefix_per_hour=5, prefix_action="block")
    for each in range(6):
        alert(tells, number(1234, each))

    sent = [alert(blocks, number(1234, each)) for each in range(6, 12)]
    assert [each.code for each in sent] == [None] * 4 + ["prefix_blocked"] * 2
    assert told(redis_client) == [("prefix", "+3361234", None)]


def test_the_same_number_again_makes_no_block_suspect(with_rules, redis_client):
    sms = with_rules(prefix_per_hour=2)
    for _ in range(10):
        alert(sms)
    assert told(redis_client) == []


def test_a_block_may_have_five_times_what_others_have(with_rules, redis_client):
    sms = with_rules(prefix_per_hour=5)
    for block in range(4):
        for each in range(4):
            alert(sms, number(2000 + block, each))
    for each in range(20):
        alert(sms, number(1234, each))
    assert told(redis_client) == []

    alert(sms, number(1234, 20))
    assert told(redis_client) == [("prefix", "+3361234", None)]


def test_the_same_text_is_queued_once_in_its_window(with_rules, redis_client):
    sms = with_rules(duplicate_window_s=60)
    first = alert(sms, request_id="first")

    second = alert(sms, request_id="second")
    assert (second.created, second.state, second.duplicate_of) == (False, "cancelled", "first")
    assert sms.status("second") is None
    assert alert(sms, request_id="first").duplicate_of is None
    assert first.duplicate_of is None
    for other in (
        alert(sms, "+33612345679"),
        alert(sms, text="Code 4321"),
        sms.send("+33612345678", "Code 1234", sender="Shop", purpose="alert"),
    ):
        assert other.duplicate_of is None
    assert redis_client.hget(KEYS.counts, "duplicates") == b"1"
    [twins, *_] = redis_client.scan_iter("*twins:*")
    assert 0 < redis_client.pttl(twins) <= 2 * 60_000


def test_a_text_is_remembered_for_its_window_and_no_longer(with_rules, redis_client):
    sms = with_rules(duplicate_window_s=86_400)
    alert(sms, request_id="first")
    [twins] = redis_client.scan_iter("*twins:*")
    *name, window = twins.decode().split(":")
    assert list(redis_client.hgetall(twins).values()) == [b"first"]
    sent_at = int(redis_client.hget(KEYS.record("first"), "queued"))
    before = ":".join([*name, str(int(window) - 1)])

    redis_client.rename(twins, before)
    assert alert(sms, request_id="second").duplicate_of == "first"
    redis_client.hset(KEYS.record("first"), "queued", sent_at - 86_400_000)
    assert alert(sms, request_id="third").duplicate_of is None
    assert alert(sms, request_id="fourth").duplicate_of == "third"


def test_a_text_is_known_although_the_clock_went_back_over_the_edge_of_its_window(with_rules, redis_client):
    sms = with_rules(duplicate_window_s=86_400)
    alert(sms, request_id="first")
    [twins] = redis_client.scan_iter("*twins:*")
    *name, window = twins.decode().split(":")
    redis_client.rename(twins, ":".join([*name, str(int(window) + 1)]))
    assert alert(sms, request_id="second").duplicate_of == "first"


@pytest.mark.parametrize(
    ("person", "text"),
    [
        (Recipient("+33612345678", param1="unused"), "Code 1234"),
        (Recipient("+33612345678", first_name="Code", param1="1234"), "{first_name} {param1}"),
        ([Recipient("+33612345678", param2="1234")], "Code {param2}"),
    ],
)
def test_the_same_text_is_the_same_however_it_is_made(with_rules, person, text):
    sms = with_rules(duplicate_window_s=60)
    alert(sms, request_id="first")
    assert alert(sms, person, text=text, request_id="second").duplicate_of == "first"
    assert alert(sms, person, text=f"{text}5").duplicate_of is None


def test_of_a_message_to_several_each_text_counts_with_its_number(with_rules):
    sms = with_rules(duplicate_window_s=60)
    one, other = "+33612345678", "+33612345679"
    codes = [Recipient(one, param1="1"), Recipient(other, param1="2")]
    alert(sms, codes, text="Code {param1}", request_id="first")

    filled = [Recipient(other, first_name="Code 2", param1="x"), Recipient(one, first_name="Code 1")]
    assert alert(sms, filled, text="{first_name}").duplicate_of == "first"
    swapped = [Recipient(one, param1="2"), Recipient(other, param1="1")]
    assert alert(sms, swapped, text="Code {param1}").duplicate_of is None
    assert alert(sms, [one, other], text="Code 1", request_id="all").duplicate_of is None
    same = [Recipient(other, param1="1"), Recipient(one, param1="1")]
    assert alert(sms, same, text="Code {param1}").duplicate_of == "all"


def test_the_same_text_twice_in_one_call_is_queued_once(with_rules):
    sms = with_rules(duplicate_window_s=60)
    messages = [
        Message("+33612345678", "Hi", sender="Bistro", purpose="alert", request_id=each) for each in "ab"
    ]
    assert [each.duplicate_of for each in sms.send_many(messages)] == [None, "a"]


def test_what_never_left_makes_no_duplicate(with_rules, redis_client):
    sms = with_rules(duplicate_window_s=60)
    alert(sms, request_id="first")
    worker = HandWorker(redis_client)
    [claim] = worker.take()
    worker.finish(claim, Refused("110"))

    assert alert(sms, request_id="second").duplicate_of is None
    assert alert(sms, request_id="third").duplicate_of == "second"


@pytest.mark.parametrize(
    ("state", "duplicate_of"),
    [
        *((state, None) for state in ("cancelled", "expired", "rejected", "failed")),
        *((state, "first") for state in ("queued", "sending", "accepted", "unknown")),
    ],
)
def test_only_what_surely_never_left_makes_no_duplicate(with_rules, redis_client, state, duplicate_of):
    sms = with_rules(duplicate_window_s=60)
    alert(sms, request_id="first")
    redis_client.hset(KEYS.record("first"), "state", state)

    assert alert(sms, request_id="second").duplicate_of == duplicate_of


def test_no_key_holds_a_number(with_rules, redis_client):
    sms = with_rules(duplicate_window_s=60, number_alerts_per_hour=5, prefix_per_hour=5)
    alert(sms)
    keys = list(redis_client.scan_iter("*"))
    assert len(keys) > 3
    assert [key for key in keys if b"33612345678" in key] == []
