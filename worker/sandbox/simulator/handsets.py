"""What the phones show: every message that left, and the answers they give by themselves."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from worker.sandbox.simulator.matching import Match

#: What a person can do with a handset: answer what it shows, write first to the short number, or nothing,
#: because all that it shows came from a name.
Pen = Literal["answer", "first", "nothing"]


class HandsetMessage(msgspec.Struct, kw_only=True):
    """One message that left for one number.

    Attributes:
        text: As the handset shows it, placeholders filled in.
        sender: Name shown, or the short number when the message may be answered.
        sent_at: Seconds since the epoch on the simulator's clock.
        reached: Whether the handset shows the message.
        status: The final status that the message's fate decides.
    """

    ticket: str
    number: str
    text: str
    sender: str
    segments: int
    request_id: str | None
    with_replies: bool
    sent_at: float
    reached: bool
    status: str


class AutoReply(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """A handset that answers by itself.

    Attributes:
        text: What it answers.
        after_ms: Real milliseconds from the message to the answer.
        kind: ``reply``, or ``stop`` for an opt-out.
        match: Which messages it answers; ``number`` and ``text_contains`` are the useful ones.
        times: How many it answers; 0: all.
        only_with_replies: Answer only messages that were sent ``with_replies``. A real phone cannot answer
            others, but can always opt out.
    """

    text: str
    after_ms: int = 0
    kind: Literal["reply", "stop"] = "reply"
    match: Match = Match()
    times: int = 0
    only_with_replies: bool = True


class Handsets:
    """All messages that left, oldest first."""

    def __init__(self) -> None:
        self._messages: list[HandsetMessage] = []
        self._last_to: dict[str, HandsetMessage] = {}
        self._last_shown: dict[str, HandsetMessage] = {}
        self._last_two_way: dict[str, HandsetMessage] = {}
        self._is_two_way: dict[tuple[str, str], bool] = {}

    def receive(self, message: HandsetMessage) -> None:
        """Record a message."""
        is_two_way = message.reached and message.with_replies
        self._messages.append(message)
        self._last_to[message.number] = message
        self._is_two_way[message.ticket, message.number] = is_two_way
        if message.reached:
            self._last_shown[message.number] = message
        if is_two_way:
            self._last_two_way[message.number] = message

    def last_to(self, number: str) -> HandsetMessage | None:
        """Return the latest message to a number, shown or not."""
        return self._last_to.get(number)

    def last_two_way(self, number: str) -> HandsetMessage | None:
        """Return the latest message that a handset shows and that can be answered."""
        return self._last_two_way.get(number)

    def pen(self, number: str) -> Pen:
        """Tell what the person with this handset can do.

        A two-way message comes from a short number, and its thread stays on the handset. Any other comes
        from a name, which nobody can answer (Octopush's page on two-way SMS).
        """
        if number in self._last_two_way:
            return "answer"
        return "nothing" if number in self._last_shown else "first"

    def name_shown(self, number: str) -> str:
        """Return the sender of the latest message that a handset shows; empty if it shows none."""
        shown = self._last_shown.get(number)
        return shown.sender if shown else ""

    def can_answer(self, number: str, ticket: str | None) -> bool:
        """Tell whether a real phone could write this reply; a ticket that no handset got proves nothing."""
        if ticket is None:
            return self.pen(number) != "nothing"
        return self._is_two_way.get((ticket, number), True)

    def find(
        self,
        *,
        number: str | None = None,
        request_id: str | None = None,
        ticket: str | None = None,
        text: str | None = None,
    ) -> list[HandsetMessage]:
        """List the messages that have all the given values; `text` may be a part of their text."""
        return [
            message
            for message in self._messages
            if number in (None, message.number)
            and request_id in (None, message.request_id)
            and ticket in (None, message.ticket)
            and (text is None or text in message.text)
        ]

    def counts(self) -> dict[str, list[dict[str, Any]]]:
        """Count what each handset shows, to prove that nothing came twice.

        Returns:
            ``by_request``: entries with ``request_id``, ``number``, ``reached``; ``by_text``: entries with
            ``number``, ``text``, ``reached``.
        """
        shown = [message for message in self._messages if message.reached]
        return {
            "by_request": _counted(("request_id", "number"), ((m.request_id, m.number) for m in shown)),
            "by_text": _counted(("number", "text"), ((m.number, m.text) for m in shown)),
        }

    def forget(self, number: str | None = None) -> int:
        """Forget the messages of a number, or all; return how many there were."""
        kept = [message for message in self._messages if number not in (None, message.number)]
        forgotten = len(self._messages) - len(kept)
        for kept_by in (self._last_to, self._last_shown, self._last_two_way, self._is_two_way):
            kept_by.clear()
        self._messages = []
        for message in kept:
            self.receive(message)
        return forgotten


def _counted(names: tuple[str, str], pairs: Iterable[tuple[str | None, str | None]]) -> list[dict[str, Any]]:
    first, second = names
    return [{first: a, second: b, "reached": n} for (a, b), n in Counter(pairs).items()]
