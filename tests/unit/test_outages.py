"""Outages of Redis: which pass by themselves, and that each is told once."""

import logging

import pytest
import redis
from dramatiq.errors import ConnectionClosed
from redis import exceptions

from producers.contract.outages import NotAuthenticatedError, OutageLog, log_to, passes
from worker.process.log import NoOutages
from worker.queue.connection_loss import connection_loss


class Told:
    """An `OutageLog` whose clock is moved by hand, and what it said."""

    def __init__(self):
        self.said, self.now = [], 100.0
        self.log = OutageLog(
            lambda error: self.said.append(type(error).__name__), self.said.append, lambda: self.now
        )

    def fail(self, at, error=redis.TimeoutError):
        self.now = at
        self.log.failed(error())

    def answer(self, at):
        self.now = at
        self.log.answered()


@pytest.mark.parametrize(
    "error",
    [
        redis.ConnectionError(),
        redis.TimeoutError(),
        exceptions.BusyLoadingError(),
        exceptions.ReadOnlyError(),
        exceptions.ClusterDownError("CLUSTERDOWN"),
        exceptions.MasterDownError("MASTERDOWN"),
        exceptions.TryAgainError(),
        exceptions.OutOfMemoryError(),
        exceptions.RedisClusterException(),
        redis.ResponseError("MISCONF Redis is configured to save RDB snapshots"),
        redis.ResponseError("NOREPLICAS Not enough good replicas to write."),
        redis.ResponseError("BUSY Redis is busy running a script."),
        redis.ResponseError("UNBLOCKED force unblock from blocking operation, instance state changed"),
        ConnectionResetError(),
        TimeoutError(),
    ],
)
def test_outages_pass(error):
    assert passes(error)


@pytest.mark.parametrize(
    "error",
    [
        redis.AuthenticationError(),
        exceptions.AuthorizationError(),
        exceptions.NoPermissionError(),
        redis.ResponseError("WRONGTYPE Operation against a key"),
        redis.ResponseError("ERR unknown command"),
        ValueError(),
    ],
)
def test_what_only_a_person_can_mend_does_not_pass(error):
    assert not passes(error)


def test_an_outage_is_told_once_and_its_end_once():
    told = Told()
    for second in (100, 100.5, 101, 103, 107):
        told.fail(second)
    for second in (109, 109.1, 120):
        told.answer(second)

    assert told.said == ["TimeoutError", 7]


def test_answers_between_failures_are_no_end():
    """Some connections are cut, others not yet; or reads are answered and writes refused."""
    told = Told()
    for second in range(100, 110):
        told.fail(second)
        told.answer(second + 0.5)
    told.answer(112)

    assert told.said == ["TimeoutError", 9]


def test_the_next_outage_is_told_again():
    told = Told()
    told.fail(100)
    told.answer(102)
    told.fail(103)
    told.answer(105)

    assert told.said == ["TimeoutError", 0, "TimeoutError", 0]


def test_an_outage_that_becomes_a_refusal_is_told_again():
    """A server that comes back knows another password."""
    told = Told()
    told.fail(100)
    told.fail(101, NotAuthenticatedError)
    told.fail(102, NotAuthenticatedError)
    told.fail(103)

    assert told.said == ["TimeoutError", "NotAuthenticatedError", "TimeoutError"]


def test_without_an_outage_nothing_is_told():
    told = Told()
    told.answer(100)

    assert told.said == []


def test_a_logger_is_told_the_kind_of_error_and_nothing_of_its_text(caplog):
    for server in ("", "redis://localhost:6379/0"):
        log_to(logging.getLogger("some"), server).failed(redis.ConnectionError("canary"))

    assert caplog.messages == [
        "redis unavailable (ConnectionError)",
        "redis unavailable (ConnectionError) at redis://localhost:6379/0",
    ]
    caplog.clear()
    log_to(logging.getLogger("some"), "redis://localhost:6379/0").failed(redis.AuthenticationError("canary"))

    assert caplog.messages == [
        "Redis at redis://localhost:6379/0 refuses this user or password: see REDIS_URL"
    ]


def record(message, *args, exc_info=None):
    return logging.LogRecord("dramatiq.worker", logging.ERROR, "", 0, message, args, exc_info)


def lost(error):
    """Return what Dramatiq gets to see of an error of Redis."""
    try:
        with connection_loss():
            raise error
    except ConnectionClosed as closed:
        return closed


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (redis.ConnectionError(), False),
        (exceptions.ReadOnlyError(), False),
        (redis.ResponseError("MISCONF"), False),
        (redis.ResponseError("WRONGTYPE"), True),
        (exceptions.NoPermissionError(), True),
        (NotAuthenticatedError(), False),
    ],
)
def test_of_outages_dramatiq_says_nothing_and_of_other_trouble_all(error, shown):
    lines = [
        record("Consumer encountered a connection error: %s", lost(error)),
        record("Failed to process message %s.", "m", exc_info=(type(error), error, None)),
        record("Failed to process message %s.", "m", exc_info=(ConnectionClosed, lost(error), None)),
    ]

    assert [NoOutages().filter(line) for line in lines] == [shown] * 3


def test_other_lines_are_shown():
    lines = [
        record("Started"),
        record("Failed.", exc_info=(OSError, OSError(), None)),
        record("%(name)s", {"name": "x"}),
    ]

    assert [NoOutages().filter(line) for line in lines] == [True] * 3
