"""The two gates that keep some sends and not all: ``credit``, what the account cannot pay, and breakers.

A gate is shut by the answers of the gateway: ``finish.lua`` shuts ``credit``, ``suspect.lua`` a breaker. It
is enforced where sends are claimed, by ``claim.lua``. ``credit`` opens as far as the balance reaches, a
breaker when an operator says so.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, cast

import redis
import structlog

from producers.contract.admission import CREDIT, Gate, describe, read_gate
from producers.contract.keys import Keys
from producers.contract.scripts import Command, Script
from producers.contract.steps import Commands, Steps, drive
from worker.account.observed import Observed
from worker.account.throttle import AUDIT_MAXLEN
from worker.gateway.outcomes import Accepted, Unexplained

_GIVE_BACK = Script(__package__, "give_back", when_full=True)
_LEARN_PRICE = Script(__package__, "learn_price", when_full=True)
_OPEN_GATE = Script(__package__, "open_gate", when_full=True)
_SEE_BALANCE = Script(__package__, "see_balance", when_full=True)
_SUSPECT = Script(__package__, "suspect", when_full=True)

#: Different messages refused with the same unknown code that make a breaker, within so many milliseconds.
SUSPECTS: Final = 3
SUSPECT_MS: Final = 3_600_000
#: Milliseconds after which a price is tried again although nothing speaks for it: at first, and at most.
TRIED_ANYWAY_MS: Final = 30_000
TRIED_ANYWAY_LONGEST_MS: Final = 3_600_000
#: Seconds between two prices that a process learns of one kind of message.
LEARN_S: Final = 10.0
#: Characters of a number that tell its country, plus sign included.
COUNTRY: Final = 4
#: Milliseconds after which what waits aside at a gate is looked at again, should nobody open the gate.
ASIDE_MS: Final = 600_000
#: Sends given back in one step.
AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Shut:
    """A gate that keeps sends.

    Attributes:
        name: ``credit`` or a breaker's.
        waiting: sends and shared calls that wait there.
        gate: its facts.
        why: in words for people; with the price of the cheapest where that is why.
    """

    name: str
    waiting: int
    gate: Gate
    why: str


class Gates:
    """The gates. Thread-safe, but for `observe`.

    Args:
        client: Redis client.
        keys: key names.
        clock: monotonic seconds.
        maxlen: entries kept of the stream of alarms.
        credit_low: euros left below which somebody is told, 0 for none.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        clock: Callable[[], float] = time.monotonic,
        *,
        maxlen: int = 100_000,
        credit_low: float = 0.0,
    ) -> None:
        self._told = {"maxlen": maxlen, "credit_low": credit_low}
        self._redis = client
        self._keys = keys
        self._clock = clock
        self._learnt: dict[tuple[str, str], float] = {}
        self._well: dict[tuple[str, str, str], float] = {}
        self._log = structlog.get_logger()

    def observe(self, observed: Iterable[Observed]) -> None:
        """Learn prices from what was accepted, and breakers from what nobody can explain. Safe to repeat.

        To be called before what was observed is recorded: the bodies must be there.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        for each in observed:
            if isinstance(each.outcome, Accepted):
                self._learn(each, each.outcome)
            elif isinstance(each.outcome, Unexplained):
                self._suspect(each, each.outcome.code)

    def see_balance(self, balance: float) -> tuple[int, bool]:
        """Let go on what the balance can pay. Safe to repeat.

        Returns:
            How many sends were given back, and whether this balance is the first that was seen.
        """
        given = {
            "balance": balance,
            "tried_anyway_ms": TRIED_ANYWAY_MS,
            "tried_anyway_longest_ms": TRIED_ANYWAY_LONGEST_MS,
            **self._told,
        }
        up_to, first = Command(_SEE_BALANCE, self._keys.prefix, given, list[bytes]).run(self._redis)
        return drive(
            giving_back(self._keys, CREDIT, up_to.decode()), self._redis
        ) if up_to else 0, first == b"1"

    def open(self, name: str, by: str) -> tuple[bool, int]:
        """Open a gate, with an audit entry, and give back what waits there. Safe to repeat.

        Returns:
            Whether it was shut, and how many sends were given back.
        """
        return drive(opening(self._keys, name, by), self._redis)

    def current(self) -> Iterator[Shut]:
        """The gates that are shut, by name."""
        found = cast("dict[bytes, bytes]", self._redis.hgetall(self._keys.gates))
        for name, facts in sorted((name.decode(), facts) for name, facts in found.items()):
            aside = self._keys.aside(name)
            cheapest = cast("list[tuple[bytes, float]]", self._redis.zrange(aside, 0, 0, withscores=True))
            price = Decimal(cheapest[0][1]) if cheapest and cheapest[0][1] else None
            gate = read_gate(facts)
            yield Shut(name, self._redis.zcard(aside), gate, describe(name, gate, price))

    def _learn(self, each: Observed, outcome: Accepted) -> None:
        now, tariff = self._clock(), (each.type, each.number[:COUNTRY])
        self._well[each.queue, each.sender, each.type] = now
        if not outcome.cost or now - self._learnt.get(tariff, -math.inf) < LEARN_S:
            return
        self._learnt[tariff] = now
        given = {"id": each.request_id, "cost": outcome.cost}
        Command(_LEARN_PRICE, self._keys.prefix, given, bool).run(self._redis)

    def _suspect(self, each: Observed, code: str) -> None:
        well = self._well.get((each.queue, each.sender, each.type))
        given = {
            "id": each.request_id,
            "code": code,
            "queue": each.queue,
            "well_ms": None if well is None else int(1000 * (self._clock() - well)),
            "suspects": SUSPECTS,
            "memory_ms": SUSPECT_MS,
        }
        verdict, *facts = Command(_SUSPECT, self._keys.prefix, given, list[bytes]).run(self._redis)
        if verdict == b"tripped":
            gate, common = (fact.decode() for fact in facts)
            self._log.error("breaker.tripped", code=code, check=gate, reason="in common: " + common)
        elif verdict == b"nothing_in_common":
            self._log.error("breaker.nothing_in_common", code=code)


def opening(keys: Keys, name: str, by: str) -> Steps[tuple[bool, int]]:
    """Take the steps of `Gates.open`, on any client."""
    given = {"gate": name, "by": by, "audit_maxlen": AUDIT_MAXLEN}
    was_shut = yield Command(_OPEN_GATE, keys.prefix, given, bool)
    return was_shut, (yield from giving_back(keys, name, "+inf"))


def giving_back(keys: Keys, name: str, up_to: str) -> Steps[int]:
    """Give back what waits aside at a gate, the cheapest first. Safe to repeat.

    Args:
        keys: key names.
        name: of the gate.
        up_to: the highest price, ``+inf`` for all.

    Returns:
        How many sends left the gate.
    """
    given = {"gate": name, "up_to": up_to, "most": AT_ONCE}
    [waiting] = yield Commands([("ZCARD", keys.aside(name))])
    given_back = 0
    # Bounded by what waits now: what is put aside again meanwhile stays.
    for _ in range(0, waiting, AT_ONCE):
        given_back += yield Command(_GIVE_BACK, keys.prefix, given, int)
    return given_back
