"""What must be so before a worker works: it waits for Redis, or refuses to start.

Each refusal is status 1, after a log line at level error that says what is wrong.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import redis
import structlog

from producers.contract.keys import Keys
from producers.contract.known_pseudonyms import KEPT_IN_REDIS, KnownPseudonyms
from producers.contract.outages import OutageLog, refused, what_is_refused
from producers.contract.settings import RedisSettings
from producers.contract.steps import drive
from producers.errors import WrongPseudonymKeys
from worker.process import preflight
from worker.process.connection import waits_for_redis

#: What a worker says that was given another login than the first one of its namespace.
ANOTHER_ACCOUNT: Final = (
    "this SMS_NAMESPACE belongs to another account than that of OCTOPUSH_API_LOGIN. Give each account a "
    "namespace of its own; if the login has changed: octopush-worker account unbind, see docs/accounts.md"
)


@contextmanager
def unless_refused(server: str) -> Iterator[None]:
    """Do what is in the block, and refuse to work if Redis refuses us: waiting mends no password.

    Raises:
        SystemExit: status 1, after one log line.
    """
    try:
        yield
    except redis.RedisError as error:
        what = what_is_refused(error)
        if what is None:
            raise
        # A traceback would be many lines, and say nothing more.
        structlog.get_logger().error("worker.refused_to_start", problem=refused(server, what))
        raise SystemExit(1) from None


def meet_redis(client: redis.Redis, keys: Keys, outages: OutageLog, *, allow_unsafe: bool) -> None:
    """Wait for Redis and its primary, and refuse to work with a Redis that would break the promise.

    Raises:
        SystemExit: status 1, after one log line per problem.
    """
    logger = structlog.get_logger()
    for attempt in waits_for_redis():
        with attempt:
            findings = preflight.inspect(client, keys)
        if attempt.retry_state.outcome and attempt.retry_state.outcome.failed:
            # Also what the connection does not take for an outage.
            outages.failed(attempt.retry_state.outcome.exception())  # type: ignore[arg-type]
    for finding in findings:
        level = logger.error if finding.unsafe or finding.fatal else logger.warning
        level("redis.problem", check=finding.check, problem=finding.problem)
    if any(finding.fatal or (finding.unsafe and not allow_unsafe) for finding in findings):
        logger.error(
            "worker.refused_to_start", problem="see above; ALLOW_UNSAFE_REDIS=1 overrides what is unsafe"
        )
        raise SystemExit(1)


def know_pseudonyms(settings: RedisSettings, client: redis.Redis) -> None:
    """Refuse to work without a key that Redis needs, and say so if the key lies in Redis.

    Raises:
        SystemExit: status 1, after one log line.
    """
    logger = structlog.get_logger()
    if not settings.pseudonym_keys:
        logger.warning("pseudonyms.kept_in_redis", problem=KEPT_IN_REDIS)
    try:
        for attempt in waits_for_redis():
            with attempt:
                drive(KnownPseudonyms(settings).read(), client)
    except WrongPseudonymKeys as error:
        [(variable, problem)] = error.problems.items()
        refused = f"{variable} {problem}"
    else:
        return
    logger.error("worker.refused_to_start", problem=refused)
    raise SystemExit(1)


def own_namespace(bind: Callable[[], bool]) -> None:
    """Refuse to send what waits for another account.

    Args:
        bind: binds the namespace to the account of this worker, and says whether it is its own.

    Raises:
        SystemExit: status 1, after one log line.
    """
    is_ours = False
    for attempt in waits_for_redis():
        with attempt:
            is_ours = bind()
    if not is_ours:
        structlog.get_logger().error("worker.refused_to_start", problem=ANOTHER_ACCOUNT)
        raise SystemExit(1)
