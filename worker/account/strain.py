"""The gateway's strain: how many calls may be in flight, learnt from what calls come to, for all workers.

``observe.lua`` decides, and the gate ``in_flight`` of admission obeys. ``observe.lua`` is told of strain at
once, and of everything else a few times a second, together: no message costs a round trip.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import redis
import structlog

from producers.contract.keys import Keys
from producers.contract.outages import is_told
from producers.contract.scripts import Command, Script
from worker.account.observed import Observed
from worker.gateway.outcomes import Accepted, Duplicate, Refused, Unknown

_OBSERVE = Script(__package__, "observe", when_full=True)

#: Seconds between two observations of a process, unless calls met strain.
EVERY_S: Final = 0.25
#: Kinds of calls, by the digits of their number of recipients (at most 500). Only times of one kind are
#: compared.
_KINDS: Final = 3


class Strain:
    """Gathers what attempts came to and tells Redis. For one thread.

    Args:
        client: Redis client.
        keys: key names.
        setting: calls in flight at most where no limit is set live; 0 for any number.
        clock: monotonic seconds.
    """

    def __init__(
        self, client: redis.Redis, keys: Keys, setting: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._prefix = keys.prefix
        self._redis = client
        self._setting = setting
        self._clock = clock
        self._told = clock()
        self._log = structlog.get_logger()
        self._forget()

    def observe(self, observed: Iterable[Observed]) -> None:
        """Take in attempts that have ended, and tell Redis when it is time. Redis being away is no harm."""
        for each in observed:
            if each.posts:
                self._take_in(each)
        now = self._clock()
        if not (self._strained or now - self._told >= EVERY_S):
            return
        self._told = now
        given = {
            "setting": self._setting,
            "well": self._well,
            "strained": self._strained,
            "timed": [self._timed(kind) for kind in range(_KINDS)],
        }
        self._forget()
        try:
            limit, why = Command(_OBSERVE, self._prefix, given, _read).run(self._redis)
        except redis.RedisError as error:
            if not is_told(error):  # an outage is told once, by the connection
                self._log.warning("gateway.not_observed", reason=type(error).__name__)
            return
        if why:
            self._log.warning("gateway.strained", reason=why, in_flight=limit)

    def _take_in(self, observed: Observed) -> None:
        outcome = observed.outcome
        if observed.strained:
            self._strained += 1
        elif isinstance(outcome, Accepted | Duplicate | Refused):
            self._well += 1
        # A refusal may come without any work being done. A time-out is the slowest that can be measured.
        accepted = isinstance(outcome, Accepted)
        if accepted or (isinstance(outcome, Unknown) and "timeout" in outcome.code):
            kind, took_ms = min(len(str(observed.size)), _KINDS) - 1, round(observed.post_s * 1000, 3)
            self._took_ms[kind].append(took_ms)
            if accepted and not 0 <= self._fastest_ms[kind] <= took_ms:
                self._fastest_ms[kind] = took_ms

    def _timed(self, kind: int) -> dict[str, float]:
        """Sum up how long the calls of one kind took."""
        took_ms = sorted(self._took_ms[kind])
        middle_ms = took_ms[len(took_ms) // 2] if took_ms else 0
        return {"count": len(took_ms), "middle_ms": middle_ms, "fastest_ms": self._fastest_ms[kind]}

    def _forget(self) -> None:
        self._well = self._strained = 0
        self._took_ms: list[list[float]] = [[] for _ in range(_KINDS)]
        self._fastest_ms = [-1.0] * _KINDS


def _read(reply: Sequence[Any]) -> tuple[int, str]:
    return int(reply[0]), reply[1].decode()
