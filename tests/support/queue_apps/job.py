"""What every queued job does, whichever broker brings it."""

import os
import time
from collections.abc import Callable
from typing import Any

from dramatiq.middleware import Middleware

from tests.support.queue_apps.journal import END, READY, START, STOPPING, Journal

#: Jobs whose id begins like this run until the test releases them; all others run for ``JOB_S`` seconds.
HELD = "held"


def journal_from_env() -> Journal:
    """Open the journal that the test named in ``JOURNAL_URL`` and ``JOURNAL_NAME``."""
    return Journal(os.environ["JOURNAL_URL"], os.environ["JOURNAL_NAME"])


def make_job(journal: Journal) -> Callable[[str], None]:
    """Make the job; it takes a request_id."""
    seconds = float(os.environ.get("JOB_S", "0"))

    def job(request_id: str) -> None:
        journal.note(START, request_id)
        if request_id.startswith(HELD):
            journal.wait_for_release()
        elif seconds:
            time.sleep(seconds)
        journal.note(END, request_id)

    return job


class Announcements(Middleware):
    """Writes down when this worker is ready and when it begins to stop.

    Args:
        journal: where.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def after_worker_boot(self, broker: Any, worker: Any) -> None:
        """Say that all threads run."""
        self._journal.note(READY)

    def before_worker_shutdown(self, broker: Any, worker: Any) -> None:
        """Say that the signal has arrived."""
        self._journal.note(STOPPING)
