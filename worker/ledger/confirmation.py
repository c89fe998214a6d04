"""Whether Redis will remember what it has just answered, and so whether messages may share calls.

A message alone is safe on any Redis: its request_id was fixed by the producer, so a POST that Redis has
forgotten is repeated under the same id, which the gateway refuses. A shared call has a name and members that
only the worker has written. If Redis forgets those (a power loss with ``appendfsync everysec``, a replica
that lags and is promoted), the members gather again, and everybody gets the text twice. So the claim of a
shared call is confirmed before its POST, on the connection on which it was written:

- without replicas the reply is the confirmation if ``appendfsync always`` is in force;
- with replicas, every one of them must have it: ``WAIT``, for it covers only its own connection's writes.

What cannot be confirmed is not sent: the call is given back and falls apart into its members, which then go
alone. ``WAITAOF`` is not asked: Valkey 9.1 answers it before the write is on the disk.

When more replicas confirm than before, one was away. What its host took meanwhile is forgotten then, and is
repeated by applications or people. It may have left alone, so what waits, and what is queued for a while,
shares no call: see ``note_replicas.lua``.
"""

from typing import Any, Final, NamedTuple, TypeVar

import redis
import structlog
from redis.exceptions import NoScriptError

from producers.contract.keys import Keys
from producers.contract.scripts import Command, Script
from worker.process.every_few_seconds import EveryFewSeconds
from worker.process.replicas import heard

T = TypeVar("T")

_NOTE_REPLICAS: Final = Script(__package__, "note_replicas", when_full=True)

#: Milliseconds that replicas may take to confirm; below the client's time-out for an answer.
WAIT_MS: Final = 1_000
#: Milliseconds after which a write is on the disk of a server that stands alone, with ``everysec``.
ON_DISK_MS: Final = 3_000
#: Seconds since its last word in which a replica may still take what is written.
HEARD_S: Final = 3
#: Seconds between two looks at what this Redis can confirm.
LOOK_S: Final = 5.0


class Proof(NamedTuple):
    """What is known of the writes of a script.

    Attributes:
        confirmed: Redis will remember them.
        unsure: a replica that did not confirm them was there just before: it may have them, and lack what
            follows.
    """

    confirmed: bool
    unsure: bool = False


class Confirmation:
    """Knows what confirms a write on this Redis. Thread-safe.

    Args:
        client: Redis client without retries of its own.
        keys: key names.
        replicas: how many replicas there are if all are up; more count once they were seen.
        every_claim: whether claims of single messages wait for the replicas, too.

    Attributes:
        sharing: whether messages may share calls now.
    """

    def __init__(
        self, client: redis.Redis, keys: Keys, *, replicas: int = 0, every_claim: bool = False
    ) -> None:
        self.sharing = False
        self._redis = client
        self._beat, self._prefix = keys.beat, keys.prefix
        self._replicas = replicas
        self._every_claim = every_claim
        self._told: bool | None = None
        self._looks = EveryFewSeconds(
            self.look,
            LOOK_S,
            name="confirmation",
            event="redis.not_asked",
            failed=lambda: self._note(confirmed=False),
        )
        self._log = structlog.get_logger()

    @property
    def safe_ms(self) -> int | None:
        """Milliseconds after which no write is forgotten; None if that takes the word of replicas."""
        return None if self._replicas else ON_DISK_MS

    def start(self) -> None:
        """Look now, then every few seconds in a thread of its own."""
        self._looks.once()
        self._looks.start()

    def stop(self) -> None:
        """Stop looking."""
        self._looks.stop()

    def look(self) -> bool:
        """Find out whether a write can be confirmed now, and say so in the log when that has changed.

        Returns:
            `sharing`.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.info("replication")
            found = pipeline.execute()[0]
        self._replicas = max(self._replicas, int(found.get("connected_slaves", 0)))
        with self._redis.pipeline(transaction=False) as pipeline:
            # A write: WAIT says nothing of a connection that has written nothing.
            pipeline.set(self._beat, "1", px=60_000)
            self._ask(pipeline)
            answer = pipeline.execute(raise_on_error=False)[1]
        confirmed = self._is_proof(answer)
        if not confirmed:
            self._note(confirmed=False)
        given = {"replicas": _count(answer)}
        Command(_NOTE_REPLICAS, self._prefix, given, int).run(self._redis)
        # Nothing that waits may share a call before the era has begun.
        if confirmed:
            self._note(confirmed=True)
        return self.sharing

    def run(self, command: Command[T], *, shared: bool) -> tuple[T, Proof]:
        """Run a script that writes, and say whether its writes are safe.

        Args:
            command: what to run.
            shared: whether a shared call depends on it. Without one nothing is asked, unless every claim
                is to be confirmed and the replicas answered the last time: nobody waits for one that is away.

        Returns:
            What the script returned, and whether that is confirmed: not where nothing was asked.

        Raises:
            redis.RedisError: Redis did not answer the script.
        """
        if not (shared or (self._every_claim and self._replicas and self.sharing)):
            return command.run(self._redis), Proof(confirmed=False)
        before, reply, answer = self._both("EVALSHA", command.script.sha, command)
        if isinstance(reply, NoScriptError):
            before, reply, answer = self._both("EVAL", command.script.text, command)
        if isinstance(reply, Exception):
            raise reply
        proof = Proof(self._is_proof(answer))
        if shared and not proof.confirmed:
            self._note(confirmed=False)
            unsure = not isinstance(before, dict) or heard(before, HEARD_S) > _count(answer)
            proof = Proof(confirmed=False, unsure=unsure)
        return command.read(reply), proof

    def _both(self, how: str, script: str, command: Command[Any]) -> list[Any]:
        with self._redis.pipeline(transaction=False) as pipeline:
            arguments = (how, script, *command.arguments)
            pipeline.info("replication")
            pipeline.execute_command(*arguments)  # type: ignore[no-untyped-call]
            self._ask(pipeline)
            return pipeline.execute(raise_on_error=False)

    def _ask(self, pipeline: Any) -> None:
        """Ask for the proof, on the connection that has just written."""
        if self._replicas:
            pipeline.wait(self._replicas, WAIT_MS)
        else:
            pipeline.config_get("appendonly", "appendfsync")

    def _is_proof(self, answer: Any) -> bool:
        if isinstance(answer, int):
            return answer >= self._replicas
        if not isinstance(answer, dict):
            return False  # refused, as some providers do with CONFIG
        settings = {_text(name): _text(value) for name, value in answer.items()}
        return settings.get("appendonly") == "yes" and settings.get("appendfsync") == "always"

    def _note(self, *, confirmed: bool) -> None:
        self.sharing = confirmed
        if confirmed == self._told:
            return
        self._told = confirmed
        if confirmed:
            how = f"{self._replicas} replicas confirm" if self._replicas else "appendfsync always"
            self._log.info("redis.keeps_every_write", reason=how)
            return
        if self._replicas:
            why = f"not all of {self._replicas} replicas confirm"
        else:
            why = "appendfsync is not always, or cannot be read"
        self._log.warning(
            "redis.may_forget",
            problem=f"{why}: a crash of the server may forget the last second; until this changes, messages "
            "leave one by one and never share a call",
        )


def _count(answer: Any) -> int:
    """How many replicas have confirmed."""
    return answer if isinstance(answer, int) else 0


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
