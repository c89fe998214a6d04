"""Stream entries for applications, each callback event appended exactly once."""

from collections.abc import Sequence
from datetime import datetime
from itertools import zip_longest
from typing import Any, Final

import msgspec
import redis
import structlog

from producers.contract.events import OptOut, Quarantined, Receipt, Reply, to_fields
from producers.contract.keys import QUARANTINE, Keys
from producers.contract.kinds import KIND_OF
from producers.contract.known_pseudonyms import KnownPseudonyms
from producers.contract.metric_table import OTHER
from producers.contract.pseudonyms import Pseudonyms
from producers.contract.scripts import Command, Script
from producers.contract.settings import RedisSettings
from producers.contract.steps import drive
from worker.callbacks.payloads import Parsed
from worker.callbacks.ranks import RANKS

_PUBLISH = Script(__package__, "publish", when_full=True)
_UNLIST_TURNS = Script(__package__, "unlist_turns", when_full=True)

#: The country of a number of which none is known.
NO_COUNTRY: Final = "ZZ"
#: Bytes that entries of no send of ours may take in one stream: whoever has a token can write them.
FOREIGN_BYTES: Final = 16 * 1024 * 1024


class Publisher:
    """Appends to the streams. Thread-safe.

    Args:
        client: Redis client.
        settings: namespace, retention, stream length, keys of pseudonyms.
        scoped: whether an opt-out ends only what has the scope of the message that it answers.
    """

    def __init__(self, client: redis.Redis, settings: RedisSettings, *, scoped: bool = False) -> None:
        self._scoped = scoped
        self._redis = client
        self._prefix = Keys(settings.namespace).prefix
        self._log = structlog.get_logger()
        self._retention_ms = settings.retention_ms
        self._maxlen = settings.stream_maxlen
        self._pseudonyms = KnownPseudonyms(settings)

    def publish(
        self, events: Sequence[Parsed], came_ms: Sequence[int] = (), done: Sequence[str] = ()
    ) -> list[bool]:
        """Append events to their streams, in order, and receipts to their sends; one atomic step.

        In the same step an opt-out suppresses its number and cancels what waits for it, and a new start lifts
        that; one that finds nothing to lift is no entry.

        Safe to repeat. The events leave under sealed names: `name_of`. Entries that are dropped before the
        slowest group of their stream has read them are counted, and logged at level error.

        Args:
            events: at most as many as one script may take.
            came_ms: epoch milliseconds at which each came, as far as that is known.
            done: ids of the callbacks that have nothing else to tell: their bytes are forgotten, too.

        Returns:
            Per event, False when it was on its stream already, is no entry, or tells of somebody who was
            erased.

        Raises:
            redis.RedisError: Redis did not answer; repeat.
            WrongPseudonymKeys: this process lacks a key.
        """

        def publishing(known: Pseudonyms) -> Command[list[Any]]:
            given = {
                "retention_ms": self._retention_ms,
                "maxlen": self._maxlen,
                "foreign_bytes": FOREIGN_BYTES,
                "scoped": self._scoped,
                "events": [
                    _entry(event, known, came) for event, came in zip_longest(events, came_ms[: len(events)])
                ],
                "done": done,
            }
            return Command(_PUBLISH, self._prefix, given, list[Any])

        fresh, dropped, gone = drive(self._pseudonyms.run(publishing), self._redis)
        for stream, unread in zip(dropped[::2], dropped[1::2], strict=True):
            self._log.error("stream.unread_trimmed", stream=stream.decode(), entries=unread)
        if gone:
            self.unlist_turns(gone)
        return [appended == 1 for appended in fresh]

    def name_of(self, event: Parsed) -> str:
        """Return the event_id under which an event is published: it is made with a key, and tells nothing."""
        return drive(self._pseudonyms.known(), self._redis).seal(event.event_id)

    def unlist_turns(self, gone: Sequence[bytes]) -> None:
        """Take dropped turns out of their conversations. Who dies before leaves ids that lead nowhere.

        Args:
            gone: numbers and turns by turns. Safe to repeat.
        """
        known = drive(self._pseudonyms.known(), self._redis)
        turns = [
            {"pseudonyms": known.all_of(number.decode()), "turn": turn.decode()}
            for number, turn in zip(gone[::2], gone[1::2], strict=True)
        ]
        Command(_UNLIST_TURNS, self._prefix, {"turns": turns}, int).run(self._redis)


def _entry(event: Parsed, known: Pseudonyms, came_ms: int | None) -> dict[str, Any]:
    """Say what to append where, of which send; what a receipt tells of it, and where a turn is listed."""
    name, older = known.seal(event.event_id), known.older_seals(event.event_id)
    event = msgspec.structs.replace(event, event_id=name)
    entry: dict[str, Any] = {
        "id": name,
        "older": older,
        "stream": QUARANTINE if isinstance(event, Quarantined) else KIND_OF[type(event)].name,
        "fields": [part for pair in to_fields(event).items() for part in pair],
        "request_id": None if isinstance(event, Quarantined) else event.request_id,
        "counted": _counted(event),
        "came": came_ms,
    }
    if isinstance(event, Receipt):
        entry |= {"number": event.number, "delivery": _delivery(event.status, event.delivered_at)}
        if event.request_id is not None and event.unit_price is not None:
            entry["price"] = {"unit": f"{event.unit_price:f}", "to": known.all_of(event.number)}
    if isinstance(event, Receipt) or (isinstance(event, OptOut) and event.reason == "gateway"):
        entry["told_of"] = known.all_of(event.number)
    if isinstance(event, Reply):
        received_ms = int(event.received_at.timestamp() * 1000)
        country = event.country or NO_COUNTRY
        listed = {"turn": "in", "country": country, "received_ms": received_ms}
        entry |= {"talk": known.of(event.number), "wrote": known.all_of(event.number), **listed}
    if isinstance(event, OptOut) and event.text and event.action != "in":
        # What a receipt tells of a number that is blocked is nothing that somebody wrote. A START is a reply.
        entry |= {"talk": known.of(event.number), "turn": "opt"}
    if isinstance(event, OptOut) and event.action and event.number.startswith("+"):
        # What is no number is nobody whom we could text.
        entry["optout"] = opt_out_for_lua(event, known, came_ms)
    return entry


def _counted(event: Parsed) -> str | None:
    """Name an event for the metrics. What it says in the gateway's words is one of those that are known."""
    if isinstance(event, Quarantined):
        return "quarantined"
    if isinstance(event, Reply):
        return f"replies:{event.country or NO_COUNTRY}:{event.match}"
    if isinstance(event, Receipt):
        return f"receipts:{event.status if event.status in RANKS else OTHER}"
    return None if event.action == "in" else f"optouts:{event.reason}"


def opt_out_for_lua(event: OptOut, known: Pseudonyms, came_ms: int | None = None) -> dict[str, Any]:
    """Say what a script needs to carry out an opt-out, or to lift one: see ``lua/optouts.lua``."""
    return {
        "action": event.action,
        "reason": event.reason,
        "pseudonyms": known.all_of(event.number),
        "at": int(event.at.timestamp() * 1000),
        "came": came_ms,
        "event": event.event_id,
    }


def _delivery(status: str, at: datetime) -> str:
    """Write a delivery for `producers.queueing.message_status.read_delivery`."""
    return f"{RANKS.get(status, 0)}|{at.isoformat()}|{status}"
