"""What a person decides about a forwarder: pause, resume, deliver once more. Each with an audit entry."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar, cast

import redis

from producers.contract.keys import Keys
from producers.contract.scripts import Command, Script, as_string
from producers.contract.steps import drive
from worker.account.throttle import AUDIT_MAXLEN
from worker.forwarding.outcomes import TEST
from worker.forwarding.store import ROOM, event_id_of
from worker.inquiry.backwards import Backwards
from worker.inquiry.paging import pairs

T = TypeVar("T")

#: Where an event may lie: in the store, among the dead letters, in nothing but its stream.
Place = Literal["waiting", "dead", "kept"]

_AGAIN: Final = Script(__package__, "forward_again")
_PAUSE: Final = Script(__package__, "forward_pause", when_full=True)
_RESUME: Final = Script(__package__, "forward_resume", when_full=True)

#: What the audit calls them.
_TEST: Final = "forward_test"
_REPLAY: Final = "forward_replay"
#: Entries of a stream that are looked at in one go.
_PAGE: Final = 100
#: Times that one event is looked for.
_LOOKS: Final = 3
_Entry = tuple[bytes, dict[bytes, bytes]]


class NoRoomError(Exception):
    """The forwarder holds as many events as it may; the rest was not replayed.

    Attributes:
        done: how many were.
    """

    def __init__(self, done: int) -> None:
        super().__init__(f"no room for more than {done} of them")
        self.done = done


@dataclass(frozen=True, slots=True)
class _Replayed:
    """An event to deliver once more; names as the script wants them."""

    id: str
    stream: str
    entry: str
    fields: Sequence[Any]
    letter: str = ""


class ForwarderDecisions:
    """Decisions about one forwarder. A replayed event keeps its id and begins its schedule anew.

    Args:
        client: Redis client.
        keys: key names.
        name: of the forwarder.
        by: who decides, for the audit stream.
        room: events that may wait.
    """

    def __init__(self, client: redis.Redis, keys: Keys, name: str, by: str, room: int = ROOM) -> None:
        self._redis, self._keys, self._name, self._by, self._room = client, keys, name, by, room

    def pause(self, why: str = "operator") -> bool:
        """Stop delivering until `resume`; events are still taken in. Safe to repeat.

        Returns:
            Whether it was not paused before.
        """
        return self._run(_PAUSE, bool, why=why)

    def resume(self) -> bool:
        """End a pause or a hold. Safe to repeat.

        Returns:
            Whether there was one.
        """
        return self._run(_RESUME, bool)

    def test(self) -> str:
        """Let an event that means nothing be delivered, before all others, once.

        Returns:
            The id of the event.

        Raises:
            NoRoomError: there is none.
        """
        event_id = f"test-{uuid.uuid4().hex}"
        self._again([_Replayed(event_id, TEST, "", [])], _TEST)
        return event_id

    def replay_dead(self) -> int:
        """Replay all dead letters of now, and take them off the dead letters.

        Returns:
            How many.

        Raises:
            NoRoomError: the others are still dead letters. Safe to repeat.
        """
        return self._replay(map(_letter, self._entries(self._keys.forward_dead(self._name))))

    def replay_between(self, streams: Sequence[str], since_ms: int, until_ms: int) -> int:
        """Replay what streams still hold of a time, delivered before or not.

        Args:
            streams: which, such as ``replies``.
            since_ms: epoch milliseconds at which an entry was added, at the earliest.
            until_ms: the same, at the latest.

        Returns:
            How many.

        Raises:
            NoRoomError: the streams were replayed in turn, oldest entries first, up to there.
        """
        between = str(max(0, since_ms)), str(max(0, until_ms))
        return self._replay(
            _entry(stream, entry)
            for stream in streams
            for entry in self._entries(self._keys.stream(stream), *between)
        )

    def replay_one(self, streams: Sequence[str], event_id: str) -> Place | None:
        """Replay one event, be it waiting, dead or delivered. Goes through the streams, newest entries first.

        Args:
            streams: where to look for what is neither waiting nor dead.
            event_id: its id; of a status the id of its entry.

        Returns:
            Where it was found; None if nowhere. ``kept`` by its stream alone is what was delivered before.

        Raises:
            NoRoomError: nothing was done.
        """
        # What was found may be delivered, or given up, before it is replayed: then it lies elsewhere.
        for _ in range(_LOOKS):
            found = self._find(streams, event_id)
            if found is None:
                return None
            if self._replay(iter([found])) == 1:
                return "dead" if found.letter else "kept" if found.stream else "waiting"
        return None

    def _find(self, streams: Sequence[str], event_id: str) -> _Replayed | None:
        if self._redis.exists(self._keys.event(self._name, event_id)):
            return _Replayed(event_id, "", "", [])
        dead = map(_letter, self._entries_backwards(self._keys.forward_dead(self._name)))
        living = (
            _entry(stream, entry)
            for stream in streams
            for entry in self._entries_backwards(self._keys.stream(stream))
        )
        return next((each for found in (dead, living) for each in found if each.id == event_id), None)

    def _replay(self, found: Iterator[_Replayed]) -> int:
        done, page = 0, list[_Replayed]()
        for each in found:
            page.append(each)
            if len(page) == _PAGE:
                done, page = done + self._again(page, _REPLAY, done), []
        return done + self._again(page, _REPLAY, done) if page else done

    def _again(self, events: Sequence[_Replayed], action: str, before: int = 0) -> int:
        is_test = action == _TEST
        done, left = self._run(
            _AGAIN, tuple[int, int], events=events, first=is_test, room=self._room, action=action
        )
        if left:
            raise NoRoomError(before + done)
        return done

    def _entries(self, key: str, since: str = "-", until: str = "") -> Iterator[_Entry]:
        """Go through a stream, up to what is its last entry now."""
        if not until:
            newest = cast("list[_Entry]", self._redis.xrevrange(key, count=1))
            until = newest[0][0].decode() if newest else "0"
        while page := cast("list[_Entry]", self._redis.xrange(key, since, until, _PAGE)):
            yield from page
            since = "(" + page[-1][0].decode()

    def _entries_backwards(self, key: str) -> Iterator[_Entry]:
        walk = Backwards(key)
        while page := drive(walk.read(_PAGE), self._redis):
            yield from ((entry_id, dict(pairs(fields))) for entry_id, fields in page)

    def _run(self, script: Script, read: Callable[[Any], T], **given: Any) -> T:
        audited = {"forward": self._name, "by": self._by, "audit_maxlen": AUDIT_MAXLEN, **given}
        return Command(script, self._keys.prefix, audited, read).run(self._redis)


def _entry(stream: str, entry: _Entry) -> _Replayed:
    entry_id, fields = entry
    return _Replayed(event_id_of(entry_id, fields), stream, entry_id.decode(), _flat(fields))


def _letter(entry: _Entry) -> _Replayed:
    letter, fields = entry
    said = {name: fields.pop(name).decode() for name in list(fields) if name.startswith(b"forward_")}
    told = {key.decode(): value for key, value in said.items()}
    return _Replayed(
        told["forward_id"], told["forward_stream"], told["forward_entry"], _flat(fields), letter.decode()
    )


def _flat(fields: dict[bytes, bytes]) -> list[Any]:
    return [as_string(part) for pair in fields.items() for part in pair]
