"""Pseudonyms: what stands for a number, or a fact about a person, where the thing itself must not stand.

A pseudonym is keyed: whoever has it and not the key cannot find the number by trying all numbers there are,
which takes seconds for an unkeyed hash. It is made here and given to Lua, never made in Lua. It is personal
data all the same: with the key it leads back. There may be several keys. The first one makes what is
written; all of them make what is looked for, so that what was written under an older key is found.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Final

from .secret import Secret

#: Bytes that a key has at least, as random as a key should be.
KEY_BYTES: Final = 32
#: Bytes of a pseudonym: enough that no two numbers share one.
_BYTES: Final = 16
_KEY_ID_BYTES: Final = 9
#: Bytes of a block of SHA-256.
_BLOCK: Final = 64


class Pseudonyms:
    """Makes pseudonyms. Pure and thread-safe; shows no key.

    Args:
        keys: at least one; the first makes what is written.
    """

    __slots__ = ("_macs", "_seals", "key_ids")

    #: What names the keys without telling anything of them, in their order.
    key_ids: tuple[str, ...]

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._macs = [_Mac(key) for key in keys]
        self._seals = [_begun_seal(key) for key in keys]
        self.key_ids = tuple(map(key_id, keys))

    @property
    def key_id(self) -> str:
        """Names the key that makes what is written."""
        return self.key_ids[0]

    def of(self, number: str) -> str:
        """Return the pseudonym of a number: 22 letters, digits, ``-`` and ``_``.

        Args:
            number: E.164, or as the gateway wrote it if that is no number.
        """
        return _pseudonym(self._macs[0], number)

    def all_of(self, number: str) -> list[str]:
        """Return the pseudonyms of a number under every key, that of `of` first."""
        return [_pseudonym(mac, number) for mac in self._macs]

    def older_lists(self, numbers: Sequence[str]) -> list[str]:
        """Return the pseudonyms of numbers under each other key, with blanks between; mostly none."""
        return [" ".join(_pseudonym(mac, number) for number in numbers) for mac in self._macs[1:]]

    def seal(self, fingerprint: str) -> str:
        """Turn what is personal, or a fingerprint of it that anybody could make, into one that needs the key.

        Args:
            fingerprint: of any length.

        Returns:
            32 hexadecimal digits. Never the pseudonym of a number.
        """
        return _sealed(self._seals[0], fingerprint)

    def older_seals(self, fingerprint: str) -> list[str]:
        """Return what `seal` makes of a fingerprint under all other keys; mostly there is none."""
        return [_sealed(begun, fingerprint) for begun in self._seals[1:]]

    def __repr__(self) -> str:
        return f"Pseudonyms({len(self._macs)} keys)"


class _Mac:
    """HMAC-SHA256 under one key (RFC 2104), which is prepared once: that takes a third of the time."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        block = (key if len(key) <= _BLOCK else hashlib.sha256(key).digest()).ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(bytes(each ^ 0x36 for each in block))
        self._outer = hashlib.sha256(bytes(each ^ 0x5C for each in block))

    def of(self, data: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(data)
        outer.update(inner.digest())
        return outer.digest()


def _pseudonym(mac: _Mac, number: str) -> str:
    made = mac.of(number.encode("utf-8", "surrogatepass"))[:_BYTES]
    return base64.urlsafe_b64encode(made)[:-2].decode()


def _begun_seal(key: bytes) -> "hashlib.blake2b":
    """Begin a keyed BLAKE2b (RFC 7693): a MAC of one hash, where HMAC takes two.

    Its key is derived, so that no key serves two algorithms.
    """
    return hashlib.blake2b(key=hmac.digest(key, b"seal", "sha256"), digest_size=_BYTES)


def _sealed(begun: "hashlib.blake2b", fingerprint: str) -> str:
    made = begun.copy()
    made.update(fingerprint.encode("utf-8", "surrogatepass"))
    return made.hexdigest()


def key_id(key: bytes) -> str:
    """Name a key by 12 characters that tell nothing of it."""
    return base64.urlsafe_b64encode(hmac.digest(key, b"key id", "sha256")[:_KEY_ID_BYTES]).decode()


def fresh_key() -> str:
    """Make a key, written as a setting writes it."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def read_key(written: str) -> bytes:
    """Read a key.

    Raises:
        ValueError: it is no base64, or too short; the words do not show it.
    """
    try:
        key = base64.b64decode(written.translate({ord("-"): "+", ord("_"): "/"}), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("needs keys in base64") from None
    if len(key) < KEY_BYTES:
        raise ValueError(f"needs keys of at least {KEY_BYTES} bytes each: openssl rand -base64 {KEY_BYTES}")
    return key


def check_keys(written: tuple[Secret, ...]) -> None:
    """Check the keys of a setting.

    Raises:
        ValueError: one will not do, in words that do not show it.
    """
    keys = [read_key(each.reveal()) for each in written]
    if len({hashlib.sha256(key).digest() for key in keys}) < len(keys):
        raise ValueError("names a key twice")
    if any(len(set(key)) < KEY_BYTES // 4 for key in keys):
        raise ValueError(f"needs keys that are random: openssl rand -base64 {KEY_BYTES}")
