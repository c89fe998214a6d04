"""What an operator decides about a parked message: it was accepted, or is sent again; with an audit entry.

A message that is sent again gets a new request_id towards the gateway (its own id, its dedupe in the ledger
and its ttl stay): the gateway may remember the old one, also from a call that it refused. The new id is made
of the old one: if Redis forgets a decision and a person decides once more, nobody gets a second text.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

import msgspec
import redis

from producers.contract.keys import Keys
from producers.contract.scripts import Command, Script
from producers.contract.settings import RedisSettings
from worker.account.throttle import AUDIT_MAXLEN

#: Makes the next request_id towards the gateway of the one before.
_AGAIN: Final = uuid.UUID("5d0ee2b6-4a4e-4a63-9a4b-6a4f2a1f3c57")

_REPLAY = Script("worker.operator", "replay")
_RESOLVE = Script("worker.operator", "resolve", when_full=True)

#: End states from which `replay` sends again: surely not accepted. Unknown ones are resolved one by one.
REPLAYABLE: Final = ("failed", "rejected")
Decision = Literal["as-accepted", "send-again"]


@dataclass(frozen=True, slots=True)
class Parked:
    """A send that waits for a person.

    Attributes:
        request_id: which.
        state: ``unknown``, ``failed`` or ``rejected``.
        code: the gateway's last code, or our word.
        ended_ms: epoch milliseconds at which it got there.
        expired: its ttl has passed: sent again, it would end as expired.
    """

    request_id: str
    state: str
    code: str
    ended_ms: int
    expired: bool


class Operations:
    """Decisions about parked sends.

    Args:
        client: Redis client.
        settings: namespace, retention, stream length.
        by: who decides, for the audit stream.
    """

    def __init__(self, client: redis.Redis, settings: RedisSettings, by: str) -> None:
        self._redis = client
        self._keys = Keys(settings.namespace)
        self._retention_ms = settings.retention_ms
        self._maxlen = settings.stream_maxlen
        self._by = by

    def parked(self, states: tuple[str, ...], code: str | None = None) -> Iterator[Parked]:
        """Find parked sends by state and code, oldest first."""
        seconds, microseconds = self._redis.time()
        now_ms = seconds * 1000 + microseconds // 1000
        for member in cast("list[bytes]", self._redis.zrange(self._keys.parked, 0, -1)):
            request_id = member.decode()
            fields = ["state", "code", "ended", "expires"]
            raw = cast("list[bytes | None]", self._redis.hmget(self._keys.record(request_id), fields))
            state, found, ended, expires = (value.decode() if value else "" for value in raw)
            if state in states and code in {None, found}:
                expired = bool(expires) and int(float(expires)) <= now_ms
                yield Parked(request_id, state, found, int(float(ended or 0)), expired)

    def resolve(self, request_id: str, decision: Decision) -> str | None:
        """Decide about an unknown send. Safe to repeat.

        Returns:
            None when it was done; else why not: the state the send is in, ``gone`` or ``body_lost``.
        """
        if decision == "send-again":
            return self._send_again(request_id, ("unknown",), "resolve")
        given = {"id": request_id, "retention_ms": self._retention_ms, "maxlen": self._maxlen}
        return self._decide(_RESOLVE, given)

    def replay(self, request_id: str) -> str | None:
        """Send a failed or rejected message again; returns as `resolve`. Safe to repeat."""
        return self._send_again(request_id, REPLAYABLE, "replay")

    def _send_again(self, request_id: str, states: tuple[str, ...], action: str) -> str | None:
        keys = self._keys
        body = cast("bytes | None", self._redis.get(keys.body(request_id)))
        if body is None:
            state = cast("bytes | None", self._redis.hget(keys.record(request_id), "state"))
            return "gone" if state is None else "body_lost" if state.decode() in states else state.decode()
        fields: dict[str, Any] = msgspec.json.decode(body)
        fields["request_id"] = str(uuid.uuid5(_AGAIN, fields["request_id"]))
        again = msgspec.json.encode(fields).decode()
        return self._decide(_REPLAY, {"id": request_id, "states": states, "body": again, "action": action})

    def _decide(self, script: Script, given: dict[str, Any]) -> str | None:
        audited = {**given, "by": self._by, "audit_maxlen": AUDIT_MAXLEN}
        return Command(script, self._keys.prefix, audited, _reason).run(self._redis)


def _reason(reply: bytes) -> str | None:
    return None if reply == b"done" else reply.decode()
