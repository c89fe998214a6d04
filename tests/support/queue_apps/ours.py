"""The application on our broker: ``dramatiq tests.support.queue_apps.ours:setup``.

It is the production worker, built by `worker.main` and complete; only what its actor for sends does is
replaced by the job of the tests. A job keeps a thread as long as it runs, which a send does not: so each is
fetched for itself, and as many as Dramatiq's threads and its fetching ahead ask for.
"""

import os
from typing import Any, Final

import redis
from dramatiq.middleware import Middleware
from dramatiq.worker import Worker

from producers.contract.jobs import ACTORS, QUEUE_ALERT
from producers.contract.keys import Keys
from tests.support.places import places
from tests.support.queue_apps.job import Announcements, journal_from_env, make_job
from worker.main import setup as build_worker
from worker.queue import consumer
from worker.queue.entries import Batch
from worker.queue.lease_broker import LeaseBroker

#: As the scripts of the worker do, also while Redis is full.
_END: Final = "#!lua flags=allow-oom\nredis.call('HSET', KEYS[1], 'state', 'accepted')"


class _FewPlaces(Middleware):
    """Gives the process as many places as Dramatiq's own brokers hold messages."""

    def before_worker_boot(self, broker: Any, worker: Worker) -> None:
        broker.process.slots = places(worker.queue_prefetch)


def setup() -> LeaseBroker:
    """Build the worker and put the job in the place of the actor's function."""
    broker = build_worker()
    journal = journal_from_env()
    broker.add_middleware(Announcements(journal))
    job = make_job(journal)
    keys = Keys(os.environ["SMS_NAMESPACE"])
    records = redis.Redis.from_url(os.environ["REDIS_URL"])

    def run_job(batch: Batch) -> None:
        [entry] = batch.entries
        # An entry ends only if its message has ended, which the sending of messages would see to.
        records.eval(_END, 1, keys.record(entry.id))
        job(entry.id)

    broker.get_actor(ACTORS[QUEUE_ALERT]).fn = run_job
    broker.add_middleware(_FewPlaces())
    consumer.FETCH_MAX = 1  # type: ignore[misc]
    return broker
