"""What the phones show: every message that left, and the answers they give by themselves."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from worker.sandbox.simulator.matching import Match


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
        only_with_replies: Answer only messages that were sent ``with_replies``.
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

    def receive(self, message: HandsetMessage) -> None:
        """Record a message."""
        self._messages.append(message)
        self._last_to[message.number] = message

    def last_to(self, number: str) -> HandsetMessage | None:
        """Return the latest message to a number."""
        return self._last_to.get(number)

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
        self._messages = kept
        if number is None:
            self._last_to.clear()
        else:
            self._last_to.pop(number, None)
        return forgotten


def _counted(names: tuple[str, str], pairs: Iterable[tuple[str | None, str | None]]) -> list[dict[str, Any]]:
    first, second = names
    return [{first: a, second: b, "reached": n} for (a, b), n in Counter(pairs).items()]
