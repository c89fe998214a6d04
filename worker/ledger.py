"""The ledger: which request_id is where, decided by one Lua script per transition.

queued -> sending -> accepted | rejected | expired | cancelled | unknown | failed; see docs/architecture.md.
A claim carries a fencing token; only the latest token may finish, so a worker that was frozen past its
lease cannot overwrite what its successor found out.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import redis

from producers.jobs import RECORD_VERSION
from producers.keys import STATUSES, Keys
from producers.scripts import Command, Script
from producers.settings import RedisSettings
from worker import retrying
from worker.leases import LEASE_MS, Leases
from worker.outcomes import Accepted, Deferred, Duplicate, Outcome, Refused, Unknown

_CLAIM = Script("worker", "claim", when_full=True)
_FINISH = Script("worker", "finish", when_full=True)
_CORRELATE = Script("worker", "correlate", when_full=True)

#: Milliseconds for which a record of a newer version is left to newer workers.
NEWER_RECORD_MS: Final = 5_000


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to attempt a send, until the lease runs out.

    Attributes:
        request_id: the send.
        token: fencing token; higher than those of all earlier claims.
        body: the frozen bytes to POST.
        in_doubt: an earlier attempt may have been accepted.
        ttl_s: seconds left to live at the time of the claim, or None for no limit.
        run: which run this is, from 1.
    """

    request_id: str
    token: int
    body: bytes
    in_doubt: bool
    ttl_s: float | None
    run: int

    @property
    def lease(self) -> str:
        """The member of the in-flight set."""
        return f"{self.request_id}:{self.token}"


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do yet.

    Attributes:
        ms: milliseconds until it is worth asking again.
        newer: the record was written by a newer version: some worker should be upgraded.
    """

    ms: int
    newer: bool = False


@dataclass(frozen=True, slots=True)
class Over:
    """Nothing to do any more.

    Attributes:
        state: the end state, or ``gone`` without a record.
        just_now: this claim ended it, because its time was over.
        code: the last code, when it ended just now.
    """

    state: str
    just_now: bool = False
    code: str = ""


@dataclass(frozen=True, slots=True)
class Correlation:
    """What a callback's ticket led to.

    Attributes:
        request_id: the send, or None.
        context: the JSON text of its context, ``""`` without one.
        pending: True while running attempts may still turn out to be the origin.
    """

    request_id: str | None
    context: str = ""
    pending: bool = False


class Ledger:
    """Transitions of records. Thread-safe.

    Args:
        client: Redis client without retries of its own.
        settings: namespace, retention, stream length.
        leases: renews the leases of running attempts.
        default_rate: recipients per second where no limit is set live; 0 for none.
    """

    def __init__(
        self, client: redis.Redis, settings: RedisSettings, leases: Leases, default_rate: float = 0.0
    ) -> None:
        self._redis = client
        self._keys = Keys(settings.namespace)
        self._leases = leases
        self._default_rate = default_rate
        self._retention_ms = settings.retention_ms
        self._maxlen = settings.stream_maxlen

    def claim(self, request_id: str) -> Claim | Wait | Over:
        """Claim the next attempt of a send. Safe to repeat: a newer claim fences off an older one.

        Raises:
            redis.RedisError: Redis did not answer; the claim may or may not stand.
        """
        keys = self._keys
        args: list[str | int] = [request_id, RECORD_VERSION, LEASE_MS, retrying.WINDOW_S * 1000]
        return Command(
            _CLAIM,
            [
                *keys.transition(request_id),
                *(keys.inflight, keys.attempts, keys.hold, keys.pause, keys.limits, keys.rate),
            ],
            [*args, self._retention_ms, self._maxlen, keys.prefix, self._default_rate],
            lambda reply: _read_claim(request_id, reply),
        ).run(self._redis)

    def finish(self, claim: Claim, outcome: Outcome, *, posts: int, in_doubt: bool) -> str | None:
        """Record what an attempt brought; keeps trying while the lease lasts. Safe to repeat.

        Args:
            claim: the right under which the attempt was made.
            outcome: of its last POST.
            posts: POSTs made under this claim.
            in_doubt: an earlier POST under this claim may have been accepted.

        Returns:
            The state the record is in now: an end state, ``queued`` or ``sending``. None when a later claim
            has taken over: then nothing was recorded.

        Raises:
            redis.RedisError: Redis stayed away; the attempt will count as one of unknown outcome.
        """
        keys = self._keys
        ticket = outcome.ticket if isinstance(outcome, Accepted) and outcome.ticket else ""
        record = keys.transition(claim.request_id)
        command = Command(
            _FINISH,
            [*record, keys.inflight, keys.attempts, keys.ticket(ticket) if ticket else record[0]],
            [
                *(claim.request_id, claim.token, _word(outcome), posts, int(in_doubt)),
                *_evidence(outcome),
                *(self._retention_ms, self._maxlen, keys.prefix),
            ],
            lambda reply: reply[1].decode() if reply[0] == b"recorded" else None,
        )
        return retrying.record(lambda: command.run(self._redis))

    @contextmanager
    def holding(self, claim: Claim) -> Iterator[None]:
        """Renew the lease of an attempt until the block ends, however it ends.

        A lease that runs out unfinished makes the next claim count the attempt as one of unknown outcome.
        """
        lease = self._keys.inflight, claim.lease
        self._leases.hold(*lease)
        try:
            yield
        finally:
            self._leases.release(*lease)

    def correlate(self, ticket: str, number: str, received_ms: int, *, patient: bool = True) -> Correlation:
        """Find the send behind a callback. Safe to repeat.

        Args:
            ticket: as the gateway named it.
            number: the other party, E.164.
            received_ms: epoch milliseconds at which the callback came.
            patient: wait for running attempts before an open send to that number is taken for the origin.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        keys = self._keys
        return Command(
            _CORRELATE,
            [
                *(keys.ticket(ticket), keys.open_number(number), keys.attempts),
                *(keys.stream(STATUSES), keys.counts, keys.parked),
            ],
            [ticket, received_ms, self._retention_ms, self._maxlen, keys.prefix, int(patient)],
            _read_correlation,
        ).run(self._redis)


def _read_claim(request_id: str, reply: Sequence[Any]) -> Claim | Wait | Over:
    verdict = reply[0]
    if verdict == b"newer":
        return Wait(NEWER_RECORD_MS, newer=True)
    if verdict == b"wait":
        return Wait(ms=max(1, reply[1]))
    if verdict == b"claimed":
        return Claim(
            request_id=request_id,
            token=reply[1],
            body=reply[2],
            in_doubt=reply[3] == 1,
            ttl_s=None if reply[4] < 0 else reply[4] / 1000,
            run=reply[1],
        )
    if verdict == b"ends":
        return Over(reply[1].decode(), just_now=True, code=reply[2].decode())
    return Over(reply[1].decode() if verdict == b"ended" else "gone")


def _word(outcome: Outcome) -> str:
    """What ``finish.lua`` calls an outcome."""
    if isinstance(outcome, Deferred):
        return "held" if outcome.account else "deferred"
    return {Accepted: "accepted", Duplicate: "duplicate", Refused: "refused", Unknown: "unknown"}[
        type(outcome)
    ]


def _evidence(outcome: Outcome) -> list[str | int]:
    """Code, message, ticket, cost, segments, contacts; empty where an outcome has none."""
    if isinstance(outcome, Accepted):
        facts = (outcome.ticket, outcome.cost, outcome.segments, outcome.contacts)
        return ["", "", *("" if fact is None else fact for fact in facts)]
    return [outcome.code, outcome.message, "", "", "", ""]


def _read_correlation(reply: Sequence[bytes]) -> Correlation:
    if reply[0] == b"known":
        return Correlation(request_id=reply[1].decode(), context=reply[2].decode())
    return Correlation(request_id=None, pending=reply[0] == b"pending")
