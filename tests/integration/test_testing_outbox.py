"""What an outbox promises to the tests of an application."""

import asyncio
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
import redis

from producers import (
    AsyncFeed,
    AsyncProducer,
    CallbackIntake,
    Feed,
    OverBudget,
    Producer,
    QueueUnavailable,
    RequestIdConflict,
)
from producers.testing.outbox import SmsOutbox
from producers.testing.surroundings import surroundings

ANNE, BERT = "+33612000001", "+33612000002"
ALERT = {"sender": "Bistro", "purpose": "alert"}
NOBODY = "redis://127.0.0.1:1"

#: An application makes its producer while it is imported.
sms = Producer(NOBODY)


def test_whatever_was_made_before_speaks_to_the_memory_only_as_long_as_the_outbox_is_open(sms_outbox):
    sms.send(ANNE, "Ready", **ALERT)

    assert [each.to for each in sms_outbox.sent] == [ANNE]
    sms_outbox.__exit__()
    with pytest.raises(QueueUnavailable):
        sms.send(ANNE, "Ready", **ALERT)
    assert type(sms._redis) is redis.Redis


def test_its_surroundings_need_no_project_of_django_where_somebody_has_imported_ours(monkeypatch):
    import producers.django.sending  # noqa: F401

    monkeypatch.setenv("REDIS_URL", "redis://before:1")
    with surroundings({"REDIS_URL": "redis://within:1"}):
        assert os.environ["REDIS_URL"] == "redis://within:1"
    assert os.environ["REDIS_URL"] == "redis://before:1"


def test_without_pytest_an_outbox_lets_marketing_leave_at_any_hour(monkeypatch):
    monkeypatch.delenv("MARKETING_HOURS_FR", raising=False)
    with SmsOutbox() as outbox:
        # A Saturday evening in Paris, by which nothing may leave before Monday.
        now = datetime.now(UTC)
        evening = (now + timedelta(days=(5 - now.weekday()) % 7 + 7)).replace(hour=21, minute=30)
        outbox.travel(seconds=(evening - now).total_seconds())
        offer = {"text": "Menu. STOP au 30101", "sender": "Bistro", "ttl": timedelta(minutes=5)}

        assert Producer.from_env().send(ANNE, **offer).state == "queued"


def test_an_outbox_begins_empty(sms_outbox):
    sms_outbox.assert_nothing_sent()
    assert list(Feed("statuses", group="app")) == []


def test_what_was_sent_is_told_per_person_as_this_person_reads_it(sms_outbox):
    at = datetime(2030, 1, 1, 10, tzinfo=UTC)
    sms.send(ANNE, "Ready", context={"booking": 7}, request_id="m1", send_at=at, with_replies=True, **ALERT)

    [sent] = sms_outbox.sent

    assert (sent.to, sent.text, sent.sender, sent.purpose) == (ANNE, "Ready", "Bistro", "alert")
    assert (sent.request_id, sent.context, sent.send_at, sent.state) == ("m1", {"booking": 7}, at, "queued")
    assert sent.with_replies


def test_what_was_cancelled_or_has_expired_was_not_sent(sms_outbox):
    sms.cancel(sms.send(ANNE, "Ready", **ALERT).request_id)
    sms.send(BERT, "Ready", ttl=timedelta(hours=1), **ALERT)
    with sms_outbox.away():
        sms_outbox.travel(hours=2)

    sms_outbox.assert_nothing_sent()


def test_a_failure_lists_near_misses_the_nearest_first(sms_outbox):
    sms.send(BERT, "Something else", request_id="far", **ALERT)
    sms.send("06 12 00 00 01".replace("0", "+33", 1), "Table 5 is yours", request_id="near", **ALERT)

    with pytest.raises(AssertionError) as failure:
        sms_outbox.assert_sent(to=ANNE, text="Table 4 is yours")

    first, near, far = str(failure.value).splitlines()
    assert first == f"wanted 1 SMS with to='{ANNE}', text='Table 4 is yours'; 0 SMS of 2 matched"
    assert re.fullmatch("  near miss: near to .*: text is 'Table 5 is yours'", near)
    assert re.match(rf"  near miss: far to .*: to is '\{BERT}'", far)


def test_an_sms_too_many_fails_and_a_part_of_a_text_can_be_wanted(sms_outbox):
    for booking in (1, 2):
        sms.send(ANNE, f"Table {booking}", context=booking, **ALERT)

    sms_outbox.assert_sent(text=re.compile("^Table"), times=2)
    assert sms_outbox.assert_sent(context=2, purpose="alert").text == "Table 2"
    with pytest.raises(AssertionError, match="wanted 1 SMS with to"):
        sms_outbox.assert_sent(to=ANNE)
    with pytest.raises(AssertionError, match="there are 2"):
        sms_outbox.assert_nothing_sent()
    with pytest.raises(ValueError, match="times"):
        sms_outbox.assert_sent(times=0)


def test_a_message_waits_until_a_worker_comes(sms_outbox):
    sent = sms.send(ANNE, "Ready", **ALERT)

    before = sms.status(sent.request_id).state
    sms_outbox.run_worker()

    assert (before, sms.status(sent.request_id).state) == ("queued", "accepted")


def test_a_reply_comes_as_often_as_wanted_and_a_feed_ends_where_it_would_wait(sms_outbox):
    sms.send(ANNE, "Do you come?", with_replies=True, context=7, request_id="q", **ALERT)
    feed = Feed("replies", group="app")

    reply = sms_outbox.reply(ANNE, "Oui", times=2)

    assert (reply.text, reply.request_id, reply.context, reply.match) == ("Oui", "q", 7, "ticket")
    assert [each.event_id for each in feed] == [reply.event_id, reply.event_id]
    assert list(feed) == []
    sms_outbox.reply(ANNE, "Oui")
    assert len(list(feed)) == 1


def test_what_a_handler_failed_on_comes_again_after_a_while(sms_outbox):
    sms.send(ANNE, "Do you come?", with_replies=True, **ALERT)
    sms_outbox.reply(ANNE, "Oui")
    feed, seen = Feed("replies", group="app"), []

    def handle(reply):
        seen.append(reply.text)
        if len(seen) == 1:
            raise RuntimeError

    feed.run(handle)
    sms_outbox.travel(minutes=2)
    feed.run(handle)

    assert seen == ["Oui", "Oui"]


def test_nobody_answers_a_name(sms_outbox):
    sms.send(ANNE, "Ready", **ALERT)

    with pytest.raises(AssertionError, match="with_replies"):
        sms_outbox.reply(ANNE, "Oui")
    assert sms_outbox.reply(BERT, "Hello?").match == "none"


def test_a_stop_ends_marketing_and_a_receipt_needs_a_message(sms_outbox):
    with pytest.raises(AssertionError, match="receipts"):
        sms_outbox.receipt(ANNE)
    sms.send(ANNE, "Ready", request_id="m1", **ALERT)
    assert sms_outbox.receipt(ANNE, "NOT_DELIVERED").state == "undelivered"
    assert sms_outbox.stop(ANNE).request_id == "m1"

    sent = sms.send(ANNE, "News. STOP au 30101", sender="Bistro")

    assert (sent.state, sent.code) == ("cancelled", "suppressed")
    sms_outbox.assert_sent(to=ANNE, text="Ready")


def test_the_next_call_fails_once_and_its_repeat_sends_once(sms_outbox):
    for queued in (False, True):
        sms_outbox.fail_next(QueueUnavailable, queued=queued)
        with pytest.raises(QueueUnavailable) as failure:
            sms.send(ANNE, "Ready", request_id=f"m{queued}", **ALERT)
        assert failure.value.request_id == f"m{queued}"
        assert len(sms_outbox.sent) == 2 * queued
        assert sms.send(ANNE, "Ready", request_id=f"m{queued}", **ALERT).created is not queued

    assert len(sms_outbox.sent) == 2


def test_another_error_can_be_the_next(sms_outbox):
    sms_outbox.fail_next(OverBudget("campaign:spring", 1, 2))

    with pytest.raises(OverBudget):
        sms.send_campaign("News. STOP au 30101", [ANNE], sender="Bistro")
    assert sms.status("none") is None


def test_time_travels_for_everybody_and_stops_where_something_is_due(sms_outbox):
    start = datetime.now(UTC)
    sms.send(ANNE, "Ready", send_at=start + timedelta(hours=24), ttl=timedelta(minutes=1), **ALERT)

    sms_outbox.travel(hours=25)

    status = sms.status(sms_outbox.sent[0].request_id)
    assert status.state == "accepted"
    assert abs(status.first_attempt_at - start - timedelta(hours=24)) < timedelta(minutes=1)
    assert datetime.now(UTC) >= start + timedelta(hours=25)
    with pytest.raises(ValueError, match="forward"):
        sms_outbox.travel(hours=-1)


def test_what_has_left_stays_sent_when_redis_has_forgotten_it(sms_outbox):
    sms.send(ANNE, "Ready", request_id="m1", **ALERT)

    sms_outbox.travel(days=40)

    assert sms.status("m1") is None
    assert [each.state for each in sms_outbox.sent] == ["accepted"]


def test_the_clock_is_the_real_one_again():
    before = datetime.now(UTC)
    with SmsOutbox() as outbox:
        outbox.travel(days=300)
    assert datetime.now(UTC) - before < timedelta(minutes=5)


def test_asyncio_has_the_same_outbox(sms_outbox):
    async def application():
        producer, feed = AsyncProducer(NOBODY), AsyncFeed("replies", group="app")
        await producer.send(ANNE, "Do you come?", with_replies=True, request_id="q", **ALERT)
        with pytest.raises(RequestIdConflict):
            await producer.send(ANNE, "No", request_id="q", **ALERT)
        sms_outbox.fail_next(QueueUnavailable)
        with pytest.raises(QueueUnavailable):
            await producer.status("q")
        sms_outbox.reply(ANNE, "Oui")
        return [each.text async for each in feed], await producer.status("q")

    [text], status = asyncio.run(application())

    assert (text, status.state) == ("Oui", "accepted")


def test_callbacks_that_the_application_takes_come_to_the_same_memory(sms_outbox):
    intake = CallbackIntake.from_env({"CALLBACK_TOKENS": "token-of-a-callback-1234"})
    callback = b'{"number": "+33612000001", "text": "Oui", "reception_date": "2026-01-01 10:00:00"}'

    assert intake.accept_callback("token-of-a-callback-1234", callback) == 200
    sms_outbox.run_worker()

    assert [each.text for each in Feed("replies", group="app")] == ["Oui"]


def test_an_application_that_does_not_test_loads_nothing_of_this():
    code = "import sys, producers; print([m for m in sys.modules if 'pytest' in m or 'testing' in m])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_a_run_of_pytest_that_uses_no_fixture_loads_nothing_but_the_fixtures():
    ours = "[m for m in sys.modules if m.startswith(('producers', 'worker', 'fakeredis', 'time_machine'))]"
    code = f"import sys, octopush_pytest; print({ours})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def pytest_run(directory, environment=None, *options):
    """Run the tests of an application as its own process."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, str(directory)]
    # What this run was told does not hold for that one.
    environment = environment or {k: v for k, v in os.environ.items() if k != "PYTEST_ADDOPTS"}
    done = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout


def test_where_the_outbox_cannot_help_only_tests_that_ask_for_it_fail(tmp_path):
    (tmp_path / "producers.py").touch()
    (tmp_path / "test_own.py").write_text(
        "import producers\ndef test_passes(): pass\ndef test_needs_us(sms_outbox): pass\n", "utf-8"
    )
    said = pytest_run(tmp_path)

    assert "1 passed, 1 error" in said
    assert "the package producers here is another one" in said


#: Tests of an application that has a `worker`; one of them loads it, all others must not.
WITH_A_WORKER = """
import sys
import pytest
from {producers} import InvalidMessage, Producer

sms = Producer("redis://127.0.0.1:1")

def test_outbox(sms_outbox):
    sms.send("+33612345678", "Do you come?", sender="Bistro", purpose="alert", with_replies=True)
    assert sms_outbox.reply("+33612345678", "Oui").text == "Oui"
    sms_outbox.travel(hours=1)
    sms_outbox.assert_sent(to="+33612345678")
    with pytest.raises(InvalidMessage):
        sms.send("+33", "Hello")
    assert "worker" not in sys.modules

def test_sandbox(sms_sandbox, monkeypatch):
    with pytest.raises(ValueError, match="DEFAULT_REGION=FR"):
        sms_sandbox.handset("06 12 34 00 01")
    monkeypatch.setenv("DEFAULT_REGION", "FR")
    with Producer.from_env() as sms:
        sms.send("+33612340001", "Do you come?", sender="Bistro", purpose="alert", with_replies=True)
    phone = sms_sandbox.handset("06 12 34 00 01")
    assert phone.wait_for("Do you come?").reached
    assert "worker" not in sys.modules

def test_the_worker_of_the_application(sms_outbox):
    with pytest.raises(ZeroDivisionError):
        import worker
"""


def test_an_application_with_a_worker_of_its_own_has_both_fixtures_and_its_worker_is_not_executed(tmp_path):
    (tmp_path / "worker.py").write_text("1 / 0", "utf-8")
    (tmp_path / "test_own.py").write_text(WITH_A_WORKER.format(producers="producers"), "utf-8")

    assert "3 passed" in (said := pytest_run(tmp_path)), said
