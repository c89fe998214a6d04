"""The numbers of leases, and the promise that hangs on them."""

import re
from importlib.resources import files

from worker.queue.consumer import IDLE_S
from worker.queue.leases import LEASE_MS, RENEW_S

LEASE_S = LEASE_MS / 1000
#: Seconds in which a dead worker's messages run again, and how much of it starting them may take.
PROMISED_S, STARTING_S = 15.0, 3.0


def grace_s() -> float:
    """Seconds that the living get after an outage, and after which silence is one."""
    library = files("producers.contract") / "lua"
    found = re.search(r"local GRACE = (\d+)", (library / "leases.lua").read_text("utf-8"))
    assert found
    return int(found[1]) / 1000


def test_two_renewals_may_fail_before_a_lease_is_lost():
    assert 3 * RENEW_S < LEASE_S


def test_the_dead_are_followed_in_time_by_the_idle_and_by_the_full():
    assert LEASE_S + max(IDLE_S, RENEW_S) + STARTING_S <= PROMISED_S


def test_the_living_renew_within_the_grace_after_an_outage_and_one_renewal_may_fail():
    assert grace_s() >= 2 * RENEW_S


def test_somebody_is_heard_more_often_than_silence_takes():
    assert max(RENEW_S, IDLE_S) < grace_s()


def test_a_clock_that_leaps_too_little_to_be_noticed_takes_no_lease():
    assert grace_s() < LEASE_S - RENEW_S
