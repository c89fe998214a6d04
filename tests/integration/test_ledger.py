"""The state machine of a request_id, transition by transition, on a real Redis.

Redis's clock cannot be set; tests that need the past move a record's times back instead.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest
import redis

from producers import Producer
from producers.contract.settings import RedisSettings
from tests.support.keys import AllKeys
from tests.support.pseudonyms import pseudonyms
from tests.support.sends import batch_of, claim_one, correlate_one, finish_one
from worker.gateway.outcomes import NOT_TRIED, Accepted, Deferred, Duplicate, Refused, Unexplained, Unknown
from worker.ledger.claims import Claim, Over, Wait
from worker.ledger.confirmation import Confirmation
from worker.ledger.ledger import WINDOW_S, Ledger
from worker.queue.leases import Leases

NUMBER = "+33612345678"
KEYS = AllKeys()
NO_ANSWER = Unknown("read_timeout")
HOUR_MS = 3_600_000


@pytest.fixture
def leases(redis_client) -> Leases:
    return Leases(redis_client, KEYS)


@pytest.fixture
def ledger(redis_client, leases) -> Ledger:
    return Ledger(redis_client, RedisSettings(), leases, Confirmation(redis_client, KEYS))


@pytest.fixture
def queued(redis_url) -> Callable[..., str]:
    """Queue a message and return its id."""
    sms = Producer(redis_url)

    def queue(request_id: str = "a", **options: object) -> str:
        sms.send(NUMBER, "Hello", sender="Bistro", purpose="alert", request_id=request_id, **options)
        return request_id

    yield queue
    sms.close()


def state(client: redis.Redis, request_id: str = "a") -> str:
    return client.hget(KEYS.record(request_id), "state").decode()


def field(client: redis.Redis, name: str, request_id: str = "a") -> str | None:
    value = client.hget(KEYS.record(request_id), name)
    return value and value.decode()


def age(client: redis.Redis, ms: int, *names: str, request_id: str = "a") -> None:
    """Move times of a record into the past."""
    for name in names:
        client.hincrby(KEYS.record(request_id), name, -ms)


def lose(client: redis.Redis, ledger: Ledger, claim: Claim) -> None:
    """Let a claim's worker die: its lease runs out without a word."""
    client.zadd(KEYS.attempt_leases, {claim.lease: 1})


def statuses(client: redis.Redis) -> list[dict[str, str]]:
    return [
        {name.decode(): value.decode() for name, value in entry.items()}
        for _, entry in client.xrange(KEYS.stream("statuses"))
    ]


def test_a_claim_hands_out_the_frozen_bytes_under_a_lease(ledger, leases, queued, redis_client):
    claim = claim_one(ledger, queued())
    assert isinstance(claim, Claim)
    assert leases.holds(KEYS.attempt_leases, claim.lease)
    ledger.abandon([claim])
    assert not leases.holds(KEYS.attempt_leases, claim.lease)
    assert claim.body == redis_client.get(KEYS.body("a"))
    assert (claim.attempt, claim.in_doubt, claim.ttl_s) == (1, False, None)
    assert state(redis_client) == "sending"
    assert redis_client.zscore(KEYS.attempt_leases, "a:1") is not None


def test_accepted_ends_the_record_and_drops_the_text(ledger, leases, queued, redis_client):
    claim = claim_one(ledger, queued(context={"b": 1}))
    assert finish_one(ledger, claim, Accepted("sms_1", cost="0.05", segments=2, contacts=1)) == "accepted"

    record = redis_client.hgetall(KEYS.record("a"))
    assert (record[b"ticket"], record[b"cost"], record[b"segments"]) == (b"sms_1", b"0.05", b"2")
    assert not redis_client.exists(KEYS.body("a"))
    assert redis_client.get(KEYS.ticket("sms_1")) == b"a"
    assert 0 < redis_client.ttl(KEYS.record("a")) <= 7 * 86_400
    assert redis_client.zcard(KEYS.attempt_leases) == redis_client.zcard(KEYS.attempt_starts) == 0
    [entry] = statuses(redis_client)
    assert entry["state"] == "accepted"
    assert (entry["ticket"], entry["cost"], entry["segments"], entry["attempt"]) == (
        "sms_1",
        "0.05",
        "2",
        "1",
    )
    assert entry["context"] == '{"b":1}'


def test_an_ended_record_takes_at_most_a_kibibyte(ledger, queued, redis_client):
    finish_one(
        ledger, claim_one(ledger, queued(context={"booking": 42})), Accepted("sms_" + "1" * 22, "0.05", 1, 1)
    )
    used = sum(redis_client.memory_usage(key) for key in redis_client.scan_iter(f"{KEYS.prefix}[rbto]*"))
    assert used <= 1024


def test_a_second_worker_waits_while_the_first_holds_the_attempt(ledger, queued):
    claim_one(ledger, queued())
    again = claim_one(ledger, "a")
    assert isinstance(again, Wait)
    assert 0 < again.ms <= 9_000


def test_an_entry_that_a_batch_holds_twice_is_claimed_once_and_keeps_its_claim(ledger, queued):
    """After Redis has lost something, an entry may lie in its queue twice."""
    request_id = queued()

    first, second = ledger.claim(batch_of(request_id, request_id), ())

    assert isinstance(first, Claim)
    assert isinstance(second, Wait)


@pytest.mark.parametrize("outcome", [Accepted("t"), Refused("121")])
def test_an_ended_send_is_over_for_every_later_entry(ledger, queued, outcome):
    ended = finish_one(ledger, claim_one(ledger, queued()), outcome)
    assert claim_one(ledger, "a") == Over(ended)


def test_an_entry_without_a_record_is_over(ledger):
    assert claim_one(ledger, "nobody") == Over("gone")


def test_a_record_of_a_newer_version_is_left_to_newer_workers(ledger, queued, redis_client):
    redis_client.hset(KEYS.record(queued()), "v", 2)
    assert claim_one(ledger, "a") == Wait(5_000, newer=True)
    assert state(redis_client) == "queued"


def test_a_cancelled_send_is_over(ledger, queued, redis_url):
    Producer(redis_url).cancel(queued())
    assert claim_one(ledger, "a") == Over("cancelled")


def test_a_send_that_is_not_due_waits(ledger, queued):
    wait = claim_one(ledger, queued(send_at="2099-01-01T00:00:00Z"))
    assert isinstance(wait, Wait)
    assert wait.ms > HOUR_MS


def test_refused_is_rejected_and_keeps_the_text_for_a_person_to_decide(ledger, queued, redis_client):
    assert (
        finish_one(ledger, claim_one(ledger, queued()), Refused("121", "STOP au 30101 missing")) == "rejected"
    )
    assert (field(redis_client, "code"), field(redis_client, "message")) == ("121", "STOP au 30101 missing")
    assert 0 < redis_client.ttl(KEYS.body("a")) <= 7 * 86_400
    assert statuses(redis_client)[0]["code"] == "121"


def test_deferred_goes_back_to_queued_and_may_be_cancelled(ledger, queued, redis_client, redis_url):
    assert finish_one(ledger, claim_one(ledger, queued()), Deferred("connect_error"), posts=3) == "queued"
    assert field(redis_client, "attempts") == "3"
    assert redis_client.ttl(KEYS.record("a")) == -1
    assert statuses(redis_client) == []
    assert Producer(redis_url).cancel("a") == "cancelled"


def test_unknown_stays_in_sending_and_cannot_be_cancelled(ledger, queued, redis_client, redis_url):
    assert finish_one(ledger, claim_one(ledger, queued()), NO_ANSWER) == "sending"
    assert Producer(redis_url).cancel("a") == "too_late"
    again = claim_one(ledger, "a")
    assert again.in_doubt
    assert again.attempt == 2


@pytest.mark.parametrize("code", ["120", "182"])
def test_a_duplicate_after_an_open_attempt_is_an_acceptance_without_ticket(
    ledger, queued, redis_client, code
):
    finish_one(ledger, claim_one(ledger, queued()), NO_ANSWER)
    assert finish_one(ledger, claim_one(ledger, "a"), Duplicate(code)) == "accepted"
    assert field(redis_client, "ticket") is None
    assert field(redis_client, "code") is None
    assert not redis_client.exists(KEYS.body("a"))


def test_a_duplicate_after_an_open_post_of_the_same_claim_is_an_acceptance(ledger, queued):
    assert (
        finish_one(ledger, claim_one(ledger, queued()), Duplicate("120"), posts=2, in_doubt=True)
        == "accepted"
    )


def test_a_duplicate_of_a_first_attempt_is_never_counted_as_sent(ledger, queued, redis_client):
    assert finish_one(ledger, claim_one(ledger, queued()), Duplicate("120")) == "unknown"
    assert field(redis_client, "code") == "120"


def test_a_duplicate_after_definite_refusals_only_is_never_counted_as_sent(ledger, queued):
    finish_one(ledger, claim_one(ledger, queued()), Deferred("153"))
    assert finish_one(ledger, claim_one(ledger, "a"), Duplicate("182")) == "unknown"


def test_a_refusal_proves_nothing_about_an_earlier_open_attempt(ledger, queued, redis_client):
    finish_one(ledger, claim_one(ledger, queued()), NO_ANSWER)
    assert finish_one(ledger, claim_one(ledger, "a"), Refused("181")) == "unknown"
    assert field(redis_client, "code") == "181"


def test_a_deferral_does_not_clear_the_doubt(ledger, queued):
    finish_one(ledger, claim_one(ledger, queued()), NO_ANSWER)
    assert finish_one(ledger, claim_one(ledger, "a"), Deferred("153")) == "sending"
    assert claim_one(ledger, "a").in_doubt


def test_a_deferral_after_an_open_post_of_the_same_claim_leaves_it_in_doubt(ledger, queued):
    assert (
        finish_one(ledger, claim_one(ledger, queued()), Deferred("153"), posts=2, in_doubt=True) == "sending"
    )


def test_a_lost_worker_leaves_the_attempt_in_doubt(ledger, queued, redis_client):
    lose(redis_client, ledger, claim_one(ledger, queued()))
    again = claim_one(ledger, "a")
    assert (again.in_doubt, again.attempt) == (True, 2)
    assert field(redis_client, "attempts") == "1"


def test_a_worker_that_lost_its_lease_cannot_overwrite_its_successor(ledger, queued, redis_client):
    suspended = claim_one(ledger, queued())
    lose(redis_client, ledger, suspended)
    successor = claim_one(ledger, "a")
    assert finish_one(ledger, suspended, Refused("121")) is None
    assert state(redis_client) == "sending"
    assert finish_one(ledger, successor, Accepted("sms_2")) == "accepted"
    assert finish_one(ledger, suspended, Accepted("sms_1")) is None
    assert field(redis_client, "ticket") == "sms_2"


def test_finish_twice_reports_the_recorded_state_and_changes_nothing(ledger, queued, redis_client):
    claim = claim_one(ledger, queued())
    assert [finish_one(ledger, claim, Accepted("sms_1")) for _ in range(2)] == ["accepted", "accepted"]
    assert len(statuses(redis_client)) == 1
    assert field(redis_client, "attempts") == "1"


def test_ttl_ends_a_send_that_was_never_accepted(ledger, queued, redis_client):
    queued(ttl=timedelta(seconds=10))
    assert 9 < claim_one(ledger, "a").ttl_s <= 10
    redis_client.delete(KEYS.attempt_leases)
    redis_client.hdel(KEYS.record("a"), "running")
    age(redis_client, 10_000, "expires")
    assert claim_one(ledger, "a") == Over("expired", just_now=True)
    assert claim_one(ledger, "a") == Over("expired")
    assert statuses(redis_client)[-1]["state"] == "expired"
    assert not redis_client.exists(KEYS.body("a"))


def test_ttl_with_an_open_attempt_is_unknown_not_expired(ledger, queued, redis_client):
    finish_one(ledger, claim_one(ledger, queued(ttl=timedelta(seconds=10))), NO_ANSWER)
    age(redis_client, 10_000, "expires")
    assert claim_one(ledger, "a") == Over("unknown", just_now=True, code="read_timeout")
    assert field(redis_client, "code") == "read_timeout"


def test_open_attempts_are_repeated_inside_the_window_only(ledger, queued, redis_client):
    finish_one(ledger, claim_one(ledger, queued()), NO_ANSWER)
    age(redis_client, WINDOW_S * 1000 - 60_000, "first")
    finish_one(ledger, claim_one(ledger, "a"), NO_ANSWER)
    age(redis_client, 61_000, "first")
    assert claim_one(ledger, "a") == Over("unknown", just_now=True, code="read_timeout")
    assert redis_client.exists(KEYS.body("a"))


def test_a_send_that_is_refused_for_the_whole_window_has_failed(ledger, queued, redis_client):
    finish_one(ledger, claim_one(ledger, queued()), Deferred("connect_error"))
    age(redis_client, WINDOW_S * 1000 + 1_000, "first")
    assert claim_one(ledger, "a") == Over("failed", just_now=True, code="connect_error")
    assert field(redis_client, "code") == "connect_error"


def test_a_long_wait_before_the_first_attempt_counts_for_nothing(ledger, queued, redis_client):
    age(redis_client, 10 * WINDOW_S * 1000, "queued", request_id=queued())
    assert isinstance(claim_one(ledger, "a"), Claim)


def test_a_claim_under_which_nothing_was_posted_begins_no_window(ledger, queued, redis_client):
    """A hold, or a gate, may keep for days what stood behind a wall when it was shut."""
    assert finish_one(ledger, claim_one(ledger, queued()), NOT_TRIED, posts=0) == "queued"
    assert (field(redis_client, "first"), field(redis_client, "attempts")) == (None, None)
    finish_one(ledger, claim_one(ledger, "a"), Deferred("connect_error"))
    finish_one(ledger, claim_one(ledger, "a"), NOT_TRIED, posts=0)
    assert field(redis_client, "first") is not None, "a POST was made, if not by this claim"


def test_a_claim_under_which_nothing_was_posted_does_not_clear_the_doubt(ledger, queued, redis_client):
    finish_one(ledger, claim_one(ledger, queued()), NO_ANSWER)
    again = claim_one(ledger, "a")
    assert finish_one(ledger, again, NOT_TRIED, posts=0, in_doubt=again.in_doubt) == "sending"
    assert field(redis_client, "first") is not None


def test_a_lost_body_is_said_and_never_guessed(ledger, queued, redis_client):
    redis_client.delete(KEYS.body(queued()))
    assert claim_one(ledger, "a") == Over("failed", just_now=True, code="body_lost")
    assert field(redis_client, "code") == "body_lost"


def test_a_callback_finds_its_send_by_ticket(ledger, queued):
    finish_one(ledger, claim_one(ledger, queued(context={"b": 1})), Accepted("sms_1"))
    found = correlate_one(ledger, "sms_1", "+33600000000", received_ms=1)
    assert (found.request_id, found.context, found.pending) == ("a", '{"b":1}', False)


def test_a_callback_of_somebody_elses_ticket_is_foreign(ledger):
    found = correlate_one(ledger, "sms_x", NUMBER, received_ms=1)
    assert (found.request_id, found.pending) == (None, False)


def now_ms(client: redis.Redis) -> int:
    seconds, microseconds = client.time()
    return seconds * 1000 + microseconds // 1000


def test_a_callback_waits_for_attempts_begun_before_it_came_and_no_others(ledger, queued, redis_client):
    before = now_ms(redis_client) - 1
    claim = claim_one(ledger, queued())
    assert not correlate_one(ledger, "sms_x", NUMBER, received_ms=before).pending
    assert correlate_one(ledger, "sms_x", NUMBER, received_ms=now_ms(redis_client)).pending
    finish_one(ledger, claim, Accepted("sms_1"))
    assert not correlate_one(ledger, "sms_x", NUMBER, received_ms=now_ms(redis_client)).pending


def test_the_first_callback_supplies_a_lost_ticket(ledger, queued, redis_client):
    finish_one(ledger, claim_one(ledger, queued(context=7)), NO_ANSWER)
    finish_one(ledger, claim_one(ledger, "a"), Duplicate("120"))
    found = correlate_one(ledger, "sms_1", NUMBER, received_ms=now_ms(redis_client))
    assert (found.request_id, found.context) == ("a", "7")
    assert field(redis_client, "ticket") == "sms_1"
    assert [(entry["state"], entry["ticket"]) for entry in statuses(redis_client)] == [
        ("accepted", ""),
        ("accepted", "sms_1"),
    ]
    assert correlate_one(ledger, "sms_2", NUMBER, received_ms=now_ms(redis_client)).request_id is None


def test_a_ticket_learnt_while_the_attempt_is_open_survives_the_duplicate(ledger, queued, redis_client):
    finish_one(ledger, claim_one(ledger, queued()), NO_ANSWER)
    assert correlate_one(ledger, "sms_1", NUMBER, received_ms=now_ms(redis_client)).request_id == "a"
    assert state(redis_client) == "sending"
    assert finish_one(ledger, claim_one(ledger, "a"), Duplicate("120")) == "accepted"
    assert field(redis_client, "ticket") == "sms_1"


def test_a_callback_turns_unknown_into_accepted(ledger, queued, redis_client):
    finish_one(ledger, claim_one(ledger, queued()), NO_ANSWER)
    age(redis_client, WINDOW_S * 1000 + 1_000, "first")
    claim_one(ledger, "a")
    assert correlate_one(ledger, "sms_1", NUMBER, received_ms=now_ms(redis_client)).request_id == "a"
    assert (state(redis_client), field(redis_client, "ticket")) == ("accepted", "sms_1")
    assert not redis_client.exists(KEYS.body("a"))


def test_two_open_sends_to_one_number_are_not_guessed_between(ledger, queued, redis_client):
    for request_id in ("a", "b"):
        finish_one(ledger, claim_one(ledger, queued(request_id)), NO_ANSWER)
    assert correlate_one(ledger, "sms_1", NUMBER, received_ms=now_ms(redis_client)).request_id is None
    assert field(redis_client, "ticket") is None


def test_another_number_adopts_nothing(ledger, queued, redis_client):
    finish_one(ledger, claim_one(ledger, queued()), NO_ANSWER)
    assert correlate_one(ledger, "sms_1", "+33612345679", received_ms=now_ms(redis_client)).request_id is None


def test_a_known_ticket_leaves_no_open_number_behind(ledger, queued, redis_client):
    finish_one(ledger, claim_one(ledger, queued()), NO_ANSWER)
    assert redis_client.exists(KEYS.unticketed(pseudonyms(redis_client).of(NUMBER)))
    finish_one(ledger, claim_one(ledger, "a"), Accepted("sms_1"))
    assert not redis_client.exists(KEYS.unticketed(pseudonyms(redis_client).of(NUMBER)))


def test_leases_are_renewed_while_held_and_not_resurrected(ledger, leases, queued, redis_client):
    claim = claim_one(ledger, queued())
    redis_client.zadd(KEYS.attempt_leases, {claim.lease: now_ms(redis_client) + 10})
    leases.keep(KEYS.attempt_leases, claim.lease)
    leases.renew()
    assert redis_client.zscore(KEYS.attempt_leases, claim.lease) > now_ms(redis_client) + 5_000
    redis_client.zrem(KEYS.attempt_leases, claim.lease)
    leases.renew()
    assert redis_client.zscore(KEYS.attempt_leases, claim.lease) is None


@pytest.mark.parametrize("ticket", ["sms_5f3fbce61266e", "sms_9212486030308492706581", "sms_" + "1" * 60])
def test_a_ticket_of_the_gateways_shape_is_adopted(ledger, queued, redis_client, ticket):
    finish_one(ledger, claim_one(ledger, queued()), NO_ANSWER)
    assert correlate_one(ledger, ticket, NUMBER, received_ms=now_ms(redis_client)).request_id == "a"


@pytest.mark.parametrize(
    "ticket", ["sms_", "x", "SMS_1", "sms_1 ", "sms_1\n", "sms_é", "1sms_1", "sms_" + "1" * 61]
)
def test_no_other_ticket_is_adopted(ledger, queued, redis_client, ticket):
    finish_one(ledger, claim_one(ledger, queued()), NO_ANSWER)
    assert correlate_one(ledger, ticket, NUMBER, received_ms=now_ms(redis_client)).request_id is None
    assert field(redis_client, "ticket") is None


@pytest.mark.parametrize(("early_ms", "adopted"), [(0, True), (1, False), (3_600_000, False)])
def test_a_callback_older_than_the_first_attempt_supplies_nothing(
    ledger, queued, redis_client, early_ms, adopted
):
    finish_one(ledger, claim_one(ledger, queued()), NO_ANSWER)
    first = int(field(redis_client, "first"))
    found = correlate_one(ledger, "sms_1", NUMBER, received_ms=first - early_ms)
    assert (found.request_id == "a") is adopted


def test_the_gateways_own_word_undoes_an_adoption(ledger, queued, redis_client):
    finish_one(ledger, claim_one(ledger, queued()), NO_ANSWER)
    assert correlate_one(ledger, "sms_forged", NUMBER, received_ms=now_ms(redis_client)).request_id == "a"
    assert finish_one(ledger, claim_one(ledger, "a"), Accepted("sms_true")) == "accepted"
    for ticket, request_id in (("sms_true", "a"), ("sms_forged", None), ("sms_true", "a")):
        found = correlate_one(ledger, ticket, NUMBER, received_ms=now_ms(redis_client))
        assert (ticket, found.request_id) == (ticket, request_id)
    assert field(redis_client, "ticket") == "sms_true"
    assert [(entry["state"], entry["ticket"]) for entry in statuses(redis_client)] == [
        ("accepted", "sms_true")
    ]


def test_an_adopted_ticket_that_redis_has_forgotten_gives_way_all_the_same(ledger, queued, redis_client):
    finish_one(ledger, claim_one(ledger, queued()), NO_ANSWER)
    assert correlate_one(ledger, "sms_forged", NUMBER, received_ms=now_ms(redis_client)).request_id == "a"
    redis_client.delete("{sms}:ticket:sms_forged")
    assert finish_one(ledger, claim_one(ledger, "a"), Accepted("sms_true")) == "accepted"
    assert field(redis_client, "ticket") == "sms_true"
    assert field(redis_client, "adopted") is None


def test_a_ticket_leads_to_its_send_after_the_record_is_forgotten(ledger, queued, redis_client):
    finish_one(ledger, claim_one(ledger, queued()), Accepted("sms_1"))
    redis_client.delete("{sms}:record:a")
    assert correlate_one(ledger, "sms_1", NUMBER, received_ms=now_ms(redis_client)).request_id == "a"
    assert not redis_client.exists("{sms}:record:a")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_second_ticket_contradicts_an_adopted_one_and_neither_is_believed(
    ledger, queued, redis_client, when
):
    finish_one(ledger, claim_one(ledger, queued()), NO_ANSWER)
    if when == "after":
        finish_one(ledger, claim_one(ledger, "a"), Duplicate("120"))
    assert correlate_one(ledger, "sms_1", NUMBER, received_ms=now_ms(redis_client)).request_id == "a"
    if when == "before":
        finish_one(ledger, claim_one(ledger, "a"), Duplicate("120"))
    for ticket in ("sms_2", "sms_1", "sms_2", "sms_3"):
        assert correlate_one(ledger, ticket, NUMBER, received_ms=now_ms(redis_client)).request_id is None
    assert (state(redis_client), field(redis_client, "ticket")) == ("accepted", None)
    assert statuses(redis_client)[-1]["ticket"] == ""


def test_a_ticket_older_than_the_first_attempt_contradicts_nothing(ledger, queued, redis_client):
    finish_one(ledger, claim_one(ledger, queued()), NO_ANSWER)
    correlate_one(ledger, "sms_1", NUMBER, received_ms=now_ms(redis_client))
    correlate_one(ledger, "sms_2", NUMBER, received_ms=int(field(redis_client, "first")) - 1)
    assert correlate_one(ledger, "sms_1", NUMBER, received_ms=now_ms(redis_client)).request_id == "a"


def test_a_ticket_that_came_with_its_answer_is_contradicted_by_none(ledger, queued, redis_client):
    finish_one(ledger, claim_one(ledger, queued()), Accepted("sms_1"))
    assert correlate_one(ledger, "sms_2", NUMBER, received_ms=now_ms(redis_client)).request_id is None
    assert correlate_one(ledger, "sms_1", NUMBER, received_ms=now_ms(redis_client)).request_id == "a"


@pytest.mark.parametrize("how", ["refused", "used up", "not understood", "window", "ttl", "body lost"])
def test_what_a_callback_has_proven_does_not_end_as_unknown(ledger, queued, redis_client, how):
    finish_one(ledger, claim_one(ledger, queued()), NO_ANSWER)
    assert correlate_one(ledger, "sms_1", NUMBER, received_ms=now_ms(redis_client)).request_id == "a"
    if how == "window":
        redis_client.hset(KEYS.record("a"), "first", 1)
    elif how == "ttl":
        redis_client.hset(KEYS.record("a"), "expires", 1)
    elif how == "body lost":
        redis_client.delete(KEYS.body("a"))
    claim = claim_one(ledger, "a")
    if how == "refused":
        assert finish_one(ledger, claim, Refused("121")) == "accepted"
    elif how == "used up":
        redis_client.hset(KEYS.record("a"), "used", 1)
        assert finish_one(ledger, claim, Duplicate("120")) == "accepted"
    elif how == "not understood":
        assert finish_one(ledger, claim, Unexplained("999")) == "accepted"
    assert (state(redis_client), field(redis_client, "ticket")) == ("accepted", "sms_1")
    assert [entry["state"] for entry in statuses(redis_client)] == ["accepted"]
    assert redis_client.zcard(KEYS.parked) == 0
