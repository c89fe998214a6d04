"""One callback as it came, and the command that stores it for the workers."""

from typing import Final

import msgspec

from ..contract.discreet import discreet
from ..contract.kinds import KINDS
from ..contract.scripts import Command, Script, as_string
from .probe import probe_name

#: A full Redis refuses a body that cannot be the gateway's. It takes a body that can be: such bodies are
#: small and bounded by the minute, and nobody can ask for them again.
_ACCEPT: Final = Script(__package__, "accept_callback")
_ACCEPT_WHEN_FULL: Final = Script(__package__, "accept_callback", when_full=True)


@discreet
class RawCallback(msgspec.Struct, frozen=True, array_like=True):
    """One callback as it came.

    Attributes:
        id: names it, so that two copies of it count as one: see `worker.callbacks.payloads`.
        kind: as the URL says, or ``""``.
        raw: the body.
        only: the kind that its token may bring, or ``""`` for any.
        token: the name that its token is counted under.
        sort: what it is counted as.
    """

    id: str
    kind: str
    raw: bytes
    only: str
    token: str
    sort: str

    @property
    def is_likely(self) -> bool:
        """Whether this can be the gateway's: it has the marks of a kind, and is no larger than any seen."""
        return self.sort in KINDS

    def store(self, prefix: str, most: int) -> Command[bool]:
        """Make the command that stores it, unless its token has brought too much lately.

        Args:
            prefix: what every key starts with.
            most: bytes of this sort that the token may bring in a minute.

        Returns:
            A command that answers whether it was stored.
        """
        script = _ACCEPT_WHEN_FULL if self.is_likely else _ACCEPT
        return Command(script, prefix, {**self._given(), "age_ms": 0, "most": most}, bool)

    def store_late(self, prefix: str, age_ms: int) -> Command[bool]:
        """Make the command that stores it later: it was counted when it came, and a full Redis takes it."""
        return Command(_ACCEPT_WHEN_FULL, prefix, {**self._given(), "age_ms": age_ms, "most": 0}, bool)

    def _given(self) -> dict[str, object]:
        return {
            "id": self.id,
            "kind": self.kind,
            "raw": as_string(self.raw),
            "only": self.only,
            "token": self.token,
            "sort": self.sort,
            "probe": probe_name(self.raw),
        }
