"""Sends by what they do now, as lists show them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from producers import Producer
from producers.contract.steps import drive
from producers.rules.hours import Hours
from producers.rules.settings import RulesSettings
from tests.support.hand_worker import HandWorker
from tests.support.keys import AllKeys
from tests.support.sends import claim_one, finish_one
from tests.support.template_sends import send_codes
from worker.gateway.outcomes import Accepted, Deferred, Refused
from worker.inquiry import campaigns, sends
from worker.inquiry.paging import PAGE, BadCursor

KEYS = AllKeys()
HOURS = Hours(RulesSettings())
NUMBER = "+33612345678"


@pytest.fixture
def send(sms):
    def alert(request_id: str, **options) -> str:
        options = {"sender": "Bistro", "purpose": "alert", **options}
        return sms.send(NUMBER, "Hello STOP au 30101", request_id=request_id, **options).request_id

    return alert


def test_a_running_attempt_is_listed_with_its_begin_and_its_lease(redis_client, ledger, send):
    claim_one(ledger, send("a"))

    [row] = drive(sends.running(KEYS), redis_client).rows

    assert (row.request_id, row.state, row.queue) == ("a", "sending", "alert")
    assert row.at < row.until <= row.at + timedelta(seconds=10)
    assert drive(sends.count(KEYS), redis_client).running == 1


def test_waiting_messages_are_listed_in_the_order_in_which_they_leave(redis_client, send):
    for n in range(PAGE + 1):
        send(f"a{n}")

    first = drive(sends.waiting(KEYS, "alert"), redis_client)
    second = drive(sends.waiting(KEYS, "alert", first.cursor), redis_client)

    assert [row.request_id for row in first.rows + second.rows] == [f"a{n}" for n in range(PAGE + 1)]
    assert second.cursor is None
    assert {(row.state, row.why) for row in first.rows} == {("queued", "turn")}
    assert drive(sends.count(KEYS), redis_client).waiting == {"alert": PAGE + 1, "marketing": 0}


def test_messages_that_gather_for_one_call_are_one_row(redis_client, sms):
    ids = send_codes(sms, range(7))

    [row] = drive(sends.waiting(KEYS, "alert"), redis_client).rows

    assert (row.why, row.gathered) == ("gather", 7)
    assert list(row.named) == ids[:5]


def test_a_cursor_leads_no_deeper_than_a_queue_is_shown(redis_client):
    with pytest.raises(BadCursor):
        drive(sends.waiting(KEYS, "alert", str(sends.DEEPEST)), redis_client)
    with pytest.raises(BadCursor):
        drive(sends.waiting(KEYS, "alert", "-1"), redis_client)


def test_what_comes_later_says_why(redis_client, ledger, send):
    at = datetime.now(UTC) + timedelta(days=1)
    send("dated", send_at=at)
    worker = HandWorker(redis_client)
    send("retried")
    [claim] = worker.claim(worker.fetch())
    worker.finish(claim, Deferred("connect_error"))

    rows = {row.request_id: row for row in drive(sends.scheduled(KEYS, "alert"), redis_client).rows}

    assert {name: row.why for name, row in rows.items()} == {"dated": "date", "retried": "retry"}
    assert rows["retried"].code == "connect_error"
    assert abs(rows["dated"].at - at) < timedelta(seconds=1)


def test_ends_are_listed_newest_first_with_code_and_cost(redis_client, ledger, send):
    finish_one(ledger, claim_one(ledger, send("good")), Accepted("sms_1", cost="0.042", segments=1))
    finish_one(ledger, claim_one(ledger, send("bad")), Refused("121"))

    bad, good = drive(sends.ended(KEYS), redis_client).rows

    assert (bad.request_id, bad.state, bad.code) == ("bad", "rejected", "121")
    assert (good.request_id, good.state, good.cost) == ("good", "accepted", Decimal("0.042"))


def test_an_end_names_its_campaign_and_its_recipients_until_they_are_forgotten(sms, ledger, redis_client):
    sms.send_campaign(
        "Hello STOP au 30101", ["+33612345678", "+33612345679"], campaign_id="spring", sender="Bistro"
    )
    finish_one(ledger, claim_one(ledger, "spring.0"), Accepted("sms_1"))
    [row] = drive(sends.ended(KEYS), redis_client).rows
    assert (row.request_id, row.recipients, row.campaign) == ("spring.0", 2, "spring")

    redis_client.delete(KEYS.record("spring.0"))
    [row] = drive(sends.ended(KEYS), redis_client).rows
    assert (row.request_id, row.recipients, row.campaign) == ("spring.0", None, None)


def test_a_send_is_found_by_its_id_and_by_its_ticket(redis_client, ledger, send):
    finish_one(ledger, claim_one(ledger, send("good")), Accepted("sms_1"))

    assert drive(sends.look_up(KEYS, "good"), redis_client) == "good"
    assert drive(sends.look_up(KEYS, "sms_1"), redis_client) == "good"
    assert drive(sends.look_up(KEYS, "nobody"), redis_client) is None
    assert drive(sends.look_up(KEYS, "no id\r\n"), redis_client) is None


def test_a_row_without_a_record_says_so(redis_client):
    redis_client.rpush(KEYS.queue("alert").ready, "gone")

    [row] = drive(sends.waiting(KEYS, "alert"), redis_client).rows

    assert (row.request_id, row.state, row.recipients) == ("gone", None, None)


def test_the_slices_of_a_campaign_are_listed_the_last_one_first(redis_client, sms: Producer):
    numbers = [f"+336{n:08}" for n in range(12_000_000, 12_000_000 + 51 * 500)]
    sms.send_campaign("Hello STOP au 30101", numbers, sender="Bistro", campaign_id="spring")
    status = drive(campaigns.find(KEYS, HOURS, "spring"), redis_client)

    first = drive(campaigns.slices(KEYS, status), redis_client)
    second = drive(campaigns.slices(KEYS, status, first.cursor), redis_client)

    ids = [row.request_id for row in first.rows + second.rows]
    assert ids == [f"spring.{n}" for n in range(50, -1, -1)]
    assert second.cursor is None
    assert drive(campaigns.find(KEYS, HOURS, "summer"), redis_client) is None
