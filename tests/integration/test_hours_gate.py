"""Marketing leaves while all zones of its recipients are open, and is held until then; by a set clock."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from producers import Message, Producer
from producers.contract.jobs import QUEUE_MARKETING
from producers.contract.steps import drive
from producers.messages.recipient import Recipient
from producers.rules.hours import Hours
from producers.rules.settings import RulesSettings
from producers.settings import ProducerSettings
from tests.support.hand_worker import HandWorker, numbers_of
from tests.support.keys import AllKeys
from tests.support.set_clock import PARIS, SetClock, clock, leaping_server
from tests.support.spending import budgets
from tests.support.template_sends import only
from worker.cli import main
from worker.gateway.outcomes import Accepted, Deferred, Unknown
from worker.ledger.openings import Openings
from worker.operator.decisions import Decisions
from worker.process.heartbeat import Heartbeat

__all__ = ["clock", "leaping_server"]

KEYS = AllKeys()
FRENCH, BELGIAN, REUNION, TAHITI = "+33612345678", "+32470123456", "+262692123456", "+68987123456"
TEXT = "Sale STOP au 30101"
SHARED = "Sale {first_name} STOP au 30101"
#: 29 March 2027 is Easter Monday; the clocks go forward on the Sunday before.
SATURDAY, SUNDAY, EASTER_MONDAY, TUESDAY = "2027-03-27", "2027-03-28", "2027-03-29", "2027-03-30"
NO_HOURS = ProducerSettings(marketing_hours_fr="off", marketing_hours_other="off")


@pytest.fixture
def sms(clock: SetClock) -> Producer:
    """Queues whatever the hour: what is tested here is the claim."""
    return Producer(client=clock.redis, settings=NO_HOURS)


def worker(clock: SetClock, **chosen) -> HandWorker:
    return HandWorker(clock.redis, queue="marketing", hours=RulesSettings(**chosen))


def send(sms: Producer, request_id: str = "a", to=FRENCH, text: str = TEXT, **options) -> str:
    return sms.send(to, text, sender="Bistro", request_id=request_id, **options).request_id


def field(clock: SetClock, request_id: str, name: str) -> str | None:
    value = clock.redis.hget(KEYS.record(request_id), name)
    return value and value.decode()


def held_until(clock: SetClock, request_id: str = "a") -> datetime | None:
    until = field(clock, request_id, "held_until")
    return until and datetime.fromtimestamp(int(until) / 1000, UTC)


def comes_back(clock: SetClock, request_id: str) -> datetime:
    score = clock.redis.zscore(KEYS.queue(QUEUE_MARKETING).delayed, request_id)
    return datetime.fromtimestamp(score / 1000, UTC)


def paris(at: str) -> datetime:
    return datetime.fromisoformat(at).replace(tzinfo=PARIS)


def test_what_may_not_leave_is_held_until_its_zone_opens_and_leaves_within_a_minute(sms, clock):
    hand, opening = worker(clock), paris(f"{TUESDAY}T08:00")
    clock.set(f"{SUNDAY}T10:00")
    send(sms)

    assert hand.take() == []
    assert (field(clock, "a", "state"), field(clock, "a", "held")) == ("queued", "hours")
    assert held_until(clock) == opening
    assert opening <= comes_back(clock, "a") < opening + timedelta(seconds=60)
    assert clock.redis.hgetall(KEYS.held) == {f"hours:{opening.timestamp() * 1000:.0f}:FR".encode(): b"1"}

    clock.set(opening + timedelta(seconds=-2))
    assert hand.take() == []
    clock.set(opening + timedelta(seconds=60))
    assert only(hand.take()).entry.id == "a"
    assert held_until(clock) is field(clock, "a", "held") is None
    assert not clock.redis.exists(KEYS.held)


def test_no_claim_is_made_in_the_margin_before_closing_nor_a_post_in_the_second_half_of_it(sms, clock):
    hand = worker(clock, close_margin_s=600)
    clock.set(f"{SATURDAY}T19:49:50")
    send(sms, "early")
    claim = only(hand.take())
    assert 300 < claim.ttl_s <= 310

    clock.set(f"{SATURDAY}T19:50")
    send(sms, "late")
    assert hand.take() == []
    assert held_until(clock, "late") == paris(f"{TUESDAY}T08:00")


def test_a_time_to_live_that_ends_before_the_closing_counts_in_a_claim(sms, clock):
    clock.set(f"{SATURDAY}T10:00")
    send(sms, ttl=timedelta(minutes=5))
    assert 298 < only(worker(clock).take()).ttl_s <= 300


def test_an_alert_leaves_at_any_hour_and_so_does_marketing_without_hours(sms, clock):
    clock.set(f"{EASTER_MONDAY}T03:00")
    sms.send(FRENCH, "Code 12", sender="Bistro", purpose="alert", request_id="code")
    assert only(HandWorker(clock.redis, hours=RulesSettings()).take()).ttl_s is None

    send(sms)
    assert only(HandWorker(clock.redis, queue="marketing").take()).ttl_s is None


def test_what_a_worker_held_leaves_with_a_worker_without_hours_and_is_counted_no_more(sms, clock):
    clock.set(f"{EASTER_MONDAY}T03:00")
    send(sms)
    assert worker(clock).take() == []

    clock.set(f"{TUESDAY}T08:02")
    assert only(HandWorker(clock.redis, queue="marketing").take()).entry.id == "a"
    assert not clock.redis.exists(KEYS.held)
    assert field(clock, "a", "held") is None


def test_several_recipients_wait_until_all_of_their_zones_are_open(sms, clock):
    """Réunion is two hours ahead of summer time: it opens first and closes first."""
    hand = worker(clock)
    clock.set("2027-03-31T06:30")
    send(sms, to=[FRENCH, REUNION])
    assert hand.take() == []
    assert held_until(clock) == paris("2027-03-31T08:00")

    clock.set("2027-03-31T17:51")
    assert hand.take() == []
    assert held_until(clock) == paris("2027-04-01T08:00")
    clock.set("2027-04-01T17:49")
    assert len(numbers_of(only(hand.take()))) == 2


def test_zones_that_share_no_hour_soon_are_looked_at_again_when_more_is_known(sms, clock):
    """Two openings of each zone are known: those of Belgium are over before the mainland opens."""
    hand = worker(clock, extra_holidays="FR:2027-03-31,FR:2027-04-01,FR:2027-04-02,FR:2027-04-03")
    clock.set("2027-03-31T10:00")
    send(sms, to=[FRENCH, BELGIAN])
    assert hand.take() == []
    assert held_until(clock) == paris("2027-04-05T08:00")
    assert comes_back(clock, "a") < paris("2027-04-05T08:01")

    clock.set("2027-04-05T08:01")
    assert only(hand.take()).entry.id == "a"


def test_a_zone_that_a_worker_does_not_know_stays_closed_to_it(sms, clock):
    clock.set(f"{TUESDAY}T10:00")
    send(sms)
    clock.redis.hset(KEYS.record("a"), "zones", "FR XX-NEW")

    assert worker(clock).take() == []
    assert comes_back(clock, "a") - clock.now() > timedelta(minutes=59)


def test_what_cannot_leave_within_its_time_to_live_ends_at_once_and_says_why(sms, clock):
    clock.set(f"{SUNDAY}T10:00")
    send(sms, ttl=timedelta(hours=45, minutes=59), context={"n": 1})
    send(sms, "reaches", ttl=timedelta(hours=46, seconds=10))

    assert worker(clock).take() == []
    ended = clock.redis.hgetall(KEYS.record("a"))
    assert (ended[b"state"], ended[b"code"]) == (b"expired", b"quiet_hours")
    assert b"held" not in ended
    [(_, told)] = clock.redis.xrange(KEYS.stream("statuses"))
    assert (told[b"code"], told[b"held_until"]) == (b"quiet_hours", b"2027-03-30T06:00:00.000Z")
    assert comes_back(clock, "reaches") < clock.now() + timedelta(hours=46, seconds=10)


def test_a_time_to_live_that_ends_while_its_message_is_held_past_it_is_the_fault_of_the_hours(sms, clock):
    """Hours that were changed meanwhile: the message was held for what it could still reach."""
    clock.set(f"{SATURDAY}T21:00")
    send(sms, ttl=timedelta(hours=36))
    assert worker(clock, marketing_sundays_fr=True).take() == []
    clock.set(f"{SUNDAY}T08:01")
    assert worker(clock).take() == []

    assert (field(clock, "a", "state"), field(clock, "a", "code")) == ("expired", "quiet_hours")
    assert not clock.redis.exists(KEYS.held)


def test_a_time_to_live_that_ends_after_the_opening_is_not_the_fault_of_the_hours(sms, clock):
    clock.set(f"{EASTER_MONDAY}T10:00")
    send(sms, ttl=timedelta(hours=24))
    assert worker(clock).take() == []
    clock.set(f"{TUESDAY}T10:01")
    assert worker(clock).take() == []

    assert (field(clock, "a", "state"), field(clock, "a", "code")) == ("expired", None)
    assert not clock.redis.exists(KEYS.held)


def test_what_is_in_doubt_is_not_repeated_outside_hours_and_is_unknown_when_its_window_is_over(sms, clock):
    hand = worker(clock)
    clock.set(f"{SATURDAY}T19:45")
    send(sms)
    assert hand.finish(only(hand.take()), Unknown("read_timeout")) == "sending"
    clock.set(f"{SATURDAY}T20:05")
    assert hand.take() == []
    assert (field(clock, "a", "state"), field(clock, "a", "held")) == ("sending", "hours")
    assert comes_back(clock, "a") < paris(f"{SUNDAY}T16:46")

    clock.set(f"{SUNDAY}T16:46")
    assert hand.take() == []
    assert (field(clock, "a", "state"), field(clock, "a", "code")) == ("unknown", "quiet_hours")
    [(_, told)] = clock.redis.xrange(KEYS.stream("statuses"))
    assert told[b"held_until"] == b"2027-03-30T06:00:00.000Z"


def test_what_is_in_doubt_goes_on_with_the_opening_if_its_window_lasts(sms, clock):
    hand = worker(clock)
    clock.set("2027-03-31T19:45")
    send(sms)
    assert hand.finish(first := only(hand.take()), Unknown("read_timeout")) == "sending"
    clock.set("2027-03-31T20:05")
    assert hand.take() == []

    clock.set("2027-04-01T08:01")
    again = only(hand.take())
    assert (again.body, again.in_doubt) == (first.body, True)
    assert hand.finish(again, Accepted("sms_1")) == "accepted"
    [(_, told)] = clock.redis.xrange(KEYS.stream("statuses"))
    assert told[b"held_until"] == b""


def test_a_message_that_was_surely_not_taken_does_not_fail_over_a_long_weekend(sms, clock):
    """Its window does not run while it may not leave: else a 429 on Saturday evening would lose it."""
    hand = worker(clock)
    clock.set(f"{SATURDAY}T19:45")
    send(sms)
    assert hand.finish(only(hand.take()), Deferred("429")) == "queued"
    clock.set(f"{SATURDAY}T20:05")
    assert hand.take() == []

    clock.set(f"{TUESDAY}T08:01")
    assert only(hand.take()).entry.id == "a"


def test_a_shared_call_is_held_as_one_and_a_member_whose_time_ends_leaves_it(sms, clock):
    clock.keep_every_write()
    hand = worker(clock)
    clock.set(f"{SUNDAY}T10:00")
    people = [Recipient(f"+3361234567{n}", first_name=f"N{n}") for n in range(3)]
    sms.send_many([Message(to, SHARED, sender="Bistro", request_id=f"m{n}") for n, to in enumerate(people)])
    clock.redis.hset(KEYS.record("m1"), "expires", int((clock.now() + timedelta(hours=3)).timestamp() * 1000))

    assert hand.take() == []
    call = field(clock, "m0", "call")
    assert held_until(clock, call) == paris(f"{TUESDAY}T08:00")
    clock.set(f"{SUNDAY}T13:01")
    assert hand.take() == []
    assert (field(clock, "m1", "state"), field(clock, "m1", "code")) == ("expired", "quiet_hours")
    assert held_until(clock, "m1") == paris(f"{TUESDAY}T08:00")

    clock.set(f"{TUESDAY}T08:01")
    claim = only(hand.take())
    assert numbers_of(claim) == [people[0].phone_number, people[2].phone_number]
    assert hand.finish(claim, Accepted("sms_1")) == "accepted"
    assert not clock.redis.exists(KEYS.held)


def test_a_shared_call_in_doubt_tells_its_members_that_the_hours_kept_it(sms, clock):
    clock.keep_every_write()
    hand = worker(clock)
    clock.set(f"{SATURDAY}T19:45")
    people = [Recipient(f"+3361234567{n}", first_name=f"N{n}") for n in range(2)]
    sms.send_many([Message(to, SHARED, sender="Bistro", request_id=f"m{n}") for n, to in enumerate(people)])
    assert hand.finish(only(hand.take()), Unknown("read_timeout")) == "sending"
    for at in (f"{SATURDAY}T20:05", f"{SUNDAY}T16:46"):
        clock.set(at)
        assert hand.take() == []

    told = [entry for _, entry in clock.redis.xrange(KEYS.stream("statuses"))]
    assert {(each[b"state"], each[b"code"]) for each in told} == {(b"unknown", b"quiet_hours")}
    assert {each[b"held_until"] for each in told} == {b"2027-03-30T06:00:00.000Z"}


@pytest.mark.parametrize("share_max", [1, 500])
def test_what_gathers_while_it_is_closed_leaves_once(sms, clock, share_max):
    """Whether calls are shared or not, and if a call loses all of its members."""
    clock.keep_every_write()
    hand = HandWorker(clock.redis, queue="marketing", hours=RulesSettings(), share_max=share_max)
    clock.set(f"{SUNDAY}T10:00")
    people = [Recipient(f"+3361234567{n}", first_name=f"N{n}") for n in range(4)]
    sms.send_many([Message(to, SHARED, sender="Bistro", request_id=f"m{n}") for n, to in enumerate(people)])
    assert hand.take() == []
    for n in range(2):
        assert sms.cancel(f"m{n}") == "cancelled"
    clock.set(f"{TUESDAY}T08:01")
    left = [number for claim in hand.take() for number in numbers_of(claim)]

    assert sorted(left) == [each.phone_number for each in people[2:]]
    assert not clock.redis.exists(KEYS.held)


def test_a_held_call_that_loses_all_members_is_counted_no_more(sms, clock):
    clock.keep_every_write()
    hand = worker(clock)
    clock.set(f"{SUNDAY}T10:00")
    people = [Recipient(f"+3361234567{n}", first_name=f"N{n}") for n in range(2)]
    sms.send_many([Message(to, SHARED, sender="Bistro", request_id=f"m{n}") for n, to in enumerate(people)])
    assert hand.take() == []
    for n in range(2):
        assert sms.cancel(f"m{n}") == "cancelled"
    clock.set(f"{TUESDAY}T08:01")

    assert hand.take() == []
    assert not clock.redis.exists(KEYS.held)


def test_what_is_held_can_be_cancelled_and_is_counted_no_more(sms, clock):
    clock.set(f"{SUNDAY}T10:00")
    send(sms)
    assert worker(clock).take() == []

    assert sms.cancel("a") == "cancelled"
    assert not clock.redis.exists(KEYS.held)
    assert field(clock, "a", "held") is held_until(clock) is None
    [(_, told)] = clock.redis.xrange(KEYS.stream("statuses"))
    assert (told[b"state"], told[b"held_until"]) == (b"cancelled", b"")


def test_a_message_that_ended_because_of_the_hours_may_be_sent_again_by_a_person(sms, clock):
    hand = worker(clock)
    clock.set(f"{SATURDAY}T19:45")
    send(sms)
    hand.finish(only(hand.take()), Unknown("read_timeout"))
    for at in (f"{SATURDAY}T20:05", f"{SUNDAY}T16:46"):
        clock.set(at)
        assert hand.take() == []
    assert drive(Decisions(ProducerSettings(), "test").resolve("a", "send-again"), clock.redis) is None

    assert held_until(clock) is None
    clock.set(f"{TUESDAY}T08:01")
    assert only(hand.take()).entry.id == "a"


def test_a_date_outside_hours_waits_for_the_opening_after_it(sms, clock):
    hand = worker(clock)
    clock.set("2027-03-26T10:00")
    send(sms, send_at=paris(f"{SUNDAY}T10:00"))
    assert hand.take() == []
    assert held_until(clock) is None

    clock.set(f"{SUNDAY}T10:00:01")
    assert hand.take() == []
    assert held_until(clock) == paris(f"{TUESDAY}T08:00")


def test_what_was_held_comes_back_spread_over_a_minute(sms, clock):
    clock.set(f"{SUNDAY}T10:00")
    sms.send_many([Message(f"+33612{n:06}", TEXT, sender="Bistro", request_id=f"r{n}") for n in range(200)])
    assert worker(clock).take() == []

    seconds = sorted(
        (comes_back(clock, f"r{n}") - paris(f"{TUESDAY}T08:00")).total_seconds() for n in range(200)
    )
    assert seconds[0] >= 0
    assert seconds[-1] < 60
    assert all(sum(10 * part <= each < 10 * (part + 1) for each in seconds) >= 10 for part in range(6))


@pytest.mark.parametrize("first", ["2027-03-25T00:07", "2026-12-22T18:11", "2027-10-29T09:03"])
def test_over_eight_days_nothing_is_claimed_while_a_zone_of_it_is_closed_and_all_leaves(sms, clock, first):
    """Easter and the change of the clocks, Christmas and New Year, All Saints' Day and the change back."""
    rules = RulesSettings()
    hand, hours, margin = worker(clock), Hours(rules), timedelta(seconds=rules.close_margin_s)
    now = clock.set(first)
    numbers = {"FR": FRENCH, "RE": REUNION, "PF": TAHITI, "BE": BELGIAN}
    sets = [["FR"], ["RE"], ["PF"], ["BE"], ["FR", "RE"], ["FR", "BE"], ["RE", "BE"]]
    ended = now + timedelta(days=8)
    waiting, step, zones_of, left = 0, timedelta(minutes=47), {}, set()
    while now < ended:
        if now < ended - timedelta(days=5) and waiting % 9 == 0:
            for each in sets:
                name = send(sms, f"{waiting}-{'-'.join(each)}", to=[numbers[zone] for zone in each])
                zones_of[name] = each
        waiting += 1
        for claim in hand.take():
            # A zone that is closed, or closes within the margin, is not to be texted.
            for moment in (clock.now(), clock.now() + margin):
                assert all(hours.is_open(zone, moment) for zone in zones_of[claim.entry.id]), (claim, moment)
            assert hand.finish(claim, Accepted(None)) == "accepted"
            left.add(claim.entry.id)
        now = clock.set(now + step)

    assert left == set(zones_of)
    assert hand.is_idle()


def command(clock: SetClock, monkeypatch: pytest.MonkeyPatch, *line: str, **rules: str) -> str:
    for name, value in {"REDIS_URL": clock.url, "MARKETING_HOURS_FR": "strict", **rules}.items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(main, [*line])
    assert done.exit_code == 0, done.output
    return done.output


def test_people_are_told_until_when_something_is_held_and_why(sms, clock, monkeypatch):
    hand, told = worker(clock), "held until Tue 08:00, Easter Monday"
    clock.set(f"{EASTER_MONDAY}T10:00")
    send(sms)
    sms.send_campaign(TEXT, [FRENCH, REUNION], campaign_id="spring", sender="Bistro")
    assert hand.take() == []
    strict = Producer(client=clock.redis)
    status, campaign = strict.status("a"), strict.campaign_status("spring")

    assert (status.state, status.held, status.waits_for) == ("queued", "hours", told)
    assert status.held_until == paris(f"{TUESDAY}T08:00")
    assert [(hold.messages, hold.words) for hold in campaign.holds] == [
        (1, "held until Tue 08:00 in RE, Easter Monday"),
        (1, told),
    ]
    assert told in command(clock, monkeypatch, "explain", "a")
    assert told in command(clock, monkeypatch, "show", "a")
    assert f"2 wait, {told}" in command(clock, monkeypatch, "status")
    assert f"held       1 message {told}" in command(clock, monkeypatch, "campaign", "status", "spring")


def test_a_member_says_what_its_call_is_held_for(sms, clock):
    clock.keep_every_write()
    hand = worker(clock)
    clock.set(f"{EASTER_MONDAY}T10:00")
    people = [Recipient(f"+3361234567{n}", first_name=f"N{n}") for n in range(2)]
    sms.send_many([Message(to, SHARED, sender="Bistro", request_id=f"m{n}") for n, to in enumerate(people)])
    assert hand.take() == []

    found = Producer(client=clock.redis).status("m1")
    assert (found.state, found.waits_for) == ("queued", "held until Tue 08:00, Easter Monday")


def test_an_end_because_of_the_hours_is_explained(sms, clock, monkeypatch):
    clock.set(f"{SUNDAY}T10:00")
    send(sms, ttl=timedelta(hours=1))
    assert worker(clock).take() == []

    said = command(clock, monkeypatch, "explain", "a")
    assert (
        "code quiet_hours, marketing may not leave at that hour, and it could have left at 2027-03-30" in said
    )


def test_workers_that_go_by_different_hours_are_shown(sms, clock, monkeypatch):
    clock.set(f"{EASTER_MONDAY}T10:00")
    send(sms)
    assert worker(clock).take() == []
    for chosen in ({}, {"marketing_hours_fr": "charter2026"}):
        Heartbeat(clock.redis, KEYS, Hours(RulesSettings(**chosen)).rules).beat()

    assert "hours      MISMATCH: the workers go by 2 different rules" in command(clock, monkeypatch, "status")
    assert "also hours_mismatch" in command(clock, monkeypatch, "explain", "a")


def test_the_times_are_made_anew_each_minute_and_zones_that_come_no_more_are_forgotten(clock):
    passed = [0.0]
    hours = Hours(RulesSettings())
    openings = Openings(clock.redis, hours, 600_000, lambda: passed[0])
    clock.set(f"{SATURDAY}T10:00")
    assert openings.times() == {}
    openings.meet(["FR RE", "FR"])
    assert sorted(openings.times()) == ["FR", "RE"]

    before = openings.times()["FR"]
    clock.set(f"{TUESDAY}T10:00")
    passed[0] += 59
    assert openings.times()["FR"] == before
    passed[0] += 1
    assert openings.times()["FR"] == [ms for span in hours.windows("FR", clock.now()) for ms in span]
    passed[0] += 3600
    assert openings.times() == {}


def test_hours_that_open_and_close_while_all_sending_is_held_let_nothing_leave_afterwards(sms, clock):
    hand = worker(clock)
    clock.set(f"{EASTER_MONDAY}T10:00")
    send(sms)
    assert hand.take() == []
    clock.redis.hset(KEYS.hold, mapping={"code": "104", "since": 1})
    clock.set(f"{TUESDAY}T08:01")
    assert hand.take() == []

    clock.set(f"{TUESDAY}T20:30")
    clock.redis.delete(KEYS.hold)
    assert hand.take() == []
    assert held_until(clock) == paris("2027-03-31T08:00")
    clock.set("2027-03-31T08:01")
    assert only(hand.take()).entry.id == "a"


def test_a_clock_that_leaps_into_the_hours_and_back_lets_nothing_leave_afterwards(sms, clock):
    hand = worker(clock)
    clock.set(f"{TUESDAY}T10:00")
    send(sms, "before")
    assert hand.finish(only(hand.take()), Accepted(None)) == "accepted"

    clock.set(f"{SUNDAY}T10:00")
    send(sms)
    assert hand.take() == []
    assert held_until(clock) == paris(f"{TUESDAY}T08:00")


def test_what_a_budget_has_kept_for_a_day_waits_for_its_hours_then_and_says_so(clock):
    counting = Producer(client=clock.redis, settings=dataclasses.replace(NO_HOURS, budget_day="1000"))
    clock.redis.hset(KEYS.prices, "sms_premium:33", "0.05")
    hand = HandWorker(
        clock.redis, queue="marketing", hours=RulesSettings(), budgets=budgets(budget_day="0.04")
    )
    clock.set(f"{TUESDAY}T10:00")
    send(counting)
    assert hand.take() == []
    assert "the budget is used up" in counting.status("a").waits_for

    clock.set(f"{TUESDAY}T23:59:59")
    clock.redis.zadd(KEYS.queue(QUEUE_MARKETING).delayed, {"a": 1})
    assert hand.take() == []
    assert counting.status("a").waits_for.startswith("held until Wed 08:00")
    assert clock.redis.zcard(KEYS.aside("budget")) == 0
    assert list(clock.redis.hgetall(KEYS.held).values()) == [b"1"]
