"""Producer: how an application sends, asks and cancels. `aio.AsyncProducer` is the same for asyncio."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Self, TypeVar, Unpack

import redis

from .contract.clients import connect
from .contract.scripts import Command
from .contract.steps import Steps, drive
from .messages.frozen import FrozenMessage
from .messages.message import CampaignOptions, Message, MessageOptions, Recipients
from .messages.recipient import Recipient
from .queueing.answers import Conflict, Sent, without_conflict
from .queueing.batches import freeze_one, freeze_slices, ids_of
from .queueing.campaign_status import Campaign, CampaignCancellation, CampaignStatus, Halt, Resumption
from .queueing.campaign_steps import Campaigns
from .queueing.campaigns import Budget, OnInvalid, Slicer
from .queueing.chunks import chunks, several
from .queueing.conversations import Conversation, Conversations
from .queueing.message_status import MessageStatus
from .queueing.preview import Preview, Previewer, current_prices
from .queueing.records import Ahead, Cancellation, Records
from .queueing.traced import traced
from .queueing.unconfirmed import Translation, checked_bound
from .settings import ProducerSettings

T = TypeVar("T")


class Producer:
    """Queues SMS for the workers. Thread-safe; make one per process and keep it.

    Args:
        redis_url: the workers' Redis; overrides the settings.
        settings: all settings; read them with `Producer.from_env` or leave the defaults.
        client: a ready Redis client (Sentinel, Cluster, tests) instead of a URL.
        default_region: whose national numbers are read, such as ``FR``; overrides the settings.
        namespace: of the workers of one account; overrides the settings.
        timeout_s: bounds a call, or each 500 of many, in seconds; None: 14 s (docs/applications.md).

    Raises:
        ConfigError: an argument cannot be read, or bounds a ``client``; the message shows none of them.
    """

    def __init__(
        self,
        redis_url: str | None = None,
        *,
        settings: ProducerSettings | None = None,
        client: redis.Redis | None = None,
        default_region: str | None = None,
        namespace: str | None = None,
        timeout_s: float | None = None,
    ) -> None:
        timeout_s = checked_bound(timeout_s, client)
        self._settings = (settings or ProducerSettings()).at(redis_url, namespace).with_region(default_region)
        self._records = records = Records(self._settings)
        self._campaigns = Campaigns(records, self._settings)
        self._conversations = Conversations(records.keys, records.pseudonyms, self._settings.default_region)
        self._redis = client or connect(self._settings.redis_url)
        self._translated = partial(Translation, "" if client else str(self._settings.redis_url), timeout_s)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Make a producer from environment variables: those of the process, or others.

        Raises:
            ConfigError: lists every wrong variable.
        """
        return cls(settings=ProducerSettings.from_env(environ))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @traced
    def send(self, recipients: Recipients, text: str, **options: Unpack[MessageOptions]) -> Sent:
        """Queue one SMS; record and queue entry are written together or not at all.

        Safe to repeat with the same request_id: the same content returns the record and queues nothing.

        Args:
            recipients: one number or `Recipient`, or up to 500, each number once.
            text: 1 to 1224 characters, as each recipient gets it.
            **options: the other fields of `Message`, by name; ``sender`` is required.

        Raises:
            InvalidMessage: lists every bad field; nothing was queued.
            RequestIdConflict: the id names other content; nothing was queued.
            QueueUnavailable: Redis did not confirm; repeat with the request_id that the error carries.
        """
        frozen = freeze_one(Message(recipients, text, **options), self._settings)
        return without_conflict(self._drive(self._records.enqueue([frozen]), [frozen.request_id]))[0]

    @traced
    def send_many(self, messages: Iterable[Message | FrozenMessage]) -> list[Sent]:
        """Queue many messages, 500 to a round trip, reading and checking the next 500 meanwhile.

        Safe to repeat with the same `Message` objects: what was queued is not queued again. A list or tuple
        is checked whole first; other iterables are read, checked and queued 500 at a time.

        Returns:
            One `Sent` per message, in order.

        Raises:
            InvalidMessage: names the first bad message by position; the 500s before its own were queued if
                ``messages`` is no list or tuple.
            RequestIdConflict: lists the conflicting ids; all other messages were queued.
            QueueUnavailable: carries the ids of the 500 that were not confirmed; later ones were not tried.
        """
        answers: list[Sent | Conflict] = []
        waiting: Callable[[], list[Sent | Conflict]] = list
        try:
            for frozen in freeze_slices(messages, self._settings):
                if frozen:
                    call = self._drive(self._records.enqueue_ahead(frozen), ids_of(frozen))
                    taken, waiting = waiting, list
                    answers += taken()
                    waiting = self._start(call, frozen)
        finally:
            answers += waiting()
        return without_conflict(answers)

    def status(self, request_id: str) -> MessageStatus | None:
        """Read what is known of a send; None if the id is unknown or its record has expired.

        Raises:
            QueueUnavailable: Redis did not answer.
        """
        return self._run(self._records.status(request_id), [request_id])

    def cancel(self, request_id: str) -> Cancellation:
        """Cancel a message before an attempt, or after one that was surely not taken. Safe to repeat.

        Returns:
            ``cancelled`` (it will never be sent), ``too_late`` (an attempt runs or is in doubt, or it has
            ended in another way), or ``unknown_id``.

        Raises:
            QueueUnavailable: Redis did not answer; repeat.
        """
        return self._run(self._records.cancel(request_id), [request_id])

    def conversation(self, number: str, *, limit: int = 50) -> Conversation:
        """Read what went to and came from a number: replies, and messages that can be answered or answer one.

        Args:
            number: international, or national in the default region.
            limit: newest turns to read, 1 to 200; more are not kept.

        Raises:
            InvalidMessage: names ``number`` or ``limit``.
            QueueUnavailable: Redis did not answer.
        """
        return self._drive(self._conversations.with_number(number, limit))

    @traced
    def send_campaign(
        self,
        text: str,
        recipients: Iterable[str | Recipient],
        *,
        campaign_id: str | None = None,
        on_invalid: OnInvalid = "refuse",
        budget: Budget | None = None,
        **options: Unpack[CampaignOptions],
    ) -> Campaign:
        """Queue one text for any number of recipients, 500 to a message, and no person twice.

        Safe to repeat with the same campaign_id and the same recipients in the same order, after a kill, too:
        only what is missing is queued. So give a campaign_id of your own. More recipients may follow if the
        former number was a multiple of 500. It stays safe as long as Redis remembers the campaign: to the end
        of a run or a cancel, and ``RECORD_RETENTION_DAYS`` after its last message.

        The messages are ordinary ones, named ``<campaign_id>.<slice number>`` from 0, with ``.<zone>`` behind
        it for other zones than the mainland. Slice n holds the recipients from 500 n on, less those left out.
        It is read, checked and queued in one round trip. The numbers met are remembered: 17 MB a million.

        Args:
            text: 1 to 1224 characters; placeholders are filled per recipient.
            recipients: any iterable of numbers or `Recipient`; `AsyncProducer` also takes asynchronous ones.
            campaign_id: 1 to 24 letters, digits or ``-_.``; minted if None: the result, or error, has it.
            on_invalid: ``"refuse"`` ends the call before the slice of whoever cannot be texted or was
                met before. A callable leaves them out, and gets position, recipient and `InvalidMessage`.
            budget: euros above 0 that all runs together may cost; None leaves the budget that there is.
            **options: the other fields of `Message` but the request_id; ``sender`` is required.

        Raises:
            InvalidMessage: something is wrong with all messages (nothing was queued), or with recipients,
                named by position: ``recipients[1234].phone_number``. Slices before them were queued; mend
                these in their places and repeat, or look first with `check_campaign`.
            RequestIdConflict: something is not as in the first run. It and all after it were not queued.
            CampaignCancelled: it was cancelled, before or meanwhile.
            OverBudget: it would cost more with this slice. It and all after it were not queued.
            QueueUnavailable: Redis did not confirm, or has lost what it had; repeat with its campaign_id.
        """
        slicer = Slicer(
            text, options, campaign_id, on_invalid=on_invalid, settings=self._settings, budget=budget
        )
        sending = self._campaigns.sending(slicer)
        self._drive(sending.begin(), campaign_id=slicer.campaign_id)
        for chunk in chunks(recipients):
            self._drive(sending.take(chunk), campaign_id=slicer.campaign_id)
        return self._drive(sending.end(), campaign_id=slicer.campaign_id)

    def preview(
        self,
        text: str,
        recipients: Recipients | None = None,
        *,
        budget: Budget | None = None,
        **options: Unpack[CampaignOptions],
    ) -> Preview:
        """Say what a text would become and cost. Queues nothing, and refuses nothing: see ``problems``.

        Args:
            text: as for `send` and `send_campaign`.
            recipients: any number of them; without any, for somebody whom nobody knows.
            budget: euros above 0 that a campaign may cost: ``affordable`` says how far they reach.
            **options: the other fields of `Message`; the sender may be absent.

        Raises:
            InvalidMessage: ``recipients`` cannot be read as some, or ``budget`` is no such amount.
            QueueUnavailable: Redis did not tell the prices.
        """
        settings, prices = self._settings, self._drive(current_prices(self._records.keys, self._settings))
        previewer = Previewer(text, options, settings=settings, prices=prices, budget=budget)
        for chunk in chunks(several(recipients)):
            previewer.take(chunk)
        return previewer.result()

    def campaign_status(self, campaign_id: str) -> CampaignStatus | None:
        """Read where a campaign stands; None if it is unknown, or forgotten after the retention.

        Raises:
            InvalidMessage: the id cannot be one.
            QueueUnavailable: Redis did not answer.
        """
        return self._drive(self._campaigns.status(campaign_id), campaign_id=campaign_id)

    def pause_campaign(self, campaign_id: str) -> Halt:
        """Let no further attempt of a campaign begin. Safe to repeat.

        What is being sent comes to its end. Times to live go on. To send a paused campaign queues it.

        Returns:
            ``paused`` (while anything waits), ``stopped`` (cancelled), ``done`` (all ended), ``unknown_id``.

        Raises:
            InvalidMessage: the id cannot be one.
            QueueUnavailable: Redis did not answer; repeat.
        """
        return self._drive(self._campaigns.pause(campaign_id), campaign_id=campaign_id)

    def resume_campaign(self, campaign_id: str) -> Resumption:
        """Let a paused campaign go on. Safe to repeat; must be, if it was cut short.

        Returns:
            ``resumed`` (also if never paused), ``paused`` (again, meanwhile), ``stopped`` or ``unknown_id``.

        Raises:
            InvalidMessage: the id cannot be one.
            QueueUnavailable: Redis did not answer, or not to the end; repeat.
        """
        return self._drive(self._campaigns.resume(campaign_id), campaign_id=campaign_id)

    def cancel_campaign(self, campaign_id: str) -> CampaignCancellation | None:
        """Cancel all of a campaign that has not left, paused or not, and queue no more of it. Safe to repeat.

        A run of `send_campaign` that is at work ends with `CampaignCancelled`; so does each later one.

        Returns:
            Messages that are cancelled, and that were too late; ``done`` if it had ended; None if unknown.

        Raises:
            InvalidMessage: the id cannot be one.
            QueueUnavailable: Redis did not answer, or not to the end; repeat.
        """
        return self._drive(self._campaigns.cancel(campaign_id), campaign_id=campaign_id)

    def close(self) -> None:
        """Close the connections, as the end of a ``with`` block does."""
        self._redis.close()

    def _run(self, command: Command[T], request_ids: Sequence[str]) -> T:
        with self._translated(request_ids):
            return command.run(self._redis)

    def _start(self, call: Ahead, messages: Sequence[FrozenMessage]) -> Callable[[], list[Sent | Conflict]]:
        bounded, enqueue = self._translated(ids_of(messages)), self._records.enqueue
        answer = bounded(call.start)(self._redis)
        return bounded(lambda: answer() or drive(enqueue(messages), self._redis))

    def _drive(self, steps: Steps[T], request_ids: Sequence[str] = (), campaign_id: str | None = None) -> T:
        with self._translated(request_ids, campaign_id):
            return drive(steps, self._redis)
