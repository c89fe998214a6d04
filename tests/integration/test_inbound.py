"""One stored callback becomes stream entries, once, connected to its send."""

import json
from collections.abc import Callable, Sequence

import pytest
import redis

from producers import Producer
from producers.contract.events import Reply, from_fields
from producers.contract.jobs import QUEUE_CALLBACKS
from producers.contract.scripts import Command, Script
from producers.contract.settings import RedisSettings
from producers.intake.callback_body import MAX_EVENTS
from tests.support.keys import AllKeys
from tests.support.sends import NoHolder, claim_one, finish_one
from worker.callbacks.classifier import with_words
from worker.callbacks.inbound import EVENTS_AT_ONCE, LOOK_MS, PATIENCE_S, Inbound
from worker.callbacks.payloads import RAW_MAX
from worker.callbacks.publisher import Publisher
from worker.gateway.outcomes import Accepted, Unknown
from worker.queue.entries import Batch, Delayed, Entry

NUMBER = "+33612345678"
KEYS = AllKeys()
SETTINGS = RedisSettings()
REPLY = {"message_id": "sms_1", "number": NUMBER, "text": "Yes", "reception_date": "2030-01-31 14:05:09"}
RECEIPT = {"message_id": "sms_1", "number": NUMBER, "status": "ACK", "delivery_date": "2030-01-31 14:05:09"}
STOP = {"message_id": "sms_1", "number": NUMBER, "text": "STOP", "stop_date": "2030-01-31 14:05:09"}


@pytest.fixture
def inbound(redis_client, ledger) -> Inbound:
    return Inbound(redis_client, KEYS, ledger, Publisher(redis_client, SETTINGS))


@pytest.fixture
def store(redis_client) -> Callable[..., str]:
    """Store a raw callback as the intake does and return its id."""

    def put(
        body: object, *, kind: str = "", age_s: float = 0, waited_s: float = 0, callback_id: str = "c"
    ) -> str:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        received = now_ms(redis_client) - int(age_s * 1000)
        redis_client.hset(
            KEYS.callback(callback_id), mapping={"kind": kind, "raw": raw, "received": received}
        )
        if waited_s:
            looked = now_ms(redis_client) - int(waited_s * 1000)
            redis_client.hset(KEYS.callback(callback_id), "looked", looked)
        return callback_id

    return put


@pytest.fixture
def accepted(redis_url, ledger) -> str:
    """A send that the gateway accepted with ticket ``sms_1``."""
    sms = Producer(redis_url)
    sms.send(NUMBER, "Hello", sender="Bistro", purpose="alert", request_id="a", context={"b": 1})
    finish_one(ledger, claim_one(ledger, "a"), Accepted("sms_1"))
    sms.close()
    return "a"


class Waiting(NoHolder):
    """Notes which entries shall come again, and when."""

    def __init__(self) -> None:
        self.delays_ms: dict[str, int] = {}

    def delay(self, entries: Sequence[Delayed]) -> None:
        self.delays_ms |= {entry.id: entry.ms for entry in entries}


def process(inbound: Inbound, *callback_ids: str) -> dict[str, int]:
    """Process callbacks in one batch; return those that wait, with the milliseconds until the next look."""
    waiting = Waiting()
    inbound.process_callbacks(Batch(QUEUE_CALLBACKS, [Entry(each, each) for each in callback_ids], waiting))
    return waiting.delays_ms


def now_ms(client: redis.Redis) -> int:
    seconds, microseconds = client.time()
    return seconds * 1000 + microseconds // 1000


def entries(client: redis.Redis, stream: str) -> list[dict[str, str]]:
    return [
        {name.decode(): value.decode() for name, value in entry.items()}
        for _, entry in client.xrange(KEYS.stream(stream))
    ]


def test_a_reply_leaves_with_the_request_and_context_it_answers(inbound, store, accepted, redis_client):
    process(inbound, store(REPLY))
    [entry] = entries(redis_client, "replies")
    assert entry["v"] == "1"
    assert (entry["request_id"], entry["ticket"], entry["context"]) == ("a", "sms_1", '{"b":1}')
    assert (entry["number"], entry["text"], entry["country"]) == (NUMBER, "Yes", "FR")
    assert entry["gateway_date"] == "2030-01-31 14:05:09"
    assert entry["received_at"].endswith("Z")
    assert json.loads(entry["raw"]) == REPLY
    assert not redis_client.exists(KEYS.callback("c"))


def test_a_repeated_callback_is_one_entry(inbound, store, accepted, redis_client):
    for number in range(3):
        process(inbound, store(REPLY, callback_id=f"c{number}"))
    assert len(entries(redis_client, "replies")) == 1


def test_a_callback_without_ticket_leaves_at_once_and_alone(inbound, store, accepted, redis_client):
    process(inbound, store({**REPLY, "message_id": None}))
    [entry] = entries(redis_client, "replies")
    assert (entry["request_id"], entry["ticket"], entry["context"]) == ("", "", "")


def test_receipts_in_any_order_leave_the_final_status(inbound, store, accepted, redis_client, redis_url):
    for number, status in enumerate(["DELIVERED", "ACK", "UNKNOWN_DELIVERY", "NOT_DELIVERED", "TELEPORTED"]):
        process(inbound, store({**RECEIPT, "status": status}, callback_id=f"c{number}"))
    assert len(entries(redis_client, "receipts")) == 5
    delivery = Producer(redis_url).status("a").deliveries[NUMBER]
    assert (delivery.status, delivery.final) == ("DELIVERED", True)


def test_receipts_move_forward(inbound, store, accepted, redis_client, redis_url):
    seen = []
    for number, status in enumerate(["ACK", "TRANSMITTED", "UNDEFINED", "NOT_DELIVERED", "READ"]):
        process(inbound, store({**RECEIPT, "status": status}, callback_id=f"c{number}"))
        seen.append(Producer(redis_url).status("a").deliveries[NUMBER].status)
    assert seen == ["ACK", "TRANSMITTED", "UNDEFINED", "NOT_DELIVERED", "READ"]


def test_an_opt_out_leaves_on_its_stream(inbound, store, accepted, redis_client):
    process(inbound, store(STOP))
    [entry] = entries(redis_client, "optouts")
    assert (entry["request_id"], entry["number"], entry["text"]) == ("a", NUMBER, "STOP")
    assert entry["at"] == "2030-01-31T13:05:09Z"


def test_a_blocked_number_is_a_receipt_and_an_opt_out(inbound, store, accepted, redis_client):
    process(inbound, store({**RECEIPT, "status": "BLACKLISTED_NUMBER"}))
    assert len(entries(redis_client, "receipts")) == len(entries(redis_client, "optouts")) == 1


def test_an_array_is_taken_apart(inbound, store, accepted, redis_client):
    process(inbound, store([REPLY, RECEIPT, STOP, {"nothing": 1}]))
    lengths = {
        name: len(entries(redis_client, name)) for name in ("replies", "receipts", "optouts", "quarantine")
    }
    assert set(lengths.values()) == {1}


@pytest.mark.parametrize("odd", [None, 42, [REPLY], {"number": NUMBER}])
def test_an_odd_element_of_an_array_goes_to_quarantine_alone(inbound, store, accepted, redis_client, odd):
    process(inbound, store([REPLY, odd, STOP]))

    [kept] = entries(redis_client, "quarantine")
    assert json.loads(kept["raw"]) == odd
    assert len(entries(redis_client, "replies")) == len(entries(redis_client, "optouts")) == 1
    assert redis_client.hget("{sms}:metrics", "quarantined") == b"1"


def test_an_array_of_too_many_events_goes_to_quarantine_whole(inbound, store, accepted, redis_client):
    process(inbound, store([{**REPLY, "text": f"{number}"} for number in range(MAX_EVENTS + 1)]))

    [kept] = entries(redis_client, "quarantine")
    assert kept["reason"] == "too_many_events"
    assert len(kept["raw"]) <= RAW_MAX
    assert entries(redis_client, "replies") == []


def test_equal_replies_without_a_date_count_each_and_the_same_callback_once(
    inbound, store, accepted, redis_client
):
    undated = {name: value for name, value in REPLY.items() if name != "reception_date"}
    for _ in range(2):
        process(inbound, store(undated, callback_id="c1", age_s=300_000))
    process(inbound, store(undated, callback_id="c2"))
    assert len(entries(redis_client, "replies")) == 2


@pytest.mark.parametrize("raw", [b"\xff\xfe garbage", b'{"number": "+33', b"[]", b'{"unknown": "shape"}'])
def test_what_cannot_be_placed_is_kept_raw_once(inbound, store, redis_client, raw):
    for number in range(2):
        process(inbound, store(raw, kind="unreadable", callback_id=f"c{number}"))
    [entry] = entries(redis_client, "quarantine")
    assert entry["raw"].replace(" ", "") == raw.decode("utf-8", "backslashreplace").replace(" ", "")
    assert entry["reason"]
    assert redis_client.keys(KEYS.callback("*")) == []


@pytest.fixture
def running(redis_url, ledger):
    """An attempt under way, whose answer has not come."""
    sms = Producer(redis_url)
    sms.send(NUMBER, "Hello", sender="Bistro", purpose="alert", request_id="r", context=7)
    sms.close()
    return claim_one(ledger, "r")


def test_a_receipt_before_the_answer_waits_for_it(inbound, store, ledger, running, redis_client):
    callback = store(RECEIPT)
    assert process(inbound, callback).keys() == {callback}
    assert entries(redis_client, "receipts") == []

    finish_one(ledger, running, Accepted("sms_1"))
    process(inbound, callback)
    assert entries(redis_client, "receipts")[0]["request_id"] == "r"


def test_a_receipt_finds_the_send_whose_answer_was_lost(inbound, store, ledger, running, redis_client):
    finish_one(ledger, running, Unknown("read_timeout"))
    process(inbound, store(RECEIPT))
    assert entries(redis_client, "receipts")[0]["request_id"] == "r"


def test_waiting_ends(inbound, store, running, redis_client):
    process(inbound, store(RECEIPT, age_s=PATIENCE_S + 1, waited_s=PATIENCE_S + 1))
    # The attempt began after this callback came, so it would not even wait; make it wait in vain.
    redis_client.zadd(KEYS.attempt_starts, {"r": 1})
    late = {**RECEIPT, "status": "DELIVERED"}
    process(inbound, store(late, age_s=PATIENCE_S + 1, waited_s=PATIENCE_S + 1))
    assert [entry["request_id"] for entry in entries(redis_client, "receipts")] == ["", ""]


def test_what_is_old_when_a_worker_first_looks_waits_as_long_as_anything_else(
    inbound, store, running, redis_client, ledger
):
    """It lay in the spool, or no worker lived: nor have the attempts of that time reported since."""
    redis_client.zadd(KEYS.attempt_starts, {"r": 1})
    callback = store(RECEIPT, age_s=10 * PATIENCE_S)
    assert process(inbound, callback)
    first = redis_client.hget(KEYS.callback(callback), "looked")
    redis_client.hincrby(KEYS.callback(callback), "looked", -5_000)
    assert 5_000 <= process(inbound, callback)[callback] <= LOOK_MS[1]
    assert int(redis_client.hget(KEYS.callback(callback), "looked")) == int(first) - 5_000

    finish_one(ledger, running, Accepted("sms_1"))
    process(inbound, callback)
    assert entries(redis_client, "receipts")[0]["request_id"] == "r"
    assert not redis_client.exists(KEYS.callback(callback))


def test_a_wait_that_began_before_the_clock_went_back_begins_anew(inbound, store, running, redis_client):
    callback = store(RECEIPT, age_s=1, waited_s=-3_600)
    redis_client.zadd(KEYS.attempt_starts, {"r": 1})
    process(inbound, callback)
    assert int(redis_client.hget(KEYS.callback(callback), "looked")) <= now_ms(redis_client)


def test_what_another_worker_has_processed_does_not_come_back_to_wait(inbound, store, running, redis_client):
    given = {"callbacks": ["gone"]}
    script = Script("worker.callbacks", "begin_wait")
    assert Command(script, KEYS.prefix, given, int).run(redis_client) == 0
    assert not redis_client.exists(KEYS.callback("gone"))


def test_an_opt_out_does_not_wait(inbound, store, running, redis_client):
    process(inbound, store(STOP))
    assert len(entries(redis_client, "optouts")) == 1


def test_waiting_events_do_not_hold_up_the_others_of_their_array(inbound, store, running, redis_client):
    assert process(inbound, store([RECEIPT, {**REPLY, "message_id": None}]))
    assert len(entries(redis_client, "replies")) == 1


def test_a_processed_callback_is_nothing_to_do(inbound):
    process(inbound, "gone")


def test_a_batch_leaves_in_its_order_however_many_scripts_it_takes(inbound, store, accepted, redis_client):
    count = 2 * EVENTS_AT_ONCE + 10
    callbacks = [
        store([{**REPLY, "text": f"{number}"}, {**REPLY, "text": f"{number} too"}], callback_id=f"c{number}")
        for number in range(count // 2)
    ]

    assert process(inbound, *callbacks) == {}

    texts = [text for number in range(count // 2) for text in (f"{number}", f"{number} too")]
    replies = entries(redis_client, "replies")
    assert [entry["text"] for entry in replies] == texts
    assert {entry["request_id"] for entry in replies} == {"a"}
    assert redis_client.keys(KEYS.callback("*")) == []


class ForgottenAtFirst(Publisher):
    """What the first script has appended is forgotten, as after a failover before the second one."""

    def publish(self, *args, **options):
        known = {key: self._redis.dump(key) for key in self._redis.scan_iter(KEYS.callback("*"))}
        fresh = super().publish(*args, **options)
        if not hasattr(self, "forgot"):
            self.forgot = self._redis.delete(KEYS.stream("replies"), *self._redis.scan_iter("*:seen:*"))
            for key, value in known.items():
                self._redis.restore(key, 0, value, replace=True)
        return fresh


def test_the_bytes_of_a_callback_go_only_with_all_its_events(redis_client, ledger, store):
    first, other = range(EVENTS_AT_ONCE - 1), range(EVENTS_AT_ONCE, EVENTS_AT_ONCE + 2)
    for callback_id, texts in (("first", first), ("other", other)):
        store([{**REPLY, "message_id": None, "text": f"{each}"} for each in texts], callback_id=callback_id)
    publisher = ForgottenAtFirst(redis_client, SETTINGS)

    process(Inbound(redis_client, KEYS, ledger, publisher), "first", "other")

    assert publisher.forgot > len(first), "the marks of the events, too"
    assert [entry["text"] for entry in entries(redis_client, "replies")] == [f"{each}" for each in other]
    assert redis_client.keys(KEYS.callback("*")) == [KEYS.callback("first").encode()]


def test_equal_callbacks_in_one_batch_are_one_entry(inbound, store, accepted, redis_client):
    process(inbound, *(store(REPLY, callback_id=f"c{number}") for number in range(5)))
    assert len(entries(redis_client, "replies")) == 1


def test_what_waits_holds_up_nothing_else_of_its_batch(inbound, store, running, redis_client):
    early, other = store(RECEIPT, callback_id="early", age_s=1), store(STOP, callback_id="stop")
    redis_client.zadd(KEYS.attempt_starts, {"r": 1})

    delays_ms = process(inbound, early, "gone", other, store(b"[]", callback_id="unreadable"))

    assert delays_ms.keys() == {early}
    assert LOOK_MS[0] <= delays_ms[early] <= LOOK_MS[1]
    assert len(entries(redis_client, "optouts")) == len(entries(redis_client, "quarantine")) == 1
    assert redis_client.keys(KEYS.callback("*")) == [KEYS.callback(early).encode()]


def test_looks_at_what_waits_become_rarer(inbound, store, running, redis_client):
    redis_client.zadd(KEYS.attempt_starts, {"r": 1})
    ages = {"new": 0, "old": 4, "older": 50}
    callbacks = [store(RECEIPT, callback_id=name, waited_s=age_s) for name, age_s in ages.items()]
    delays_ms = process(inbound, *callbacks)
    assert (delays_ms["new"], delays_ms["older"]) == LOOK_MS
    assert 4_000 <= delays_ms["old"] < 6_000


def test_a_broken_callback_fails_alone(inbound, store, accepted, redis_client):
    broken = store(REPLY, callback_id="broken")
    redis_client.hset(KEYS.callback(broken), "received", "never")

    with pytest.raises(ValueError, match="never"):
        process(inbound, store(REPLY, callback_id="first"), broken, store(STOP, callback_id="last"))

    assert len(entries(redis_client, "replies")) == len(entries(redis_client, "optouts")) == 1
    assert redis_client.keys(KEYS.callback("*")) == [KEYS.callback(broken).encode()]


def test_a_ticket_adopted_in_a_batch_is_known_to_its_rest(inbound, store, ledger, running, redis_client):
    finish_one(ledger, running, Unknown("read_timeout"))
    statuses = ("ACK", "DELIVERED")
    process(inbound, *(store({**RECEIPT, "status": status}, callback_id=status) for status in statuses))
    assert [entry["request_id"] for entry in entries(redis_client, "receipts")] == ["r", "r"]


@pytest.mark.parametrize("lost", ["correlate", "publish", "delay"])
def test_a_batch_that_broke_off_anywhere_is_repeated_without_harm(
    inbound, store, accepted, redis_client, monkeypatch, lost
):
    callbacks = [store(body, callback_id=f"c{number}") for number, body in enumerate((REPLY, RECEIPT, STOP))]
    owner = {"correlate": inbound._ledger, "publish": inbound._publisher, "delay": Waiting}[lost]
    done = getattr(owner, lost)

    def do_and_lose_the_answer(*args):
        done(*args)
        raise redis.ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(owner, lost, do_and_lose_the_answer)
        with pytest.raises(redis.ConnectionError):
            process(inbound, *callbacks)
    process(inbound, *callbacks)

    lengths = {name: len(entries(redis_client, name)) for name in ("replies", "receipts", "optouts")}
    assert set(lengths.values()) == {1}
    assert redis_client.keys(KEYS.callback("*")) == []


@pytest.mark.parametrize(
    ("text", "hint"), [("Don't stop", True), ("STOP", False), ("Yes", False), ("fin du monde", True)]
)
def test_a_reply_says_whether_a_person_should_decide_about_an_optout(redis_client, ledger, store, text, hint):
    vocabulary = with_words("fin")
    inbound = Inbound(redis_client, KEYS, ledger, Publisher(redis_client, SETTINGS), vocabulary)
    process(inbound, store(REPLY | {"text": text, "message_id": ""}))

    [(_, fields)] = redis_client.xrange(KEYS.stream("replies"))
    assert fields[b"optout_hint"] == (b"1" if hint else b"0")
    assert from_fields(Reply, fields).optout_hint is hint
