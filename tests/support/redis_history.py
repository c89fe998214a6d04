"""Redis as it was some commands ago or will be after the retention; clients that meet trouble in between."""

from collections import deque
from collections.abc import Callable
from typing import Any, Literal

import redis
from redis.client import Pipeline

#: Each key, when it expires in ms since the epoch, and its value.
State = list[tuple[bytes, int, bytes]]
Hook = Callable[[Literal["before", "after"], int], object]

_READ = """
local state = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  state[#state + 1] = { key, redis.call('PEXPIRETIME', key), redis.call('DUMP', key) }
end
return state
"""


class Killed(BaseException):
    """The process that used this client is no more."""


class History:
    """The states of a Redis, before each command of the `Watched` clients that share this history.

    An append-only file that lost its end holds a state that was: of a script all is there, or nothing.

    Args:
        client: an ordinary client.
        depth: states that are kept.
    """

    def __init__(self, client: redis.Redis, depth: int = 16) -> None:
        self._redis = client
        self._states: deque[State] = deque(maxlen=depth)
        self._number = 0
        self._hook: Hook | None = None

    def watch(self, hook: Hook | None) -> None:
        """From now on call this before and after each command, with its number from 1."""
        self._number, self._hook = 0, hook

    def before(self) -> None:
        """Note the state before a command, and let the hook do its worst."""
        self._number += 1
        if self._hook:
            self._hook("before", self._number)
        self._states.append(self._redis.eval(_READ, 0))

    def after(self) -> None:
        """Let the hook do its worst after a command, before its answer is read."""
        if self._hook:
            self._hook("after", self._number)

    def reach_the_disk(self) -> None:
        """Let all that was written so far be safe from `lose`."""
        self._states.clear()

    def lose(self, commands: int) -> None:
        """Make Redis forget the last commands, as if it had lost the end of its append-only file."""
        lost = min(commands, len(self._states))
        if not lost:
            return
        for _ in range(lost):
            state = self._states.pop()
        with self._redis.pipeline() as pipeline:
            pipeline.flushall()
            for key, expires, value in state:
                pipeline.restore(key, max(0, expires), value, absttl=expires > 0)
            pipeline.execute()


class Watched(redis.Redis):
    """A client that tells a `History` about each of its commands; a pipeline is one.

    Args:
        history: whom it tells.
        port: where Redis listens.
    """

    def __init__(self, history: History, port: int) -> None:
        super().__init__(port=port)
        self._history = history

    def execute_command(self, *args: Any, **options: Any) -> Any:
        self._history.before()
        reply = super().execute_command(*args, **options)
        self._history.after()
        return reply

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> "_WatchedPipeline":
        return _WatchedPipeline(self._history, self, transaction, shard_hint)


class _WatchedPipeline(Pipeline):
    def __init__(self, history: History, client: redis.Redis, transaction: bool, hint: str | None) -> None:
        super().__init__(client.connection_pool, client.response_callbacks, transaction, hint)
        self._history = history

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        self._history.before()
        replies = super().execute(raise_on_error)
        self._history.after()
        return replies


def retention_passes(client: redis.Redis) -> None:
    """Let every key that has a time to live come to its end."""
    expiring = [key for key in client.scan_iter("*") if client.pttl(key) > 0]
    if expiring:
        client.delete(*expiring)
