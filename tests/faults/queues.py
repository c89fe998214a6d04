"""The two queues of the fault table behind one interface: Dramatiq's stock Redis broker, and ours.

Each sends as its applications do and is consumed by a ``dramatiq`` process of its own
(`tests.support.queue_apps`). The other methods look at the keys to tell what is where.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import BrokerConnectionError
from dramatiq.message import Message as Envelope
from redis.backoff import NoBackoff
from redis.retry import Retry

from producers import Message, Producer, QueueUnavailable
from producers.contract.jobs import ACTORS, QUEUE_ALERT
from producers.contract.keys import Keys
from producers.settings import ProducerSettings

#: What an application may get instead of a confirmation, on either queue.
NOT_CONFIRMED = (QueueUnavailable, BrokerConnectionError, redis.RedisError)


def stock_fails(reason: str) -> pytest.MarkDecorator:
    """Run a test on both queues; the stock one must break the promise, in an assertion of the test.

    Args:
        reason: what the stock broker does instead.
    """
    fails = pytest.mark.xfail(raises=AssertionError, strict=True, reason=f"stock broker: {reason}")
    return pytest.mark.parametrize("broker_kind", [pytest.param("stock", marks=fails), "ours"])


#: Both queues keep this promise.
both_keep = pytest.mark.parametrize("broker_kind", ["stock", "ours"])
#: Only for what is left to chance on the stock queue.
only_ours = pytest.mark.parametrize("broker_kind", ["ours"])


class Application(Protocol):
    """How an application sends."""

    def __call__(self, *jobs: str, delay_s: float = 0) -> None:
        """Queue jobs, in order.

        Raises:
            Exception: one of `NOT_CONFIRMED`.
        """


class Queue:
    """What both queues have.

    Args:
        port: the Redis server.
        namespace: under which all keys lie.
    """

    #: What the ``dramatiq`` command runs.
    app: str

    def __init__(self, port: int, namespace: str) -> None:
        self.port, self.namespace = port, namespace
        self.redis = redis.Redis(port=port, socket_timeout=10, retry=Retry(NoBackoff(), 0))

    def send(self, *jobs: str, delay_s: float = 0) -> None:
        """Queue jobs as an application does, over a connection of their own."""
        with self.application() as send:
            send(*jobs, delay_s=delay_s)

    @contextmanager
    def application(self, port: int | None = None) -> Iterator[Application]:
        """Connect an application, through another port if given."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the connections."""
        self.redis.close()


class StockQueue(Queue):
    """Dramatiq's own broker, all settings default.

    Applications connect by host and port: such a client repeats commands by itself, up to ten times. Workers
    connect by URL, as twelve-factor applications do: such a client repeats nothing.
    """

    app = "tests.support.queue_apps.stock:setup"

    @contextmanager
    def application(self, port: int | None = None) -> Iterator[Application]:
        """Connect an application."""
        broker = RedisBroker(host="127.0.0.1", port=port or self.port, namespace=self.namespace)

        def send(*jobs: str, delay_s: float = 0) -> None:
            for job in jobs:
                envelope = Envelope(QUEUE_ALERT, ACTORS[QUEUE_ALERT], (), {"request_id": job}, {})
                broker.enqueue(envelope, delay=int(delay_s * 1000) if delay_s else None)

        yield send
        broker.client.close()

    def plant(self, entry: str, payload: bytes) -> None:
        """Queue an entry with any payload."""
        self.redis.hset(f"{self.namespace}:{QUEUE_ALERT}.msgs", entry, payload)
        self.redis.rpush(f"{self.namespace}:{QUEUE_ALERT}", entry)

    def ready(self) -> int:
        """Count what waits to be fetched."""
        return self.redis.llen(f"{self.namespace}:{QUEUE_ALERT}")

    def left(self) -> int:
        """Count what is still queued: ready, delayed, or held by a worker."""
        return sum(self.redis.hlen(f"{self.namespace}:{QUEUE_ALERT}{kind}.msgs") for kind in ("", ".DQ"))

    def held(self) -> int:
        """Count what workers, dead or alive, have fetched and not acknowledged."""
        return sum(map(self.redis.scard, self.redis.scan_iter(f"{self.namespace}:__acks__.*")))

    def let_leases_run_out(self) -> None:
        """There are none: a worker is dead when its heartbeat is too old."""

    def delayed_are_taken_up(self) -> bool:
        """Whether the worker has fetched what is delayed: it waits in the worker's memory."""
        return not self.redis.llen(f"{self.namespace}:{QUEUE_ALERT}.DQ")

    def dead(self) -> list[str]:
        """List the dead letters."""
        return [entry.decode() for entry in self.redis.zrange(f"{self.namespace}:{QUEUE_ALERT}.XQ", 0, -1)]


class OurQueue(Queue):
    """The project's queue: sent to by `Producer`, consumed by the production worker."""

    app = "tests.support.queue_apps.ours:setup"

    def __init__(self, port: int, namespace: str) -> None:
        super().__init__(port, namespace)
        self._keys = Keys(namespace).queue(QUEUE_ALERT)

    @contextmanager
    def application(self, port: int | None = None) -> Iterator[Application]:
        """Connect an application."""
        url = f"redis://127.0.0.1:{port or self.port}/0"
        producer = Producer(settings=ProducerSettings(redis_url=url, namespace=self.namespace))

        def send(*jobs: str, delay_s: float = 0) -> None:
            due = datetime.now(UTC) + timedelta(seconds=delay_s) if delay_s else None
            producer.send_many(
                Message("+33612345678", "Hi", sender="Bistro", purpose="alert", request_id=job, send_at=due)
                for job in jobs
            )

        yield send
        producer.close()

    def plant(self, entry: str, payload: bytes) -> None:
        """Queue an entry with any payload."""
        self.redis.hset(self._keys.envelopes, entry, payload)
        self.redis.rpush(self._keys.ready, entry)
        self.redis.rpush(self._keys.wake, "1")

    def ready(self) -> int:
        """Count what waits to be fetched."""
        return self.redis.llen(self._keys.ready)

    def left(self) -> int:
        """Count what is still queued: ready, delayed, or held by a worker."""
        return self.ready() + self.redis.zcard(self._keys.delayed) + self.held()

    def held(self) -> int:
        """Count what workers, dead or alive, have fetched and not acknowledged."""
        return self.redis.zcard(self._keys.leases)

    def let_leases_run_out(self) -> None:
        """Make all leases run out now; a living worker would renew its own."""
        for lease in self.redis.zrange(self._keys.leases, 0, -1):
            self.redis.zadd(self._keys.leases, {lease: 1}, xx=True)

    def lease_deadline_ms(self) -> float:
        """Tell when the first lease runs out, in epoch milliseconds by Redis's clock."""
        return self.redis.zrange(self._keys.leases, 0, 0, withscores=True)[0][1]

    def delayed_are_taken_up(self) -> bool:
        """Nothing to wait for: no worker takes a delayed entry before it is due."""
        return True

    def dead(self) -> list[str]:
        """List the dead letters."""
        return [entry.decode() for entry in self.redis.zrange(self._keys.dead, 0, -1)]


KINDS = {"stock": StockQueue, "ours": OurQueue}
