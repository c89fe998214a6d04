"""The POSTs of one claim: none after time is up, and doubt once is doubt for good."""

import pytest

from worker import retrying
from worker.ledger import Claim
from worker.outbound import NOT_TRIED, Attempt, _TooLateError
from worker.outcomes import Accepted, Deferred, Unknown


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def attempt(*outcomes, ttl_s: float | None = None, in_doubt: bool = False) -> tuple[Attempt, Clock]:
    script, clock = list(outcomes), Clock()
    claim = Claim("a", 1, b"{}", in_doubt, ttl_s, 1)
    return Attempt(claim, lambda: script.pop(0), clock(), clock), clock


def test_no_post_leaves_after_the_time_to_live():
    made, clock = attempt(Deferred("153"), Accepted("t"), ttl_s=5)
    made.post()
    clock.now = 5
    with pytest.raises(_TooLateError):
        made.post()
    assert (made.posts, made.outcome) == (1, Deferred("153"))


def test_a_process_frozen_since_its_claim_sends_nothing():
    made, clock = attempt(Accepted("t"))
    clock.now = retrying.RUN_BUDGET_S
    with pytest.raises(_TooLateError):
        made.post()
    assert (made.posts, made.outcome) == (0, NOT_TRIED)


def test_doubt_stays_whatever_later_posts_come_to():
    made, _ = attempt(Unknown("read_timeout"), Deferred("153"), Deferred("153"))
    doubts = []
    for _ in range(3):
        made.post()
        doubts.append(made.in_doubt)
    assert doubts == [False, True, True]


def test_doubt_of_earlier_claims_is_kept():
    assert attempt(in_doubt=True)[0].in_doubt
