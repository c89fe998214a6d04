"""The application on Dramatiq's own Redis broker: ``dramatiq tests.support.queue_apps.stock:setup``.

All settings are the broker's defaults, but for those a test names in ``STOCK_OPTIONS`` (JSON) to see sooner,
or for certain, what would happen anyway.
"""

import json
import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from producers.contract.jobs import ACTORS, QUEUE_ALERT
from tests.support.queue_apps.job import Announcements, journal_from_env, make_job


def setup() -> RedisBroker:
    """Build the broker and register its actor."""
    options = json.loads(os.environ.get("STOCK_OPTIONS", "{}"))
    broker = RedisBroker(url=os.environ["REDIS_URL"], namespace=os.environ["SMS_NAMESPACE"], **options)
    dramatiq.set_broker(broker)
    journal = journal_from_env()
    broker.add_middleware(Announcements(journal))
    dramatiq.actor(actor_name=ACTORS[QUEUE_ALERT], queue_name=QUEUE_ALERT, broker=broker)(make_job(journal))
    return broker
