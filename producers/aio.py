"""AsyncProducer: `Producer` for asyncio applications. Same core, same behaviour, awaited."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Self, TypeVar, Unpack

import redis.asyncio

from producers.batches import freeze_slices, settle
from producers.broker import connect_async
from producers.message import Message, MessageOptions, Recipients, freeze
from producers.producer import translated
from producers.records import Cancellation, Conflict, MessageStatus, Records, Sent, read_status
from producers.scripts import Command
from producers.settings import ProducerSettings

T = TypeVar("T")


class AsyncProducer:
    """Queues SMS for the workers from an event loop. Make one per loop and keep it.

    Arguments, results and errors are those of `producers.producer.Producer`.
    """

    def __init__(
        self,
        redis_url: str | None = None,
        *,
        settings: ProducerSettings | None = None,
        client: redis.asyncio.Redis | None = None,
    ) -> None:
        self._settings = settings or ProducerSettings()
        self._records = Records(self._settings)
        self._redis = client or connect_async(redis_url or self._settings.redis_url)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Make a producer from environment variables; see `Producer.from_env`."""
        return cls(settings=ProducerSettings.from_env(environ))

    async def send(self, recipients: Recipients, text: str, **options: Unpack[MessageOptions]) -> Sent:
        """Queue one SMS; see `Producer.send`."""
        frozen = freeze(Message(recipients, text, **options), allow_spaces=self._settings.sender_allow_spaces)
        return settle(await self._run(self._records.enqueue([frozen]), [frozen.request_id]))[0]

    async def send_many(self, messages: Iterable[Message]) -> list[Sent]:
        """Queue many messages, 500 to a round trip; see `Producer.send_many`."""
        answers: list[Sent | Conflict] = []
        for frozen in freeze_slices(messages, allow_spaces=self._settings.sender_allow_spaces):
            answers += await self._run(self._records.enqueue(frozen), [m.request_id for m in frozen])
        return settle(answers)

    async def status(self, request_id: str) -> MessageStatus | None:
        """Read what is known of a send; see `Producer.status`."""
        keys = self._records.keys
        with translated([request_id]):
            async with self._redis.pipeline() as pipeline:
                pipeline.hgetall(keys.record(request_id))
                pipeline.hgetall(keys.deliveries(request_id))
                record, deliveries = await pipeline.execute()
        return read_status(request_id, record, deliveries)

    async def cancel(self, request_id: str) -> Cancellation:
        """Cancel a send whose attempt has not started; see `Producer.cancel`."""
        return await self._run(self._records.cancel(request_id), [request_id])

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _run(self, command: Command[T], request_ids: Sequence[str]) -> T:
        with translated(request_ids):
            return await command.arun(self._redis)
