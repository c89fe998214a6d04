"""What readers gave up and parsers could not place, taken up again because a person decided so.

Both decisions are audited by the step that carries them out.
"""

from typing import Final, Literal
from uuid import uuid4

from producers.contract.keys import Keys
from producers.contract.kinds import KINDS, TYPES
from producers.contract.scripts import Command, Script
from producers.contract.steps import Steps
from worker.account.throttle import AUDIT_MAXLEN
from worker.inquiry import quarantine

_REPLAY_POISON = Script(__package__, "replay_poison", when_full=True)
_PARSE_AGAIN = Script(__package__, "parse_again", when_full=True)

#: What became of a poison entry; ``trimmed`` if its stream has dropped it, so that nobody can be given it.
Replayed = Literal["done", "gone", "trimmed", "no_group"]
#: What became of a callback in quarantine; ``cut`` if it was too long to be kept whole.
Parsed = Literal["done", "gone", "cut"]
#: As what a callback may be read again: as it says itself, or as one kind.
READINGS: Final = ("", *KINDS)


def replay_poison(keys: Keys, stream: str, group: str, entry_id: str, by: str) -> Command[Replayed]:
    """Give a poison entry back to the group that gave it up, and to no other. Safe to repeat.

    A feed of the group takes it with its next look for stalled entries, within ten seconds.

    Args:
        keys: key names.
        stream: short name of the stream, such as ``replies``.
        group: whose poison.
        entry_id: of the entry in the poison stream.
        by: who decides, for the audit.

    Raises:
        ValueError: there is no such stream.
    """
    if stream not in TYPES:
        raise ValueError(f"stream must be one of {', '.join(TYPES)}")
    given = {"stream": stream, "group": group, "id": entry_id, "by": by, "audit_maxlen": AUDIT_MAXLEN}
    return Command(_REPLAY_POISON, keys.prefix, given, bytes.decode)  # type: ignore[arg-type]


def parse_again(keys: Keys, entry_id: str, kind: str, by: str) -> Steps[Parsed]:
    """Put a callback out of the quarantine back into processing. Safe to repeat.

    A callback that its token was not allowed to bring is taken this time: that is what the person decides.

    Args:
        keys: key names.
        entry_id: of its entry in the quarantine.
        kind: what to read it as, one of `READINGS`. What its own fields say wins over it.
        by: who decides, for the audit.

    Raises:
        ValueError: there is no such kind.
    """
    if kind not in READINGS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}")
    row = yield from quarantine.find(keys, entry_id)
    if row is None:
        return "gone"
    given = {
        "id": row.id,
        "kind": kind,
        "received": int((row.received_at or row.at).timestamp() * 1000),
        "callback": uuid4().hex,
        "by": by,
        "audit_maxlen": AUDIT_MAXLEN,
    }
    return (yield Command(_PARSE_AGAIN, keys.prefix, given, bytes.decode))  # type: ignore[no-any-return]
