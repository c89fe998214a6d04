"""What a person decides about opt-outs: to suppress a number, to lift that, to take over a list.

Each decision is carried out in one script, as an opt-out that comes from outside is: the number is
suppressed and what waits for it is cancelled. It is told on ``optouts`` and in the audit; of a list only the
audit tells.
"""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from producers.contract.events import OptOut, OptOutAction, OptOutReason, to_fields
from producers.contract.keys import Keys
from producers.contract.known_pseudonyms import KnownPseudonyms
from producers.contract.phone import mask
from producers.contract.pseudonyms import Pseudonyms
from producers.contract.scripts import Command, Script
from producers.contract.settings import RedisSettings
from producers.contract.steps import Steps
from producers.rules.settings import ACCOUNT
from worker.account.throttle import AUDIT_MAXLEN
from worker.inquiry.suppressions import Suppression

_SUPPRESS = Script(__package__, "suppress", when_full=True)
_IMPORT = Script(__package__, "import_suppressed")
_SCOPE: Final = re.compile(r"account|sender:[^|]{1,40}|app:[a-z0-9-]{1,32}")

#: People that one script takes over.
IMPORTED_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class Listed:
    """One person of a list.

    Attributes:
        number: E.164, or None if only a pseudonym is known.
        pseudonym: under any of the keys, or None if the number is known. Whoever is listed so is suppressed
            in what is queued from now on, and in what was queued under the same key.
        suppression: what is to be noted.
    """

    number: str | None
    pseudonym: str | None
    suppression: Suppression


def read_scope(written: str) -> str:
    """Read what an opt-out is about; a sender in small letters, as scopes of messages have it.

    Raises:
        ValueError: it is none; the words begin with what must come after "a scope".
    """
    if not _SCOPE.fullmatch(written):
        raise ValueError("that is not account, sender:<name> or app:<name>")
    return written.casefold()


class Suppressions:
    """Decisions of one person about opt-outs.

    Args:
        settings: namespace, retention, stream length, keys of pseudonyms.
        by: who decides, for the audit stream.
    """

    def __init__(self, settings: RedisSettings, by: str) -> None:
        self._prefix = Keys(settings.namespace).prefix
        self._pseudonyms = KnownPseudonyms(settings)
        self._ends = {"retention_ms": settings.retention_ms, "maxlen": settings.stream_maxlen}
        self._by = by

    def add(
        self, number: str, why: str, *, scope: str = ACCOUNT, reason: OptOutReason = "operator"
    ) -> Steps[int]:
        """Suppress a number. Safe to repeat.

        Args:
            number: E.164.
            why: a person's words, for the audit.
            scope: what it is about.
            reason: ``operator``, or ``erasure``.

        Returns:
            How many messages were cancelled.
        """
        _, cancelled = yield from self._carry_out(number, "out", reason, scope, why)
        return cancelled

    def lift(self, number: str, why: str, *, scope: str = ACCOUNT) -> Steps[bool]:
        """Lift the suppression of a number, whatever the reason was. Safe to repeat.

        Returns:
            Whether there was one.
        """
        lifted, _ = yield from self._carry_out(number, "in", "operator", scope, why)
        return lifted

    def take_over(self, people: Sequence[Listed]) -> Steps[int]:
        """Suppress some people of a list, at most `IMPORTED_AT_ONCE`. Safe to repeat.

        What a person has said, or an operator decided, is not weakened by a list.

        Returns:
            How many messages were cancelled.
        """

        def importing(known: Pseudonyms) -> Command[int]:
            given = {"people": [_person(each, known) for each in people], **self._ends}
            return Command(_IMPORT, self._prefix, given, int)

        return self._pseudonyms.run(importing)

    def _carry_out(
        self, number: str, action: OptOutAction, reason: OptOutReason, scope: str, why: str
    ) -> Steps[tuple[bool, int]]:
        now = datetime.now(UTC)
        event = OptOut(
            event_id=secrets.token_hex(16),
            request_id=None,
            match="none",
            ticket=None,
            number=number,
            text="",
            action=action,
            reason=reason,
            at=now,
            raw="{}",
        )

        def deciding(known: Pseudonyms) -> Command[tuple[bool, int]]:
            optout = _optout(known.all_of(number), reason, now, event.event_id)
            given = {
                "optout": {"action": action, **optout},
                "scope": scope,
                "fields": [part for pair in to_fields(event).items() for part in pair],
                "number": mask(number),
                "why": why,
                "by": self._by,
                "audit_maxlen": AUDIT_MAXLEN,
                **self._ends,
            }
            return Command(_SUPPRESS, self._prefix, given, lambda reply: (bool(reply[0]), int(reply[1])))

        return self._pseudonyms.run(deciding)


def _optout(pseudonyms: list[str], reason: OptOutReason, at: datetime, event: str) -> dict[str, Any]:
    return {"pseudonyms": pseudonyms, "reason": reason, "at": int(at.timestamp() * 1000), "event": event}


def _person(listed: Listed, known: Pseudonyms) -> dict[str, Any]:
    noted = listed.suppression
    pseudonyms = known.all_of(listed.number) if listed.number else [listed.pseudonym or ""]
    return {"optout": _optout(pseudonyms, noted.reason, noted.at, "import"), "scope": noted.scope}
