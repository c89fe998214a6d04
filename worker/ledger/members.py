"""The members of shared calls: put into one body before the call leaves, told of its end afterwards.

One script takes some members only, so that no call keeps Redis from an alert.
"""

import uuid
from typing import Final, cast

import redis

from producers.contract.jobs import RECORD_VERSION
from producers.contract.keys import Keys
from producers.contract.scripts import Command, Script
from producers.contract.settings import RedisSettings
from worker.ledger.patience import Patience
from worker.queue.entries import Entry

_COMPOSE = Script(__package__, "compose", when_full=True)
_DISSOLVE = Script(__package__, "dissolve", when_full=True)
_END_MEMBERS = Script(__package__, "end_members", when_full=True)

#: Members that one script composes, or ends: bounds how long it keeps Redis.
AT_ONCE: Final = 25


class Members:
    """Steps of shared calls. Thread-safe.

    Args:
        client: Redis client without retries of its own.
        settings: namespace, retention, stream length.
        patience: how long the end of a call is kept while Redis is away.
    """

    def __init__(self, client: redis.Redis, settings: RedisSettings, patience: Patience) -> None:
        self._redis = client
        self._patience = patience
        self._keys = Keys(settings.namespace)
        self._ends = {"retention_ms": settings.retention_ms, "maxlen": settings.stream_maxlen}

    def compose(self, call: Entry, queue: str) -> None:
        """Put all members into the body of their call, unless that is done or the call may have been taken.

        Takes a round trip per 25 members. Safe to repeat, also by somebody else, and after some of it.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        while self.compose_some(call, queue, AT_ONCE):
            pass

    def compose_some(self, call: Entry, queue: str, most: int) -> int:
        """Take one step of `compose`, by so many members at most; return how many are left."""
        given = {
            "version": RECORD_VERSION,
            "queue": queue,
            "call": call.id,
            "request_id": str(uuid.uuid4()),
            "most": most,
            **self._ends,
        }
        return Command(_COMPOSE, self._keys.prefix, given, int).run(self._redis)

    def dissolve(self, call: Entry, queue: str, safe_ms: int | None) -> bool:
        """Let the members of a call that was surely not taken go alone; any other call stays. Safe to repeat.

        Args:
            call: the call.
            queue: name of its queue.
            safe_ms: milliseconds after which Redis forgets no write any more, None if nobody knows.

        Returns:
            Whether the call has to wait, since Redis might forget that it was not taken.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        given = {"queue": queue, "call": call.id, "safe_ms": safe_ms}
        command = Command(_DISSOLVE, self._keys.prefix, given, lambda reply: bool(reply == b"waits"))
        return command.run(self._redis)

    def end(self, call: Entry, queue: str) -> None:
        """Bring the end of a call to its members, then end its entry. Safe to repeat.

        Raises:
            redis.RedisError: Redis stayed away; the entry comes back and this is done then.
        """
        key = self._keys.members(call.id)
        found = self._patience.record(lambda: cast("list[bytes]", self._redis.hvals(key)))
        members = [member.decode() for member in found]
        for start in range(0, max(1, len(members)), AT_ONCE):
            last = start + AT_ONCE >= len(members)
            given = {
                "queue": queue,
                "call": call.id,
                "members": members[start : start + AT_ONCE],
                "lease": call.lease if last else None,
                **self._ends,
            }
            command = Command(_END_MEMBERS, self._keys.prefix, given, int)
            self._patience.record(lambda command=command: command.run(self._redis))  # type: ignore[misc]
