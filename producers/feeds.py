"""Typed readers of the public streams, for applications: what came back, as objects.

    for reply in Feed("replies", group="bookings"):
        confirm(reply.context["booking"], reply.text)

    Feed("receipts", group="billing").run(handle)      # or: await AsyncFeed(...).run(handle)

Each consumer group gets every entry; several consumers of one group share them. An entry is acknowledged
once it was handled; one that was not (the handler raised, the process died) is delivered again. **So a
handler may see an entry twice**: store ``event_id`` with what the handler does, in one transaction, and skip
what is already there. A status has none; ``feed.current.entry_id`` serves. docs/streams.md is the contract.

Set the standard logger ``producers.feeds`` to see outages, failures and entries given up; no line of it holds
a number, a text or a context.
"""

from collections.abc import Awaitable, Callable
from typing import Final, Generic, Literal, Self, Unpack, cast, overload

from .contract.clients import Timeouts, connect, connect_async
from .contract.events import Alarm, E, OptOut, Receipt, Reply, Status
from .contract.kinds import TYPES, StreamName
from .contract.one_loop import OneLoop
from .contract.redis_url import RedisUrl
from .contract.steps import adrive, drive
from .reading.group_reader import Counts, GroupReader, StreamEntry
from .reading.membership import (
    AsyncFeedOptions,
    FeedOptions,
    Membership,
    ReadingOptions,
    settings_for,
)

#: Seconds a read may take beyond the time it waits for entries.
_ANSWER_S: Final = 3.0


class _Reading(Generic[E]):
    """What both kinds of feed share: the options, and where the reading stands."""

    def _open(self, stream: StreamName, group: str, options: ReadingOptions) -> tuple[RedisUrl, Timeouts]:
        settings = settings_for(options)
        membership = Membership.choose(stream, group, settings, options)
        self._reader: GroupReader[E] = GroupReader(cast("type[E]", TYPES[stream]), membership)
        self._current: StreamEntry[E] | None = None
        timeouts = Timeouts(connect_s=2.0, answer_s=membership.block_s + _ANSWER_S, retries=0)
        return settings.redis_url, timeouts

    @property
    def current(self) -> StreamEntry[E] | None:
        """The entry being handled, with id and count of deliveries; None between entries."""
        return self._current

    @property
    def counts(self) -> Counts:
        """Entries handled, failed and given up since this feed was made."""
        return self._reader.counts

    def stop(self) -> None:
        """End the reading after the entry being handled; from any thread, task or signal handler.

        A stopped feed stays stopped. Safe to call twice.
        """
        self._reader.stopping = True

    def _acknowledge_current(self) -> None:
        if self._current is not None:
            self._reader.done(self._current)
            self._current = None


class Feed(_Reading[E]):
    """Reads one stream for a threaded application. One feed per thread.

    Iterate over it, or `run` a handler. Both wait for entries for ever, through restarts and outages of
    Redis and through the loss of the group, until `stop`.

    Args:
        stream: ``replies``, ``receipts``, ``optouts``, ``statuses`` or ``alarms``.
        group: names the application; made if it does not exist.
        **options: see `FeedOptions`.

    Raises:
        ValueError: an option is out of range.
        ConfigError: settings are read from the environment, and one is wrong.
    """

    @overload
    def __init__(
        self: "Feed[Reply]", stream: Literal["replies"], group: str, **options: Unpack[FeedOptions]
    ) -> None: ...
    @overload
    def __init__(
        self: "Feed[Receipt]", stream: Literal["receipts"], group: str, **options: Unpack[FeedOptions]
    ) -> None: ...
    @overload
    def __init__(
        self: "Feed[OptOut]", stream: Literal["optouts"], group: str, **options: Unpack[FeedOptions]
    ) -> None: ...
    @overload
    def __init__(
        self: "Feed[Status]", stream: Literal["statuses"], group: str, **options: Unpack[FeedOptions]
    ) -> None: ...
    @overload
    def __init__(
        self: "Feed[Alarm]", stream: Literal["alarms"], group: str, **options: Unpack[FeedOptions]
    ) -> None: ...
    def __init__(self, stream: StreamName, group: str, **options: Unpack[FeedOptions]) -> None:
        url, timeouts = self._open(stream, group, options)
        self._redis = options.get("client") or connect(url, timeouts)

    def __iter__(self) -> Self:
        """Start reading; an entry that an earlier loop left unhandled comes again after ``idle_s``."""
        self._current = None
        return self

    def __next__(self) -> E:
        """Acknowledge the entry before, and wait for the next."""
        self._acknowledge_current()
        self._current = drive(self._reader.next_entry(), self._redis)
        if self._current is None:
            raise StopIteration
        return self._current.event

    def run(self, handler: Callable[[E], object]) -> None:
        """Call a handler with each entry until `stop`.

        An entry is acknowledged when the handler returned. If it raises, the entry is delivered again after
        ``idle_s``, and given up after ``max_deliveries``; the feed goes on with the next.
        """
        for event in self:
            try:
                handler(event)
            except Exception as error:  # noqa: BLE001 - the handler is the application's: anything may come
                if self._current:
                    drive(self._reader.failed(self._current, error), self._redis)
                self._current = None

    def close(self) -> None:
        """Leave the group and close the connections; an entry being handled stays unacknowledged."""
        drive(self._reader.leave(), self._redis)
        self._redis.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncFeed(_Reading[E]):
    """`Feed` for asyncio applications: ``async for``, or ``await run(handler)``. One feed per task.

    Raises `WrongEventLoop` when it is read in another event loop than its first.
    """

    @overload
    def __init__(
        self: "AsyncFeed[Reply]", stream: Literal["replies"], group: str, **options: Unpack[AsyncFeedOptions]
    ) -> None: ...
    @overload
    def __init__(
        self: "AsyncFeed[Receipt]",
        stream: Literal["receipts"],
        group: str,
        **options: Unpack[AsyncFeedOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: "AsyncFeed[OptOut]", stream: Literal["optouts"], group: str, **options: Unpack[AsyncFeedOptions]
    ) -> None: ...
    @overload
    def __init__(
        self: "AsyncFeed[Status]",
        stream: Literal["statuses"],
        group: str,
        **options: Unpack[AsyncFeedOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: "AsyncFeed[Alarm]", stream: Literal["alarms"], group: str, **options: Unpack[AsyncFeedOptions]
    ) -> None: ...
    def __init__(self, stream: StreamName, group: str, **options: Unpack[AsyncFeedOptions]) -> None:
        url, timeouts = self._open(stream, group, options)
        self._redis = options.get("client") or connect_async(url, timeouts)
        self._loop = OneLoop("AsyncFeed")

    def __aiter__(self) -> Self:
        """Start reading; see `Feed.__iter__`."""
        self._current = None
        return self

    async def __anext__(self) -> E:
        """Acknowledge the entry before, and wait for the next."""
        self._loop.check()
        self._acknowledge_current()
        self._current = await adrive(self._reader.next_entry(), self._redis)
        if self._current is None:
            raise StopAsyncIteration
        return self._current.event

    async def run(self, handler: Callable[[E], Awaitable[object]]) -> None:
        """Await a handler with each entry until `stop`; see `Feed.run`."""
        async for event in self:
            try:
                await handler(event)
            except Exception as error:  # noqa: BLE001 - the handler is the application's: anything may come
                if self._current:
                    await adrive(self._reader.failed(self._current, error), self._redis)
                self._current = None

    async def close(self) -> None:
        """Leave the group and close the connections; see `Feed.close`."""
        await adrive(self._reader.leave(), self._redis)
        await self._redis.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
