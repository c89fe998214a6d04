"""The names of conversations: keyed pseudonyms of numbers, as ``lua/talks.lua`` makes them, too."""

import hashlib
import secrets


def fresh_secret() -> str:
    """Make a secret, for the script that may be the first to need one."""
    return secrets.token_hex(20)


def talk_key(secret: bytes, number: str) -> str:
    """Name the conversation with a number: 40 hexadecimal digits, from which nobody can tell the number.

    Args:
        secret: what Redis holds under `producers.contract.keys.Keys.talk_secret`.
        number: as it stands in the entries of replies.
    """
    return hashlib.sha1(secret + number.encode(), usedforsecurity=False).hexdigest()
