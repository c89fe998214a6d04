"""Events by group: shared work, each entry handed out at least once, until it is acknowledged."""

import time
from collections.abc import Sequence
from typing import Any, Final

import redis

from producers.contract.kinds import TYPES
from producers.contract.scripts import Command, Script, as_string
from producers.contract.steps import Commands, Steps
from producers.reading.membership import POISON_MAXLEN
from worker.api.call import Answer, Call
from worker.api.caller import Gone
from worker.api.entries import named_fields, pairs, read_entry, told_entry
from worker.api.event_shapes import (
    ENTRY_ID,
    NAME,
    NAME_IN_WORDS,
    STREAMS,
    STREAMS_IN_WORDS,
    AckAnswer,
    EventEntry,
    EventsAnswer,
)
from worker.api.problems import Refusal

#: Groups of one application on one stream, and entries that are acknowledged in one call.
GROUPS_MAX: Final = 20
ACKS_MAX: Final = 100
#: Ms after which an entry that was not acknowledged is handed out again, and how often at most.
_IDLE_MS: Final = 60_000
_DELIVERIES_MAX: Final = 5
#: Entries that one call sets aside at most; seconds between two looks for entries that come again.
_LOOKS: Final = 20
_LOOK_S: Final = 5.0
#: Ms after which a consumer that holds nothing is forgotten.
_GONE_MS: Final = 24 * 3_600_000

_HELD: Final = Script(__package__, "held_entries", when_full=True)
_JOIN: Final = Script(__package__, "join_group", when_full=True)
_GIVE_BACK: Final = Script(__package__, "give_back", when_full=True)
_RECLAIM: Final = Script("producers.reading", "reclaim", when_full=True)
_POISON: Final = Script("producers.reading", "poison", when_full=True)
_LEAVE: Final = Script("producers.reading", "leave", when_full=True)


class _Group:
    """One group of an application, read by one consumer."""

    def __init__(self, call: Call, stream: str, group: str, consumer: str = "") -> None:
        self._call, self.stream, self.consumer = call, stream, consumer
        self.key = call.desk.keys.stream(stream)
        self.name = f"api.{call.desk.app}.{group}"

    def command(self, script: Script, **given: Any) -> Command[Any]:
        """Make a call of one of the scripts that read groups."""
        return Command(
            script,
            self._call.desk.keys.prefix,
            {"stream": self.stream, "group": self.name, **given},
            lambda reply: reply,
        )

    def join(self, start: str) -> Steps[None]:
        """Make the group unless it is there.

        Raises:
            Refusal: the application has too many groups on this stream.
        """
        verdict = yield self.command(_JOIN, start=start, ours=f"api.{self._call.desk.app}.", most=GROUPS_MAX)
        if verdict == b"too_many":
            raise Refusal("too-many-groups", f"at most {GROUPS_MAX}")

    def held(self, most: int) -> Steps[list[EventEntry]]:
        """Read what this consumer holds."""
        flat = yield self.command(_HELD, consumer=self.consumer, most=most)
        return [
            told_entry(entry_id.decode(), read_entry(self.stream, pairs(fields)), deliveries)
            for entry_id, fields, deliveries in zip(*[iter(flat)] * 3, strict=True)
        ]

    def again(self) -> Steps[EventEntry | None]:
        """Take over an entry that nobody acknowledged in time; set aside what came too often."""
        for _ in range(_LOOKS):
            held = {"consumer": self.consumer, "idle_ms": _IDLE_MS, "from": "-"}
            _, *found = yield self.command(_RECLAIM, **held)
            if not found:
                return None
            entry_id, flat, deliveries = found
            fields = pairs(flat)
            event = read_entry(self.stream, fields)
            if deliveries <= _DELIVERIES_MAX and event is not None:
                return told_entry(entry_id.decode(), event, deliveries)
            yield from self._set_aside(entry_id, fields, deliveries)
        return None

    def fresh(self, most: int) -> Steps[tuple[list[EventEntry], bytes]]:
        """Read new entries, and name the last entry of the stream as it was before."""
        read = ("XREADGROUP", "GROUP", self.name, self.consumer, "COUNT", most, "STREAMS", self.key, ">")
        last, reply = yield Commands([("XREVRANGE", self.key, "+", "-", "COUNT", 1), read])
        found = []
        for entry_id, fields in _entries(reply):
            event = read_entry(self.stream, fields)
            if event is None:
                yield from self._set_aside(entry_id, fields, 1)
            else:
                found.append(told_entry(entry_id.decode(), event, 1))
        return found, last[0][0] if last else b""

    def give_back(self, taken: Sequence[EventEntry]) -> Steps[None]:
        """Let others have what was taken for a client that went before a byte was written to it."""
        entries = [{"id": each.entry_id, "deliveries": each.deliveries} for each in taken]
        yield self.command(_GIVE_BACK, consumer=self.consumer, idle_ms=_IDLE_MS, entries=entries)

    def forget_gone(self) -> Steps[None]:
        """Forget consumers that were not seen for a day and hold nothing."""
        [found] = yield Commands([("XINFO", "CONSUMERS", self.key, self.name)], raises=False)
        if isinstance(found, Exception):
            return
        for each in map(named_fields, found):
            if each["idle"] > _GONE_MS and not each["pending"]:
                # The script looks again, so that nobody goes who has just taken an entry.
                yield self.command(_LEAVE, consumer=each["name"].decode(), done=[])

    def _set_aside(self, entry_id: bytes, fields: dict[bytes, bytes], deliveries: int) -> Steps[None]:
        flat = [as_string(part) for pair in fields.items() for part in pair]
        entry = {"id": entry_id.decode(), "deliveries": deliveries, "fields": flat}
        yield self.command(_POISON, maxlen=POISON_MAXLEN, **entry)


async def get_events(call: Call) -> Answer:
    """Hand out entries to a consumer of a group, perhaps when some come."""
    query = call.query
    group = _Group(call, query["stream"], query["group"], query["consumer"])
    try:
        return Answer(EventsAnswer(await _found(call, group)))
    except redis.ResponseError as error:
        if "NOGROUP" not in str(error):
            raise
    await call.desk.ask(group.join(query["start"]))
    return Answer(EventsAnswer(await _found(call, group)))


async def _found(call: Call, group: _Group) -> list[EventEntry]:
    most, ends = call.query["max"], time.monotonic() + call.query["wait_s"]
    if call.query["held"] and (held := await call.desk.ask(group.held(most))):
        return held
    while True:
        # Hundreds whose wait is over at once look one after the other, and leave turns to other calls.
        async with call.desk.looking():
            found, last = await _looked(call, group, most)
        left = ends - time.monotonic()
        if found or left <= 0 or not call.desk.lookout.can_wait:
            return found
        waiting = call.desk.lookout.until_more(group.key, group.name, last, min(left, _LOOK_S))
        await call.caller.wait(waiting)
        if call.desk.lookout.released:
            return []
        if ends - time.monotonic() <= 0:
            await call.desk.ask(group.forget_gone())


async def _looked(call: Call, group: _Group, most: int) -> tuple[list[EventEntry], bytes]:
    """Look once for what comes again, and for what is new; name the last entry of the stream, too."""
    await call.caller.stay()
    if again := await call.desk.ask(group.again()):
        return await _handed_out(call, group, [again]), b""
    fresh, last = await call.desk.ask(group.fresh(most))
    return await _handed_out(call, group, fresh), last


async def _handed_out(call: Call, group: _Group, taken: list[EventEntry]) -> list[EventEntry]:
    """Return what was taken, unless the client went meanwhile: then it has not read any of it."""
    try:
        await call.caller.stay()
    except Gone:
        if taken:
            await call.desk.ask(group.give_back(taken))
            call.desk.lookout.wake_one(group.key, group.name)
        raise
    return taken


async def acknowledge(call: Call) -> Answer:
    """Say which entries were handled. Safe to repeat."""
    members = call.members("stream", "group", "entry_ids")
    stream = members.matching("stream", STREAMS, STREAMS_IN_WORDS)
    name = members.matching("group", NAME, NAME_IN_WORDS)
    ids = members.array("entry_ids", ACKS_MAX, "ids")
    members.all_matching("entry_ids", ids, ENTRY_ID, "the entry_id of an entry")
    call.refuse()
    group = _Group(call, stream, name)
    found, groups = await call.desk.do(
        Commands([("XACK", group.key, group.name, *ids), ("XINFO", "GROUPS", group.key)], raises=False)
    )
    if isinstance(found, Exception):
        raise found
    names = _group_names(groups)
    if group.name not in names:
        raise Refusal("unknown-group")
    return Answer(AckAnswer(found))


async def delete_group(call: Call) -> Answer:
    """Forget a group, with all that it holds. Safe to repeat."""
    stream, name = call.path["stream"], call.path["group"]
    if stream not in TYPES:
        call.wrong.parameter("stream", f"must be {STREAMS_IN_WORDS}")
        call.refuse()
    group = _Group(call, stream, name)
    [found] = await call.desk.do(Commands([("XGROUP", "DESTROY", group.key, group.name)], raises=False))
    # Redis refuses it where there is no such stream.
    if isinstance(found, Exception) and "requires the key to exist" not in str(found):
        raise found
    return Answer(None, 204)


def _group_names(reply: Any) -> list[str]:
    """Name the groups of a stream; none if there is no such stream."""
    if isinstance(reply, Exception):
        return []
    return [named_fields(each)["name"].decode() for each in reply]


def _entries(reply: Any) -> Sequence[tuple[bytes, dict[bytes, bytes]]]:
    if isinstance(reply, dict):
        return [entry for batches in reply.values() for batch in batches for entry in batch]
    return [entry for _, batch in reply or () for entry in batch]
