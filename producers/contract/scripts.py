"""Lua scripts, and commands that carry one script call from pure code to a sync or async client."""

import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Final, Generic, TypeVar

import msgspec
import redis
import redis.asyncio
from redis.exceptions import NoScriptError, RedisClusterException

from .assembly import joined, with_library
from .discreet import discreet
from .plain_text import encodable

T_co = TypeVar("T_co", covariant=True)

#: Whatever a client raises because of Redis. A cluster client has an error that is no `redis.RedisError`.
REDIS_ERRORS: Final = (redis.RedisError, RedisClusterException)


_pack: Final = msgspec.msgpack.Encoder(enc_hook=encodable).encode


def as_string(data: bytes) -> msgspec.Raw:
    """Wrap bytes for `Command.given`: Redis reads strings of any bytes, and no other binary values."""
    return msgspec.Raw(b"\xdb" + len(data).to_bytes(4, "big") + data)


@dataclass(frozen=True)
class Script:
    """One Lua script, with the parts of the library that it uses in front.

    Its files are read at once, so that a process runs the scripts of the release that it is. They are put
    together when the script first runs: most processes run few.

    Args:
        package: package that holds it.
        name: file name without ``.lua``.
        when_full: whether it may run when Redis has reached its memory limit. Enqueueing may not: it is
            refused whole. What the workers do may: it makes room. What comes from the gateway may, and what
            reads it: nobody sends it again.

    Attributes:
        texts: the texts of its files by their names, as `with_library` collects them.
    """

    package: str
    name: str
    when_full: bool = False
    texts: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        body = (files(self.package) / f"{self.name}.lua").read_text("utf-8")
        object.__setattr__(self, "texts", with_library(self.name, body))

    @functools.cached_property
    def text(self) -> str:
        """What Redis gets."""
        flags = " flags=allow-oom" if self.when_full else ""
        return f"#!lua{flags}\n{joined(self.texts)}"

    @functools.cached_property
    def sha(self) -> str:
        """The name by which Redis knows the text."""
        return hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


@discreet
@dataclass(frozen=True, slots=True)
class Command(Generic[T_co]):
    """One script call, ready to run on any client: what to send, and how to read the reply.

    Attributes:
        script: which script.
        prefix: what every key starts with; a cluster finds their server by it.
        given: what the script is given, by name: whatever MessagePack can carry, dataclasses included; bytes
            through `as_string`.
        read: turns Redis's reply into a value.
    """

    script: Script
    prefix: str
    given: Mapping[str, Any]
    read: Callable[[Any], T_co]

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What stands behind the script in a call."""
        return 1, self.prefix, _pack(self.given)

    @property
    def evalsha(self) -> tuple[Any, ...]:
        """The whole call, for pipelines and single connections. Redis must know the script already."""
        return "EVALSHA", self.script.sha, *self.arguments

    def run(self, client: redis.Redis) -> T_co:
        """Run on a blocking client, in one round trip (two when the server has not seen the script).

        Raises:
            redis.RedisError: as the client raises it; or another of `REDIS_ERRORS`.
        """
        try:
            reply = client.execute_command(*self.evalsha)  # type: ignore[no-untyped-call]
        except NoScriptError:
            reply = client.eval(self.script.text, *self.arguments)
        return self.read(reply)

    def start(self, client: redis.Redis) -> Callable[[], T_co]:
        """Send the call and return at once, so that Redis and the caller work at the same time.

        Only for scripts that are safe to repeat: a call that goes wrong is made once more, by `run`.

        Returns:
            What waits for the answer and reads it; to be called once. Raises what `run` raises.
        """
        if not isinstance(client, redis.Redis) or client.connection is not None:
            # A cluster's client, or a client of one connection, has no connection to lend.
            return lambda: self.run(client)
        halves = self._halves(client.connection_pool)
        try:
            next(halves)
        except redis.RedisError:
            return lambda: self.run(client)

        def answer() -> T_co:
            try:
                reply = next(halves)
            except redis.RedisError:
                return self.run(client)
            return self.read(reply)

        return answer

    def _halves(self, pool: redis.ConnectionPool) -> Iterator[Any]:
        """Send on a borrowed connection, then take the answer. Left in between, it ends the connection."""
        connection: Any = pool.get_connection()
        try:
            connection.send_command(*self.evalsha)
            yield None
            reply = connection.read_response()
        except redis.ResponseError:
            raise
        except BaseException:
            connection.disconnect()
            raise
        finally:
            pool.release(connection)
        yield reply

    async def arun(self, client: redis.asyncio.Redis) -> T_co:
        """Run on an asyncio client; otherwise as `run`."""
        try:
            reply = await client.execute_command(*self.evalsha)  # type: ignore[no-untyped-call]
        except NoScriptError:
            reply = await client.eval(self.script.text, *self.arguments)
        return self.read(reply)
