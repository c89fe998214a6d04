"""Lua scripts, and commands that carry one script call from pure code to a sync or async client."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Final, Generic, TypeVar

import msgspec
import redis
import redis.asyncio
from redis.exceptions import NoScriptError, RedisClusterException

from .admission import ADMISSION
from .discreet import discreet

T_co = TypeVar("T_co", covariant=True)

#: Whatever a client raises because of Redis. A cluster client has an error that is no `redis.RedisError`.
REDIS_ERRORS: Final = (redis.RedisError, RedisClusterException)


_pack: Final = msgspec.msgpack.Encoder().encode

#: The line with which a script, or a file of the library, names the subjects that it needs, if any.
_USES: Final = re.compile(r"^-- uses:(.*)$", re.MULTILINE)
#: The parts of the library that ask the gates, and the function of a gate that each calls.
_ASKING: Final = {"admit_queue": "room", "admit_send": "keep", "admit_post": "is_shut"}


def as_string(data: bytes) -> msgspec.Raw:
    """Wrap bytes for `Command.given`: Redis reads strings of any bytes, and no other binary values."""
    return msgspec.Raw(b"\xdb" + len(data).to_bytes(4, "big") + data)


@dataclass(frozen=True)
class Script:
    """One Lua script, with the parts of the library that it uses in front.

    A script names these parts in a line ``-- uses: clock queue``; they lie in ``producers/contract/lua`` and
    name what they need themselves. The head, which reads what the script is given, comes first. A part that
    asks the gates is followed by those that can answer, in the order of `ADMISSION`.

    Args:
        package: package that holds it.
        name: file name without ``.lua``.
        when_full: whether it may run when Redis has reached its memory limit. Enqueueing may not: it is
            refused whole. What the workers do may: it makes room. What comes from the gateway may, and what
            reads it: nobody sends it again.
    """

    package: str
    name: str
    when_full: bool = False
    text: str = field(init=False, repr=False)
    sha: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        body = (files(self.package) / f"{self.name}.lua").read_text("utf-8")
        flags = " flags=allow-oom" if self.when_full else ""
        text = joined({**_library(body), self.name: body})
        object.__setattr__(self, "text", f"#!lua{flags}\n{text}")
        sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()
        object.__setattr__(self, "sha", sha)


def joined(texts: Mapping[str, str]) -> str:
    """Put parts of the library one after the other, and a script behind them; all lines keep their numbers.

    A gate is known by what it adds to the list of gates, so its names end with it: a chunk of Lua has 200
    local variables at most, and all parts together are one chunk.

    Args:
        texts: texts by their names, in order.
    """
    pieces, behind = [], ""
    for name, text in texts.items():
        is_gate = name.startswith("gates/")
        pieces += [behind, "do " if is_gate else "", text]
        behind = "end " if is_gate else ""
    return "".join(pieces)


def _library(body: str) -> dict[str, str]:
    """Collect the head and what a script uses, each part once and after what it uses itself."""
    parts: dict[str, str] = {}

    def collect(name: str) -> None:
        if name in parts:
            return
        text = _part(name)
        for needed in _used(text):
            collect(needed)
        parts[name] = text
        for gate in ADMISSION if name in _ASKING else ():
            if f"{gate}_gate.{_ASKING[name]}(" in _part(f"gates/{gate}"):
                collect(f"gates/{gate}")

    for name in ("head", *_used(body)):
        collect(name)
    return parts


def _part(name: str) -> str:
    return (files(__package__) / "lua" / f"{name}.lua").read_text("utf-8")


def _used(text: str) -> list[str]:
    found = _USES.search(text)
    return found[1].split() if found else []


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
