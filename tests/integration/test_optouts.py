"""An opt-out counts in one step: the number is suppressed, what waits is cancelled, and it is told."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from producers import Message, Recipient
from producers.contract.settings import RedisSettings
from producers.contract.steps import drive
from tests.support import stoppable
from tests.support.hand_worker import numbers_of
from tests.support.marketing import Marketing
from tests.support.template_sends import number, only
from worker.gateway.outcomes import Accepted, Deferred, Refused, Unknown
from worker.operator.bulk import Bulk
from worker.operator.decisions import Decisions

NO_ANSWER = Unknown("read_timeout")
SUPPRESSED = ("cancelled", "suppressed")


@pytest.fixture
def scoped(redis_client, redis_url) -> Iterator[Marketing]:
    made = Marketing(redis_client, redis_url, optout_scope="sender")
    yield made
    made.sms.close()


def listed(market: Marketing) -> int:
    return len(stoppable.listed(market.redis))


# What waits


def test_what_is_queued_is_cancelled_and_told_with_its_ids(market):
    market.send(0, "a")
    market.send(0, "b")
    market.send(1, "c")

    market.stop(0)

    assert [market.state(each) for each in "abc"] == [SUPPRESSED, SUPPRESSED, ("queued", None)]
    [told] = market.told
    assert (told["action"], told["reason"], told["scope"]) == ("out", "callback", "account")
    assert (told["cancelled"], sorted(told["cancelled_ids"].split())) == ("2", ["a", "b"])
    assert only(market.hand.take()).entry.id == "c"
    assert listed(market) == 1


def test_what_is_queued_anew_under_the_id_of_a_forgotten_record_is_listed_once(market):
    market.send(0, "a")
    market.redis.delete("{sms}:record:a")
    market.send(0, "a")

    assert listed(market) == 1
    market.stop(0)
    assert market.state("a") == SUPPRESSED
    assert listed(market) == 0


def test_what_is_scheduled_is_cancelled(market):
    market.send(0, "a", send_at="2100-01-01T10:00:00+01:00")

    market.stop(0)

    assert market.state("a") == SUPPRESSED
    assert market.hand.left() == []


def test_what_gathers_is_cancelled(market):
    market.send(0, "a", shared=True)
    market.send(1, "b", shared=True)

    market.stop(0)

    assert market.state("a") == SUPPRESSED
    assert numbers_of(only(market.hand.take())) == [number(1)]


def test_a_member_of_a_call_that_waits_is_cancelled_and_the_call_composed_anew(market):
    for each in range(3):
        market.send(each, f"m{each}", shared=True)
    batch = market.hand.fetch()
    market.hand.ledger.compose(batch)

    market.stop(1)
    assert market.state("m1") == SUPPRESSED

    assert numbers_of(only(market.hand.claim(batch))) == [number(0), number(2)]


def test_what_waits_for_another_attempt_is_cancelled(market):
    market.send(0, "a")
    market.hand.finish(only(market.hand.take()), Deferred("500"))

    market.stop(0)

    assert market.state("a") == SUPPRESSED
    assert market.sms.status("a").message is None


def test_what_is_out_is_left_to_its_answer(market):
    market.send(0, "a")
    claim = only(market.hand.take())

    market.stop(0)
    market.hand.finish(claim, Accepted("sms_1"))

    assert market.state("a")[0] == "accepted"
    assert market.told[0]["cancelled"] == "0"
    assert listed(market) == 0


def test_members_of_a_call_that_is_out_are_left_to_its_answer(market):
    for each in range(2):
        market.send(each, f"m{each}", shared=True)
    claim = only(market.hand.take())

    market.stop(0)
    market.hand.finish(claim, Accepted("sms_1"))

    assert [market.state(f"m{each}")[0] for each in range(2)] == ["accepted", "accepted"]
    assert listed(market) == 0


def test_an_alert_goes_on(market):
    market.send(0, "a", purpose="alert")

    market.stop(0)

    assert market.state("a") == ("queued", None)
    assert market.send(0, "b", purpose="alert").state == "queued"
    assert market.told[0]["cancelled"] == "0"


def test_an_entry_whose_record_is_gone_is_forgotten(market):
    market.send(0, "a")
    market.redis.delete("{sms}:record:a")

    market.stop(0)

    assert listed(market) == 0


# What comes later


def test_one_recipient_who_is_suppressed_ends_the_message_at_once(market):
    market.stop(0)

    sent = market.send(0, "a")
    again = market.send(0, "a")

    assert (sent.state, sent.created, sent.left_out) == ("cancelled", True, 1)
    assert (again.state, again.created, again.left_out) == ("cancelled", False, 1)
    assert market.state("a") == SUPPRESSED
    assert market.hand.is_idle()
    told = market.callbacks.entries("statuses")
    assert [(each["request_id"], each["state"], each["code"]) for each in told] == [("a", *SUPPRESSED)]


def test_of_many_recipients_those_who_are_suppressed_are_left_out(market):
    market.stop(1)
    market.stop(3)

    sent = market.send(range(4), "a")

    assert (sent.state, sent.left_out, market.send(range(4), "a").left_out) == ("queued", 2, 2)
    claim = only(market.hand.take())
    assert numbers_of(claim) == [number(0), number(2)]
    assert market.sms.status("a").segments == 2
    assert market.sms.status("a").left_out == 2


def test_all_recipients_who_are_suppressed_end_the_message(market):
    market.stop(0)
    market.stop(1)

    assert market.send(range(2), "a").left_out == 2
    assert market.state("a") == SUPPRESSED
    assert market.hand.is_idle()


def test_what_is_left_counts_its_own_segments(market):
    whom = [(0, "x"), (1, "x" * 50), (2, "x" * 50)]
    text = "y" * 130 + " {first_name}. STOP au 30101"

    def message(request_id):
        people = [Recipient(number(each), first_name=name) for each, name in whom]
        return Message(people, text, sender="Bistro", request_id=request_id)

    before = market.sms.send_many([message("a")])[0].segments
    market.stop(1)
    market.hand.take()
    assert before == 5
    assert market.sms.status("a").segments == 3
    market.sms.send_many([message("b")])
    assert market.sms.status("b").segments == 3


@pytest.mark.parametrize("body", ['{"recipients":[{"phone_number":"+33612000000"}],"text":"x"}', "{}"])
def test_a_body_that_nobody_wrote_so_is_left_to_a_person(market, body):
    market.send(range(2), "a")
    market.redis.set("{sms}:body:a", body)
    market.stop(1)

    assert market.hand.take() == []
    assert market.state("a") == ("failed", "body_damaged")


def test_a_record_that_does_not_name_all_recipients_of_its_body_is_left_to_a_person(market):
    """Else somebody else than who said STOP would be left out."""
    market.send(range(3), "a")
    named = market.redis.hget("{sms}:record:a", "to").split()
    market.redis.hset("{sms}:record:a", "to", b" ".join(named[1:]))
    market.stop(1)

    assert market.hand.take() == []
    assert market.state("a") == ("failed", "body_damaged")


# At the claim


def test_a_message_to_several_is_thawed_at_its_claim(market):
    market.send(range(3), "a")

    market.stop(1)

    claim = only(market.hand.take())
    assert numbers_of(claim) == [number(0), number(2)]
    assert market.sms.status("a").left_out == 1
    market.hand.finish(claim, Accepted("sms_1", segments=2))
    assert market.state("a")[0] == "accepted"


def test_a_message_to_several_ends_at_its_claim_if_nobody_is_left(market):
    market.send(range(2), "a")

    market.stop(0)
    market.stop(1)

    assert market.hand.take() == []
    assert market.state("a") == SUPPRESSED


def test_a_slice_is_thawed_and_its_campaign_counts_who_was_left_out(market):
    market.stop(0)
    market.sms.send_campaign(
        "Ce soir -20%. STOP au 30101", [number(each) for each in range(600)], campaign_id="c", sender="Bistro"
    )
    market.stop(1)
    for claim in market.hand.take():
        assert not {number(0), number(1)} & set(numbers_of(claim))
        market.hand.finish(claim, Accepted(f"sms_{claim.entry.id[-1]}"))

    status = market.sms.campaign_status("c")
    assert (status.recipients, status.accepted, status.cancelled, status.suppressed) == (600, 598, 2, 2)
    assert status.done


def test_a_slice_of_nobody_is_over_as_it_begins(market):
    market.stop(0)
    run = market.sms.send_campaign("Hop. STOP au 30101", [number(0)], campaign_id="c", sender="Bistro")

    assert (run.recipients, run.suppressed) == (1, 1)
    status = market.sms.campaign_status("c")
    assert (status.cancelled, status.suppressed, status.done) == (1, 1, True)


def test_a_message_in_doubt_is_not_tried_again(market):
    market.send(0, "a")
    market.hand.finish(only(market.hand.take()), NO_ANSWER)

    market.stop(0)
    assert market.state("a")[0] == "sending"
    assert market.hand.take() == []

    assert market.state("a") == ("unknown", "suppressed_in_doubt")


def test_a_refusal_is_why_it_ended_also_when_its_time_is_over(market):
    market.send(0, "a")
    market.hand.finish(only(market.hand.take()), NO_ANSWER)
    market.stop(0)
    market.redis.hset("{sms}:record:a", "expires", 1)

    assert market.hand.take() == []
    assert market.state("a") == ("unknown", "suppressed_in_doubt")


def test_a_message_in_doubt_that_a_callback_has_proven_is_accepted(market):
    market.send(0, "a")
    market.hand.finish(only(market.hand.take()), NO_ANSWER)
    receipt = {"message_id": "sms_1", "number": number(0), "status": "DELIVERED", "delivery_date": ""}
    market.callbacks.bring(receipt)

    market.stop(0)
    market.hand.take()

    assert market.state("a") == ("accepted", None)


def test_several_in_doubt_keep_their_bytes_and_are_counted_once(market):
    market.send(range(2), "a")
    first = only(market.hand.take())
    market.hand.finish(first, NO_ANSWER)

    market.stop(0)
    second = only(market.hand.take())
    market.hand.finish(second, NO_ANSWER)
    third = only(market.hand.take())

    assert first.body == second.body == third.body
    assert market.redis.hget("{sms}:counts", "optout_race") == b"1"


def test_a_call_in_doubt_keeps_its_bytes(market):
    for each in range(2):
        market.send(each, f"m{each}", shared=True)
    first = only(market.hand.take())
    market.hand.finish(first, NO_ANSWER)

    market.stop(0)

    assert only(market.hand.take()).body == first.body
    assert market.redis.hget("{sms}:counts", "optout_race") == b"1"


def test_a_call_that_split_is_composed_without_them(market):
    for each in range(4):
        market.send(each, f"m{each}", shared=True)
    market.hand.finish(only(market.hand.take()), Refused("103"))

    market.stop(0)
    market.stop(3)

    assert sorted(numbers_of(each) for each in market.hand.take()) == [[number(1)], [number(2)]]


@pytest.mark.parametrize("together", [False, True])
def test_what_a_person_sends_again_is_listed_again(market, together):
    market.send(0, "a")
    market.hand.finish(only(market.hand.take()), Refused("121"))
    assert listed(market) == 0
    if together:
        bulk = Bulk(RedisSettings())
        job_id = drive(bulk.plan("rejected", None, "me"), market.redis)
        bulk.begin(job_id, "me").run(market.redis)
        while drive(bulk.work(), market.redis):
            pass
    else:
        drive(Decisions(RedisSettings(), "me").replay("a"), market.redis)
    assert listed(market) == 1

    market.stop(0)

    assert market.state("a") == SUPPRESSED


# Who says so


@pytest.mark.parametrize("text", ["STOP", "Arrêtez de m'envoyer des SMS"])
def test_a_reply_that_is_a_stop_counts(market, text):
    market.send(0, "a")

    market.write(0, text)

    assert market.state("a") == SUPPRESSED
    assert (market.told[0]["reason"], market.told[0]["text"]) == ("reply", text)
    assert market.callbacks.entries("replies")[0]["text"] == text


def test_a_reply_in_doubt_stops_nothing(market):
    market.send(0, "a")

    market.write(0, "pourquoi stop ?")

    assert market.state("a") == ("queued", None)
    assert market.told == []


def test_a_receipt_of_a_blocked_number_counts_also_on_an_alert(market):
    market.send(0, "a")
    receipt = {"message_id": "x", "number": number(0), "status": "BLACKLISTED_NUMBER", "delivery_date": ""}

    market.callbacks.bring(receipt)

    assert market.state("a") == SUPPRESSED
    assert market.reasons() == {"account": "gateway"}


def test_an_opt_out_does_not_wait_for_its_send_to_be_known(market):
    market.send(0, "a")
    market.send(1, "b")
    claims = {claim.entry.id: claim for claim in market.hand.take()}
    market.hand.record(claims["a"], Deferred("500"))

    market.write(0, "STOP", ticket="sms_9")
    assert market.callbacks.waiting
    assert market.state("a") == SUPPRESSED
    market.hand.finish(claims["b"], Accepted("sms_9"))
    market.callbacks.look_again()

    assert len(market.told) == 1
    assert len(market.callbacks.entries("replies")) == 1


@pytest.mark.parametrize("reply_first", [False, True], ids=["callback-first", "reply-first"])
@pytest.mark.parametrize(("minutes", "told"), [(0, 1), (10, 1), (11, 2)])
def test_a_stop_that_comes_as_callback_and_as_reply_is_told_once(market, reply_first, minutes, told):
    """What comes long after it is another one."""
    dates = [f"2026-01-05 14:{5 + each:02}:09" for each in (0, minutes)]
    as_callback, as_reply = reversed(dates) if reply_first else dates

    def bring(is_reply: bool) -> None:
        if is_reply:
            market.write(0, "Stop", reception_date=as_reply)
        else:
            market.stop(0, stop_date=as_callback)

    bring(reply_first)
    bring(not reply_first)

    assert len(market.told) == told
    assert len(market.callbacks.entries("replies")) == 1
    assert market.send(0, "a").code == "suppressed"


def test_the_same_opt_out_twice_counts_once(market):
    for _ in range(2):
        market.stop(0, stop_date="2026-01-31 14:05:09")
    market.send(0, "a")

    assert market.state("a") == SUPPRESSED
    assert len(market.told) == 1


def test_what_is_no_number_suppresses_nobody(market):
    market.callbacks.bring({"number": "36111", "text": "STOP", "stop_date": "2026-01-31 14:05:09"})

    assert market.reasons() == {}
    assert len(market.told) == 1


def test_no_opt_out_cancels_more_than_a_hundred_at_once_and_no_claim_lets_the_rest_pass(market):
    market.sms.send_many([market.message(0, f"m{each}") for each in range(101)])

    market.stop(0)

    assert market.told[0]["cancelled"] == "100"
    assert market.hand.take() == []
    assert {market.state(f"m{each}") for each in range(101)} == {SUPPRESSED}


# Lifting


def test_a_start_lifts_what_a_stop_has_suppressed(market):
    market.write(0, "STOP", reception_date="2026-01-31 14:05:09")

    market.write(0, "START", reception_date="2026-01-31 14:06:09")

    assert market.send(0, "a").state == "queued"
    assert [each["action"] for each in market.told] == ["out", "in"]
    assert market.told[1]["reason"] == "reply"


@pytest.mark.parametrize("written", ["14:04:09", "14:05:09"])
def test_a_start_that_is_not_younger_than_the_stop_lifts_nothing(market, written):
    market.write(0, "STOP", reception_date="2026-01-31 14:05:09")

    market.write(0, "START", reception_date=f"2026-01-31 {written}")

    assert market.send(0, "a").state == "cancelled"
    assert [each["action"] for each in market.told] == ["out"]


def test_a_stop_that_comes_late_takes_nothing_back_from_the_last_one(market):
    for text, at in (("STOP", "14:05:09"), ("STOP", "13:00:00"), ("START", "14:04:09")):
        market.write(0, text, reception_date=f"2026-01-31 {at}")

    assert market.send(0, "a").state == "cancelled"


def test_a_stop_of_tomorrow_counts_from_now(market):
    """The gateway's clock may be wrong, and no START would ever lift what it has dated so."""
    for text, days in (("STOP", 2), ("START", 1)):
        market.write(0, text, reception_date=(datetime.now(UTC) + timedelta(days=days)).isoformat())

    assert market.send(0, "a").state == "queued"


def test_a_start_lifts_nothing_that_the_gateway_said(market):
    market.stop(0)
    receipt = {"message_id": "x", "number": number(0), "status": "BLACKLISTED_NUMBER", "delivery_date": ""}
    market.callbacks.bring(receipt)
    market.stop(0)

    market.write(0, "START")

    assert market.reasons() == {"account": "gateway"}


def test_a_stop_after_a_start_counts_again(market):
    for text, at in (("STOP", "14:05:09"), ("START", "14:06:09"), ("STOP", "14:07:09")):
        market.write(0, text, reception_date=f"2026-01-31 {at}")

    assert market.send(0, "a").state == "cancelled"


# Scopes and alerts


def test_of_a_sender_only_its_own_marketing_ends(scoped):
    scoped.send(0, "a")
    scoped.hand.finish(only(scoped.hand.take()), Accepted("sms_1"))
    scoped.send(0, "b")
    scoped.send(0, "c", sender="Boutique")

    scoped.write(0, "STOP", ticket="sms_1")

    assert scoped.state("b") == SUPPRESSED
    assert scoped.state("c") == ("queued", None)
    assert scoped.send(0, "d", sender="bistro").state == "cancelled"
    assert scoped.send(0, "e", sender="Boutique").state == "queued"
    assert scoped.told[0]["scope"] == "sender:bistro"


def test_nobody_knows_the_sender_that_a_stop_is_about_so_all_of_them_end(scoped):
    scoped.send(0, "b")

    scoped.stop(0)

    assert scoped.state("b") == SUPPRESSED
    assert scoped.reasons() == {"account": "callback"}


def test_a_shared_call_of_a_sender_leaves_without_those_who_stopped_that_sender(scoped):
    scoped.send(0, "a", purpose="alert")
    scoped.hand = type(scoped.hand)(scoped.redis, queue="alert")
    scoped.hand.finish(only(scoped.hand.take()), Accepted("sms_1"))
    scoped.hand = type(scoped.hand)(scoped.redis, queue="marketing")
    for each in range(3):
        scoped.send(each, f"m{each}", shared=True)
    batch = scoped.hand.fetch()
    scoped.hand.ledger.compose(batch)
    scoped.redis.delete(stoppable.FIRST, stoppable.MORE)  # as if more waited than one opt-out cancels

    scoped.stop(0, message_id="sms_1")

    assert scoped.hand.claim(batch) == []
    assert numbers_of(only(scoped.hand.take())) == [number(1), number(2)]
    assert scoped.state("m0") == SUPPRESSED


def test_alerts_end_where_the_owner_wants_it(redis_client, redis_url):
    market = Marketing(redis_client, redis_url, queue="alert", optout_blocks_alerts=True)
    market.send(0, "a", purpose="alert")
    market.send(range(2), "b", purpose="alert")
    for each in range(2):
        market.send(each, f"m{each}", purpose="alert", shared=True)

    market.stop(0)

    assert market.state("a") == SUPPRESSED
    assert sorted(numbers_of(each) for each in market.hand.take()) == [[number(1)], [number(1)]]
    assert market.send(0, "c", purpose="alert").state == "cancelled"
    market.sms.close()


def test_alerts_that_opt_outs_end_share_no_call_with_others(redis_client, redis_url):
    """Whether an opt-out ends a call must be true of all of its members, or it would be composed for ever."""
    for which, blocks in enumerate((False, True)):
        market = Marketing(redis_client, redis_url, queue="alert", optout_blocks_alerts=blocks)
        market.send(which, f"m{which}", purpose="alert", shared=True)
        market.sms.close()

    assert sorted(claim.entry.id for claim in market.hand.take()) == ["m0", "m1"]
