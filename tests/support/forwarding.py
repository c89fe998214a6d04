"""Forwarders for tests: entries on the streams, a store worked by hand, and time that passes."""

import itertools
from datetime import UTC, datetime

import redis

from producers.contract.events import Reply, Status, to_fields
from producers.contract.keys import Keys
from worker.forwarding.outcomes import Outcome, OutgoingEvent
from worker.forwarding.schedule import A_DAY, Schedule
from worker.forwarding.store import Settled, Store

_NUMBERS = itertools.count()
_WHEN = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)


def reply(event_id: str | None = None, text: str = "Oui") -> Reply:
    """Make a reply of a made-up person."""
    return Reply(
        event_id=event_id or f"reply-{next(_NUMBERS)}",
        request_id="booking-42",
        ticket="sms_1",
        number="+33612345678",
        text=text,
        short_number="38000",
        received_at=_WHEN,
        gateway_date="2026-11-26 10:30:00",
        country="FR",
        context={"booking": 42},
        raw="{}",
    )


def status(request_id: str = "booking-42") -> Status:
    """Make the status of a send that was accepted."""
    return Status(
        request_id=request_id,
        state="accepted",
        ticket="sms_1",
        code=None,
        message=None,
        cost=None,
        segments=1,
        attempt=1,
        at=_WHEN,
        context=None,
    )


#: One step: what is delivered meanwhile must not come back.
_MOVE = "return redis.call('ZADD', KEYS[1], 'XX', 'INCR', ARGV[2], ARGV[1])"


class HandForwarder:
    """A forwarder whose steps a test makes one by one.

    Args:
        client: Redis client.
        name: of the forwarder.
        streams: what it forwards.
        schedule: when it tries again.
        options: of its store.
    """

    def __init__(
        self,
        client: redis.Redis,
        name: str = "bookings",
        streams: tuple[str, ...] = ("replies", "statuses"),
        schedule: Schedule = A_DAY,
        **options: int,
    ) -> None:
        self.redis, self.keys, self.name = client, Keys(), name
        self.store = Store(self.keys, name, streams, schedule, **options)
        self.take_in()

    def add(self, event: Reply | Status) -> str:
        """Append an event to its stream as the worker does; return the id of the entry."""
        stream = "replies" if isinstance(event, Reply) else "statuses"
        return self.redis.xadd(self.keys.stream(stream), to_fields(event)).decode()

    def take_in(self, **starts: str) -> int:
        """Take in what the streams hold; return how many entries."""
        return self.store.take_in(starts).run(self.redis).entries

    def arrive(self, *event_ids: str) -> None:
        """Let replies arrive in the store."""
        for event_id in event_ids:
            self.add(reply(event_id))
            self.take_in()

    def take(self, most: int = 100) -> list[OutgoingEvent]:
        """Take what is due."""
        return list(self.store.take(most).run(self.redis).events)

    def take_one(self) -> OutgoingEvent:
        """Take the only event that is due."""
        (event,) = self.take()
        return event

    def settle(self, event: OutgoingEvent, outcome: Outcome) -> Settled:
        """Record what became of an attempt."""
        return self.store.settle(event, outcome).run(self.redis)

    def pass_time(self, seconds: float) -> None:
        """Let what waits come nearer by so many seconds, probes and leases included."""
        pass_time(self.redis, self.keys, self.name, seconds)


def pass_time(client: redis.Redis, keys: Keys, name: str, seconds: float, *, leases: bool = True) -> None:
    """Let a forwarder's times come nearer, as if the clock had gone on; leases only if nobody holds any."""
    by_ms = -round(1000 * seconds)
    moved = [keys.forward_due(name), keys.forward_waiting(name)]
    moved += [keys.forward(name) + ":leases"] if leases else []
    for key in moved:
        for member in client.zrange(key, 0, -1):
            client.eval(_MOVE, 1, key, member, by_ms)
    for field in ("probe_at", "held_at", "paused_at"):
        if client.hexists(keys.forward(name), field):
            client.hincrbyfloat(keys.forward(name), field, by_ms)
