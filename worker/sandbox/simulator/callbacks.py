"""The callback engine: when events are posted, how often, and what was wrong with the receiver's answers."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence

from worker.sandbox.simulator.callback_record import CallbackRecord
from worker.sandbox.simulator.complaints import Complaints
from worker.sandbox.simulator.events import Event, Kind, content_type, encode, event_fields
from worker.sandbox.simulator.post_slots import PostSlots
from worker.sandbox.simulator.postman import Posted, post
from worker.sandbox.simulator.settings import CallbackSettings
from worker.sandbox.simulator.threads import Threads


class CallbackEngine:
    """Posts events to the customer's URLs and keeps a log."""

    def __init__(self, settings: CallbackSettings, threads: Threads, rng: random.Random) -> None:
        self._settings = settings
        self._threads = threads
        self._rng = rng
        self._tasks: set[asyncio.Task[None]] = set()
        self._gathered: dict[tuple[Kind, str], list[Event]] = {}
        self._slots = PostSlots(settings)
        self._violations: Counter[str] = Counter()
        self._complaints = Complaints()
        self.log: list[CallbackRecord] = []
        self.switched_off: set[str] = set()

    @property
    def pending(self) -> int:
        """Number of callbacks scheduled or under way."""
        return len(self._tasks)

    def url_for(self, kind: Kind) -> str:
        """Return the URL of a kind; empty when that kind is off."""
        by_kind = {
            "reply": self._settings.callback_url_replies,
            "receipt": self._settings.callback_url_receipts,
            "optout": self._settings.callback_url_optouts,
        }
        return by_kind[kind] or self._settings.callback_url

    def emit(self, event: Event, *, delay_ms: float = 0, copies: int = 1) -> list[asyncio.Task[None]]:
        """Schedule the posts of an event.

        Args:
            event: What to tell the customer.
            delay_ms: Real milliseconds to wait before posting.
            copies: Times to post it, multiplied by the setting `callback_copies`.

        Returns:
            One task per copy, done when the post and its repeats are over; none when the kind has no URL.
        """
        url = self.url_for(event.kind)
        self._threads.emitted(event, has_url=bool(url))
        if not url:
            return []
        total = copies * self._settings.callback_copies
        return [self._start(event, url, delay_ms) for _ in range(total) if not self._is_lost(event, url)]

    def of_kind(self, kind: str | None) -> list[CallbackRecord]:
        """List the callbacks of the log, only those of a kind if one is given."""
        return [record for record in self.log if kind in (None, record.kind)]

    def violating(self) -> list[CallbackRecord]:
        """List the callbacks whose answer broke a rule."""
        return [record for record in self.log if record.violations]

    async def reset(self) -> None:
        """Drop what is scheduled, forget the log, switch all URLs on again."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._gathered.clear()
        self._violations.clear()
        self._complaints.forget()
        self.log.clear()
        self.switched_off.clear()

    def _is_lost(self, event: Event, url: str) -> bool:
        probability = self._settings.callback_loss_probability
        if not probability or self._rng.random() >= probability:
            return False
        fields = event_fields(event, self._settings)
        self._note([event], CallbackRecord(kind=event.kind, url=url, events=[fields], outcome="lost"))
        return True

    def _start(self, event: Event, url: str, delay_ms: float) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(self._run(event, url, delay_ms))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run(self, event: Event, url: str, delay_ms: float) -> None:
        if delay_ms > 0:
            await asyncio.sleep(delay_ms / 1000)
        if not self._settings.callback_array:
            await self._deliver([event], url)
            return
        waiting = self._gathered.setdefault((event.kind, url), [])
        waiting.append(event)
        if len(waiting) > 1:
            return
        await asyncio.sleep(self._settings.callback_array_wait_ms / 1000)
        events = self._gathered.pop((event.kind, url), [])
        size = max(self._settings.callback_array, 1)
        for start in range(0, len(events), size):
            await self._deliver(events[start : start + size], url)

    async def _deliver(self, events: Sequence[Event], url: str) -> None:
        fields = [event_fields(event, self._settings) for event in events]
        body = encode(fields, self._settings, events[0].kind)
        for attempt in range(1, self._settings.callback_retries + 2):
            record = CallbackRecord(
                kind=events[0].kind, url=url, events=fields, body=body.decode(), attempt=attempt
            )
            is_over = await self._attempt(record, body)
            self._note(events, record)
            if is_over:
                return
            if attempt <= self._settings.callback_retries:
                await asyncio.sleep(self._settings.callback_retry_backoff_ms * 2 ** (attempt - 1) / 1000)

    async def _attempt(self, record: CallbackRecord, body: bytes) -> bool:
        """Make one attempt; return True when no repeat is needed."""
        if record.url in self.switched_off:
            record.outcome = "off"
            return True
        async with self._slots.taken(record.kind):
            posted = await post(
                record.url,
                body,
                content_type=content_type(self._settings, record.kind),
                timeout_s=self._settings.callback_timeout_ms / 1000,
            )
        is_taken = posted.status is not None and posted.status // 100 == 2
        record.outcome = "delivered" if is_taken else "failed"
        record.http_status, record.ms, record.answer_bytes = posted.status, posted.ms, posted.answer_bytes
        record.connected, record.violations = posted.connected, _violations(posted)
        self._judge(record)
        return is_taken

    def _note(self, events: Sequence[Event], record: CallbackRecord) -> None:
        self.log.append(record)
        self._threads.logged(events, record)

    def _judge(self, record: CallbackRecord) -> None:
        is_last = record.outcome == "delivered" or record.attempt > self._settings.callback_retries
        self._complaints.look(record, self._settings.callback_timeout_ms, is_last=is_last)
        if record.violations:
            self._violations[record.url] += 1
            limit = self._settings.callback_off_after_violations
            if limit and self._violations[record.url] >= limit:
                self.switched_off.add(record.url)


def _violations(posted: Posted) -> list[str]:
    """Name what an answer did that Octopush's callback page forbids: a body, slowness, no success."""
    if posted.error:
        return ["slow" if posted.error == "timeout" else "unreachable"]
    found = ["body"] if posted.answer_bytes else []
    return found if posted.status is not None and posted.status // 100 == 2 else [*found, "status"]
