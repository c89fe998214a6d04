"""Composition root of a worker process: ``dramatiq worker.main:setup``.

The only reader of the environment, the only place that builds things and connects them. Nobody imports it.
"""

import os
import sys
from collections.abc import Mapping
from functools import partial
from typing import Final

import dramatiq
import redis
from dramatiq.middleware import Retries
from redis.backoff import NoBackoff
from redis.retry import Retry

from producers.errors import ConfigError
from producers.jobs import PROCESS_CALLBACK, QUEUE_ALERT, QUEUE_CALLBACKS, QUEUE_MARKETING, SEND_SMS
from producers.keys import Keys
from worker import log, middleware
from worker.gateway import Gateway
from worker.inbound import Inbound
from worker.leases import Leases
from worker.ledger import Ledger
from worker.outbound import Outbound
from worker.publisher import Publisher
from worker.queue import LeaseBroker
from worker.settings import WorkerSettings

#: Milliseconds between the runs of an actor that failed for a reason nobody planned, doubling.
UNPLANNED_BACKOFF_MS: Final = {"min_backoff": 1_000, "max_backoff": 600_000}
#: Seconds to wait for Redis to connect and to answer; longer than the longest blocking read (1 s).
REDIS_TIMEOUT_S: Final = 5.0


def setup(environ: Mapping[str, str] = os.environ) -> LeaseBroker:
    """Build the worker and register its actors; called once in each worker process.

    Returns:
        The broker, also set as Dramatiq's global one.

    Raises:
        SystemExit: settings are wrong; status 1, all of them named on standard error.
    """
    try:
        settings = WorkerSettings.from_env(environ)
    except ConfigError as error:
        print(f"octopush-worker: {error}", file=sys.__stderr__)
        raise SystemExit(1) from None
    log.configure(settings.log_level)
    middleware.stop_once()
    return build(settings)


def build(settings: WorkerSettings) -> LeaseBroker:
    """Build everything from settings: clients, ledger, gateway, broker, actors."""
    client = connect(settings.redis_url)
    keys = Keys(settings.namespace)
    leases = Leases(client)
    gateway = Gateway(settings)
    ledger = Ledger(client, settings, leases)
    broker = LeaseBroker(
        client,
        keys,
        leases,
        [
            middleware.LogContext(),
            # No count of retries: the ledger ends every message by time, see worker.retrying.
            Retries(max_retries=None, **UNPLANNED_BACKOFF_MS),  # type: ignore[arg-type]
            middleware.CloseAfterwards(gateway.close, client.close),
        ],
    )
    dramatiq.set_broker(broker)
    outbound = Outbound(ledger, gateway, settings.post_max_s)
    inbound = Inbound(client, keys, ledger, Publisher(client, settings))
    # One actor, two queues: Dramatiq ties an actor to a queue for sending only; entries name their actor.
    broker.declare_queue(QUEUE_ALERT)
    actor = partial(dramatiq.actor, broker=broker)
    actor(actor_name=SEND_SMS.actor, queue_name=QUEUE_MARKETING)(outbound.send_sms)
    actor(actor_name=PROCESS_CALLBACK.actor, queue_name=QUEUE_CALLBACKS)(inbound.process_callback)
    return broker


def connect(url: str) -> redis.Redis:
    """Make the worker's Redis client: bounded waits, no retries: not every command may be repeated."""
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=REDIS_TIMEOUT_S,
        socket_timeout=REDIS_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
        max_connections=512,
        client_name="octopush-worker",
    )
