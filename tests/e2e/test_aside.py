"""What waits aside in a running installation, and everybody else, who does not wait for it."""

import time

import pytest

from tests.support.installation import new_id, new_number

SALE = "Sale STOP au 30101"
#: Seconds within which an alert leaves, whatever cannot be paid; and as much for a loaded machine.
SOON_S = 2.0 + 3.0


@pytest.fixture
def fresh(install):
    return install(WORKER_CALLS="8")


def campaign(installation, slices: int, size: int = 100, text: str = SALE, **options) -> str:
    """Queue a campaign of slices of this many recipients each."""
    name = new_id("sale")
    for each in range(slices):
        installation.send(
            text,
            to=[new_number() for _ in range(size)],
            purpose="wholesale",
            request_id=f"{name}.{each}",
            **options,
        )
    return name


def test_alerts_leave_at_once_though_a_campaign_cannot_be_paid(fresh):
    fresh.gateway.balance(1.0)
    name = campaign(fresh, 1)
    fresh.wait_for(lambda: fresh.status(f"{name}.0").waits_for)

    for _ in range(5):
        begun = time.monotonic()
        assert fresh.settled(fresh.send()).state == "accepted"
        assert time.monotonic() - begun < SOON_S

    assert not fresh.redis.exists(fresh.keys.hold)
    assert len(fresh.posts(f"{name}.0")) == 1
    told = fresh.wait_for(lambda: (why := fresh.status(f"{name}.0").waits_for) and " left" in why and why)
    assert told.startswith("credit: ")
    assert told.endswith(" left (code 104)")


def test_a_campaign_that_cannot_be_paid_costs_few_posts_and_smaller_marketing_goes_on(fresh):
    fresh.gateway.balance(4.0)
    name = campaign(fresh, 60)
    small = fresh.send(SALE, to=[new_number() for _ in range(10)], purpose="wholesale")

    assert fresh.settled(small).state == "accepted"
    fresh.wait_for(lambda: fresh.redis.zcard(fresh.keys.aside("credit")) == 60)
    # Each of the calls at a time may meet the same refusal; none asks twice.
    assert sum(len(fresh.posts(f"{name}.{each}")) for each in range(60)) <= 8
    assert {fresh.status(f"{name}.{each}").attempts for each in range(60)} == {0}


def test_it_goes_on_by_itself_when_credit_is_there(fresh):
    fresh.gateway.balance(4.0)
    name = campaign(fresh, 5)
    slices = [f"{name}.{each}" for each in range(5)]
    fresh.wait_for(lambda: fresh.redis.zcard(fresh.keys.aside("credit")) == 5)
    fresh.wait_for(lambda: '"credit.too_low"' in fresh.worker.output)

    fresh.gateway.balance(100.0)

    assert fresh.all_settled(slices) == {"accepted"}
    assert [len(fresh.handset(each)) for each in slices] == [100] * 5
    assert fresh.redis.zcard(fresh.keys.aside("credit")) == 0


def test_an_operator_need_not_wait_for_the_balance(fresh):
    fresh.gateway.balance(4.0)
    name = campaign(fresh, 1)
    fresh.wait_for(lambda: '"credit.too_low"' in fresh.worker.output)
    fresh.redis.hset(fresh.keys.credit, "probe_at", int(time.time() * 1000) + 3_600_000)
    fresh.gateway.balance(100.0)

    assert "of what could not be paid, 1 goes on" in fresh.command("release")

    assert fresh.settled(f"{name}.0").state == "accepted"


def test_a_worker_that_is_killed_strands_nobody_aside(fresh):
    fresh.gateway.balance(4.0)
    name = campaign(fresh, 20)
    fresh.wait_for(lambda: fresh.redis.zcard(fresh.keys.aside("credit")) >= 1)
    fresh.worker.kill()
    fresh.worker.start()
    fresh.gateway.balance(1000.0)

    slices = [f"{name}.{each}" for each in range(20)]
    assert fresh.all_settled(slices, 90) == {"accepted"}
    assert [len(fresh.handset(each)) for each in slices] == [100] * 20


def test_a_campaign_refused_in_words_that_nobody_knows_costs_few_slices(fresh):
    fresh.gateway.fault("refuse", code=777, match={"text_contains": "Spring"})
    name = campaign(fresh, 60, size=2, text="Spring " + SALE, sender="Spring")
    slices = [f"{name}.{each}" for each in range(60)]

    fresh.wait_for(
        lambda: (
            {fresh.status(each).state for each in slices} == {"unknown", "queued"}
            and fresh.redis.zcard(fresh.keys.aside("777"))
            + sum(fresh.status(each).state == "unknown" for each in slices)
            == 60
        )
    )

    unknown = [each for each in slices if fresh.status(each).state == "unknown"]
    # Three, and those that were under way with the third.
    assert 3 <= len(unknown) <= 3 + 8
    assert all(len(fresh.posts(each)) == (each in unknown) for each in slices)
    fresh.wait_for(lambda: '"breaker.tripped"' in fresh.worker.output)
    assert fresh.worker.output.count('"breaker.tripped"') == 1
    begun = time.monotonic()
    assert fresh.settled(fresh.send()).state == "accepted"
    assert fresh.settled(fresh.send(SALE, purpose="wholesale")).state == "accepted"
    assert time.monotonic() - begun < 2 * SOON_S

    fresh.gateway.clear_faults()
    waiting = [each for each in slices if each not in unknown]
    assert f"released breaker 777, {len(waiting)} go" in fresh.command("release", "--breaker", "777")
    assert fresh.all_settled(waiting) == {"accepted"}
    assert all(len(fresh.handset(each)) == 2 for each in waiting)
