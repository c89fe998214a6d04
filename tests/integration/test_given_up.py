"""What readers gave up and parsers could not place: how it is listed, and how a person takes it up again."""

import json
from types import SimpleNamespace

import pytest

from producers.contract.keys import QUARANTINE
from producers.contract.known_pseudonyms import KnownPseudonyms
from producers.contract.settings import RedisSettings
from producers.contract.steps import drive
from producers.events import to_fields
from producers.feeds import Feed
from tests.integration.test_feeds import reply
from tests.support.hostile_texts import HOSTILE_TEXTS
from tests.support.keys import AllKeys
from tests.support.sends import batch_of
from worker.callbacks.inbound import Inbound
from worker.callbacks.publisher import Publisher
from worker.inquiry import audit, feeds, optouts, quarantine
from worker.ledger.confirmation import Confirmation
from worker.ledger.ledger import Ledger
from worker.operator.given_up import parse_again, replay_poison
from worker.queue.leases import Leases

KEYS = AllKeys()
SETTINGS = RedisSettings()
REPLY = {
    "message_id": "sms_1",
    "number": "+33612345678",
    "text": "Oui",
    "reception_date": "2030-01-31 14:05:09",
}


@pytest.fixture
def process(redis_client):
    """Process a stored callback as a worker does."""
    ledger = Ledger(redis_client, SETTINGS, Leases(redis_client, KEYS), Confirmation(redis_client, KEYS))
    inbound = Inbound(redis_client, KEYS, ledger, Publisher(redis_client, SETTINGS))

    def run(callback_id: str) -> None:
        inbound.process_callbacks(batch_of(callback_id, queue="callbacks"))

    return run


@pytest.fixture
def taken(redis_client, process):
    """Take a callback and process it."""

    def take(body: object, *, only: str = "", age_ms: int = 0) -> None:
        seconds, _ = redis_client.time()
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        fields = {"kind": "", "raw": raw, "only": only, "received": seconds * 1000 - age_ms}
        redis_client.hset(KEYS.callback("c"), mapping=fields)
        process("c")

    return take


@pytest.fixture
def groups(redis_url, redis_client):
    """Offer two groups that read the replies; what one of them handles is in its list."""

    def read(group: str, handler) -> None:
        feed = Feed("replies", group, redis_url=redis_url, block_s=0.02, idle_s=0.02, max_deliveries=1)

        def handle(event) -> None:
            try:
                handler(event)
            finally:
                feed.stop()

        feed.run(handle)

    return SimpleNamespace(read=read, key=KEYS.stream("replies"))


def refuse(_):
    raise LookupError


def actions(client):
    return [(row.action, row.by) for row in drive(audit.newest(KEYS), client).rows]


def test_a_poison_entry_goes_back_to_its_group_and_to_no_other(redis_client, groups):
    redis_client.xadd(groups.key, to_fields(reply("Oui")))
    other, again = [], []
    groups.read("others", other.append)
    groups.read("bookings", refuse)
    [entry] = drive(feeds.read_poison(KEYS, "replies", "bookings"), redis_client).rows

    assert replay_poison(KEYS, "replies", "bookings", entry.id, "ben").run(redis_client) == "done"

    groups.read("bookings", again.append)
    assert [event.text for event in again] == ["Oui"]
    row = drive(feeds.read_feeds(KEYS), redis_client)["replies"].get()
    assert {group.name: (group.pending, group.lag.entries, group.poison) for group in row.groups} == {
        "bookings": (0, 0, 0),
        "others": (0, 0, 0),
    }
    assert row.length == 1
    assert len(other) == 1
    assert actions(redis_client) == [("replay_poison", "ben")]


def test_a_poison_entry_is_given_back_once(redis_client, groups):
    redis_client.xadd(groups.key, to_fields(reply("Oui")))
    groups.read("bookings", refuse)
    [entry] = drive(feeds.read_poison(KEYS, "replies", "bookings"), redis_client).rows
    command = replay_poison(KEYS, "replies", "bookings", entry.id, "ben")

    assert [command.run(redis_client) for _ in range(2)] == ["done", "gone"]
    assert len(actions(redis_client)) == 1


def test_a_poison_entry_that_its_handler_refuses_again_is_poison_again(redis_client, groups):
    redis_client.xadd(groups.key, to_fields(reply("Oui")))
    groups.read("bookings", refuse)
    [entry] = drive(feeds.read_poison(KEYS, "replies", "bookings"), redis_client).rows
    replay_poison(KEYS, "replies", "bookings", entry.id, "ben").run(redis_client)

    groups.read("bookings", refuse)

    [again] = drive(feeds.read_poison(KEYS, "replies", "bookings"), redis_client).rows
    assert again.fields["entry_id"] == entry.fields["entry_id"]


@pytest.mark.parametrize(
    ("lost", "why_not"), [("entry", "trimmed"), ("stream", "trimmed"), ("group", "no_group")]
)
def test_a_poison_entry_that_cannot_be_given_back_stays(redis_client, groups, lost, why_not):
    redis_client.xadd(groups.key, to_fields(reply("Oui")))
    groups.read("bookings", refuse)
    [entry] = drive(feeds.read_poison(KEYS, "replies", "bookings"), redis_client).rows
    if lost == "entry":
        redis_client.xdel(groups.key, entry.fields["entry_id"])
    elif lost == "stream":
        redis_client.delete(groups.key)
    else:
        redis_client.xgroup_destroy(groups.key, "bookings")

    assert replay_poison(KEYS, "replies", "bookings", entry.id, "ben").run(redis_client) == why_not

    assert len(drive(feeds.read_poison(KEYS, "replies", "bookings"), redis_client).rows) == 1
    assert actions(redis_client) == []


def test_only_streams_that_applications_read_have_poison():
    with pytest.raises(ValueError, match="stream must be one of"):
        replay_poison(KEYS, "audit", "bookings", "1-1", "ben")


def test_a_group_that_reads_is_shown_with_lag_and_its_oldest_pending_entry(redis_client, groups):
    ids = [redis_client.xadd(groups.key, to_fields(reply(text))).decode() for text in "abc"]
    redis_client.xgroup_create(groups.key, "bookings", "0")
    redis_client.xreadgroup("bookings", "one", {groups.key: ">"}, count=1)
    redis_client.hset(KEYS.unread_trimmed, "replies", 5)

    row = drive(feeds.read_feeds(KEYS), redis_client)["replies"].get()

    [group] = row.groups
    assert (row.length, row.unread_trimmed, row.more_groups) == (3, 5, 0)
    assert (str(group.lag), group.pending, group.consumers) == ("2", 1, 1)
    assert int(group.oldest_pending_at.timestamp() * 1000) == int(ids[0].split("-")[0])
    assert int(row.newest_at.timestamp() * 1000) == int(ids[-1].split("-")[0])


def test_a_namespace_that_nobody_reads_has_streams_without_groups(redis_client):
    rows = [panel.get() for panel in drive(feeds.read_feeds(KEYS), redis_client).values()]

    assert [row.stream for row in rows] == ["optouts", "receipts", "replies", "statuses", "alarms"]
    assert {(row.length, row.groups, row.newest_at) for row in rows} == {(0, (), None)}


def test_a_stream_shows_so_many_groups_and_counts_the_rest(redis_client, groups):
    for n in range(feeds.GROUPS + 3):
        redis_client.xgroup_create(groups.key, f"group-{n:02}", "0", mkstream=True)

    row = drive(feeds.read_feeds(KEYS), redis_client)["replies"].get()

    assert (len(row.groups), row.more_groups) == (feeds.GROUPS, 3)


def test_a_callback_in_quarantine_is_read_again_as_the_kind_that_a_person_names(redis_client, taken, process):
    taken({"message_id": "sms_1", "number": "+33612345678", "answer": "Oui"}, age_ms=90_000)
    [row] = drive(quarantine.newest(KEYS), redis_client).rows
    assert row.reason == "no_known_field"

    assert drive(parse_again(KEYS, row.id, "replies", "ben"), redis_client) == "done"

    [callback_id] = redis_client.lrange(KEYS.queue("callbacks").ready, 0, -1)
    process(callback_id.decode())
    [(_, entry)] = redis_client.xrange(KEYS.stream("replies"))
    assert entry[b"number"] == b"+33612345678"
    assert drive(quarantine.newest(KEYS), redis_client).rows == ()
    assert actions(redis_client) == [("parse_again", "ben")]


def test_a_callback_read_again_came_when_it_came(redis_client, taken, process):
    taken({"message_id": "sms_1", "number": "+33612345678", "answer": "Oui"}, age_ms=90_000)
    [row] = drive(quarantine.newest(KEYS), redis_client).rows
    drive(parse_again(KEYS, row.id, "replies", "ben"), redis_client)
    [callback_id] = redis_client.lrange(KEYS.queue("callbacks").ready, 0, -1)

    received = int(redis_client.hget(KEYS.callback(callback_id.decode()), "received"))

    assert received == int(row.received_at.timestamp() * 1000)


@pytest.mark.parametrize(
    "body", [{"answer": "Oui"}, b"no form at all \xff", [{"number": ""}, "Oui", 7]], ids=str
)
def test_a_callback_that_nobody_can_place_twice_comes_back_to_the_quarantine(
    redis_client, taken, process, body
):
    taken(body)
    before = drive(quarantine.newest(KEYS), redis_client).rows
    for row in before:
        assert drive(parse_again(KEYS, row.id, "", "ben"), redis_client) == "done"

    for callback_id in redis_client.lrange(KEYS.queue("callbacks").ready, 0, -1):
        process(callback_id.decode())

    after = drive(quarantine.newest(KEYS), redis_client).rows
    assert sorted(row.raw for row in after) == sorted(row.raw for row in before)
    assert {row.id for row in after} & {row.id for row in before} == set()


def test_a_callback_that_its_token_may_not_bring_is_taken_when_a_person_says_so(redis_client, taken, process):
    taken(REPLY, only="receipts")
    [row] = drive(quarantine.newest(KEYS), redis_client).rows
    assert row.reason == "other_kind"

    drive(parse_again(KEYS, row.id, "", "ben"), redis_client)

    process(redis_client.lindex(KEYS.queue("callbacks").ready, 0).decode())
    assert redis_client.xlen(KEYS.stream("replies")) == 1


def test_a_callback_is_put_back_once(redis_client, taken):
    taken({"answer": "Oui"})
    [row] = drive(quarantine.newest(KEYS), redis_client).rows

    verdicts = [drive(parse_again(KEYS, row.id, "", "ben"), redis_client) for _ in range(2)]

    assert verdicts == ["done", "gone"]
    assert redis_client.llen(KEYS.queue("callbacks").ready) == 1


def test_a_callback_that_was_cut_stays_in_quarantine(redis_client, taken):
    taken({"answer": "x" * 20_000})
    [row] = drive(quarantine.newest(KEYS), redis_client).rows

    assert not row.is_whole
    assert drive(parse_again(KEYS, row.id, "", "ben"), redis_client) == "cut"
    assert redis_client.xlen(KEYS.stream(QUARANTINE)) == 1


def test_nothing_is_read_again_as_a_kind_that_there_is_not(redis_client):
    with pytest.raises(ValueError, match="kind must be one of"):
        drive(parse_again(KEYS, "1-1", "faxes", "ben"), redis_client)


def test_optouts_say_where_they_come_from(redis_client, taken):
    taken({"number": "+33612345678", "text": "STOP", "stop_date": "2030-01-31 14:05:09"})
    blocked = {"message_id": "sms_1", "status": "BLACKLISTED_NUMBER", "delivery_date": "2030-01-31 14:05:10"}
    taken({**blocked, "number": "+33612345679"}, age_ms=90_000)

    rows = drive(optouts.newest(KEYS, KnownPseudonyms(RedisSettings())), redis_client).rows

    assert [(row.source, row.optout.number) for row in rows] == [
        ("receipt", "+33612345679"),
        ("written", "+33612345678"),
    ]


def test_an_optout_that_cannot_be_read_is_still_a_row(redis_client):
    redis_client.xadd(KEYS.stream("optouts"), {"v": "9"})

    [row] = drive(optouts.newest(KEYS, KnownPseudonyms(RedisSettings())), redis_client).rows

    assert row.optout is None


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_hostile_text_in_quarantine_is_kept_and_read_again(redis_client, taken, process, text):
    taken({"number": "+33612345678", "answer": text})
    [row] = drive(quarantine.newest(KEYS), redis_client).rows

    if row.is_whole:
        assert drive(parse_again(KEYS, row.id, "replies", "ben"), redis_client) == "done"
        process(redis_client.lindex(KEYS.queue("callbacks").ready, 0).decode())
        assert redis_client.xlen(KEYS.stream("replies")) == 1


def test_what_was_done_to_one_send_is_found_among_the_newest_actions(redis_client):
    for n in range(audit.BLOCK + 1):
        about = {"v": "1", "action": "replay", "by": "ben", "at": "2030-01-31", "request_id": f"a{n % 300}"}
        redis_client.xadd(KEYS.audit, about)

    rows = drive(audit.of_send(KEYS, "a0"), redis_client)

    assert [(row.action, row.by, dict(row.about)) for row in rows] == [
        ("replay", "ben", {"request_id": "a0"}),
        ("replay", "ben", {"request_id": "a0"}),
    ]


def test_of_several_groups_the_one_that_gave_an_entry_up_gets_it_back(redis_client, groups):
    redis_client.xadd(groups.key, to_fields(reply("Oui")))
    redis_client.xgroup_create(groups.key, "accounts", "0")
    groups.read("bookings", refuse)
    [entry] = drive(feeds.read_poison(KEYS, "replies", "bookings"), redis_client).rows

    assert replay_poison(KEYS, "replies", "bookings", entry.id, "ben").run(redis_client) == "done"

    pending = {group["name"]: group["pending"] for group in redis_client.xinfo_groups(groups.key)}
    assert pending == {b"accounts": 0, b"bookings": 1}


def test_a_callback_that_somebody_else_puts_back_meanwhile_is_put_back_once(redis_client, taken):
    taken({"answer": "Oui"})
    [row] = drive(quarantine.newest(KEYS), redis_client).rows
    steps = parse_again(KEYS, row.id, "", "ben")
    late = steps.send(next(steps).run(redis_client))

    assert drive(parse_again(KEYS, row.id, "", "anna"), redis_client) == "done"

    assert late.run(redis_client) == "gone"
    assert redis_client.llen(KEYS.queue("callbacks").ready) == 1
