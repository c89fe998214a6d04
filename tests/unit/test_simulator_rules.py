"""Rules, fates, faults and French hours."""

import random
from datetime import date, datetime, timedelta

import msgspec
import pytest

from worker.sandbox.simulator.clock import PARIS
from worker.sandbox.simulator.fates import Fate, reaches_handset, receipt_steps
from worker.sandbox.simulator.faults import PRESETS, Fault, FaultRule, Faults, fault_from
from worker.sandbox.simulator.french_hours import easter, is_holiday, is_open, next_opening
from worker.sandbox.simulator.limits import SendLimits
from worker.sandbox.simulator.matching import Match, RuleBook, Subject
from worker.sandbox.simulator.settings import SimulatorSettings


def book(*rules, seed=1):
    made = RuleBook(random.Random(seed))
    for rule in rules:
        made.add(rule)
    return made


def test_the_first_rule_that_applies_wins():
    specific = FaultRule(fault=Fault(answer="reset"), match=Match(number="+331"))
    general = FaultRule(fault=Fault(answer="html"))

    rules = book(specific, general)

    assert rules.pick(Subject(numbers=["+332", "+331"])) is specific
    assert rules.pick(Subject(numbers=["+332"])) is general


def test_all_conditions_must_hold():
    match = Match(number_prefix="+33", text_contains="#", request_id="r")
    rules = book(FaultRule(fault=Fault(), match=match))
    good = Subject(numbers=["+33612345678"], text="a#b", request_id="r")

    assert rules.pick(good)
    for change in ({"numbers": ["+32"]}, {"text": "ab"}, {"request_id": "s"}, {"endpoint": "cancel"}):
        assert rules.pick(msgspec.structs.replace(good, **change)) is None


def test_a_spent_rule_makes_room_for_the_next():
    once = FaultRule(fault=Fault(answer="reset"), times=1)
    twice = FaultRule(fault=Fault(answer="html"), times=2)
    rules = book(once, twice)

    assert [rules.pick(Subject()) for _ in range(4)] == [once, twice, twice, None]
    assert [entry["used"] for entry in rules.listing()] == [1, 2]


def test_every_nth_counts_only_what_matches():
    rules = book(FaultRule(fault=Fault(), match=Match(request_id="r", every_nth=2)))

    picked = [bool(rules.pick(Subject(request_id=r))) for r in ("r", "x", "r", "x", "r", "r")]

    assert picked == [False, False, True, False, False, True]


def test_unread_faults_strike_before_the_body_unless_they_need_it():
    faults = Faults(random.Random(1))
    faults.rules.add(FaultRule(fault=PRESETS["reset_unread"], match=Match(request_id="r")))
    assert faults.for_head("send") is None
    assert faults.for_call(Subject(request_id="r")).answer == "reset_unread"

    faults.default = PRESETS["reset_unread"]
    assert faults.for_head("send") == PRESETS["reset_unread"]
    assert faults.for_head("balance") is None


def test_a_preset_can_be_changed():
    assert fault_from({"preset": "accept_then_502", "after_ms": 5}) == Fault(
        answer="html", status=502, after_ms=5
    )
    with pytest.raises(msgspec.ValidationError, match="accept_then_502"):
        fault_from({"preset": "typo"})


@pytest.mark.parametrize(
    ("fate", "steps"),
    [
        (Fate(), [("ACK", 200), ("DELIVERED", 600)]),
        (Fate(reversed=True), [("DELIVERED", 200), ("ACK", 600)]),
        (Fate(ack=False), [("DELIVERED", 600)]),
        (Fate(final_status=""), [("ACK", 200)]),
        (Fate(lost="final"), [("ACK", 200)]),
        (Fate(lost="all"), []),
        (Fate(copies=2, lost="ack"), [("DELIVERED", 600)] * 2),
    ],
)
def test_steps_of_a_fate(fate, steps):
    assert [(step.status, step.delay_ms) for step in receipt_steps(fate)] == steps


def test_what_shows_on_the_handset():
    assert reaches_handset(Fate())
    assert not reaches_handset(Fate(final_status="EXPIRED"))
    assert reaches_handset(Fate(final_status="EXPIRED", reaches=True))
    assert not reaches_handset(Fate(reaches=False))


@pytest.mark.parametrize(
    "day", [date(2024, 3, 31), date(2025, 4, 20), date(2026, 4, 5), date(2027, 3, 28), date(2038, 4, 25)]
)
def test_easter(day):
    assert easter(day.year) == day


@pytest.mark.parametrize(
    ("day", "holiday"),
    [
        (date(2026, 1, 1), True),
        (date(2026, 4, 6), True),
        (date(2026, 5, 14), True),
        (date(2026, 5, 25), True),
        (date(2026, 7, 14), True),
        (date(2026, 4, 3), False),
        (date(2026, 7, 15), False),
    ],
)
def test_french_holidays(day, holiday):
    assert is_holiday(day) is holiday


def test_marketing_hours():
    tuesday = datetime(2026, 6, 16, 10, tzinfo=PARIS)

    assert is_open(tuesday, 8, 20)
    assert is_open(tuesday.replace(hour=8), 8, 20)
    assert not is_open(tuesday.replace(hour=7, minute=59), 8, 20)
    assert not is_open(tuesday.replace(hour=20), 8, 20)
    assert not is_open(tuesday + timedelta(days=5), 8, 20)
    assert next_opening(tuesday, 8, 20) == tuesday
    assert next_opening(tuesday.replace(hour=3), 8, 20) == tuesday.replace(hour=8)
    assert next_opening(tuesday.replace(hour=21), 8, 20) == tuesday.replace(day=17, hour=8)
    saturday_night = datetime(2026, 7, 11, 22, tzinfo=PARIS)
    assert next_opening(saturday_night, 8, 20) == datetime(2026, 7, 13, 8, tzinfo=PARIS)


def test_a_bucket_is_full_however_young_the_clock_is():
    """A monotonic clock begins at zero where a machine has just been started."""
    now = [0.5]
    settings = SimulatorSettings(rate_limit_per_s=0.001, rate_limit_burst=2)
    limits = SendLimits(settings, lambda: now[0])

    assert [limits.take_token(), limits.take_token()] == [0.0, 0.0]
    assert limits.take_token() == pytest.approx(1000)
    now[0] += 500
    assert limits.take_token() == pytest.approx(500)
    limits.reset()
    assert [limits.take_token(), limits.take_token()] == [0.0, 0.0]
    assert limits.take_token() == pytest.approx(1000)
