"""How a promise is checked: within a deadline, in an assertion that says what is missing."""

import time
from collections import Counter
from collections.abc import Callable, Collection

from tests.support.queue_apps.journal import Journal


def in_time(condition: Callable[[], bool], seconds: float, otherwise: Callable[[], str]) -> None:
    """Ask until the promise is kept.

    Raises:
        AssertionError: it was not kept in time; says what ``otherwise`` returns.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {otherwise()}"
        time.sleep(0.02)


def all_end(journal: Journal, jobs: Collection[str], seconds: float) -> None:
    """Promise that every job ends, at least once.

    Raises:
        AssertionError: some did not; says how many and names a few.
    """

    def missing() -> list[str]:
        return sorted(set(jobs) - set(journal.ended()))

    in_time(lambda: not missing(), seconds, lambda: f"{len(missing())} jobs never ran: {missing()[:5]}")


def none_ran_twice(journal: Journal) -> None:
    """Promise that no job started more than once so far.

    Raises:
        AssertionError: some did; names a few.
    """
    twice = [job for job, times in Counter(journal.started()).items() if times > 1]
    assert not twice, f"{len(twice)} jobs ran more than once: {twice[:5]}"
