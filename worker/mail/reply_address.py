"""The address under which one conversation is answered by mail for some days. Pure."""

import base64
import hashlib
import hmac
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from producers.contract.secret import Secret
from worker.mail.addresses import domain_of

#: How long an answer to a mail is taken.
LIFETIME: Final = timedelta(days=7)

#: Parts the names that this key signs from what else it may ever sign.
_PURPOSE: Final = b"octopush-worker answer by mail\0"
#: The entry's id in two numbers, the last hour as hours since 1970.
_TARGET: Final = struct.Struct(">QIL")
_PROOF_BYTES: Final = 14
#: 48 characters: with the part in front well below the 64 that a local part may have.
_ADDRESS: Final = re.compile(r"sms\+([a-z2-7]{48})@", re.IGNORECASE)
_ENTRY_ID: Final = re.compile(r"([0-9]{1,20})-([0-9]{1,10})")


@dataclass(frozen=True)
class Target:
    """Which reply an address names; true only if `ReplyAddresses.proves` says so.

    Attributes:
        entry_id: of the reply's entry in the stream ``replies``.
        until: when answers end to be taken.
        proof: binds both to the event of that entry.
    """

    entry_id: str
    until: datetime
    proof: bytes


class ReplyAddresses:
    """Makes and reads addresses such as ``sms+…@sms.example.com``.

    An address names the entry of the reply in the stream: an id that tells nothing. Its proof also covers the
    event's id, so that an address can never mean another person, not even if the stream was begun anew.

    Args:
        domain: whose mail comes to ``mail-in``.
        secrets: the first signs the addresses, each proves those that it has signed.
    """

    def __init__(self, domain: str, secrets: Sequence[Secret]) -> None:
        self._domain = domain.lower()
        self._secrets = tuple(secrets)

    def address(self, entry_id: str, event_id: str, now: datetime) -> str:
        """Make the address under which a reply can be answered for `LIFETIME`, to the hour.

        Raises:
            ValueError: the id is none of a stream's entry.
        """
        found = _ENTRY_ID.fullmatch(entry_id)
        if not found:
            raise ValueError("must be the id of an entry")
        hour = int((now + LIFETIME).timestamp()) // 3600 + 1
        target = _TARGET.pack(int(found[1]), int(found[2]), hour)
        local_part = base64.b32encode(target + _proof(self._secrets[0], target, event_id)).decode().lower()
        return f"sms+{local_part}@{self._domain}"

    def read(self, address: str) -> Target | None:
        """Read which reply an address names; None if it is not of this kind or of another domain."""
        found = _ADDRESS.match(address)
        if not found or domain_of(address) != self._domain:
            return None
        whole = base64.b32decode(found[1].upper())
        ms, seq, hour = _TARGET.unpack_from(whole)
        until = datetime.fromtimestamp(min(hour, 2**25) * 3600, UTC)
        return Target(f"{ms}-{seq}", until, whole[_TARGET.size :])

    def proves(self, target: Target, event_id: str) -> bool:
        """Say whether we made this address for this event."""
        ms, seq = map(int, target.entry_id.split("-"))
        hour = int(target.until.timestamp()) // 3600
        packed = _TARGET.pack(ms, seq, hour)
        proofs = (_proof(secret, packed, event_id) for secret in self._secrets)
        return any(hmac.compare_digest(target.proof, proof) for proof in proofs)


def _proof(secret: Secret, target: bytes, event_id: str) -> bytes:
    signed = _PURPOSE + target + event_id.encode("utf-8", "surrogatepass")
    return hmac.new(secret.reveal().encode(), signed, hashlib.sha256).digest()[:_PROOF_BYTES]
