"""What Redis knows of one message on its way: its record, its call, its campaign, its place in the queue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from producers.contract.jobs import CALL, QUEUE_MARKETING
from producers.contract.keys import Keys
from producers.contract.steps import Commands, Steps
from worker.inquiry.paging import strings
from worker.inquiry.state_of_sending import Facts, Plain, facts_commands, read_facts

#: Entries of a queue that are looked through from either end.
LOOKED_AT: Final = 10_000

#: Fields of a campaign that keep its messages from leaving.
_HALTS: Final = ("stopped", "paused", "uploading")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message, or the call that it waits in, lies.

    Attributes:
        ahead: entries before it in the queue; None if it was not found there.
        gathered: messages before it that gather for the same call; None if it does not gather.
        maybe_far: whether it may lie deeper in the queue than was looked.
        delayed_until_ms: when it comes again, if it waits for a time.
        dead: whether its entry is dead.
        in_campaign_list: whether it lies in the list of a campaign that was paused.
        attempt_since_ms: when the running attempt began.
        attempt_until_ms: until when the worker that makes it has the right to.
    """

    ahead: int | None
    gathered: int | None
    maybe_far: bool
    delayed_until_ms: int | None
    dead: bool
    in_campaign_list: bool
    attempt_since_ms: int | None
    attempt_until_ms: int | None


@dataclass(frozen=True, slots=True)
class Send:
    """One message.

    Attributes:
        request_id: its name.
        record: its record.
        waits_as: the id of what waits: its own, or that of the shared call that it is in.
        waits: the record of that.
        halt: ``paused``, ``stopped`` or ``uploading`` if its campaign is, else None.
        place: where it lies.
        facts: what decides about all sends.
    """

    request_id: str
    record: Mapping[str, str]
    waits_as: str
    waits: Mapping[str, str]
    halt: str | None
    place: Place
    facts: Facts

    @property
    def queue(self) -> str:
        """The queue that it is in."""
        return self.waits.get("queue", QUEUE_MARKETING)

    @property
    def call(self) -> str | None:
        """The shared call that it waits in, if any."""
        return self.waits_as if self.waits_as.startswith(CALL) else None

    @property
    def in_doubt(self) -> bool:
        """Whether the gateway may have it already."""
        return self.waits.get("doubt") == "1"


def look(keys: Keys, request_id: str) -> Steps[Send | None]:
    """Read all that decides about a message; at most four round trips. None if nobody knows the id."""
    asked = facts_commands(keys)
    *found, record = yield Commands([*asked, ("HGETALL", keys.record(request_id))])
    facts, fields = read_facts(found), strings(record)
    if "state" not in fields:
        return None
    waits_as, waits = request_id, fields
    if fields["state"] == "queued" and "call" in fields:
        [record] = yield Commands([("HGETALL", keys.record(fields["call"]))])
        if shared := strings(record):
            waits_as, waits = fields["call"], shared
    halt, place = yield from _place(keys, request_id, fields, waits_as, waits, facts)
    return Send(request_id, fields, waits_as, waits, halt, place, facts)


def _place(
    keys: Keys,
    request_id: str,
    record: Mapping[str, str],
    waits_as: str,
    waits: Mapping[str, str],
    facts: Facts,
) -> Steps[tuple[str | None, Place]]:
    queue, campaign = keys.queue(waits.get("queue", QUEUE_MARKETING)), record.get("campaign", "")
    share = record.get("share", "") if waits_as == request_id else ""
    gather = keys.stream(f"gather:{share}")
    *pairs, gathered, listed, delayed, dead, lease, start, halts = yield Commands(
        [
            *_both_ends(queue.ready, waits_as),
            *_both_ends(queue.ready, f"~{share}"),
            ("LPOS", gather, request_id, "MAXLEN", LOOKED_AT),
            ("LPOS", keys.campaign_waiting(campaign), request_id, "MAXLEN", LOOKED_AT),
            ("ZSCORE", queue.delayed, waits_as),
            ("ZSCORE", queue.dead, waits_as),
            ("ZSCORE", keys.attempt_leases, f"{waits_as}:{waits.get('token', '')}"),
            ("ZSCORE", keys.stream("attempt_starts"), waits_as),
            ("HMGET", keys.campaign(campaign), "stopped", "paused", "uploading"),
        ]
    )
    own, marker = _first(pairs[:2]), _first(pairs[2:]) if gathered is not None else None
    halt = next((name for name, value in zip(_HALTS, halts, strict=True) if value), None)
    far = facts.ready.get(waits.get("queue", ""), 0) > 2 * LOOKED_AT
    return halt, Place(
        ahead=own if own is not None else marker,
        gathered=None if gathered is None else int(gathered),
        maybe_far=far and own is None and marker is None,
        delayed_until_ms=_int(delayed),
        dead=dead is not None,
        in_campaign_list=listed is not None,
        attempt_since_ms=_int(start),
        attempt_until_ms=_int(lease),
    )


def _both_ends(ready: str, entry: str) -> list[Plain]:
    return [
        ("LPOS", ready, entry, "MAXLEN", LOOKED_AT),
        ("LPOS", ready, entry, "RANK", -1, "MAXLEN", LOOKED_AT),
    ]


def _first(found: Sequence[Any]) -> int | None:
    return next((int(each) for each in found if each is not None), None)


def _int(score: Any) -> int | None:
    return None if score is None else int(float(score))
