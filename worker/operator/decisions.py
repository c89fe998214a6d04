"""What a person decides: about messages, holds, breakers and limits, each with an audit entry.

Decisions are steps: the commands carry them out with `drive`, the console with `adrive`.

A message that is sent again gets a new request_id towards the gateway (its own id, its dedupe in the ledger
and its ttl stay): the gateway may remember the old one, also from a call that it refused. The new id is made
of the old one: if Redis forgets a decision and a person decides once more, nobody gets a second text.
"""

import uuid
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from producers.contract.admission import CREDIT
from producers.contract.keys import Keys
from producers.contract.scripts import Command, Script
from producers.contract.settings import RedisSettings
from producers.contract.steps import Commands, Steps
from worker.account.gates import opening
from worker.account.throttle import AUDIT_MAXLEN, Default, releasing, setting_limits

#: Makes the next request_id towards the gateway of the one before.
_AGAIN: Final = uuid.UUID("5d0ee2b6-4a4e-4a63-9a4b-6a4f2a1f3c57")

_REPLAY = Script(__package__, "replay")
_RESOLVE = Script(__package__, "resolve", when_full=True)

#: End states from which `Decisions.replay` sends again: surely not accepted. Unknown ones are resolved one by
#: one.
REPLAYABLE: Final = ("failed", "rejected")
Decision = Literal["as-accepted", "send-again"]

_fields_of: Final = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(frozen=True, slots=True)
class Release:
    """What a release has ended.

    Attributes:
        held: whether all sending was held.
        paused: whether all sending paused.
        unpaid: whether something could not be paid.
        given_back: sends that could not be paid and go on.
    """

    held: bool
    paused: bool
    unpaid: bool
    given_back: int


class Decisions:
    """Decisions of one person.

    Args:
        settings: namespace, retention, stream length.
        by: who decides, for the audit stream.
    """

    def __init__(self, settings: RedisSettings, by: str) -> None:
        self._keys = Keys(settings.namespace)
        self._retention_ms = settings.retention_ms
        self._maxlen = settings.stream_maxlen
        self._by = by

    def resolve(self, request_id: str, decision: Decision) -> Steps[str | None]:
        """Decide about a message in the state ``unknown``. Safe to repeat.

        Returns:
            None when it was done; else why not: the state the message is in, ``gone``, ``body_lost``, or
            ``body_damaged`` if nobody can read its body.
        """
        if decision == "send-again":
            return (yield from self._send_again(request_id, ("unknown",), "resolve"))
        given = {"id": request_id, "retention_ms": self._retention_ms, "maxlen": self._maxlen}
        return (yield self._decide(_RESOLVE, given))  # type: ignore[no-any-return]

    def replay(self, request_id: str) -> Steps[str | None]:
        """Send a failed or rejected message again; returns as `resolve`. Safe to repeat."""
        return (yield from self._send_again(request_id, REPLAYABLE, "replay"))

    def release(self) -> Steps[Release]:
        """Let sending go on after a hold or a pause, and what could not be paid. Safe to repeat."""
        [paused] = yield Commands([("EXISTS", self._keys.pause)])
        held = yield releasing(self._keys, self._by)
        unpaid, given_back = yield from opening(self._keys, CREDIT, self._by)
        return Release(held, bool(paused), unpaid, given_back)

    def open_breaker(self, name: str) -> Steps[tuple[bool, int]]:
        """Let go on what waits at a breaker. Safe to repeat.

        Returns:
            Whether the breaker was shut, and how many sends were given back.
        """
        return (yield from opening(self._keys, name, self._by))

    def set_limits(
        self, *, rate: float | Default | None = None, in_flight: int | Default | None = None
    ) -> Command[bool]:
        """Change limits for all workers from their next fetch on; None leaves one, see `setting_limits`.

        Safe to repeat; each time has an audit entry.
        """
        return setting_limits(self._keys, self._by, rate=rate, in_flight=in_flight)

    def _send_again(self, request_id: str, states: tuple[str, ...], action: str) -> Steps[str | None]:
        keys = self._keys
        body, state = yield Commands(
            [("GET", keys.body(request_id)), ("HGET", keys.record(request_id), "state")]
        )
        if body is None or state is None:
            return "gone" if state is None else "body_lost" if state.decode() in states else state.decode()
        again = sent_again(body)
        if again is None:
            return "body_damaged" if state.decode() in states else state.decode()
        given = {"id": request_id, "states": states, "body": again, "action": action}
        return (yield self._decide(_REPLAY, given))  # type: ignore[no-any-return]

    def _decide(self, script: Script, given: dict[str, Any]) -> Command[str | None]:
        audited = {**given, "by": self._by, "audit_maxlen": AUDIT_MAXLEN}
        return Command(script, self._keys.prefix, audited, _reason)


def sent_again(body: bytes) -> str | None:
    """Give a body its next request_id towards the gateway: the same one each time that it is asked for.

    Returns:
        The body; None if somebody damaged it, so that nobody can read it.
    """
    try:
        fields = _fields_of(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    request_id = fields.get("request_id")
    if not isinstance(request_id, str):
        return None
    fields["request_id"] = str(uuid.uuid5(_AGAIN, request_id))
    return msgspec.json.encode(fields).decode()


def _reason(reply: bytes) -> str | None:
    return None if reply == b"done" else reply.decode()
