"""Which consumer of which group reads which stream, and how: the options of a feed, checked."""

import os
import secrets
import socket
from dataclasses import dataclass
from typing import Final, Literal, Self, TypedDict

import redis
import redis.asyncio

from ..contract.keys import Keys
from ..contract.kinds import TYPES, StreamName
from ..contract.settings import RedisSettings

#: Entries kept in a poison stream, about: far more than a person will look at.
POISON_MAXLEN: Final = 10_000


class ReadingOptions(TypedDict, total=False):
    """How a feed reads; all optional.

    Attributes:
        redis_url: the workers' Redis; overrides the settings.
        namespace: of the workers of one account; overrides the settings.
        settings: where and under which namespace; read from the process environment if neither these nor a
            URL are given.
        consumer: name within the group, unlike any other's; host, process and chance by default.
        start: where a group that does not exist yet starts: ``0`` (all the stream holds, default) or ``$``.
        block_s: seconds to wait in one go for an entry; `Feed.stop` takes as long. Default 1.
        idle_s: seconds after which an entry that was not handled is delivered again, to any consumer of the
            group. Must exceed the longest a handler takes. Default 60.
        max_deliveries: deliveries after which an entry is given up to the group's poison stream. Default 5.
    """

    redis_url: str
    namespace: str
    settings: RedisSettings
    consumer: str
    start: Literal["0", "$"]
    block_s: float
    idle_s: float
    max_deliveries: int


class FeedOptions(ReadingOptions, total=False):
    """Options of a blocking feed.

    Attributes:
        client: a ready Redis client instead of a URL: answers as bytes, time-outs longer than ``block_s``.
    """

    client: redis.Redis


class AsyncFeedOptions(ReadingOptions, total=False):
    """Options of an asyncio feed; ``client`` as in `FeedOptions`."""

    client: redis.asyncio.Redis


def settings_for(options: ReadingOptions) -> RedisSettings:
    """Say which Redis and namespace to read.

    Raises:
        ConfigError: URL or namespace cannot be read, or the environment was asked and a variable is wrong.
    """
    settings, url = options.get("settings"), options.get("redis_url")
    if settings is None:
        settings = RedisSettings() if url else RedisSettings.from_env(os.environ)
    return settings.at(url, options.get("namespace"))


@dataclass(frozen=True, slots=True)
class Membership:
    """A consumer of a group; attributes as in `ReadingOptions`, and where the stream is.

    Attributes:
        prefix: what every key starts with.
        stream: name of the stream.
        group: name of the group.
        poison_maxlen: entries kept, about, in the stream that receives what the group cannot handle.
        server: address of Redis without user and password; empty where the application brought the client.
    """

    prefix: str
    stream: str
    group: str
    consumer: str
    start: str = "0"
    block_s: float = 1.0
    idle_s: float = 60.0
    max_deliveries: int = 5
    poison_maxlen: int = POISON_MAXLEN
    server: str = ""

    @classmethod
    def choose(cls, stream: StreamName, group: str, settings: RedisSettings, options: ReadingOptions) -> Self:
        """Fill in the defaults and check.

        Raises:
            ValueError: names the option that is out of range.
        """
        if stream not in TYPES:
            raise ValueError(f"stream must be one of {', '.join(TYPES)}")
        if not group:
            raise ValueError("group must have a name")
        member = cls(
            prefix=Keys(settings.namespace).prefix,
            stream=stream,
            group=group,
            consumer=options.get("consumer")
            or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}",
            start=options.get("start", "0"),
            block_s=options.get("block_s", 1.0),
            idle_s=options.get("idle_s", 60.0),
            max_deliveries=options.get("max_deliveries", 5),
            server="" if "client" in options else str(settings.redis_url),
        )
        member._check()
        return member

    @property
    def key(self) -> str:
        """The key of the stream."""
        return self.prefix + self.stream

    def _check(self) -> None:
        if self.start not in {"0", "$"}:
            raise ValueError("start must be 0 or $")
        if min(self.block_s, self.idle_s) < 0.001:
            raise ValueError("block_s and idle_s must be at least 0.001")
        if self.max_deliveries < 1:
            raise ValueError("max_deliveries must be at least 1")
