"""The operators: take a campaign's messages to the handsets and report what became of each."""

import asyncio
import functools
import random
from collections.abc import Callable

from worker.sandbox.simulator.accounts import Account
from worker.sandbox.simulator.callbacks import CallbackEngine
from worker.sandbox.simulator.campaign import SendCall
from worker.sandbox.simulator.clock import Clock
from worker.sandbox.simulator.events import Event
from worker.sandbox.simulator.fates import RECEIPTS, Fate, FateRule, Receipts, reaches_handset, receipt_steps
from worker.sandbox.simulator.handsets import AutoReply, HandsetMessage, Handsets
from worker.sandbox.simulator.matching import RuleBook, Subject
from worker.sandbox.simulator.settings import MessageIdForm, SimulatorSettings
from worker.sandbox.simulator.threads import Threads
from worker.sandbox.simulator.validation import segments_of

_BLACKLISTED = "BLACKLISTED_NUMBER"


class Network:
    """Carries messages to the handsets, and their answers back."""

    def __init__(
        self,
        settings: SimulatorSettings,
        clock: Clock,
        account: Account,
        callbacks: CallbackEngine,
        threads: Threads,
        rng: random.Random,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._account = account
        self._callbacks = callbacks
        self._threads = threads
        self.handsets = Handsets()
        self.fates: RuleBook[FateRule] = RuleBook(rng)
        self.auto_replies: RuleBook[AutoReply] = RuleBook(rng)
        #: What the receipts of single handsets tell; it goes before all rules.
        self.receipts_of: dict[str, Receipts] = {}
        self._typing: set[asyncio.Task[None]] = set()

    @property
    def pending(self) -> int:
        """Number of automatic answers being written."""
        return len(self._typing)

    def carry(self, call: SendCall, ticket: str) -> list[asyncio.Task[None]]:
        """Let all messages of a campaign leave.

        Returns:
            Tasks of the callbacks that must be answered before the send call is answered.
        """
        early: list[asyncio.Task[None]] = []
        for recipient in call.recipients:
            text = call.handset_text(recipient)
            message = self._message(call, ticket, recipient.number, text)
            if recipient.number in self._account.blacklist:
                self._refuse_blacklisted(call, message)
                continue
            fate = self._fate_of(message)
            message.status, message.reached = fate.final_status, reaches_handset(fate)
            self.handsets.receive(message)
            self._threads.left(message)
            if not call.low_cost:
                early += self._report(message, fate)
            if message.reached:
                self._answer(message)
        return early

    def reply(
        self,
        number: str,
        text: str,
        *,
        ticket: str | None = None,
        message_id_form: MessageIdForm | None = None,
        copies: int = 1,
    ) -> Event:
        """Let a handset write; without a ticket it answers the last two-way message that it shows, if any.

        What a real phone could not write is posted all the same, and the event says so.

        Args:
            number: The handset.
            text: What it writes.
            ticket: The message that it answers, also one that nobody can answer.
            message_id_form: How the callback names that message.
            copies: Times the callback is posted.
        """
        last = self.handsets.last_two_way(number)
        event = Event(
            kind="reply",
            number=number,
            text=text,
            message_id=ticket or (last.ticket if last else None),
            at=self._clock.now(),
            short_number=self._settings.short_number,
            message_id_form=message_id_form,
            possible=self.handsets.can_answer(number, ticket),
        )
        self._callbacks.emit(event, copies=copies)
        return event

    def write_later(self, delay_ms: float, number: str, write: Callable[[], object]) -> None:
        """Let a handset type for some real milliseconds, then write."""

        async def wait() -> None:
            try:
                await asyncio.sleep(delay_ms / 1000)
            finally:
                self._threads.types(number, -1)
            write()

        self._threads.types(number, 1)
        task = asyncio.get_running_loop().create_task(wait())
        self._typing.add(task)
        task.add_done_callback(self._typing.discard)

    def stop(self, number: str, text: str = "stop", *, ticket: str | None = None) -> Event:
        """Let a handset opt out: its number is blacklisted at once, and a callback reports the opt-out.

        Anybody can do so, by writing to the number of the STOP mention.
        """
        self._account.blacklist.add(number)
        last = self.handsets.last_to(number)
        event = Event(
            kind="optout",
            number=number,
            text=text,
            message_id=ticket or (last.ticket if last else None),
            at=self._clock.now(),
        )
        self._callbacks.emit(event)
        if self._settings.stop_also_inbound and self.handsets.can_answer(number, ticket):
            self.reply(number, text, ticket=ticket)
        return event

    def start(self, number: str, text: str = "START") -> Event:
        """Let a handset opt in again: it leaves the blacklist, and the word arrives as a reply (assumed)."""
        self._account.blacklist.discard(number)
        return self.reply(number, text)

    def receipt(self, ticket: str, number: str, status: str, *, copies: int = 1) -> Event:
        """Post a receipt, even with a ticket, number or status that the gateway does not know."""
        event = Event(kind="receipt", number=number, message_id=ticket, status=status, at=self._clock.now())
        self._callbacks.emit(event, copies=copies)
        return event

    async def reset(self) -> None:
        """Empty the handsets, drop all rules and the answers being written."""
        answers = list(self._typing)
        for task in answers:
            task.cancel()
        await asyncio.gather(*answers, return_exceptions=True)
        self.handsets.forget()
        self.fates.clear()
        self.receipts_of.clear()
        self.auto_replies.clear()

    def _message(self, call: SendCall, ticket: str, number: str, text: str) -> HandsetMessage:
        own_sender = call.sender or self._settings.default_sender
        return HandsetMessage(
            ticket=ticket,
            number=number,
            text=text,
            sender=self._settings.short_number if call.with_replies else own_sender,
            segments=segments_of(text, self._settings),
            request_id=call.request_id,
            with_replies=call.with_replies,
            sent_at=self._clock.now(),
            reached=False,
            status=_BLACKLISTED,
        )

    def _fate_of(self, message: HandsetMessage) -> Fate:
        if chosen := self.receipts_of.get(message.number):
            return RECEIPTS[chosen]
        rule = self.fates.pick(_subject(message))
        return rule.fate if rule else self._settings.receipts

    def _refuse_blacklisted(self, call: SendCall, message: HandsetMessage) -> None:
        """Report that a message never left; a low-cost message has no receipts."""
        self._threads.left(message)
        if not call.low_cost:
            delay_ms = self._settings.receipts.final_delay_ms
            self._report(message, Fate(ack=False, final_status=_BLACKLISTED, final_delay_ms=delay_ms))

    def _report(self, message: HandsetMessage, fate: Fate) -> list[asyncio.Task[None]]:
        early: list[asyncio.Task[None]] = []
        for step in receipt_steps(fate):
            delay_ms = 0 if fate.before_answer else step.delay_ms
            event = Event(
                kind="receipt",
                number=message.number,
                message_id=message.ticket,
                status=step.status,
                at=message.sent_at + step.late_s + delay_ms / 1000,
            )
            if step.late_s:
                emit = functools.partial(self._callbacks.emit, event, delay_ms=delay_ms)
                self._clock.call_at(message.sent_at + step.late_s, emit)
                continue
            tasks = self._callbacks.emit(event, delay_ms=delay_ms)
            early += tasks if fate.before_answer else []
        return early

    def _answer(self, message: HandsetMessage) -> None:
        rule = self.auto_replies.pick(
            _subject(message), lambda rule: message.with_replies or not rule.only_with_replies
        )
        if rule is None:
            return
        answer = self.reply if rule.kind == "reply" else self.stop
        write = functools.partial(answer, message.number, rule.text, ticket=message.ticket)
        self.write_later(rule.after_ms, message.number, write)


def _subject(message: HandsetMessage) -> Subject:
    return Subject(numbers=(message.number,), text=message.text, request_id=message.request_id)
