"""Entries of the audit stream for what no script of its own audits: a reveal, an export, a login."""

from typing import Final

from producers.contract.keys import Keys
from producers.contract.scripts import Command, Script
from worker.account.throttle import AUDIT_MAXLEN

_APPEND = Script(__package__, "append_audit", when_full=True)

#: Fields that the script fills.
_ITS_OWN: Final = frozenset({"v", "at"})


def entry(keys: Keys, by: str, action: str, **about: str | int) -> Command[str]:
    """Make the command that appends an entry; `Command` runs on blocking and asyncio clients, and is a step.

    Not safe to repeat: each run appends an entry. Decisions about messages, holds, gates and limits have
    their entries from the scripts that carry them out.

    Args:
        keys: key names.
        by: who acts: the audit name of a token, or a user of the machine.
        action: what was done, in one word, such as ``reveal``.
        about: what it was done to. Never a text, a token, or a number in full: see
            `producers.contract.phone.mask`.

    Returns:
        The command; its value is the id of the entry.

    Raises:
        ValueError: ``about`` names a field that each entry has anyway.
    """
    if twice := _ITS_OWN & about.keys():
        raise ValueError(f"each entry has its own {', '.join(sorted(twice))}")
    pairs = [part for name, value in about.items() for part in (name, str(value))]
    given = {"action": action, "by": by, "about": pairs, "audit_maxlen": AUDIT_MAXLEN}
    return Command(_APPEND, keys.prefix, given, bytes.decode)
