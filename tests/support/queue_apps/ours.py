"""The application on our broker: ``dramatiq tests.support.queue_apps.ours:setup``.

It is the production worker, built by `worker.main` and complete; only what its actor for sends does is
replaced by the job of the tests.
"""

from producers.jobs import SEND_SMS
from tests.support.queue_apps.job import Announcements, journal_from_env, make_job
from worker.main import setup as build_worker
from worker.queue import LeaseBroker


def setup() -> LeaseBroker:
    """Build the worker and put the job in the place of the actor's function."""
    broker = build_worker()
    journal = journal_from_env()
    broker.add_middleware(Announcements(journal))
    broker.get_actor(SEND_SMS.actor).fn = make_job(journal)
    return broker
