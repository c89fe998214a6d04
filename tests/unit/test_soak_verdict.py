"""The judge of the soak sees what may never be: a soak that is always content would prove nothing."""

from datetime import datetime
from typing import Any

import pytest

from tests.soak.crowd import CAP, CAPPED, Text
from tests.soak.days import PARIS, Leaps, may_post
from tests.soak.verdict import Post, Record, Seen, verdict

FRANCE, REUNION = "+33611111111", "+262692111111"


def at(day: int, hour: int, minute: int = 0, second: int = 0) -> float:
    """A moment of a day of March 2027 in Paris."""
    return datetime(2027, 3, day, hour, minute, second, tzinfo=PARIS).timestamp()


def seen(*texts: Text, posted: float = 100.0, **changed: Any) -> Seen:
    """A soak in which all is well: each text was posted and shown once, at noon of the first day."""
    leaps = Leaps(0)
    leaps.leapt(int(at(30, 12)), 0)
    whole = Seen(
        texts=texts,
        shown={(each.number, each.text): 1 for each in texts},
        posts=[Post(posted, each.request_id, "a", [each.number]) for each in texts],
        stopped={},
        answered=set(),
        records={each.request_id: Record("accepted", first=at(30, 12) + 99) for each in texts},
        leaps=leaps,
    )
    for name, value in changed.items():
        setattr(whole, name, value)
    return whole


def found(*texts: Text, **changed: Any) -> set[str]:
    """What the verdict complains of."""
    return {name for name, wrong in verdict(seen(*texts, **changed), 10.0).items() if wrong}


ONCE = Text(FRANCE, "Soak 1", "soak-1", "once")
ALERT = Text(FRANCE, "Hello", "alert-1", "alert")
SLICE = [Text(number, "Soak", "soakc.0", "campaign") for number in (FRANCE, "+33611111112")]


def test_all_is_well():
    assert found(ONCE, ALERT, *SLICE) == set()


def test_a_text_that_nobody_shows_is_lost_unless_it_has_a_reason():
    assert found(ONCE, shown={}) == {"lost"}
    assert found(ONCE, shown={}, records={"soak-1": Record("cancelled", "suppressed")}) == {"lost"}
    stopped = {"stopped": {FRANCE: at(30, 12)}, "records": {"soak-1": Record("cancelled", "suppressed")}}
    assert found(ONCE, shown={}, posts=[], **stopped) == set()
    assert found(ALERT, shown={}, posts=[], **stopped) == {"lost"}
    assert found(ONCE, shown={}, posts=[], records={"soak-1": Record("expired", "quiet_hours")}) == {"lost"}
    assert found(ONCE, shown={}, posts=[], records={}) == {"lost"}


def test_what_is_in_doubt_when_its_time_to_live_is_over_may_be_shown_or_not():
    records = {"soak-1": Record("unknown", "answer_without_ticket")}
    assert found(ONCE._replace(kind="hurried"), shown={}, records=records) == set()
    assert found(ONCE, shown={}, records=records) == {"lost"}


def test_a_slice_leaves_only_those_out_who_refused():
    shown = {(SLICE[1].number, "Soak"): 1}
    assert found(*SLICE, shown=shown) == {"lost"}
    assert found(*SLICE, shown=shown, posts=[], stopped={FRANCE: at(30, 12)}) == set()


def test_twice_and_what_the_ledger_denies():
    assert found(ONCE, shown={(FRANCE, "Soak 1"): 2}) == {"twice"}
    assert found(ONCE, records={"soak-1": Record("cancelled", "suppressed")}) == {"shown, and told otherwise"}
    assert found(shown={(FRANCE, "Soak 1"): 1}) == {"not sent"}


@pytest.mark.parametrize(
    ("number", "shown", "may"),
    [
        (FRANCE, at(30, 7, 59, 59), False),
        (FRANCE, at(30, 8), True),
        (FRANCE, at(30, 19, 59, 45), True),
        (FRANCE, at(30, 19, 59, 47), False),
        (FRANCE, at(28, 12), False),
        (REUNION, at(30, 6), True),
        (REUNION, at(30, 5, 59, 59), False),
        (REUNION, at(30, 17, 59, 47), False),
        (REUNION, at(31, 12), False),
        ("+590690111111", at(31, 1, 59, 40), True),
    ],
)
def test_what_is_open(number, shown, may):
    assert may_post(number, shown) is may


def test_a_post_outside_hours_is_seen_and_one_of_an_alert_may_be():
    closed = Leaps(0)
    closed.leapt(int(at(30, 21)), 0)
    assert found(ONCE, leaps=closed, records={"soak-1": Record("accepted")}) == {"POSTs outside hours"}
    assert found(ALERT, leaps=closed) == set()


def test_a_post_that_was_on_its_way_when_the_clock_leapt_goes_by_the_time_before():
    leaps = Leaps(0)
    leaps.leapt(int(at(30, 12)), 0)
    leaps.leapt(int(at(30, 21)), 98)
    assert found(ONCE, leaps=leaps) == set()
    assert found(ONCE, leaps=leaps, posted=110.0) == {"POSTs outside hours"}


def test_a_first_post_to_somebody_who_had_refused_is_seen():
    early = {FRANCE: at(30, 12) + 50}
    assert found(ONCE, stopped=early) == {"POSTs after a STOP"}
    assert found(ONCE, stopped=early, records={"soak-1": Record("accepted")}) == {"POSTs after a STOP"}
    assert found(ONCE, stopped={FRANCE: at(30, 12) + 99.5}) == set()
    assert found(ALERT, stopped=early) == set()


def test_a_call_in_doubt_is_excused_for_the_others_and_new_bytes_are_not():
    stopped = {FRANCE: at(30, 12) + 60}
    numbers = [each.number for each in SLICE]
    again = [Post(100, "soakc.0", "a", numbers)]
    raced = {"soakc.0": Record("accepted", first=at(30, 12) + 55, raced=True)}
    assert found(*SLICE, posts=again, stopped=stopped, records=raced) == set()
    alone = {"soakc.0": Record("accepted", first=at(30, 12) + 55)}
    assert found(*SLICE, posts=again, stopped=stopped, records=alone) == {"POSTs after a STOP"}
    new = [Post(56, "soakc.0", "a", numbers), Post(100, "soakc.0", "b", numbers)]
    assert found(*SLICE, posts=new, stopped=stopped, records=raced) == {"POSTs after a STOP"}


def test_a_stop_that_was_answered_and_nobody_knows_is_forgotten():
    assert found(ONCE, answered={FRANCE}) == {"STOPs forgotten"}
    assert found(ONCE, answered={FRANCE}, stopped={FRANCE: at(30, 12) + 200}) == set()


def test_caps_and_money():
    capped = [Text(FRANCE, f"{n}", f"alert-{n}", "capped") for n in range(CAPPED)]
    over = {each.request_id: Record("cancelled", "number_cap") for each in capped[CAP:]}
    shown = {(FRANCE, each.text): 1 for each in capped[:CAP]}
    assert found(*capped, shown=shown, records=over) == set()
    assert found(*capped) == {"beyond the cap"}
    assert found(ONCE, reserved=1) == {"reserved still"}
    assert found(ONCE, spent={"2027-03-30": 10.5}) == {"beyond the budget"}
