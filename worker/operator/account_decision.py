"""The decision that a namespace shall belong to another login."""

from typing import Final, NamedTuple

from producers.contract.heartbeats import ALIVE_MS
from producers.contract.keys import Keys
from producers.contract.scripts import Command, Script
from worker.account.throttle import AUDIT_MAXLEN

_UNBIND: Final = Script(__package__, "unbind_account")


class Unbound(NamedTuple):
    """What came of it. If there are workers or sends in the way, nothing was changed.

    Attributes:
        was_bound: whether the namespace belonged to an account.
        workers: live workers that are in the way.
        waiting: sends that are in the way.
    """

    was_bound: bool
    workers: int
    waiting: int


def unbinding_account(keys: Keys, by: str, *, is_same: bool) -> Command[Unbound]:
    """Let a namespace belong to no account; the next worker that starts binds it. Safe to repeat.

    Args:
        keys: key names.
        by: who decides, for the audit stream.
        is_same: the login has another name and the account is the same, so that what waits may go on.
    """
    given = {"alive_ms": ALIVE_MS, "is_same": is_same, "by": by, "audit_maxlen": AUDIT_MAXLEN}
    return Command(
        _UNBIND, keys.prefix, given, lambda reply: Unbound(bool(reply[0]), int(reply[1]), int(reply[2]))
    )
