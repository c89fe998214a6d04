"""Messages that wait in our queue, and those whose time passes there."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.installation import new_number

TOMORROW = timedelta(days=1)


def soon(seconds=1.0):
    return datetime.now(UTC) + timedelta(seconds=seconds)


def redis_now_ms(installation):
    seconds, microseconds = installation.redis.time()
    return seconds * 1000 + microseconds // 1000


def test_a_date_in_the_near_future_is_kept_and_not_anticipated(installation):
    due = soon(1.5)

    sent = installation.send(send_at=due)
    installation.send(send_at=datetime.now(UTC) + TOMORROW)

    assert (installation.status(sent).state, installation.posts(sent)) == ("queued", [])
    assert installation.settled(sent).state == "accepted"
    (post,) = installation.posts(sent)
    assert post.at >= due.timestamp() - 0.001


def test_a_date_in_the_past_means_now(installation):
    sent = installation.send(send_at=datetime.now(UTC) - TOMORROW)

    assert installation.settled(sent).state == "accepted"


def test_a_cancelled_message_is_never_posted(installation):
    sent, later = installation.send(send_at=soon(0.5)), installation.send(send_at=soon(0.6))

    assert installation.producer.cancel(sent.request_id) == "cancelled"

    installation.settled(later)
    assert installation.posts(sent) == []
    assert [entry.state for entry in installation.entries("statuses", sent)] == ["cancelled"]


def test_cancel_says_when_it_comes_too_late_or_knows_no_such_message(installation):
    sent = installation.send()
    installation.settled(sent)

    assert installation.producer.cancel(sent.request_id) == "too_late"
    assert installation.producer.cancel("nobody-sent-this") == "unknown_id"


def test_a_message_whose_ttl_passed_in_the_queue_is_never_posted(installation):
    installation.worker.kill()
    expired, alive = installation.send(ttl=timedelta(milliseconds=20)), installation.send(ttl=TOMORROW)
    expires_ms = installation.status(expired).expires_at.timestamp() * 1000
    installation.wait_for(lambda: redis_now_ms(installation) > expires_ms)

    installation.worker.start()

    assert installation.settled(expired).state == "expired"
    assert installation.settled(alive).state == "accepted"
    assert installation.posts(expired) == []
    assert [entry.state for entry in installation.entries("statuses", expired)] == ["expired"]


def test_a_message_whose_ttl_passes_between_two_posts_is_not_posted_again(installation):
    number = new_number()
    installation.gateway.fault("429_retry_after", retry_after_s=1, match={"number": number})

    sent = installation.send(to=number, ttl=timedelta(seconds=0.5))

    assert installation.settled(sent).state == "expired"
    assert len(installation.posts(sent)) == 1


@pytest.mark.parametrize("purpose", ["alert", "wholesale"])
def test_a_date_handed_on_is_held_by_the_gateway(installation, purpose):
    due = datetime(2040, 1, 31, 9, 30, tzinfo=UTC)

    sent = installation.send("STOP au 30101", send_at=due, schedule="gateway", purpose=purpose)

    assert installation.settled(sent).state == "accepted"
    (campaign,) = installation.gateway.accepted(sent.request_id)
    assert (campaign.leaves_at, campaign.state) == (due.timestamp(), "scheduled")
    assert installation.handset(sent) == []


def test_a_budget_lets_all_leave_that_it_can_pay(install):
    """A segment reserves 0.25 € until the gateway says what it costs: twelve do not fit at once."""
    there = install(BUDGET_DAY="1")
    sent = [
        there.send("Sale STOP au 30101", to=new_number(), purpose="wholesale", sender="Bistro")
        for _ in range(12)
    ]

    assert there.all_settled(sent) == {"accepted"}
    assert [len(there.handset(each)) for each in sent] == [1] * 12
