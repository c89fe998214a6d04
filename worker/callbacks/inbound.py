"""The life of callbacks: read, connect to their sends, append once, forget the raw bytes.

They come in batches, and each step takes a few round trips for all of them, in their order. The next pages of
the story are `payloads` (what a callback means), `Ledger.correlate` (which send it belongs to), and
`publisher` (its entry on a stream).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import msgspec
import redis
import structlog

from producers.contract.events import CallbackEvent, OptOut, Quarantined, Receipt, Reply
from producers.contract.keys import Keys
from producers.contract.kinds import KIND_OF
from producers.contract.phone import mask
from producers.contract.scripts import Command, Script
from worker.callbacks.classifier import Vocabulary
from worker.callbacks.dates import read_date
from worker.callbacks.opt_outs import judged
from worker.callbacks.payloads import Parsed, read_callback
from worker.callbacks.publisher import Publisher
from worker.callbacks.spans import following
from worker.ledger.correlation import Correlation, Question
from worker.ledger.ledger import Ledger
from worker.queue.entries import Batch, Entry

T = TypeVar("T")

_BEGIN_WAIT: Final = Script(__package__, "begin_wait", when_full=True)

#: Seconds after a worker's first look for which a callback waits for the send it may belong to: longer than
#: an attempt and the take-over of a dead worker's attempt together.
PATIENCE_S: Final = 60.0
#: Seconds by which the gateway's clock may be behind ours, and its dates be cut.
SKEW_S: Final = 60.0
#: Shortest and longest wait between two looks, in milliseconds.
LOOK_MS: Final = (250, 8_000)
#: Events that one script takes, if they are not all of one callback: bounds how long it keeps Redis.
EVENTS_AT_ONCE: Final = 100


@dataclass(slots=True)
class _Callback:
    """One stored callback on its way.

    Attributes:
        entry: its queue entry; the id is that of the callback.
        received_ms: epoch milliseconds at which it came.
        waited_s: seconds since a worker first looked at it. It may be old already by then: it lay in a spool,
            or no worker lived; attempts of that time have not reported yet either.
        events: what it says; in the end only what can be published now.
        waits: one of its events has to wait for its send.
    """

    entry: Entry
    received_ms: int
    waited_s: float
    events: list[Parsed]
    waits: bool = False

    @property
    def look_again_ms(self) -> int:
        """Wait about as long as has been waited already."""
        least, most = LOOK_MS
        return int(min(max(self.waited_s * 1000, least), most))


class Inbound:
    """Processes callbacks.

    Args:
        client: Redis client, for the raw callbacks.
        keys: key names.
        ledger: knows which send a ticket belongs to.
        publisher: appends to the streams.
        vocabulary: the words of an opt-out in a reply; None for the built-in ones.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        ledger: Ledger,
        publisher: Publisher,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        self._redis = client
        self._keys = keys
        self._ledger = ledger
        self._publisher = publisher
        self._vocabulary = vocabulary
        self._log = structlog.get_logger()

    def process_callbacks(self, batch: Batch) -> None:
        """Publish the events of stored callbacks. Safe to repeat: each event is appended once.

        Raises:
            redis.RedisError: Redis stayed away; Dramatiq runs this again, then each callback alone.
            Exception: a callback could not be read; the others are done.
        """
        callbacks, broken = self._read(batch.entries)
        self._connect(callbacks)
        self._publish(callbacks)
        waiting = [callback for callback in callbacks if callback.waits]
        if begun := [callback.entry.id for callback in waiting if not callback.waited_s]:
            Command(_BEGIN_WAIT, self._keys.prefix, {"callbacks": begun}, int).run(self._redis)
        batch.holder.delay([each.entry.delayed(each.look_again_ms) for each in waiting])
        if broken:
            raise broken[0]

    def _read(self, entries: Sequence[Entry]) -> tuple[list[_Callback], list[Exception]]:
        """Read callbacks that are still there, and what went wrong with those that nobody can read."""
        with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.time()
            for entry in entries:
                pipeline.hmget(self._keys.callback(entry.id), "received", "kind", "raw", "only", "looked")
            (seconds, microseconds), *stored = pipeline.execute()
        now_ms = seconds * 1000 + microseconds // 1000
        callbacks: list[_Callback] = []
        broken: list[Exception] = []
        for entry, fields in zip(entries, stored, strict=True):
            try:
                if any(fields):
                    callbacks.append(_callback(entry, fields, now_ms))
            except Exception as error:  # noqa: BLE001 - whatever it is, the others go on; it is raised after them
                broken.append(error)
        return callbacks, broken

    def _connect(self, callbacks: Sequence[_Callback]) -> None:
        """Attach request_id and context of the original sends; leave out what may still become known.

        What such an event asks for does not wait: an opt-out counts at once. It has its name already, so it
        counts once.
        """
        asked = [
            (event, _question(event, callback))
            for callback in callbacks
            for event in callback.events
            if not isinstance(event, Quarantined) and (event.ticket or isinstance(event, Reply))
        ]
        answers: dict[int, Correlation] = {}
        for some in _slices(asked):
            found = self._ledger.correlate([question for _, question in some])
            answers |= {id(event): each for (event, _), each in zip(some, found, strict=True)}
        for callback in callbacks:
            ready: list[Parsed] = []
            for event in callback.events:
                answer = answers.get(id(event))
                if isinstance(event, Quarantined):
                    ready.append(event)
                elif answer and answer.pending and _may_wait(event, callback):
                    callback.waits = True
                    ready += [each for each in judged(event, self._vocabulary) if isinstance(each, OptOut)]
                else:
                    ready += judged(_connected(event, answer), self._vocabulary)
            callback.events = ready

    def _publish(self, callbacks: Sequence[_Callback]) -> None:
        """Append what is ready, in order, forget what is done, and write the canonical line of each event."""
        for some in _whole(callbacks):
            ready = [(callback, event) for callback in some for event in callback.events]
            done = [callback.entry.id for callback in some if not callback.waits]
            if not ready and not done:
                continue
            came_ms = [callback.received_ms for callback, _ in ready]
            with following([event for _, event in ready]) as events:
                fresh = self._publisher.publish(events, came_ms, done)
            for (callback, event), appended in zip(ready, fresh, strict=True):
                self._report(callback.entry.id, event, fresh=appended)

    def _report(self, callback_id: str, event: Parsed, *, fresh: bool) -> None:
        fields: dict[str, Any] = {"callback_id": callback_id, "repeated": not fresh}
        if isinstance(event, Quarantined):
            self._log.error("callback.quarantined", reason=event.reason, **fields)
            return
        fields |= {
            "event_id": self._publisher.name_of(event),
            "ticket": event.ticket,
            "number": mask(event.number),
        }
        fields["correlated"] = event.request_id is not None
        fields["match"] = event.match
        if event.request_id is not None:
            fields["request_id"] = event.request_id
        if isinstance(event, Receipt):
            fields["status"] = event.status
        self._log.info(f"callback.{type(event).__name__.lower()}", **fields)


def _callback(entry: Entry, fields: Sequence[bytes | None], now_ms: int) -> _Callback:
    received, named, raw, only, looked = (field or b"" for field in fields)
    received_ms = int(received)
    waited_s = max(0, now_ms - int(looked or now_ms)) / 1000
    received_at = datetime.fromtimestamp(received_ms / 1000, UTC)
    events = read_callback(raw, named.decode(), only.decode(), received_at, entry.id)
    return _Callback(entry, received_ms, waited_s, events)


def _question(event: CallbackEvent, callback: _Callback) -> Question:
    reply = event if isinstance(event, Reply) else None
    return Question(
        ticket=event.ticket or "",
        number=event.number,
        received_ms=callback.received_ms,
        only_when_idle=callback.waited_s < PATIENCE_S or not KIND_OF[type(event)].waits,
        written_ms=_written_ms(reply, callback.received_ms) if reply else callback.received_ms,
        short_number=re.sub(r"\D", "", (reply and reply.short_number) or "", flags=re.ASCII),
    )


def _written_ms(reply: Reply, received_ms: int) -> int:
    """When a reply was written, at the latest: before it came, and about when the gateway says."""
    at = read_date(reply.gateway_date or "", reply.received_at)
    return min(received_ms, int((at.timestamp() + SKEW_S) * 1000)) if at else received_ms


def _may_wait(event: CallbackEvent, callback: _Callback) -> bool:
    """Say whether an event still waits to learn which send it belongs to."""
    return KIND_OF[type(event)].waits and callback.waited_s < PATIENCE_S


def _connected(event: CallbackEvent, found: Correlation | None) -> CallbackEvent:
    """The event with what is known of the send that it belongs to."""
    if found is None or found.request_id is None:
        return event
    changes: dict[str, Any] = {"request_id": found.request_id, "match": found.match}
    changes["trace"] = found.trace or None
    if "context" in event.__struct_fields__:
        changes["context"] = msgspec.json.decode(found.context) if found.context else None
    return msgspec.structs.replace(event, **changes)


def _whole(callbacks: Sequence[_Callback]) -> Iterable[Sequence[_Callback]]:
    """As many at a time as one script takes, and none in parts.

    The bytes of a callback go with its last events. Were its first ones appended before, by a server that is
    the primary no more, they would be lost.
    """
    some: list[_Callback] = []
    count = 0
    for callback in callbacks:
        if some and count + len(callback.events) > EVENTS_AT_ONCE:
            yield some
            some, count = [], 0
        some.append(callback)
        count += len(callback.events)
    if some:
        yield some


def _slices(items: Sequence[T]) -> Iterable[Sequence[T]]:
    """As many at a time as one script takes."""
    return (items[start : start + EVENTS_AT_ONCE] for start in range(0, len(items), EVENTS_AT_ONCE))
