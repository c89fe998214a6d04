"""A shop whose tasks tell customers by SMS what has happened to their orders."""

import os
from functools import cache

from celery import Celery

from producers import Producer, QueueUnavailable

app = Celery("shop", broker=os.environ.get("BROKER_URL", "redis://localhost:6379/1"))
# A task whose worker dies is run again. With an id that came with the task this sends no second SMS.
app.conf.task_acks_late = True
app.conf.task_reject_on_worker_lost = True


@cache
def producer() -> Producer:
    """Make the producer of this process with its first task: Celery's workers fork before that."""
    return Producer.from_env()


@app.task(autoretry_for=(QueueUnavailable,), retry_backoff=True, retry_backoff_max=60, max_retries=None)
def text_customer(number: str, text: str, request_id: str) -> str:
    """Queue one SMS, and return its state. Every retry has the id with which the task was made."""
    sent = producer().send(number, text, sender="Shop", purpose="alert", request_id=request_id)
    return sent.state


def ship(order: int, number: str) -> None:
    """Ship an order, and tell the customer.

    The id is chosen here, before `delay`: it travels with the task. An id that the task made itself would be
    another one in each retry, in each redelivery after a worker has died, and whenever this line runs again.
    """
    text_customer.delay(number, f"Order {order} is on its way.", request_id=f"order-{order}-shipped")
