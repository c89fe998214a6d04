"""Fixtures of the fault table: a Redis to break, a queue on it, workers, and a journal nothing breaks."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import redis

from tests.faults.queue_worker import QueueWorker
from tests.faults.queues import KINDS, Queue
from tests.support.queue_apps.journal import READY, Journal
from tests.support.waiting import until
from worker.sandbox.redis_server import RedisServer

_MEASURED = pytest.StashKey[list[str]]()

StartWorker = Callable[..., QueueWorker]


@pytest.fixture
def server(own_redis_server: RedisServer) -> RedisServer:
    """The Redis under the queue; each test may break its own."""
    return own_redis_server


@pytest.fixture
def queue(broker_kind: str, server: RedisServer, namespace: str) -> Iterator[Queue]:
    """The queue that this run of the test is about."""
    queue = KINDS[broker_kind](server.port, namespace)
    yield queue
    queue.close()


@pytest.fixture
def journal(redis_url: str, redis_client: redis.Redis, namespace: str) -> Iterator[Journal]:
    """What the jobs did, on the server that all tests share."""
    journal = Journal(redis_url, namespace)
    yield journal
    journal.close()


@pytest.fixture
def start_worker(
    redis_url: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[StartWorker]:
    """Start workers and wait until they are ready; all processes are killed when the test ends.

    Args: ``threads``; ``queue`` and ``journal`` where a test has several; environment variables by name.
    """
    numbers = itertools.count(1)
    directory = tmp_path_factory.mktemp("workers")

    with ExitStack() as ending:

        def start(
            *, threads: int = 4, queue: Queue | None = None, journal: Journal | None = None, **environ: str
        ) -> QueueWorker:
            queue = queue or request.getfixturevalue("queue")
            journal = journal or request.getfixturevalue("journal")
            environ = {"JOURNAL_URL": redis_url, "JOURNAL_NAME": queue.namespace, **environ}
            ready = len(journal.notes(READY))
            log = directory / f"worker-{next(numbers)}.log"
            worker = QueueWorker(queue, log, environ, threads=threads)
            ending.callback(worker.kill)
            until(lambda: len(journal.notes(READY)) > ready or worker.has_ended, 30)
            if worker.has_ended:
                raise RuntimeError("the worker did not start: " + worker.output[-3000:])
            return worker

        yield start


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Note a measured number; all are printed at the end of the run."""
    return request.config.stash.setdefault(_MEASURED, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what was measured."""
    if lines := config.stash.get(_MEASURED, []):
        terminalreporter.section("measured")
        for line in lines:
            terminalreporter.line(line)
