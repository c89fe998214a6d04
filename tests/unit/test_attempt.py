"""The POSTs of one claim: none after time is up, and doubt once is doubt for good."""

import msgspec
import pytest

from tests.support.attempts import BODY, Scripted
from worker.gateway.outcomes import NOT_TRIED, Accepted, Deferred, Refused, Unknown
from worker.sending.attempt import _TooLateError
from worker.sending.next_attempt import JITTER, LATER_FIRST_S, PAUSED_ATTEMPTS
from worker.sending.repeats import ATTEMPT_BUDGET_S


def test_no_post_leaves_after_the_time_to_live():
    made = Scripted(Deferred("153"), Accepted("t"), ttl_s=5)
    made.post()
    made.clock.now = 5
    with pytest.raises(_TooLateError):
        made.post()
    assert (made.attempt.posts, made.attempt.outcome, len(made.bodies)) == (1, Deferred("153"), 1)


def test_a_process_suspended_since_its_claim_sends_nothing():
    made = Scripted(Accepted("t"))
    made.clock.now = ATTEMPT_BUDGET_S
    with pytest.raises(_TooLateError):
        made.post()
    assert (made.attempt.posts, made.attempt.outcome, made.bodies) == (0, NOT_TRIED, [])


def test_an_attempt_that_is_too_late_comes_to_nothing_and_comes_again_at_once():
    made = Scripted(Accepted("t"), ttl_s=5)
    made.clock.now = 5
    made.make_posts()
    assert made.bodies == []
    assert (made.attempt.result.outcome, made.attempt.result.posts, made.attempt.delay_ms) == (
        NOT_TRIED,
        0,
        0,
    )


@pytest.mark.parametrize(
    ("ttl_s", "took_s", "delay_ms"),
    [(None, 2, 60_000), (300, 2, 60_000), (5, 2, 3_000), (5, 4.9995, 1), (5, 9, 0)],
)
def test_the_next_attempt_is_no_later_than_the_end_of_the_time_to_live(ttl_s, took_s, delay_ms):
    """There it ends, when its time does and not when somebody happens to look."""
    made = Scripted(Deferred("http_429", retry_after_s=60), ttl_s=ttl_s, took_s=took_s)
    made.make_posts()
    assert made.attempt.result.delay_ms == delay_ms


def test_an_attempt_posts_the_frozen_bytes_each_time():
    made = Scripted(Unknown("read_timeout"), Accepted("t"))
    made.make_posts()
    assert made.bodies == [BODY, BODY]
    result = made.attempt.result
    assert (result.outcome, result.posts, result.in_doubt) == (Accepted("t"), 2, True)


def test_doubt_stays_whatever_later_posts_come_to():
    made = Scripted(Unknown("read_timeout"), Deferred("153"), Deferred("153"))
    doubts = []
    for _ in range(3):
        made.post()
        doubts.append(made.attempt.in_doubt)
    assert doubts == [False, True, True]


def test_a_post_that_is_cut_short_may_have_left():
    made = Scripted(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        made.make_posts()
    assert (made.attempt.outcome, made.attempt.posts) == (Unknown("cut_short"), 1)


def test_a_post_is_timed_by_itself_and_strain_is_remembered():
    made = Scripted(Deferred("127"), Accepted("t"))
    for seconds in (3.0, 4.0):
        made.took_s = seconds
        made.post()
        assert made.attempt.post_s == seconds
        assert made.attempt.strained
    assert made.attempt.size == 1


def test_only_what_says_too_many_is_strain():
    for outcome in (Accepted("t"), Deferred("125"), Deferred("104", account=True), Unknown("http_503")):
        made = Scripted(outcome)
        made.post()
        assert not made.attempt.strained


def test_doubt_of_earlier_claims_is_kept():
    assert Scripted(in_doubt=True).attempt.in_doubt


@pytest.mark.parametrize("body", [b"", b"{}", b'{"recipients":[],"simulation_mode":"yes"}', b"\xff"])
def test_a_damaged_body_is_never_posted_and_costs_nobody_else_anything(body):
    made = Scripted(Accepted("t"), body=body)
    with pytest.raises(msgspec.MsgspecError):
        made.make_posts()
    assert (made.bodies, made.attempt.posts, made.attempt.outcome) == ([], 0, NOT_TRIED)


@pytest.mark.parametrize(("earlier_posts", "longest_s"), [(0, 12), (2, 12), (3, 24), (9, 96)])
def test_the_wait_for_the_next_attempt_grows_with_the_posts_and_not_with_the_claims(earlier_posts, longest_s):
    made = Scripted(Deferred("http_404", proven=False), in_doubt=True, earlier_posts=earlier_posts)
    made.post()
    assert 1000 * longest_s * 0.6 < made.attempt.delay_ms <= 1000 * longest_s


def test_nobody_is_texted_who_may_not_be():
    made = Scripted(Accepted("t"))
    made.allowed = frozenset({"+33612345679"})
    made.make_posts()
    assert (made.bodies, made.attempt.posts, made.attempt.outcome) == ([], 0, Refused("not_allowed"))


def test_who_may_be_texted_is_asked_before_each_post():
    made = Scripted(Unknown("read_timeout"), Accepted("t"))
    made.allowed = frozenset({"+33612345678"})
    made.post()
    made.allowed = frozenset({"+33612345679"})
    made.post()
    assert (len(made.bodies), made.attempt.posts) == (1, 1)
    assert (made.attempt.in_doubt, made.attempt.outcome) == (True, Refused("not_allowed"))


def test_nothing_is_asked_before_a_first_post_that_follows_its_claim_within_a_second():
    made = Scripted(Accepted("t"))
    made.may_post = False
    made.clock.now = 0.99
    made.make_posts()
    assert (made.attempt.outcome, made.asked) == (Accepted("t"), [])


@pytest.mark.parametrize("in_doubt", [False, True])
def test_a_first_post_that_has_waited_since_its_claim_is_asked_for_and_comes_again_at_once(in_doubt):
    made = Scripted(Accepted("t"), in_doubt=in_doubt)
    made.may_post = False
    made.clock.now = 1.0
    made.make_posts()
    assert (made.bodies, made.asked) == ([], [in_doubt])
    assert (made.attempt.outcome, made.attempt.delay_ms) == (NOT_TRIED, 0)


def test_each_repeat_is_asked_for_and_told_whether_a_post_may_have_been_taken():
    made = Scripted(Deferred("connect_error"), Unknown("read_timeout"), Accepted("t"))
    made.make_posts()
    assert (made.attempt.posts, made.asked) == (3, [False, True])


def test_an_attempt_that_a_gate_stops_ends_as_it_stands_and_comes_again_at_once_if_not_in_doubt():
    made = Scripted(Deferred("connect_error"), Accepted("t"))
    made.may_post = False
    made.make_posts()
    result = made.attempt.result
    assert (result.outcome, result.posts, result.delay_ms) == (Deferred("connect_error"), 1, 0)

    made = Scripted(Unknown("read_timeout"), Accepted("t"))
    made.may_post = False
    made.make_posts()
    assert (made.attempt.posts, made.attempt.outcome) == (1, Unknown("read_timeout"))
    assert made.attempt.delay_ms >= 1000 * LATER_FIRST_S * (1 - JITTER)


def test_an_attempt_that_gates_stop_again_and_again_does_not_come_again_at_once_for_ever():
    made = Scripted(Deferred("connect_error"), earlier_posts=3 * PAUSED_ATTEMPTS)
    made.may_post = False
    made.make_posts()
    assert made.attempt.delay_ms >= 1000 * LATER_FIRST_S * (1 - JITTER)


def test_no_post_leaves_after_an_answer_that_came_too_late_for_a_whole_one():
    made = Scripted(Deferred("connect_error"), Accepted("t"), post_max_s=ATTEMPT_BUDGET_S - 2, ask_s=2)
    made.make_posts()
    assert (made.attempt.posts, len(made.asked)) == (1, 1)
