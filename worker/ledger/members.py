"""The members of shared calls: put into one body before the call leaves, told of its end after.

Both in steps of some members, so that no call keeps Redis from an alert.
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

_FREEZE = Script("worker.ledger", "freeze", when_full=True)
_DISSOLVE = Script("worker.ledger", "dissolve", when_full=True)
_END_MEMBERS = Script("worker.ledger", "end_members", when_full=True)

#: Members that one script freezes, or ends: bounds how long it keeps Redis.
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
        self._retention_ms = settings.retention_ms
        self._maxlen = settings.stream_maxlen

    def freeze(self, call: Entry, queue: str) -> None:
        """Put all members into the body of their call, unless it is complete or not to be frozen.

        Safe to repeat, also by somebody else, and after some of it.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        while self.freeze_some(call, queue, AT_ONCE):
            pass

    def freeze_some(self, call: Entry, queue: str, most: int) -> int:
        """Take one step of `freeze`, by so many members at most; return how many are left."""
        names = self._keys.queue(queue)
        args: list[str | int] = [RECORD_VERSION, self._keys.prefix, self._retention_ms, self._maxlen]
        args += [call.id, str(uuid.uuid4()), most]
        return Command(_FREEZE, [names.ready, names.wake], args, int).run(self._redis)

    def dissolve(self, call: Entry, queue: str, safe_ms: int) -> bool:
        """Let the members of a call that was surely not taken go alone; any other call stays. Safe to repeat.

        Args:
            call: the call.
            queue: name of its queue.
            safe_ms: milliseconds after which Redis forgets no write any more, -1 if nobody knows.

        Returns:
            Whether the call has to wait, since Redis might forget that it was not taken.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        names = self._keys.queue(queue)
        args: list[str | int] = [self._keys.prefix, call.id, safe_ms]
        return Command(_DISSOLVE, [names.ready, names.wake], args, int).run(self._redis) < 0

    def end(self, call: Entry, queue: str) -> None:
        """Bring the end of a call to its members, then end its entry. Safe to repeat.

        Raises:
            redis.RedisError: Redis stayed away; the entry comes back and this is done then.
        """
        keys, names = self._keys, self._keys.queue(queue)
        members = self._patience.record(lambda: cast("list[bytes]", self._redis.hvals(keys.members(call.id))))
        fixed = [names.leases, names.envelopes, names.ready, names.wake]
        for start in range(0, max(1, len(members)), AT_ONCE):
            some = members[start : start + AT_ONCE]
            last = start + AT_ONCE >= len(members)
            args: list[str | int | bytes] = [self._retention_ms, self._maxlen, keys.prefix, call.id]
            args += [call.lease if last else "", *some]
            command = Command(_END_MEMBERS, fixed, args, int)
            self._patience.record(lambda command=command: command.run(self._redis))  # type: ignore[misc]
