"""A probe of the callback URL: a callback that means nothing, and that only whoever awaits it can make.

`octopush-worker doctor` draws a secret, notes its digest in Redis for a minute, and posts the secret as the
gateway posts callbacks. The script that stores callbacks finds the digest, notes that the probe came, and
stores nothing. A body that looks like a probe and that nobody awaits is a callback like any other, so a
stranger cannot use the form to have a callback dropped: he would have to know the secret.
"""

import hashlib
import re
import secrets
from typing import Final

#: Seconds for which a probe is awaited.
AWAITED_S: Final = 60
#: What stands under its key.
AWAITED: Final = "awaited"
ARRIVED: Final = "arrived"

_BODY: Final = re.compile(rb'\{"octopush_worker_probe":"([0-9a-f]{64})"\}')


def new_probe() -> tuple[bytes, str]:
    """Draw a probe.

    Returns:
        The body to post, and the name under which it is awaited. The name does not tell the body.
    """
    body = b'{"octopush_worker_probe":"%s"}' % secrets.token_hex(32).encode()
    return body, probe_name(body)


def probe_key(prefix: str, name: str) -> str:
    """Name the key under which a probe is awaited; ``prefix`` begins every key."""
    return f"{prefix}probe:{name}"


def probe_name(body: bytes) -> str:
    """Name the probe that a body has the form of; empty for any other body."""
    found = _BODY.fullmatch(body)
    return hashlib.sha256(found[1]).hexdigest() if found else ""
