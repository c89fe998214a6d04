"""What is sent at a steady pace, and what must have become of it."""

import itertools
import random
import threading
import time
from collections import Counter
from contextlib import suppress
from typing import Final, Self

from producers import Message, Producer, QueueUnavailable
from producers.settings import ProducerSettings
from worker.sandbox.simulator.client import SimulatorAdmin

#: Messages in a second.
RATE: Final = 5.0
_NUMBERS: Final = 10_000_000


class Traffic:
    """An application that repeats under the same id what the queue did not confirm; a context manager.

    Args:
        settings: what it is told.
        seed: of the numbers that it sends to.

    Attributes:
        forgotten: messages that the queue confirmed and did not know any more.
    """

    def __init__(self, settings: ProducerSettings, seed: int) -> None:
        self._producer = Producer(settings=settings)
        self._numbers = random.Random(seed).sample(range(_NUMBERS), 100_000)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="traffic")
        self._sent: list[tuple[float, Message]] = []
        self.forgotten: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._producer.close()

    def stop(self) -> None:
        """Send no more. Safe to repeat."""
        self._done.set()
        self._thread.join()

    def __len__(self) -> int:
        return len(self._sent)

    def _run(self) -> None:
        began = time.monotonic()
        for turn in itertools.count():
            if self._done.wait(max(0.0, began + turn / RATE - time.monotonic())):
                return
            message = self._message(turn)
            self._send(message)
            self._sent.append((time.time(), message))

    def _message(self, turn: int) -> Message:
        number, name = f"+336{self._numbers[turn]:08}", f"night-{turn}"
        if turn % 10 < 3:
            return Message(number, "Sale on Saturday. STOP au 30101", sender="Bistro", request_id=name)
        asks = turn % 10 > 7
        text = "Is 8 pm fine?" if asks else f"Your code is {1_000 + turn}"
        return Message(number, text, sender="Bistro", purpose="alert", with_replies=asks, request_id=name)

    def _send(self, message: Message) -> None:
        while not self._done.is_set():
            with suppress(QueueUnavailable):
                self._producer.send_many([message])
                return

    def repeat(self, since: float) -> None:
        """Send again what the queue has forgotten of all that was sent since a Unix time."""
        for at, message in [*self._sent]:
            name = message.request_id
            if at >= since and name is not None and self._producer.status(name) is None:
                self.forgotten.append(name)
                self._send(message)

    def waiting(self) -> int:
        """Count what has not ended."""
        states = Counter(self._state(message) for _, message in self._sent)
        return states.total() - states["accepted"]

    def _state(self, message: Message) -> str:
        assert message.request_id is not None
        status = self._producer.status(message.request_id)
        return "forgotten" if status is None else status.state

    def wrong(self, admin: SimulatorAdmin) -> list[str]:
        """Name what was lost and what came twice, by what handsets show, and callbacks that nobody took."""
        callbacks = admin.callbacks()
        taken = {each.body for each in callbacks if each.outcome == "delivered"}
        lost = {each.body for each in callbacks} - taken
        shown = Counter({name: count for (name, _), count in admin.delivered().items()})
        found = [f"{len(lost)} callbacks were taken by nobody"] if lost else []
        found += [
            f"{each.request_id}: {self._state(each)}, shown {shown[each.request_id]} times"
            for _, each in self._sent
            if self._state(each) != "accepted" or shown[each.request_id] != 1
        ]
        return found
