"""What keeps all sends: holds of the account, pauses that the gateway asked for, the rate, calls in flight.

One state for all workers, in Redis, by its clock. Gates of admission enforce it where entries are fetched, so
that waiting costs no retry; holds and pauses also where entries are claimed that were fetched before
(`producers.contract.admission`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast

import redis

from producers.contract.keys import Keys
from producers.contract.scripts import Command, Script
from worker.gateway.codes import OPERATORS

#: What may trouble an account: all sending is held, or something cannot be paid.
Trouble = Literal["hold", "credit"]

_HOLD = Script(__package__, "hold", when_full=True)
_DUE_PROBE = Script(__package__, "due_probe", when_full=True)
_RELEASE = Script(__package__, "release", when_full=True)
_PAUSE = Script(__package__, "pause", when_full=True)
_SET_LIMITS = Script(__package__, "set_limits", when_full=True)

#: Gives a limit back to the workers' own setting.
Default = Literal["default"]
DEFAULT: Final[Default] = "default"

#: Milliseconds before the first probe of a held account; doubles with each probe and each new hold, up to the
#: longest; forgotten when sending has been well for so long.
PROBE_FIRST_MS: Final = 5_000
PROBE_LONGEST_MS: Final = 600_000
PROBE_MEMORY_MS: Final = 1_800_000
_PROBING: Final = {
    "first_ms": PROBE_FIRST_MS,
    "longest_ms": PROBE_LONGEST_MS,
    "memory_ms": PROBE_MEMORY_MS,
}
#: Who ends a hold when the balance shows that the account is well again; all others are operators.
PROBE: Final = "probe"
#: Entries kept in the audit stream.
AUDIT_MAXLEN: Final = 10_000


@dataclass(frozen=True, slots=True)
class Hold:
    """All sending is held.

    Attributes:
        code: what the gateway said of the account.
        since_ms: epoch milliseconds at which the hold was taken.
    """

    code: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of the account, over all workers; 0 means none.

    Attributes:
        rate: recipients per second.
        in_flight: calls that are made at once.
    """

    rate: float
    in_flight: int


class Throttle:
    """The throttle's state. Thread-safe.

    Args:
        client: Redis client.
        keys: key names.
    """

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._redis = client
        self._keys = keys

    def hold(self, code: str) -> bool:
        """Hold all sending until the account is probed well or an operator releases it.

        A code of `OPERATORS` takes the place of any other: only an operator ends that hold.

        Returns:
            True when this call took the hold; False when it was held already. Safe to repeat.
        """
        given = {"code": code, "lasting": code in OPERATORS, **_PROBING}
        return Command(_HOLD, self._keys.prefix, given, bool).run(self._redis)

    def due_probe(self, trouble: Trouble) -> bool:
        """Take the right to look at the balance now because of some trouble; one worker of all gets it.

        Not safe to repeat: the right is given away once.
        """
        given = {"trouble": trouble, **_PROBING}
        return Command(_DUE_PROBE, self._keys.prefix, given, bool).run(self._redis)

    def release(self, by: str) -> bool:
        """Let sending go on, with an audit entry: end the hold and, if an operator decided, the pause, too.

        The probe learns only that the account is well again. That ends neither a pause that the gateway asked
        for, nor a hold that is an operator's to end. Safe to repeat.

        Args:
            by: `PROBE`, or the operator who decided.

        Returns:
            True when a hold was ended.
        """
        return releasing(self._keys, by).run(self._redis)

    def pause(self, code: str, ms: int) -> None:
        """Pause all sending; a longer pause that runs already stays."""
        given = {"code": code, "ms": max(1, ms)}
        Command(_PAUSE, self._keys.prefix, given, bool).run(self._redis)

    def current_hold(self) -> Hold | None:
        """The hold in force, if any."""
        found = cast("Mapping[bytes, bytes]", self._redis.hgetall(self._keys.hold))
        return Hold(found[b"code"].decode(), int(found[b"since"])) if found else None

    def set_limits(
        self, by: str, *, rate: float | Default | None = None, in_flight: int | Default | None = None
    ) -> None:
        """Change limits for all workers from their next fetch on, with an audit entry; safe to repeat.

        Args:
            by: the operator who decided.
            rate: as in `setting_limits`.
            in_flight: likewise.
        """
        setting_limits(self._keys, by, rate=rate, in_flight=in_flight).run(self._redis)


def releasing(keys: Keys, by: str) -> Command[bool]:
    """Make the command of `Throttle.release`, for any client."""
    given = {"by": by, "operator": by != PROBE, "audit_maxlen": AUDIT_MAXLEN}
    return Command(_RELEASE, keys.prefix, given, bool)


def setting_limits(
    keys: Keys, by: str, *, rate: float | Default | None = None, in_flight: int | Default | None = None
) -> Command[bool]:
    """Make the command of `Throttle.set_limits`, for any client.

    Args:
        keys: key names.
        by: who decided.
        rate: recipients per second, 0 for no limit; None leaves it as it is, and `DEFAULT` gives it back to
            the workers' own setting.
        in_flight: calls that are made at once, likewise.

    Returns:
        The command; its value says whether something was to be changed.
    """
    given = {
        "rate": None if rate is None else str(rate),
        "in_flight": None if in_flight is None else str(in_flight),
        "by": by,
        "audit_maxlen": AUDIT_MAXLEN,
    }
    return Command(_SET_LIMITS, keys.prefix, given, bool)
