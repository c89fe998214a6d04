"""Producer: how an application sends, asks and cancels. `aio.AsyncProducer` is the same for asyncio."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Self, TypeVar, Unpack

import redis

from producers.batches import freeze_slices, settle
from producers.broker import connect
from producers.errors import QueueUnavailable
from producers.message import Message, MessageOptions, Recipients, freeze
from producers.records import Cancellation, Conflict, MessageStatus, Records, Sent, read_status
from producers.scripts import Command
from producers.settings import ProducerSettings

T = TypeVar("T")


@contextmanager
def translated(request_ids: Sequence[str]) -> Iterator[None]:
    """Turn every failure of the Redis client into `QueueUnavailable`, carrying the ids at stake."""
    try:
        yield
    except redis.RedisError as error:
        raise QueueUnavailable(request_ids, reason=type(error).__name__) from error


class Producer:
    """Queues SMS for the workers. Thread-safe; make one per process and keep it.

    Args:
        redis_url: the workers' Redis; overrides the settings.
        settings: all settings; read them with `Producer.from_env` or leave the defaults.
        client: a ready Redis client (Sentinel, Cluster, tests) instead of a URL.
    """

    def __init__(
        self,
        redis_url: str | None = None,
        *,
        settings: ProducerSettings | None = None,
        client: redis.Redis | None = None,
    ) -> None:
        self._settings = settings or ProducerSettings()
        self._records = Records(self._settings)
        self._redis = client or connect(redis_url or self._settings.redis_url)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Make a producer from environment variables.

        Raises:
            ConfigError: lists every wrong variable.
        """
        return cls(settings=ProducerSettings.from_env(environ))

    def send(self, recipients: Recipients, text: str, **options: Unpack[MessageOptions]) -> Sent:
        """Queue one SMS; record and queue entry are written together or not at all.

        Safe to repeat with the same request_id: the same content returns the existing record and queues
        nothing.

        Args:
            recipients: one number or `Recipient`, or up to 500, each number once.
            text: 1 to 1224 characters.
            **options: the other fields of `Message`, by name; ``sender`` is required.

        Raises:
            InvalidMessage: lists every bad field; nothing was queued.
            RequestIdConflict: the id names other content; nothing was queued.
            QueueUnavailable: Redis did not confirm; repeat with the request_id that the error carries.
        """
        frozen = freeze(Message(recipients, text, **options), allow_spaces=self._settings.sender_allow_spaces)
        return settle(self._run(self._records.enqueue([frozen]), [frozen.request_id]))[0]

    def send_many(self, messages: Iterable[Message]) -> list[Sent]:
        """Queue many messages, 500 to a round trip.

        Safe to repeat with the same `Message` objects: what was queued is not queued again. A list or tuple
        is checked whole first; other iterables are read, checked and queued 500 at a time.

        Returns:
            One `Sent` per message, in order.

        Raises:
            InvalidMessage: names the first bad message by position; slices before it were queued if
                ``messages`` is neither list nor tuple.
            RequestIdConflict: lists the conflicting ids; all other messages were queued.
            QueueUnavailable: carries the ids of the slice that is open; later slices were not tried.
        """
        answers: list[Sent | Conflict] = []
        for frozen in freeze_slices(messages, allow_spaces=self._settings.sender_allow_spaces):
            answers += self._run(self._records.enqueue(frozen), [m.request_id for m in frozen])
        return settle(answers)

    def status(self, request_id: str) -> MessageStatus | None:
        """Read what is known of a send; None if the id is unknown or its record has expired.

        Raises:
            QueueUnavailable: Redis did not answer.
        """
        keys = self._records.keys
        with translated([request_id]), self._redis.pipeline() as pipeline:
            pipeline.hgetall(keys.record(request_id))
            pipeline.hgetall(keys.deliveries(request_id))
            record, deliveries = pipeline.execute()
        return read_status(request_id, record, deliveries)

    def cancel(self, request_id: str) -> Cancellation:
        """Cancel a send whose attempt has not started. Safe to repeat.

        Returns:
            ``cancelled`` (it will never be sent), ``too_late`` (an attempt has started or it has ended), or
            ``unknown_id``.

        Raises:
            QueueUnavailable: Redis did not answer; repeat.
        """
        return self._run(self._records.cancel(request_id), [request_id])

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def _run(self, command: Command[T], request_ids: Sequence[str]) -> T:
        with translated(request_ids):
            return command.run(self._redis)
