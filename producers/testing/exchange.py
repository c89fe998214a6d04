"""Puts the memory in the place of every Redis of an application, for a while.

An application makes its producers where it likes, often while it is imported. So what is exchanged is not the
object but its step to Redis: as long as the exchange lasts, each `Producer`, `AsyncProducer`, `Feed`,
`AsyncFeed`, `CallbackIntake` and `AsyncCallbackIntake`, made before or meanwhile, speaks to the memory.
Everything above that step is the real thing. Afterwards each has its own Redis again.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from ..aio import AsyncProducer
from ..callbacks import AsyncCallbackIntake, CallbackIntake
from ..contract.keys import Keys
from ..contract.scripts import Command
from ..contract.steps import Commands, Steps
from ..feeds import AsyncFeed, Feed
from ..messages.frozen import FrozenMessage
from ..producer import Producer
from ..queueing.records import Records
from ..reading.group_reader import GroupReader
from .memory import Memory

#: The attribute in which each of them keeps its client.
_CLIENT: Final = "_redis"
#: The ways in which messages are queued.
_QUEUEING: Final = ("enqueue", "enqueue_slice")

#: Is told of messages after they were given to the queue, whatever came of it.
Noting = Callable[[Keys, Sequence[FrozenMessage]], None]


class _Client:
    """An attribute with a client that somebody else chooses; what is set meanwhile counts afterwards."""

    def __init__(self, choose: Callable[[Any], Any]) -> None:
        self._choose = choose

    def __get__(self, owner: Any, _: type | None = None) -> Any:
        return self if owner is None else self._choose(owner)

    def __set__(self, owner: Any, client: Any) -> None:
        owner.__dict__[_CLIENT] = client


@contextmanager
def exchanged(
    memory: Memory,
    for_producer: Callable[[Producer], Any],
    for_async_producer: Callable[[AsyncProducer], Any],
    noting: Noting,
) -> Iterator[None]:
    """Let all of them speak to the memory until the end of the block.

    Args:
        memory: in place of Redis.
        for_producer: chooses the client of a call of a producer.
        for_async_producer: the same for asyncio.
        noting: is told what was queued.
    """
    chosen: dict[type, Callable[[Any], Any]] = {
        Producer: for_producer,
        AsyncProducer: for_async_producer,
        **dict.fromkeys([Feed, CallbackIntake], lambda _: memory.client),
        **dict.fromkeys([AsyncFeed, AsyncCallbackIntake], lambda _: memory.async_client()),
    }
    replaced: dict[tuple[type, str], Callable[..., Any]] = {
        (Records, name): _noting(getattr(Records, name), noting) for name in _QUEUEING
    }
    replaced[Records, "enqueue_ahead"] = _noting_ahead(Records.enqueue_ahead, noting)
    for intake in (CallbackIntake, AsyncCallbackIntake):
        # What the spool of the application holds are callbacks of persons: they are not for the memory.
        replaced[intake, "start"] = lambda _: None
    replaced[GroupReader, "next_entry"] = _never_waiting(GroupReader.next_entry)
    before = {(owner, name): getattr(owner, name) for owner, name in replaced}
    # Another outbox may be open around this one: its memory is to be there again afterwards.
    around = {owner: owner.__dict__.get(_CLIENT) for owner in chosen}
    try:
        for owner, choose in chosen.items():
            setattr(owner, _CLIENT, _Client(choose))
        for (owner, name), function in replaced.items():
            setattr(owner, name, function)
        yield
    finally:
        for owner, client in around.items():
            if client is not None:
                setattr(owner, _CLIENT, client)
            elif isinstance(owner.__dict__.get(_CLIENT), _Client):
                delattr(owner, _CLIENT)
        for (owner, name), function in before.items():
            setattr(owner, name, function)


def _noting(queue: Callable[..., Steps[Any]], noting: Noting) -> Callable[..., Steps[Any]]:
    def queue_and_note(records: Records, messages: Sequence[FrozenMessage], *rest: Any) -> Steps[Any]:
        try:
            return (yield from queue(records, messages, *rest))
        finally:
            # Also when the answer was lost: the message may be queued all the same.
            noting(records.keys, messages)

    return queue_and_note


def _noting_ahead(
    queue: Callable[..., Steps[Command[Any]]], noting: Noting
) -> Callable[..., Steps[Command[Any]]]:
    def queue_and_note(records: Records, messages: Sequence[FrozenMessage]) -> Steps[Command[Any]]:
        command = yield from queue(records, messages)

        def read(reply: Any) -> Any:
            noting(records.keys, messages)
            return command.read(reply)

        return dataclasses.replace(command, read=read)

    return queue_and_note


def _never_waiting(next_entry: Callable[..., Steps[Any]]) -> Callable[..., Steps[Any]]:
    """Let a feed end where it would wait: nothing comes to the memory while a test stands in a feed."""

    def next_or_none(reader: GroupReader[Any]) -> Steps[Any]:
        # Real seconds do not pass in a test that travels: whatever is stalled by now is looked at.
        reader._round_due, reader._new_is_next = reader._clock(), False  # noqa: SLF001
        steps = next_entry(reader)
        stopped = False
        try:
            step = next(steps)
            while True:
                if isinstance(step, Commands) and step.commands[-1][0] == "XREADGROUP":
                    reply = yield _at_once(step)
                    if not reply[-1]:
                        stopped = reader.stopping = True
                else:
                    reply = yield step
                step = steps.send(reply)
        except StopIteration as end:
            return end.value
        finally:
            reader.stopping = reader.stopping and not stopped

    return next_or_none


def _at_once(step: Commands) -> Commands:
    *others, read = step.commands
    if "BLOCK" not in read:
        return step
    at = list(read).index("BLOCK")
    return dataclasses.replace(step, commands=[*others, [*read[:at], *read[at + 2 :]]])
