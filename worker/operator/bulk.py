"""Sending all again that match: planned, decided by a person, carried out by whichever console is there.

A job is data in Redis. Its owner does a few messages at a time; when the owner dies, its lease runs out and
another console goes on from the cursor. Where two were at work, the script turns the older one away, and no
message is sent again twice: the step that queues it also takes it from the parked, and one that ends once
more meanwhile ended after the job was planned.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal
from uuid import uuid4

from producers.contract.keys import Keys
from producers.contract.scripts import Command, Script
from producers.contract.settings import RedisSettings
from producers.contract.steps import Commands, Steps
from worker.account.throttle import AUDIT_MAXLEN
from worker.inquiry.paging import at_ms, now_ms, read_sorted, texts, write_place
from worker.inquiry.parked import ParkedMessages
from worker.operator.bulk_plan import preview, read_groups, write_groups
from worker.operator.decisions import REPLAYABLE, sent_again

_PLAN = Script(__package__, "plan_bulk")
_BEGIN = Script(__package__, "begin_bulk")
_TAKE = Script(__package__, "take_bulk")
_RUN = Script(__package__, "run_bulk")
_END = Script(__package__, "end_bulk", when_full=True)

#: Milliseconds for which a plan may be carried out: prices, and what is parked, change.
PLAN_MS: Final = 900_000
#: Milliseconds after which a job whose owner was not heard is another's.
LEASE_MS: Final = 5_000
#: Messages that one script sends again, and bytes of their texts: bounds how long it keeps Redis.
AT_ONCE: Final = 50
AT_ONCE_BYTES: Final = 128 * 1024
#: Plans and jobs that are remembered.
REMEMBERED: Final = 100

State = Literal["planned", "running", "done", "stopped"]
_FIELDS: Final = (
    *("state", "match", "groups", "planned", "total", "examined", "cost", "unpriced", "expired", "lost"),
    *("by", "made", "began", "ended", "cursor", "queued", "left"),
    "not_replayable",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A plan, or what became of it.

    Attributes:
        job_id: names it.
        state: ``planned``, ``running``, ``done`` or ``stopped``.
        match: what it is about, in words, such as ``rejected 121``.
        total: messages that matched when it was planned.
        examined, cost, unpriced, expired, lost: see `Preview`.
        by: who planned it, or let it begin.
        made_at, began_at, ended_at: when; None if not yet.
        queued: messages queued again so far.
        left: messages left alone so far: they had changed meanwhile.
        not_replayable: messages left out so far: their text is gone, or nobody can read it.
        groups: states and codes that it is about, in order.
        planned_ms: when it was planned: what was parked later is none of its own.
        cursor: how far it is.
    """

    job_id: str
    state: State
    match: str
    total: int
    examined: int
    cost: Decimal
    unpriced: int
    expired: int
    lost: int
    by: str
    made_at: datetime | None
    began_at: datetime | None
    ended_at: datetime | None
    queued: int
    left: int
    not_replayable: int
    groups: tuple[tuple[str, str], ...] = field(repr=False)
    planned_ms: int = field(repr=False)
    cursor: str = field(repr=False)


class Bulk:
    """Builds the steps of everything about such jobs.

    Args:
        settings: namespace and retention.
    """

    def __init__(self, settings: RedisSettings) -> None:
        self._keys = Keys(settings.namespace)
        self._retention_ms = settings.retention_ms
        self._parked = ParkedMessages.of(settings)
        self._owner = uuid4().hex

    def plan(self, state: str | None, code: str | None, by: str) -> Steps[str]:
        """Count what would be sent again and note it as a plan. Nothing is sent.

        Args:
            state: ``failed`` or ``rejected``; None for both.
            code: only messages with this code; None for all.
            by: who asks.

        Returns:
            The id of the job.

        Raises:
            ValueError: messages in this state are not sent again together.
        """
        if state is not None and state not in REPLAYABLE:
            raise ValueError(f"state must be one of {', '.join(REPLAYABLE)}")
        states = REPLAYABLE if state is None else (state,)
        [time] = yield Commands([("TIME",)])
        planned_ms = now_ms(time)
        groups = [
            group
            for group in (yield from self._parked.groups())
            if group.state in states and code in {None, group.code}
        ]
        found = yield from preview(self._keys, groups, planned_ms)
        job_id = uuid4().hex
        plan = {
            "match": " ".join(filter(None, ("or ".join(f"{each} " for each in states).strip(), code))),
            "groups": write_groups(groups),
            "planned": planned_ms,
            "total": found.total,
            "examined": found.examined,
            "cost": found.cost,
            "unpriced": found.unpriced,
            "expired": found.expired,
            "lost": found.lost,
            "by": by,
        }
        given = {
            "job_id": job_id,
            "plan": [str(part) for pair in plan.items() for part in pair],
            "keep_ms": PLAN_MS,
            "most": REMEMBERED,
        }
        yield Command(_PLAN, self._keys.prefix, given, int)
        return job_id

    def begin(self, job_id: str, by: str) -> Command[str | None]:
        """Let a plan be carried out, with an audit entry. Safe to repeat.

        Returns:
            None when it was done; else the state that the job is in, or ``gone``.
        """
        given = {"job_id": job_id, "by": by, "audit_maxlen": AUDIT_MAXLEN}
        return Command(_BEGIN, self._keys.prefix, given, _reason)

    def stop(self, job_id: str, by: str) -> Command[str | None]:
        """Stop a job, with an audit entry; returns as `begin`. What it has queued stays queued."""
        return self._end(job_id, "stopped", "", by)

    def find(self, job_id: str) -> Steps[Job | None]:
        """Read one job; None if it is forgotten. One round trip."""
        [found] = yield Commands([("HMGET", self._keys.bulk(job_id), *_FIELDS)])
        return _read(job_id, texts(found, _FIELDS))

    def newest(self) -> Steps[tuple[Job, ...]]:
        """Read the jobs that were planned last, and are not forgotten; two round trips."""
        [ids] = yield Commands([("ZRANGE", self._keys.bulks, 0, REMEMBERED - 1, "REV")])
        names = [job_id.decode() for job_id in ids]
        commands = [("HMGET", self._keys.bulk(name), *_FIELDS) for name in names]
        found = (yield Commands(commands)) if names else []
        jobs = (_read(name, texts(values, _FIELDS)) for name, values in zip(names, found, strict=True))
        return tuple(job for job in jobs if job is not None)

    def work(self) -> Steps[bool]:
        """Do the next few messages of a running job; False if there is nothing to do. Safe to repeat."""
        given = {"owner": self._owner, "lease_ms": LEASE_MS}
        job_id = yield Command(_TAKE, self._keys.prefix, given, bytes.decode)
        if not job_id:
            return False
        job = yield from self.find(job_id)
        if job is None or job.state != "running":
            return True
        position, _, place = job.cursor.partition(" ")
        index = int(position or 0)
        if index >= len(job.groups):
            yield self._end(job_id, "done", self._owner, job.by)
            return True
        state, code = job.groups[index]
        page = yield from read_sorted(self._keys.parked_group(state, code), place or None, most=AT_ONCE)
        ids = [member.name for member in page.rows if member.score <= job.planned_ms]
        messages = (yield from self._bodies(ids)) if ids else []
        group = {
            "job_id": job_id,
            "owner": self._owner,
            "state": state,
            "code": code,
            "planned": job.planned_ms,
        }
        places = {member.name: write_place(member) for member in page.rows}
        for some in _chunks(messages):
            cursor = f"{index} {places[some[-1]['id']]}"
            verdict = yield self._run({**group, "cursor": cursor, "messages": some})
            if verdict != "running":
                return True
        if len(ids) < AT_ONCE:
            yield self._run({**group, "cursor": str(index + 1), "messages": []})
        return True

    def _run(self, given: Mapping[str, Any]) -> Command[str]:
        return Command(_RUN, self._keys.prefix, given, bytes.decode)

    def _end(self, job_id: str, how: State, owner: str, by: str) -> Command[str | None]:
        given = {
            "job_id": job_id,
            "how": how,
            "owner": owner,
            "by": by,
            "keep_ms": self._retention_ms,
            "audit_maxlen": AUDIT_MAXLEN,
        }
        return Command(_END, self._keys.prefix, given, _reason)

    def _bodies(self, ids: Sequence[str]) -> Steps[list[dict[str, str]]]:
        """Read what is to be sent again, under its next request_id; empty if it is gone or damaged."""
        bodies = yield Commands([("GET", self._keys.body(each)) for each in ids])
        return [
            {"id": each, "body": (sent_again(body) or "") if body else ""}
            for each, body in zip(ids, bodies, strict=True)
        ]


def _chunks(messages: Sequence[dict[str, str]]) -> Iterator[list[dict[str, str]]]:
    """Cut messages into as many as one script takes: at least one, and no more bytes than are bearable."""
    some: list[dict[str, str]] = []
    size = 0
    for message in messages:
        if some and size + len(message["body"]) > AT_ONCE_BYTES:
            yield some
            some, size = [], 0
        some.append(message)
        size += len(message["body"])
    if some:
        yield some


def _read(job_id: str, told: Mapping[str, str]) -> Job | None:
    if "state" not in told:
        return None
    counts = ("total", "examined", "unpriced", "expired", "lost", "queued", "left", "not_replayable")
    numbers = {name: int(told.get(name) or 0) for name in counts}
    return Job(
        job_id=job_id,
        state=told["state"],  # type: ignore[arg-type]
        match=told.get("match", ""),
        **numbers,
        cost=Decimal(told.get("cost") or 0),
        by=told.get("by", ""),
        made_at=at_ms(told.get("made")),
        began_at=at_ms(told.get("began")),
        ended_at=at_ms(told.get("ended")),
        groups=tuple(read_groups(told.get("groups") or "[]")),
        planned_ms=int(told.get("planned") or 0),
        cursor=told.get("cursor", ""),
    )


def _reason(reply: bytes) -> str | None:
    return reply.decode() or None
