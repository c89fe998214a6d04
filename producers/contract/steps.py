"""Work against Redis in several steps, written once for blocking and asyncio clients.

`Steps` are generators: each yields one thing to do, is sent its reply (or thrown its error) and returns a
value in the end. All decisions lie in the generator; `drive` and `adrive` only carry the steps out.
"""

import asyncio
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import redis
import redis.asyncio

from .discreet import discreet
from .scripts import REDIS_ERRORS, Command

T = TypeVar("T")


class Step(Protocol):
    """One thing to do. `producers.contract.scripts.Command` is a step, too."""

    def run(self, client: redis.Redis, /) -> Any:
        """Do it, blocking."""

    async def arun(self, client: redis.asyncio.Redis, /) -> Any:
        """Do it on an event loop."""


Steps = Generator[Step, Any, T]


def _without_error(replies: list[Any]) -> list[Any]:
    """Raise the first error among replies as Redis worded it, or return them all.

    redis-py would put the command in front, which holds what nobody may log; before version 7 it also loses
    the words of Redis.
    """
    error = next((each for each in replies if isinstance(each, Exception)), None)
    if error is None:
        return replies
    # An error holds the frames that it passes. Their variables must not hold it, as those of redis-py do:
    # only a look for cycles, which is seldom in the API, would find that.
    replies.clear()
    try:
        raise error.with_traceback(None)
    finally:
        del error


@discreet
@dataclass(frozen=True, slots=True)
class Commands:
    """Plain commands in one round trip, not atomic; the reply is the list of theirs.

    Attributes:
        commands: each a command name and its arguments.
        raises: whether an error that Redis answers to one of them is raised; else it is that one's reply.
    """

    commands: Sequence[Sequence[str | bytes | int]]
    raises: bool = True

    def run(self, client: redis.Redis) -> list[Any]:
        """Run on a blocking client."""
        with client.pipeline(transaction=False) as pipeline:
            for command in self.commands:
                pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
            return self._checked(pipeline.execute(raise_on_error=False))

    async def arun(self, client: redis.asyncio.Redis) -> list[Any]:
        """Run on an asyncio client."""
        async with client.pipeline(transaction=False) as pipeline:
            for command in self.commands:
                pipeline.execute_command(*command)
            return self._checked(await pipeline.execute(raise_on_error=False))

    def _checked(self, replies: list[Any]) -> list[Any]:
        return _without_error(replies) if self.raises else replies


@discreet
@dataclass(frozen=True, slots=True)
class Together:
    """Many calls of one script, not atomic: the first makes sure that Redis knows it, the rest share a trip.

    Attributes:
        commands: the calls, at least one; the reply is the list of theirs.
    """

    commands: Sequence[Command[Any]]

    def run(self, client: redis.Redis) -> list[Any]:
        """Run on a blocking client."""
        first, *rest = self.commands
        replies = [first.run(client)]
        with client.pipeline(transaction=False) as pipeline:
            for command in rest:
                pipeline.execute_command(*command.evalsha)  # type: ignore[no-untyped-call]
            found = _without_error(pipeline.execute(raise_on_error=False))
        return replies + [c.read(reply) for c, reply in zip(rest, found, strict=True)]

    async def arun(self, client: redis.asyncio.Redis) -> list[Any]:
        """Run on an asyncio client."""
        first, *rest = self.commands
        replies = [await first.arun(client)]
        async with client.pipeline(transaction=False) as pipeline:
            for command in rest:
                pipeline.execute_command(*command.evalsha)
            found = _without_error(await pipeline.execute(raise_on_error=False))
        return replies + [c.read(reply) for c, reply in zip(rest, found, strict=True)]


@dataclass(frozen=True, slots=True)
class Sleep:
    """Do nothing for some seconds."""

    seconds: float

    def run(self, _: redis.Redis) -> None:
        """Sleep, blocking."""
        time.sleep(self.seconds)

    async def arun(self, _: redis.asyncio.Redis) -> None:
        """Sleep on an event loop."""
        await asyncio.sleep(self.seconds)


def drive(steps: Steps[T], client: redis.Redis) -> T:
    """Carry steps out on a blocking client and return their value.

    Raises:
        Exception: whatever the steps do not handle.
    """
    try:
        step = next(steps)
        while True:
            try:
                reply = step.run(client)
            except (*REDIS_ERRORS, OSError) as error:
                step = steps.throw(error)
            else:
                step = steps.send(reply)
    except StopIteration as end:
        value: T = end.value
        return value


async def adrive(steps: Steps[T], client: redis.asyncio.Redis) -> T:
    """Carry steps out on an asyncio client; otherwise as `drive`."""
    try:
        step = next(steps)
        while True:
            try:
                reply = await step.arun(client)
            except (*REDIS_ERRORS, OSError) as error:
                step = steps.throw(error)
            else:
                step = steps.send(reply)
    except StopIteration as end:
        value: T = end.value
        return value
