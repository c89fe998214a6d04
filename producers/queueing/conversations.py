"""Conversations: what went to a number and what came back, oldest first. No I/O: `producer` and `aio` do it.

A conversation is read in three or four round trips of plain commands, whatever else is in Redis: its newest
turns from a sorted set, then for each reply its stream entry and for each send its record, text and receipt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ..contract.discreet import discreet
from ..contract.keys import Keys
from ..contract.known_pseudonyms import KnownPseudonyms
from ..contract.phone import to_e164
from ..contract.pseudonyms import Pseudonyms
from ..contract.steps import Commands, Steps
from ..errors import InvalidMessage
from .turns import WRITTEN, SendTurn, Turn, Written, read_written, turn_of

#: Turns that are kept of a conversation: ``lua/talks.lua`` drops older ones.
TURNS_MAX: Final = 200


@discreet
@dataclass(frozen=True, slots=True)
class Conversation:
    """The newest turns with one number.

    Attributes:
        number: E.164, or as the gateway wrote it if that is no number; None if nothing that is kept tells.
        key: names the conversation without showing the number: a pseudonym.
        turns: oldest first: messages that can be answered or answer a reply, replies, and opt-outs that the
            person wrote.
    """

    number: str | None
    key: str
    turns: tuple[Turn, ...]


class Conversations:
    """Builds the steps that read conversations.

    Args:
        keys: key names.
        pseudonyms: those of the process.
        default_region: whose national numbers are read, such as ``FR``; none if empty.
    """

    def __init__(self, keys: Keys, pseudonyms: KnownPseudonyms, default_region: str = "") -> None:
        self._keys, self._pseudonyms = keys, pseudonyms
        self._default_region = default_region

    def with_number(self, number: str, limit: int = 50) -> Steps[Conversation]:
        """Read the conversation with a number.

        Raises:
            InvalidMessage: names ``number`` or ``limit``.
        """
        known = _checked(number, limit, self._default_region)
        pseudonyms = yield from self._pseudonyms.read()
        names = pseudonyms.all_of(known)
        [key] = yield from name_talks(self._keys, pseudonyms, [known])
        return (yield from self._read(key, names, pseudonyms, known, limit))

    def by_key(self, key: str, limit: int = 50) -> Steps[Conversation]:
        """Read a conversation by its name; one that nobody knows is empty.

        The number is that of its replies, else the one among the recipients of its messages that has this
        name. While there are several keys its turns may lie under several names; all are read.
        """
        pseudonyms = yield from self._pseudonyms.read()
        found = yield from self._read(key, [key], pseudonyms, None, limit)
        if found.number is None or len(pseudonyms.key_ids) == 1:
            return found
        names = pseudonyms.all_of(found.number)
        return (yield from self._read(key, names, pseudonyms, found.number, limit))

    def _read(
        self, key: str, names: Sequence[str], pseudonyms: Pseudonyms, number: str | None, limit: int
    ) -> Steps[Conversation]:
        noted = yield Commands([("ZREVRANGE", self._keys.talk(name), 0, limit - 1) for name in names])
        ids = [member.decode().partition(":")[::2] for members in noted for member in reversed(members)]
        written = [(direction, _id) for direction, _id in ids if direction in WRITTEN]
        sends = [SendTurn(_id) for direction, _id in ids if direction == "out"]
        turns: list[Turn] = []
        if ids:
            found = yield Commands([*self._ask_for_written(written), *self._ask_for_sends(sends)])
            events = [read_written(kind, entries) for (kind, _), entries in zip(written, found, strict=False)]
            answers = [event for event in events if event is not None]
            for place, send in enumerate(sends):
                start = len(written) + 2 * place
                send.learn(*found[start : start + 2])
            number = number or _number(key, pseudonyms, answers, sends)
            sends = [send for send in sends if send.state]
            yield from self._complete(sends, number)
            sent = [turn for send in sends if (turn := send.turn(number)) is not None]
            turns = [*map(turn_of, answers), *sent]
        return Conversation(number, key, tuple(sorted(turns, key=lambda turn: turn.at)[-limit:]))

    def _ask_for_written(self, turns: Sequence[tuple[str, str]]) -> list[tuple[str, ...]]:
        return [("XRANGE", self._keys.stream(WRITTEN[kind][0]), _id, _id) for kind, _id in turns]

    def _ask_for_sends(self, sends: Sequence[SendTurn]) -> list[tuple[str, ...]]:
        asked: list[tuple[str, ...]] = []
        for send in sends:
            asked.append(_facts_of(self._keys.record(send.request_id)))
            asked.append(("GET", self._keys.body(send.request_id)))
        return asked

    def _complete(self, sends: Sequence[SendTurn], number: str | None) -> Steps[None]:
        """Learn what became of the messages: their receipts, and where the calls are that they leave with."""
        if not sends:
            return
        asked: list[tuple[str, ...]] = []
        for send in sends:
            call = self._keys.record(send.call or send.request_id)
            asked.append(("HGET", self._keys.deliveries(send.request_id), number or ""))
            asked.append(("HMGET", call, "state", "first"))
        found = yield Commands(asked)
        for place, send in enumerate(sends):
            send.complete(*found[2 * place : 2 * place + 2])


def _facts_of(record: str) -> tuple[str, ...]:
    """Ask for what `SendTurn.learn` reads of a record, in its order."""
    return "HMGET", record, "state", "queued", "due", "first", "call", "context", "reply_to", "short_number"


def name_talks(keys: Keys, pseudonyms: Pseudonyms, numbers: Sequence[str]) -> Steps[list[str]]:
    """Name the conversations with some numbers, by names under which there is something.

    No round trip as long as there is one key; else one.
    """
    names = [pseudonyms.all_of(number) for number in numbers]
    if len(pseudonyms.key_ids) == 1 or not numbers:
        return [own for [own] in names]
    there = iter((yield Commands([("EXISTS", keys.talk(name)) for each in names for name in each])))
    kept = [[name for name in each if next(there)] for each in names]
    return [(some or each)[0] for some, each in zip(kept, names, strict=True)]


def _number(
    key: str, pseudonyms: Pseudonyms, written: Sequence[Written], sends: Sequence[SendTurn]
) -> str | None:
    """Find the number that a conversation's name stands for."""
    if written:
        return written[-1].number
    bodies = (send.body for send in sends if send.body)
    numbers = (each.phone_number for body in bodies for each in body.recipients)
    return next((number for number in numbers if key in pseudonyms.all_of(number)), None)


def _checked(number: object, limit: object, region: str) -> str:
    problems, known = {}, ""
    try:
        known = to_e164(number, default_region=region) if isinstance(number, str) else ""
    except ValueError as error:
        problems["number"] = str(error)
    if not isinstance(number, str):
        problems["number"] = "must be text"
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= TURNS_MAX:
        problems["limit"] = f"must be 1 to {TURNS_MAX}"
    if problems:
        raise InvalidMessage(problems)
    return known
