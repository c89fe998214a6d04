"""The shop's own tests: a worker of Celery in a thread, its broker in memory, and `producers.testing`."""

import pytest
from celery.contrib.testing.worker import start_worker
from shop import app, ship, text_customer

from producers import QueueUnavailable

NUMBER = "+33612345678"


@pytest.fixture(scope="module")
def worker():
    app.conf.update(broker_url="memory://", broker_transport_options={"polling_interval": 0.01})
    app.conf.update(result_backend="cache+memory://")
    with start_worker(app, perform_ping_check=False) as worker:
        yield worker


@pytest.fixture
def done(worker, monkeypatch):
    """Run a task to its end, with all its retries, in the worker."""
    delay, made = text_customer.delay, []
    monkeypatch.setattr(text_customer, "delay", lambda *given, **named: made.append(delay(*given, **named)))

    def done(call, *arguments):
        call(*arguments)
        return made.pop().get(timeout=20, interval=0.01)

    return done


def test_a_customer_is_told_once_however_often_an_order_is_shipped(done, sms_outbox):
    assert done(ship, 7, NUMBER) == "queued"
    assert done(ship, 7, NUMBER) == "queued"

    assert sms_outbox.assert_sent(to=NUMBER, text="Order 7 is on its way.").request_id == "order-7-shipped"


@pytest.mark.parametrize("queued", [False, True])
def test_a_task_that_is_tried_again_sends_one_sms(done, sms_outbox, queued):
    sms_outbox.fail_next(QueueUnavailable, queued=queued)

    assert done(ship, 7, NUMBER) == "queued"

    sms_outbox.assert_sent(to=NUMBER, times=1)


def test_a_task_that_is_delivered_again_sends_one_sms(sms_outbox):
    task = text_customer.s(NUMBER, "Order 7 is on its way.", request_id="order-7-shipped")

    task.apply()
    task.apply()

    sms_outbox.assert_sent(to=NUMBER, times=1)
