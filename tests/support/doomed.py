"""A worker that kills itself with SIGKILL at one exact point: ``dramatiq tests.support.doomed:setup``.

The environment variable ``DIE_AT`` names the point and which passing of it is the last:

    before:claim@1, after:finish@1      around a Lua script, the moment before it is sent or after its answer
    http:request_headers_sent@1         an event of the HTTP call, as aiohttp's tracing names them
    redis:HVALS@1                       before a plain Redis command, or any pipeline of some

``POINTS`` lists what one send and one callback pass. The code under test knows nothing of all this.
"""

import os
import signal
import threading
import time
from collections import Counter
from typing import Any, Final

import aiohttp
import redis
from redis.client import Pipeline

from producers.contract.scripts import Command
from worker import main
from worker.gateway.client import Gateway
from worker.ledger.confirmation import Confirmation

_SCRIPTS: Final = ("claim", "finish")
#: What a call passes, in this order; it ends for aiohttp when the head of the answer is there.
_HTTP: Final = (
    *("request_start", "connection_create_start", "connection_create_end"),
    *("request_headers_sent", "request_chunk_sent", "request_end"),
)
#: Every point that a worker passes on the way of one SMS.
SEND_POINTS: Final = (
    "after:fetch@1",
    *(f"{side}:{script}@1" for script in _SCRIPTS for side in ("before", "after")),
    *(f"http:{event}@1" for event in _HTTP),
    "http:answer_read@1",
)
#: Every point of a send that is put off and comes again; what puts it off is its first `finish`.
RETRY_POINTS: Final = (
    "before:finish@1",
    "after:finish@1",
    "after:fetch@2",
    "before:claim@2",
    "after:claim@2",
    "before:finish@2",
    "after:finish@2",
)
#: Every point of a POST that is repeated within its attempt.
REPEAT_POINTS: Final = ("before:may_post@1", "after:may_post@1", "http:request_headers_sent@2")
#: Every point that a worker passes on the way of one callback.
CALLBACK_POINTS: Final = (
    *(f"{side}:{script}@1" for script in ("correlate", "publish", "ack") for side in ("before", "after")),
    *("after:fetch@1", "redis:pipeline@1"),
)


class _Fate:
    """Counts how often each point is passed, and ends the process at the one chosen."""

    def __init__(self, chosen: str) -> None:
        self._point, _, passing = chosen.rpartition("@")
        self._last = int(passing)
        self._passed: Counter[str] = Counter()
        self._lock = threading.Lock()
        # Dramatiq's parent waits on a lock shared with a child that boots; one that dies holding it would
        # leave the parent waiting for ever. The promise tested is about working, not about booting.
        self._not_before = time.monotonic() + 1.0

    def passes(self, point: str) -> None:
        with self._lock:
            self._passed[point] += 1
            if point == self._point and self._passed[point] == self._last:
                time.sleep(max(0.0, self._not_before - time.monotonic()))
                os.kill(os.getpid(), signal.SIGKILL)


def setup() -> None:
    """Set up as a worker does, with a fate."""
    fate = _Fate(os.environ["DIE_AT"])
    run, execute = Command.run, redis.Redis.execute_command
    session, call = Gateway._session, Gateway._call
    pipeline = Pipeline.execute

    def doomed_run(self: Command[Any], client: redis.Redis) -> Any:
        # An idle consumer looks at its queue all the time; only a look that finds something counts.
        if self.script.name == "fetch":
            reply = run(self, client)
            if len(reply) > 1:
                fate.passes("after:fetch")
            return reply
        fate.passes(f"before:{self.script.name}")
        reply = run(self, client)
        fate.passes(f"after:{self.script.name}")
        return reply

    def doomed_session(self: Gateway) -> aiohttp.ClientSession:
        made, traces = session(self), aiohttp.TraceConfig()
        for event in _HTTP:

            async def passes(*_: object, event: str = event) -> None:
                fate.passes(f"http:{event}")

            getattr(traces, f"on_{event}").append(passes)
        traces.freeze()
        made.trace_configs.append(traces)
        return made

    async def doomed_call(self: Gateway, *args: Any) -> Any:
        answer = await call(self, *args)
        fate.passes("http:answer_read")
        return answer

    def doomed_execute(self: redis.Redis, *args: Any, **options: Any) -> Any:
        fate.passes(f"redis:{args[0]}")
        return execute(self, *args, **options)

    def doomed_pipeline(self: Pipeline, *args: Any, **options: Any) -> Any:
        fate.passes("redis:pipeline")
        return pipeline(self, *args, **options)

    Pipeline.execute = doomed_pipeline  # type: ignore[method-assign]
    Command.run = doomed_run  # type: ignore[method-assign]
    _doom_confirmed(fate)
    Gateway._session = doomed_session  # type: ignore[method-assign]
    Gateway._call = doomed_call  # type: ignore[method-assign]
    redis.Redis.execute_command = doomed_execute  # type: ignore[method-assign]
    main.setup()


def _doom_confirmed(fate: _Fate) -> None:
    """Let claims of shared calls be points, too: they go to Redis together with a question."""
    confirmed = Confirmation.run

    def doomed_confirmed(self: Confirmation, command: Command[Any], *, shared: bool) -> Any:
        # Without a shared call nothing is asked: a command like any other.
        if not shared:
            return confirmed(self, command, shared=shared)
        fate.passes(f"before:{command.script.name}")
        found = confirmed(self, command, shared=shared)
        fate.passes(f"after:{command.script.name}")
        return found

    Confirmation.run = doomed_confirmed  # type: ignore[assignment]
