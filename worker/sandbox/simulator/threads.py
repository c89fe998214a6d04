"""What the phone page shows: the newest entries of all handsets, kept up to date as things happen.

A campaign reaches more handsets than are kept. So the handsets that have written have a place of their own,
where no campaign displaces a conversation.

Each part of the simulator tells what it does, which costs it a few dictionary look-ups. Words and pages are
made only when somebody looks.
"""

import asyncio
import itertools
import secrets
from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from typing import Final

from worker.sandbox.simulator.callback_record import CallbackRecord
from worker.sandbox.simulator.events import Event
from worker.sandbox.simulator.handsets import HandsetMessage
from worker.sandbox.simulator.journal import RequestRecord

#: Entries kept of the handsets that have written, and as many of all others; the oldest goes first.
NEWEST: Final = 2000


class Sending:
    """One message of the customer to one number, however often it is POSTed.

    Attributes:
        key: Its request_id and number.
        requests: Its POSTs, oldest first.
        messages: What left for the handset because of them; more than one means sent twice.
        entries: The entries that show it; one per message that left, at least one.
    """

    __slots__ = ("entries", "key", "messages", "requests")

    def __init__(self, key: tuple[str | None, str]) -> None:
        self.key = key
        self.requests: list[RequestRecord] = []
        self.messages: list[HandsetMessage] = []
        self.entries: list[Entry] = []


class Told:
    """An event and the POSTs that tell the customer of it; `has_url`: whether they go anywhere."""

    __slots__ = ("attempts", "event", "has_url")

    def __init__(self, event: Event, *, has_url: bool) -> None:
        self.event, self.has_url = event, has_url
        self.attempts: list[CallbackRecord] = []


class Entry:
    """One bubble of a thread: a message to a handset, or what the handset wrote.

    Attributes:
        id: Never changes.
        order: Place among all entries; a message that leaves late moves to the end.
        version: `Threads.version` at its latest change.
        talks: Whether the handset has written.
        sending: The message; None for what a handset wrote.
        message: What left for the handset; None as long as nothing did.
        event: What the handset wrote; None for a message.
        told: Receipts of a message, or the reply or opt-out itself, by the event's serial number.
    """

    __slots__ = ("event", "id", "message", "number", "order", "sending", "talks", "text", "told", "version")

    def __init__(
        self, number: str, text: str, sending: Sending | None = None, event: Event | None = None
    ) -> None:
        self.id = self.order = self.version = 0
        self.number, self.text, self.talks = number, text, False
        self.sending, self.event = sending, event
        self.message: HandsetMessage | None = None
        self.told: dict[int, Told] = {}


class Threads:
    """The newest `NEWEST` entries of the handsets that have written, and of all others; oldest first.

    Attributes:
        epoch: Changes whenever entries were forgotten other than by age.
        version: Grows with every change.
        typing: Handsets that are about to write by themselves, with the number of texts.
    """

    def __init__(self) -> None:
        self._serials = itertools.count(1)
        # The first of a dict is slow to find once many before it were deleted.
        self._silent: OrderedDict[int, Entry] = OrderedDict()
        self._talking: OrderedDict[int, Entry] = OrderedDict()
        self._talkers: set[str] = set()
        self._sendings: dict[tuple[str | None, str], Sending] = {}
        self._by_ticket: dict[tuple[str | None, str], Entry] = {}
        self._by_event: dict[int, Entry] = {}
        self._waiter: asyncio.Future[None] | None = None
        self.typing: Counter[str] = Counter()
        self.version = 0
        self.epoch = secrets.token_hex(4)

    def posted(self, record: RequestRecord, text: str) -> Sequence[Entry]:
        """Note a POST of a send before it is decided.

        Returns:
            The entries to `touch` when it is decided.
        """
        touched: list[Entry] = []
        for number in dict.fromkeys(record.numbers):
            key = (record.request_id, number)
            sending = self._sendings.get(key) if record.request_id else None
            if sending is None:
                sending = self._sendings[key] = Sending(key)
                sending.entries.append(self._add(Entry(number, text, sending)))
            sending.requests.append(record)
            touched += sending.entries
        self.touch(touched)
        return touched

    def left(self, message: HandsetMessage) -> None:
        """Note a message that left, whether or not the handset shows it."""
        key = (message.request_id, message.number)
        sending = self._sendings.get(key)
        if sending is None:
            sending = self._sendings[key] = Sending(key)
        entry = next((entry for entry in sending.entries if entry.message is None), None)
        if entry is None:
            entry = self._add(Entry(message.number, message.text, sending))
            sending.entries.append(entry)
        elif sending.requests[-1].outcome:
            # The call was answered before, so the message was scheduled: its place is where it leaves.
            del self._kept(entry)[entry.id]
            self._add(entry)
        entry.message, entry.text = message, message.text
        sending.messages.append(message)
        self._by_ticket[message.ticket, message.number] = entry
        self.touch(sending.entries)

    def emitted(self, event: Event, *, has_url: bool) -> None:
        """Note an event: what a handset wrote, or a receipt of its message. Safe to repeat."""
        if event.serial in self._by_event:
            return
        if event.kind == "receipt":
            entry = self._by_ticket.get((event.message_id, event.number))
        else:
            self._listen_to(event.number)
            entry = self._add(Entry(event.number, event.text, event=event))
        if entry is not None:
            entry.told[event.serial] = Told(event, has_url=has_url)
            self._by_event[event.serial] = entry
            self.touch([entry])

    def logged(self, events: Iterable[Event], record: CallbackRecord) -> None:
        """Note a POST of a callback with the events that it carried."""
        for event in events:
            if entry := self._by_event.get(event.serial):
                entry.told[event.serial].attempts.append(record)
                self.touch([entry])

    def types(self, number: str, texts: int) -> None:
        """Note that a handset begins to write (1), or that it has written or given up (-1)."""
        self.typing[number] += texts
        self.typing += Counter()
        self.wake()

    def event(self, serial: int) -> Event | None:
        """Find an event by its serial number; None when it is not kept."""
        entry = self._by_event.get(serial)
        return entry.told[serial].event if entry else None

    def entries(self, number: str | None = None, *, after: int = 0) -> list[Entry]:
        """List entries, oldest first: those of a number, those that changed after a version."""
        found = [
            entry
            for entry in itertools.chain(self._silent.values(), self._talking.values())
            if number in (None, entry.number) and entry.version > after
        ]
        return sorted(found, key=lambda entry: entry.order)

    @property
    def oldest(self) -> dict[str, int]:
        """The order of the oldest entry: ``talking`` of the handsets that have written, ``silent`` of others.

        It is 0 where there is none.
        """
        places = {"silent": self._silent, "talking": self._talking}
        return {name: next((each.order for each in kept.values()), 0) for name, kept in places.items()}

    def forget(self, number: str | None = None) -> None:
        """Forget the entries of a number, or all."""
        for entry in self.entries(number):
            self._drop(entry)
        if number is None:
            self._sendings.clear()
            self._talkers.clear()
            self.typing.clear()
        else:
            self._talkers.discard(number)
        self.epoch = secrets.token_hex(4)
        self.version += 1
        self.wake()

    def touch(self, entries: Iterable[Entry]) -> None:
        """Note that entries changed, and wake whoever looks."""
        self.version += 1
        for entry in entries:
            entry.version = self.version
        self.wake()

    def wake(self) -> None:
        """Wake whoever waits in `change`."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        self._waiter = None

    async def change(self, seconds: float) -> None:
        """Wait until something changes, or until the real seconds are over."""
        if self._waiter is None:
            self._waiter = asyncio.get_running_loop().create_future()
        await asyncio.wait({self._waiter}, timeout=max(seconds, 0))

    def _add(self, entry: Entry) -> Entry:
        entry.order = next(self._serials)
        entry.id = entry.id or entry.order
        entry.talks = entry.number in self._talkers
        self._kept(entry)[entry.id] = entry
        self._shorten()
        return entry

    def _listen_to(self, number: str) -> None:
        """Keep a handset apart from those that only receive, once it writes."""
        if number in self._talkers:
            return
        self._talkers.add(number)
        moved = [entry for entry in self._silent.values() if entry.number == number]
        for entry in moved:
            del self._silent[entry.id]
            entry.talks = True
        together = sorted([*self._talking.values(), *moved], key=lambda entry: entry.order)
        self._talking = OrderedDict((entry.id, entry) for entry in together)
        self._shorten()
        self.touch(moved)

    def _kept(self, entry: Entry) -> OrderedDict[int, Entry]:
        return self._talking if entry.talks else self._silent

    def _shorten(self) -> None:
        for kept in (self._silent, self._talking):
            while len(kept) > NEWEST:
                self._drop(next(iter(kept.values())))

    def _drop(self, entry: Entry) -> None:
        self._kept(entry).pop(entry.id, None)
        for serial in entry.told:
            self._by_event.pop(serial, None)
        if entry.message is not None:
            key = (entry.message.ticket, entry.number)
            if self._by_ticket.get(key) is entry:
                del self._by_ticket[key]
        sending = entry.sending
        if sending is not None:
            sending.entries.remove(entry)
            if not sending.entries and self._sendings.get(sending.key) is sending:
                del self._sendings[sending.key]
