"""The overview tells how all is, in at most 67 commands whatever is kept."""

import json
from datetime import timedelta

import pytest

from producers.contract.steps import drive
from tests.support.hand_worker import KEYS, HandWorker
from tests.support.replies import Counting
from tests.support.template_sends import send_codes
from worker.account.throttle import Throttle
from worker.gateway.outcomes import Accepted, Refused
from worker.inquiry.overview import overview, panels


@pytest.fixture
def seen(redis_client):
    def look():
        counting = Counting(redis_client)
        found = counting.drive(overview(KEYS))
        assert counting.trips <= 3
        assert counting.commands <= 67
        by_part = Counting(redis_client)
        assert not any(panel.failed for panel in by_part.drive(panels(KEYS)).values())
        assert by_part.trips <= 3
        assert by_part.commands <= 67
        return found

    return look


def now_ms(client) -> int:
    return client.time()[0] * 1000


def test_nothing_is_an_overview_too(redis_client, seen):
    found = seen()
    assert (found.messages.waiting, found.credit, found.problems, found.facts.workers) == (0, None, (), 0)
    assert [(queue.name, queue.ready, queue.oldest_s) for queue in found.queues] == [
        ("alert", 0, None),
        ("marketing", 0, None),
        ("callbacks", 0, None),
    ]


def test_everything_at_once_costs_no_more(redis_client, sms, seen):
    throttle = Throttle(redis_client, KEYS)
    worker = HandWorker(redis_client)
    for n in range(5):
        sms.send("+33612345678", "Hi", sender="Bistro", purpose="alert", request_id=f"r{n}")
    for claim in worker.take():
        outcome = Accepted("t") if claim.entry.id == "r0" else Refused("121")
        worker.finish(claim, outcome)
    send_codes(sms, range(3))
    sms.send("+33612345678", "Hi STOP au 30101", sender="Bistro", ttl=timedelta(hours=1))
    redis_client.rpush(KEYS.queue("callbacks").ready, "c1")
    redis_client.hset(KEYS.callback("c1"), mapping={"received": now_ms(redis_client) - 7000, "raw": "x"})
    redis_client.zadd(KEYS.workers, {"w1": now_ms(redis_client), "w2": now_ms(redis_client) - 30_000})
    redis_client.hset(KEYS.credit_seen, mapping={"amount": "12.5", "at": now_ms(redis_client)})
    for gate in ("credit", "777", "778"):
        redis_client.hset(KEYS.gates, gate, json.dumps({"code": gate, "since": 1}))
        redis_client.zadd(KEYS.aside(gate), {"x": 0})
    throttle.hold("101")
    throttle.pause("http_429", 60_000)

    found = seen()

    assert (found.facts.hold.code, found.facts.pause.code, found.facts.workers) == ("101", "http_429", 1)
    queues = {queue.name: queue for queue in found.queues}
    assert (queues["alert"].ready, queues["marketing"].ready, queues["callbacks"].ready) == (1, 1, 1)
    assert 0 <= queues["alert"].oldest_s < 60
    assert 7 <= queues["callbacks"].oldest_s < 67
    messages = found.messages
    assert (messages.enqueued, messages.waiting) == (9, 4)
    assert (messages.ends["accepted"], messages.ends["rejected"]) == (1, 4)
    assert (found.parked, len(found.problems), found.problems[0].code) == (4, 3, "121")
    assert str(found.credit.amount) == "12.5"
    assert [(each.gate, each.waiting, each.is_breaker) for each in found.aside] == [
        ("777", 1, True),
        ("778", 1, True),
        # A third gate is named, and what waits there is not counted.
        ("credit", None, False),
    ]


def test_what_was_scheduled_has_waited_since_its_date(redis_client, sms, seen):
    sent = sms.send("+33612345678", "Hi", sender="Bistro", purpose="alert")
    redis_client.hincrby(KEYS.record(sent.request_id), "queued", -3_600_000)
    assert drive(overview(KEYS), redis_client).queues[0].oldest_s >= 3600
    redis_client.hset(KEYS.record(sent.request_id), "due", now_ms(redis_client) - 1000)
    assert seen().queues[0].oldest_s < 60
