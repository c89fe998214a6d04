"""AsyncProducer: `Producer` for asyncio applications. Same core, same behaviour, awaited."""

import asyncio
from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from functools import partial
from typing import Self, TypeVar, Unpack

import redis.asyncio

from .contract.clients import connect_async
from .contract.one_loop import OneLoop
from .contract.scripts import Command
from .contract.steps import Steps, adrive
from .messages.frozen import FrozenMessage
from .messages.message import CampaignOptions, Message, MessageOptions, Recipients
from .messages.recipient import Recipient
from .queueing.answers import Conflict, Sent, without_conflict
from .queueing.batches import freeze_one, freeze_slices, ids_of
from .queueing.campaign_status import Campaign, CampaignCancellation, CampaignStatus, Halt, Resumption
from .queueing.campaign_steps import Campaigns
from .queueing.campaigns import Budget, OnInvalid, Slicer
from .queueing.chunks import achunks, several
from .queueing.conversations import Conversation, Conversations
from .queueing.message_status import MessageStatus
from .queueing.preview import Preview, Previewer, current_prices
from .queueing.records import Cancellation, Records
from .queueing.traced import traced
from .queueing.unconfirmed import Translation, checked_bound
from .settings import ProducerSettings

T = TypeVar("T")


class AsyncProducer:
    """Queues SMS for the workers from an event loop. Make one per loop and keep it.

    Arguments, results and errors are those of `producers.producer.Producer`; ``timeout_s`` also bounds how
    long a host name is looked up. Besides, every call raises `WrongEventLoop` in another loop than that of
    the first call. So make it in the lifespan of an ASGI application, and not while a module is imported: a
    test client brings a loop of its own.
    """

    def __init__(
        self,
        redis_url: str | None = None,
        *,
        settings: ProducerSettings | None = None,
        client: redis.asyncio.Redis | None = None,
        default_region: str | None = None,
        namespace: str | None = None,
        timeout_s: float | None = None,
    ) -> None:
        self._timeout_s = checked_bound(timeout_s, client)
        self._settings = (settings or ProducerSettings()).at(redis_url, namespace).with_region(default_region)
        self._records = Records(self._settings)
        self._campaigns = Campaigns(self._records, self._settings)
        keys, pseudonyms = self._records.keys, self._records.pseudonyms
        self._conversations = Conversations(keys, pseudonyms, self._settings.default_region)
        self._redis = client or connect_async(self._settings.redis_url)
        self._translated = partial(Translation, "" if client else str(self._settings.redis_url), None)
        self._loop = OneLoop("AsyncProducer")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Make a producer from environment variables; see `Producer.from_env`."""
        return cls(settings=ProducerSettings.from_env(environ))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @traced
    async def send(self, recipients: Recipients, text: str, **options: Unpack[MessageOptions]) -> Sent:
        """Queue one SMS; see `Producer.send`."""
        frozen = freeze_one(Message(recipients, text, **options), self._settings)
        return without_conflict(await self._drive(self._records.enqueue([frozen]), [frozen.request_id]))[0]

    @traced
    async def send_many(self, messages: Iterable[Message | FrozenMessage]) -> list[Sent]:
        """Queue many messages, 500 to a round trip; see `Producer.send_many`.

        Other tasks of the loop get their turn every 50 messages.
        """
        answers: list[Sent | Conflict] = []
        waiting: asyncio.Future[list[Sent | Conflict]] = asyncio.Future()
        waiting.set_result([])
        try:
            for frozen in freeze_slices(messages, self._settings):
                if frozen:
                    answers += await waiting
                    enqueue = self._drive(self._records.enqueue(frozen), ids_of(frozen))
                    waiting = asyncio.create_task(enqueue)
                await asyncio.sleep(0)
        finally:
            answers += await waiting
        return without_conflict(answers)

    async def status(self, request_id: str) -> MessageStatus | None:
        """Read what is known of a send; see `Producer.status`."""
        return await self._run(self._records.status(request_id), [request_id])

    async def cancel(self, request_id: str) -> Cancellation:
        """Cancel a send whose attempt has not started; see `Producer.cancel`."""
        return await self._run(self._records.cancel(request_id), [request_id])

    async def conversation(self, number: str, *, limit: int = 50) -> Conversation:
        """Read what went to and came from a number; see `Producer.conversation`."""
        return await self._drive(self._conversations.with_number(number, limit))

    @traced
    async def send_campaign(
        self,
        text: str,
        recipients: Iterable[str | Recipient] | AsyncIterable[str | Recipient],
        *,
        campaign_id: str | None = None,
        on_invalid: OnInvalid = "refuse",
        budget: Budget | None = None,
        **options: Unpack[CampaignOptions],
    ) -> Campaign:
        """Queue one text for any number of recipients; see `Producer.send_campaign`.

        Takes either kind of iterable. ``on_invalid`` is called, not awaited. Checking a slice of 500 holds up
        the loop for some milliseconds.
        """
        slicer = Slicer(
            text, options, campaign_id, on_invalid=on_invalid, settings=self._settings, budget=budget
        )
        sending = self._campaigns.sending(slicer)
        await self._drive(sending.begin(), campaign_id=slicer.campaign_id)
        async for chunk in achunks(recipients):
            await self._drive(sending.take(chunk), campaign_id=slicer.campaign_id)
        return await self._drive(sending.end(), campaign_id=slicer.campaign_id)

    async def preview(
        self,
        text: str,
        recipients: Recipients | AsyncIterable[str | Recipient] | None = None,
        *,
        budget: Budget | None = None,
        **options: Unpack[CampaignOptions],
    ) -> Preview:
        """Say what a text would become and cost; see `Producer.preview`. Takes either kind of iterable."""
        prices = await self._drive(current_prices(self._records.keys, self._settings))
        previewer = Previewer(text, options, settings=self._settings, prices=prices, budget=budget)
        async for chunk in achunks(several(recipients)):
            previewer.take(chunk)
            await asyncio.sleep(0)
        return previewer.result()

    async def campaign_status(self, campaign_id: str) -> CampaignStatus | None:
        """Read where a campaign stands; see `Producer.campaign_status`."""
        return await self._drive(self._campaigns.status(campaign_id), campaign_id=campaign_id)

    async def pause_campaign(self, campaign_id: str) -> Halt:
        """Let no further attempt of a campaign begin; see `Producer.pause_campaign`."""
        return await self._drive(self._campaigns.pause(campaign_id), campaign_id=campaign_id)

    async def resume_campaign(self, campaign_id: str) -> Resumption:
        """Let a paused campaign go on; see `Producer.resume_campaign`."""
        return await self._drive(self._campaigns.resume(campaign_id), campaign_id=campaign_id)

    async def cancel_campaign(self, campaign_id: str) -> CampaignCancellation | None:
        """Cancel all of a campaign that has not left; see `Producer.cancel_campaign`."""
        return await self._drive(self._campaigns.cancel(campaign_id), campaign_id=campaign_id)

    async def close(self) -> None:
        """Close the connections, as the end of an ``async with`` block does."""
        self._loop.check()
        await self._redis.aclose()

    async def _run(self, command: Command[T], request_ids: Sequence[str]) -> T:
        self._loop.check()
        with self._translated(request_ids):
            async with asyncio.timeout(self._timeout_s):
                return await command.arun(self._redis)

    async def _drive(
        self, steps: Steps[T], request_ids: Sequence[str] = (), campaign_id: str | None = None
    ) -> T:
        self._loop.check()
        with self._translated(request_ids, campaign_id):
            async with asyncio.timeout(self._timeout_s):
                return await adrive(steps, self._redis)
