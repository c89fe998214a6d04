"""What a campaign remembers of its slices, for how long, and what the next run makes of it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext, suppress

import pytest
import redis

from producers import (
    CampaignCancellation,
    CampaignCancelled,
    Producer,
    QueueUnavailable,
    RequestIdConflict,
)
from producers.contract.settings import RedisSettings
from producers.contract.steps import drive
from producers.queueing import chunks
from producers.queueing.campaigns import Slicer
from producers.queueing.records import Records
from producers.settings import ProducerSettings
from tests.integration.test_campaigns import DAY_MS, GOOD, TEXT, cut_short, numbers, queued, texted
from tests.support.hand_worker import HandWorker, numbers_of
from tests.support.keys import AllKeys
from tests.support.redis_history import History, Killed, Watched, retention_passes
from worker.gateway.outcomes import Accepted, Deferred, Duplicate, Refused
from worker.ledger.ledger import Claim
from worker.operator.operations import Operations

KEYS = AllKeys()
NAME = "spring"
#: Recipients of a slice, here.
SLICE = 4
#: As many commands as a run of four slices takes, and one more.
COMMANDS = range(1, 8)


@pytest.fixture(autouse=True)
def _short_slices(monkeypatch):
    monkeypatch.setattr(chunks, "SLICE", SLICE)


@pytest.fixture
def history(redis_client, redis_server) -> History:
    return History(redis_client, depth=64)


@pytest.fixture
def sms(history, redis_server) -> Iterator[Producer]:
    """A producer that can be killed, and whose Redis can be made to forget."""
    producer = Producer(client=Watched(history, redis_server.port))
    # From here on Redis knows the scripts: a command is a command.
    producer.send_campaign(TEXT, numbers(1), campaign_id="other", **GOOD)
    producer.cancel_campaign("other")
    history.lose(64)
    # And the producer knows the key of pseudonyms, which Redis has made anew.
    producer.conversation("+33612345678")
    yield producer
    producer.close()


@pytest.fixture
def hand(redis_client) -> HandWorker:
    return HandWorker(redis_client, queue="marketing")


def send(sms: Producer, source, **options):
    return sms.send_campaign(TEXT, source, campaign_id=NAME, **GOOD, **options)


def cut(sms: Producer, after: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        send(sms, cut_short(numbers(10 * SLICE), after))


def work(hand: HandWorker) -> list[Claim]:
    """Send all that may be sent."""
    claims = hand.take()
    for claim in claims:
        hand.finish(claim, Accepted("t"))
    return claims


def slices(claims: list[Claim]) -> list[str]:
    return [claim.entry.id for claim in claims]


def ends(redis_client: redis.Redis) -> list[int]:
    """When the two keys of the campaign end, in ms since the epoch; -1 for never."""
    return [redis_client.pexpiretime(key) for key in (KEYS.campaign(NAME), KEYS.campaign_ended(NAME))]


def at(number: int, side: str, do):
    """A hook that does something once."""
    return lambda when, which: do() if (when, which) == (side, number) else None


def die():
    raise Killed


# Cut short, refused, lost: the next run queues what is missing, and nothing else.


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("number", COMMANDS)
def test_a_complete_list_is_extended_whatever_command_the_run_dies_at(
    sms, history, redis_client, side, number
):
    send(sms, numbers(SLICE))
    history.watch(at(number, side, die))
    with suppress(Killed):
        send(sms, numbers(4 * SLICE))
    history.watch(None)
    there = len(queued(redis_client))

    result = send(sms, numbers(4 * SLICE))

    assert (result.created, result.existing) == (4 - there, there)
    assert texted(redis_client) == Counter(numbers(4 * SLICE))


@pytest.mark.parametrize("number", COMMANDS)
def test_a_complete_list_is_extended_whatever_command_redis_refuses(sms, history, redis_client, number):
    send(sms, numbers(SLICE))
    history.watch(at(number, "before", lambda: redis_client.config_set("maxmemory", 1)))
    try:
        with suppress(QueueUnavailable):
            send(sms, numbers(4 * SLICE))
    finally:
        history.watch(None)
        redis_client.config_set("maxmemory", 0)

    send(sms, numbers(4 * SLICE))

    assert texted(redis_client) == Counter(numbers(4 * SLICE))


@pytest.mark.parametrize("lost", range(1, 7))
def test_slices_that_redis_has_lost_are_queued_by_the_next_run(sms, history, redis_client, lost):
    send(sms, numbers(4 * SLICE))
    history.lose(lost)
    there = len(queued(redis_client))
    # The last two commands of a run queue nothing.
    assert there == min(4, 6 - lost)

    result = send(sms, numbers(4 * SLICE))

    assert (result.created, result.existing) == (4 - there, there)
    assert texted(redis_client) == Counter(numbers(4 * SLICE))
    assert sms.campaign_status(NAME).recipients == 4 * SLICE


def test_a_run_that_slices_were_lost_of_says_so_and_the_next_one_mends_it(sms, history, redis_client):
    history.watch(at(4, "before", lambda: history.lose(2)))
    with pytest.raises(QueueUnavailable) as caught:
        send(sms, numbers(4 * SLICE))
    history.watch(None)

    assert caught.value.campaign_id == NAME
    assert texted(redis_client) == Counter([*numbers(0), *numbers(2 * SLICE, start=2 * SLICE)])
    assert not sms.campaign_status(NAME).complete
    assert send(sms, numbers(4 * SLICE)).created == 2
    assert texted(redis_client) == Counter(numbers(4 * SLICE))
    assert sms.campaign_status(NAME).complete


def test_a_run_that_loses_slices_of_an_earlier_one_says_so(sms, history, redis_client):
    send(sms, numbers(2 * SLICE))
    # Before the fourth command of the second run: its first three, and the last three of the first run.
    history.watch(at(4, "before", lambda: history.lose(6)))
    with pytest.raises(QueueUnavailable):
        send(sms, numbers(4 * SLICE))
    history.watch(None)

    assert send(sms, numbers(4 * SLICE)).created == 1
    assert texted(redis_client) == Counter(numbers(4 * SLICE))


def test_a_slice_that_is_mended_is_no_step_back(sms, redis_client):
    cut(sms, 3 * SLICE)
    redis_client.delete(KEYS.record(f"{NAME}.0"))

    cut(sms, SLICE)

    assert sms.campaign_status(NAME).slices == 3


def test_a_slice_is_believed_to_exist_only_if_it_is_there_or_has_ended(sms, redis_client):
    send(sms, numbers(3 * SLICE))
    redis_client.delete(KEYS.record(f"{NAME}.1"), KEYS.body(f"{NAME}.1"))

    result = send(sms, numbers(3 * SLICE))

    assert (result.created, result.existing) == (1, 2)


def test_what_was_sent_and_then_lost_is_asked_of_the_gateway_under_the_same_id(sms, history, hand):
    send(sms, numbers(2 * SLICE))
    [_, second] = hand.take()
    history.lose(3)

    assert send(sms, numbers(2 * SLICE)).created == 1
    [again] = [claim for claim in hand.take() if claim.entry.id == f"{NAME}.1"]
    assert again.body == second.body
    assert hand.finish(again, Duplicate("120")) == "unknown"


# The retention: what has ended is not sent again, what has not is.


def test_a_paused_campaign_cut_short_sends_nothing_twice_after_the_retention(sms, redis_client, hand):
    cut(sms, 3 * SLICE)
    assert slices(work(hand)) == [f"{NAME}.{n}" for n in range(3)]
    assert sms.pause_campaign(NAME) == "paused"
    retention_passes(redis_client)
    assert sms.status(f"{NAME}.2") is None

    result = send(sms, numbers(4 * SLICE))

    assert (result.created, result.existing) == (1, 3)
    assert work(hand) == []
    assert sms.resume_campaign(NAME) == "resumed"
    assert slices(work(hand)) == [f"{NAME}.3"]


@pytest.mark.parametrize("ended", [{0}, {1}, {2}, {0, 2}, {1, 3}, {0, 1, 2, 3}])
def test_of_slices_without_a_record_exactly_those_that_ended_are_known(sms, redis_client, hand, ended):
    send(sms, numbers(4 * SLICE))
    for claim in hand.take():
        if int(claim.entry.id.removeprefix(f"{NAME}.")) in ended:
            hand.finish(claim, Accepted("t"))
    for n in range(4):
        redis_client.delete(KEYS.record(f"{NAME}.{n}"))

    result = send(sms, numbers(4 * SLICE))

    assert (result.created, result.existing) == (4 - len(ended), len(ended))
    assert queued(redis_client) == [f"{NAME}.{n}" for n in range(4) if n not in ended]


@pytest.mark.parametrize("end", ["accepted", "rejected", "cancelled", "expired"])
def test_every_end_is_remembered(sms, redis_client, hand, end):
    cut(sms, SLICE)
    if end == "cancelled":
        sms.cancel(f"{NAME}.0")
    elif end == "expired":
        redis_client.hset(KEYS.record(f"{NAME}.0"), "expires", 1)
    for claim in hand.take():
        hand.finish(claim, Accepted("t") if end == "accepted" else Refused("999"))
    assert sms.status(f"{NAME}.0").state == end
    retention_passes(redis_client)

    assert (send(sms, numbers(SLICE)).existing, queued(redis_client)) == (1, [])


def test_other_content_is_refused_after_the_end_as_long_as_the_record_is_there(sms, hand):
    send(sms, numbers(SLICE))
    work(hand)

    with pytest.raises(RequestIdConflict):
        send(sms, numbers(SLICE, start=1))


def test_a_long_list_whose_records_are_gone_is_still_compared_where_it_is_there(sms, redis_client, hand):
    cut(sms, SLICE)
    work(hand)
    retention_passes(redis_client)
    send(sms, numbers(2 * SLICE))

    with pytest.raises(RequestIdConflict) as caught:
        send(sms, [*numbers(SLICE), *numbers(SLICE, start=SLICE + 1)])

    assert caught.value.request_ids == (f"{NAME}.1",)


# How long it is remembered.


def test_a_campaign_is_kept_while_one_message_waits_and_its_pause_with_it(sms, redis_client, hand):
    cut(sms, SLICE)
    work(hand)
    send(sms, numbers(2 * SLICE))
    sms.pause_campaign(NAME)
    assert work(hand) == []
    assert ends(redis_client) == [-1, -1]
    retention_passes(redis_client)

    sms.resume_campaign(NAME)
    sms.pause_campaign(NAME)

    assert work(hand) == []
    sms.resume_campaign(NAME)
    assert slices(work(hand)) == [f"{NAME}.1"]
    assert 6 * DAY_MS < redis_client.pttl(KEYS.campaign(NAME)) <= 7 * DAY_MS
    campaign, ended = ends(redis_client)
    assert redis_client.pexpiretime(KEYS.record(f"{NAME}.1")) <= campaign == ended


def test_each_end_but_the_last_leaves_the_campaign_without_limit(sms, redis_client, hand):
    send(sms, numbers(3 * SLICE))
    claims = hand.take()
    for claim in claims[:2]:
        hand.finish(claim, Accepted("t"))
        assert ends(redis_client) == [-1, -1]

    hand.finish(claims[2], Accepted("t"))

    assert min(ends(redis_client)) > 0


def test_more_recipients_keep_a_campaign_that_was_about_to_be_forgotten(sms, redis_client, hand):
    send(sms, numbers(SLICE))
    work(hand)
    assert min(ends(redis_client)) > 0

    send(sms, numbers(2 * SLICE))

    assert ends(redis_client) == [-1, -1]


def test_a_message_that_a_person_sends_again_keeps_its_campaign_and_the_pause(sms, redis_client, hand):
    send(sms, numbers(SLICE))
    [claim] = hand.take()
    hand.finish(claim, Refused("999"))
    assert min(ends(redis_client)) > 0

    assert Operations(redis_client, RedisSettings(), "tester").replay(f"{NAME}.0") is None

    assert sms.pause_campaign(NAME) == "paused"
    assert ends(redis_client) == [-1, -1]
    retention_passes(redis_client)
    assert work(hand) == []
    sms.resume_campaign(NAME)
    [claim] = work(hand)
    assert numbers_of(claim) == list(numbers(SLICE))


def test_a_campaign_that_was_cut_short_is_kept_until_it_is_run_to_its_end(sms, redis_client, hand):
    send(sms, numbers(SLICE))
    assert sms.campaign_status(NAME).complete
    work(hand)
    cut(sms, 2 * SLICE)
    assert not sms.campaign_status(NAME).complete
    assert ends(redis_client) == [-1, -1]
    work(hand)
    assert ends(redis_client) == [-1, -1]

    send(sms, numbers(2 * SLICE))

    assert min(ends(redis_client)) > 0


def test_a_campaign_that_was_cut_short_is_kept_until_it_is_cancelled(sms, redis_client, hand):
    cut(sms, 2 * SLICE)
    work(hand)

    sms.cancel_campaign(NAME)

    assert min(ends(redis_client)) > 0


def test_a_run_lets_nothing_be_forgotten_while_it_is_at_work(sms, redis_client, hand):
    send(sms, numbers(2 * SLICE))
    work(hand)
    for key in (KEYS.campaign(NAME), KEYS.campaign_ended(NAME)):
        redis_client.pexpire(key, DAY_MS)

    with pytest.raises(KeyboardInterrupt):
        send(sms, cut_short(numbers(2 * SLICE), SLICE))

    assert (
        min(redis_client.pttl(key) for key in (KEYS.campaign(NAME), KEYS.campaign_ended(NAME))) > 6 * DAY_MS
    )


def test_it_is_forgotten_no_earlier_than_its_records_by_an_application_with_a_shorter_retention(
    redis_client, redis_url, hand
):
    sms = Producer(redis_url, settings=ProducerSettings(retention_days=1))
    send(sms, numbers(SLICE))
    work(hand)
    send(sms, numbers(SLICE))
    sms.cancel_campaign(NAME)
    sms.close()

    assert min(ends(redis_client)) >= redis_client.pexpiretime(KEYS.record(f"{NAME}.0"))


# Stopping.


@pytest.mark.parametrize("number", COMMANDS)
def test_a_cancel_between_any_two_commands_of_a_run_leaves_nothing_queued(
    sms, history, redis_client, hand, number
):
    other = Producer(client=redis_client)
    history.watch(at(number, "before", lambda: other.cancel_campaign(NAME)))
    source = [*numbers(SLICE), *["rubbish"] * SLICE, *numbers(SLICE, start=SLICE), *["rubbish"] * SLICE]

    # Before the third command nothing is there that could be cancelled; after the fourth the run is complete.
    with pytest.raises(CampaignCancelled) if number in {3, 4} else nullcontext():
        send(sms, source, on_invalid=lambda *_: None)
    history.watch(None)

    status = other.campaign_status(NAME)
    assert (status.stopped, status.cancelled) in {(True, status.recipients), (False, 0)}
    assert status.stopped != bool(work(hand))


def test_a_slice_of_a_cancelled_campaign_is_refused_by_the_script_that_would_queue_it(sms, redis_client):
    cut(sms, SLICE)
    sms.cancel_campaign(NAME)
    records = Records(ProducerSettings())
    slice_ = Slicer(TEXT, GOOD, NAME).cut(list(numbers(SLICE, start=SLICE)))

    assert drive(records.enqueue_slice(slice_), redis_client) == [("stopped", 0)]
    assert queued(redis_client) == [f"{NAME}.0"]


def test_a_cancel_that_is_cut_short_lets_nothing_leave(sms, history, hand):
    send(sms, numbers(2 * SLICE))
    history.watch(at(1, "after", die))
    with pytest.raises(Killed):
        sms.cancel_campaign(NAME)
    history.watch(None)

    assert work(hand) == []
    assert sms.cancel_campaign(NAME) == CampaignCancellation(2, 0)
    assert sms.campaign_status(NAME).waiting == 0


def test_what_comes_back_unsent_after_a_cancel_ends_and_nothing_is_kept_for_ever(sms, redis_client, hand):
    send(sms, numbers(2 * SLICE))
    open_one, unsent = hand.take()
    assert sms.cancel_campaign(NAME) == CampaignCancellation(0, 2)
    hand.finish(unsent, Deferred("client_connector_error"))
    hand.finish(open_one, Deferred("http_404", proven=False))

    (again,) = work(hand)
    assert (again.entry.id, again.in_doubt) == (open_one.entry.id, True), "only the gateway can tell"
    status = sms.campaign_status(NAME)
    assert (status.cancelled, status.accepted, status.pending, status.waiting) == (SLICE, SLICE, 0, 0)
    assert redis_client.pttl(KEYS.campaign(NAME)) > 0


def test_the_next_run_gives_back_what_a_resume_left_that_was_cut_short(sms, history, redis_client, hand):
    send(sms, numbers(2 * SLICE))
    sms.pause_campaign(NAME)
    assert work(hand) == []
    redis_client.hdel(KEYS.campaign(NAME), "paused")

    send(sms, numbers(2 * SLICE))

    assert slices(work(hand)) == [f"{NAME}.0", f"{NAME}.1"]


def test_the_next_run_leaves_a_pause_alone(sms, redis_client, hand):
    send(sms, numbers(2 * SLICE))
    sms.pause_campaign(NAME)
    work(hand)

    send(sms, numbers(2 * SLICE))

    assert work(hand) == []
    assert sms.campaign_status(NAME).waiting == 2


def test_ten_million_slices_are_remembered_in_little(sms, redis_client, hand):
    send(sms, numbers(SLICE))
    work(hand)
    redis_client.setbit(KEYS.campaign_ended(NAME), 9_999_999, 1)

    assert redis_client.memory_usage(KEYS.campaign_ended(NAME)) < 3_000_000
