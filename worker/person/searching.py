"""The search for one person through every key and stream. Looks and changes nothing.

Walks in bounded steps: so many keys, so many entries at a time. What is written meanwhile may be missed; a
second walk finds it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec
import redis

from producers.contract.keys import Keys, upload_place
from worker.person.named import Person

Kind = Literal["message", "callback", "event", "entry", "upload", "twin", "key", "mention"]
Fields = Mapping[str, str]

#: Keys that one round trip reads; a body may have 60 KB.
_KEYS_AT_ONCE: Final = 100
_ENTRIES_AT_ONCE: Final = 500

#: Fields of a record that may tell whose it is.
_RECORD: Final = ("to", "erase", "context", "message")
#: The streams that have a name of their own. Decisions name a person by pseudonym, and stay, but for those
#: about a message whose id an application has made of the number.
_STREAMS: Final = ("replies", "receipts", "optouts", "statuses", "quarantine", "audit")


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that is kept of the person.

    Attributes:
        kind: what it is. A ``mention`` is somebody else's: the number stands in the middle of a text. A
            ``twin`` names a message whose id holds the number.
        name: id of a message, callback or event; name of a stream or key; of an upload its campaign; of a
            twin its window.
        entry: of an entry its id; of an event the forwarder; of a twin its field.
        fields: what it says, as far as the search has read it.
    """

    kind: Kind
    name: str
    entry: str = ""
    fields: Fields = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Look:
    """How keys of one kind are looked at: the command, the fields, and what its answer means."""

    command: str
    fields: tuple[str, ...]
    judge: Callable[[str, Any], Iterator[Found]]


class Search:
    """One search.

    Args:
        client: Redis client.
        keys: key names.
        person: who is looked for.
    """

    def __init__(self, client: redis.Redis, keys: Keys, person: Person) -> None:
        self._redis = client
        self._keys, self._prefix = keys, keys.prefix
        self._person = person
        self._looks = {
            "record": _Look("HMGET", _RECORD, self._record),
            "body": _Look("GET", (), self._body),
            "deliveries": _Look("HGET", (person.number,), self._named),
            "members": _Look("HGET", (person.number,), self._named),
            "callback": _Look("HGET", ("raw",), self._callback),
            "event": _Look("HGET", ("fields",), self._event),
            "upload_numbers": _Look("HGET", upload_place(person.number)[1:], self._upload),
        }

    def everything(self, known: Collection[str] = ()) -> Iterator[Found]:
        """Find all that is kept; a message may be found several times.

        Args:
            known: ids of messages of the person that their records do not name any more.
        """
        streams, ids, statuses = {*_STREAMS}, set(known), list[Found]()
        for names in self._pages():
            streams |= {name for name in names if ":poison:" in name or _is_dead(name)}
            yield from (Found("key", name) for name in names if self._person.is_key_of(name))
            yield from self._twins(name.removeprefix("twins:") for name in names if name.startswith("twins:"))
            for found in self._read([name for name in names if name.partition(":")[0] in self._looks]):
                ids |= {found.name} if found.kind == "message" else set()
                if found.kind == "event" and not self._person.owns_entry(found.fields):
                    statuses.append(found)
                else:
                    yield found
        # Statuses name no number: they are known by their messages, some of which only receipts still tell.
        late = sorted(filter(_has_statuses, streams))
        for stream in sorted(streams.difference(late)):
            for found in self._entries(stream, ()):
                ids |= {found.fields.get("request_id", "")}
                yield found
        to_one = self._to_one(ids - {""})
        yield from (found for found in statuses if found.fields["request_id"] in to_one)
        for stream in late:
            yield from self._entries(stream, to_one)

    def _pages(self) -> Iterator[list[str]]:
        """Walk through the names of all keys."""
        cursor = 0
        while True:
            reply: Any = self._redis.scan(cursor, match=f"{self._prefix}*", count=_KEYS_AT_ONCE)
            cursor, found = reply
            yield [key.decode("utf-8", "replace").removeprefix(self._prefix) for key in found]
            if cursor == 0:
                return

    def _read(self, names: Sequence[str]) -> Iterator[Found]:
        looks = [self._looks[name.partition(":")[0]] for name in names]
        with self._redis.pipeline(transaction=False) as pipeline:
            for name, look in zip(names, looks, strict=True):
                pipeline.execute_command(look.command, self._prefix + name, *look.fields)  # type: ignore[no-untyped-call]
            replies = pipeline.execute(raise_on_error=False)
        for name, look, reply in zip(names, looks, replies, strict=True):
            if reply is not None and not isinstance(reply, Exception):
                yield from look.judge(name.partition(":")[2], reply)

    def _twins(self, windows: Iterable[str]) -> Iterator[Found]:
        for window in windows:
            key = self._keys.twins(*window.split(":"))
            for twin, request_id in self._redis.hscan_iter(key, count=_ENTRIES_AT_ONCE):
                if self._person.is_in(_text(request_id)):
                    yield Found("twin", window, _text(twin))

    def _record(self, request_id: str, values: Sequence[bytes | None]) -> Iterator[Found]:
        to, erase, *words = ((value or b"").decode("utf-8", "replace") for value in values)
        person = self._person
        if person.is_recipient_in(to) or person.number in erase.split() or person.is_in(request_id):
            yield Found("message", request_id)
        elif any(map(person.is_in, words)):
            yield Found("mention", f"message {request_id}")

    def _body(self, request_id: str, body: bytes) -> Iterator[Found]:
        if b'"phone_number":"%b"' % self._person.number.encode() in body:
            yield Found("message", request_id)
        elif self._person.is_in(body.decode("utf-8", "replace")):
            yield Found("mention", f"message {request_id}")

    def _named(self, request_id: str, _: bytes) -> Iterator[Found]:
        yield Found("message", request_id)

    def _upload(self, name: str, part: bytes) -> Iterator[Found]:
        campaign_id, _, block = name.rpartition(":")
        if block == upload_place(self._person.number)[0]:
            yield Found("upload", campaign_id, fields={"part": part.decode()})

    def _callback(self, callback_id: str, raw: bytes) -> Iterator[Found]:
        if self._person.left_of(raw) is not None:
            yield Found("callback", callback_id, fields={"raw": raw.decode("utf-8", "backslashreplace")})

    def _event(self, name: str, packed: bytes) -> Iterator[Found]:
        forwarder, _, event_id = name.partition(":")
        try:
            flat = msgspec.msgpack.decode(packed)
            fields = _fields(dict(zip(flat[::2], flat[1::2], strict=True)))
        except (msgspec.MsgspecError, UnicodeDecodeError, TypeError, ValueError):
            return
        found = Found("event", event_id, forwarder, fields)
        if _is_status(fields) and not self._person.owns_entry(fields):
            # Whose it is shows when all messages are known.
            yield from [found] if self._says_more(fields) else ()
        else:
            yield from self._judge(found)

    def _entries(self, stream: str, ids: Collection[str]) -> Iterator[Found]:
        start = "-"
        while True:
            entries: Any = self._redis.xrange(self._prefix + stream, start, "+", count=_ENTRIES_AT_ONCE)
            for entry_id, raw in entries:
                found = Found("entry", stream, entry_id.decode(), _fields(raw))
                if self._is_told_of(found.fields, ids):
                    yield found
                else:
                    yield from self._judge(found)
            if len(entries) < _ENTRIES_AT_ONCE:
                return
            start = f"({entry_id.decode()}"

    def _judge(self, found: Found) -> Iterator[Found]:
        if self._person.owns_entry(found.fields):
            yield found
        elif any(map(self._person.is_in, found.fields.values())):
            yield Found("mention", f"{found.name} {found.entry}")

    def _is_told_of(self, entry: Fields, ids: Collection[str]) -> bool:
        return _is_status(entry) and entry["request_id"] in ids and self._says_more(entry)

    def _says_more(self, status: Fields) -> bool:
        """Say whether a status holds more than what became of which message; applications miss that much."""
        named = self._person.is_id_of(status["request_id"])
        return bool(named or status.get("context") or status.get("message"))

    def _to_one(self, ids: Collection[str]) -> Collection[str]:
        """Leave out messages to several persons: what is said of those is not about this one."""
        names = list(ids)
        with self._redis.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.hget(self._keys.record(name), "recipients")
            several = pipeline.execute()
        return {name for name, count in zip(names, several, strict=True) if not count}


def _is_dead(name: str) -> bool:
    return name.startswith("forward:") and name.endswith(":dead")


def _has_statuses(name: str) -> bool:
    return name.partition(":")[0] == "statuses" or _is_dead(name)


def _is_status(fields: Fields) -> bool:
    """Say whether an entry tells what became of a message: it names the message, and nobody."""
    return "request_id" in fields and "state" in fields and "number" not in fields


def _fields(raw: Mapping[bytes, bytes]) -> dict[str, str]:
    return {_text(name): _text(value) for name, value in raw.items()}


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
