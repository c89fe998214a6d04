"""What an attempt of a forwarder came to, in words for people."""

import re
from typing import Final

#: What a POST can fail with before there is an answer: names of exceptions of httpx and of Python.
_FAILED: Final = {
    "ConnectError": "nobody answers at this address",
    "ConnectTimeout": "nobody answers at this address in time",
    "ConnectionRefusedError": "nobody answers at this address",
    "TimeoutError": "no answer in time",
    "ReadTimeout": "no answer in time",
    "WriteTimeout": "it did not take the whole event in time",
    "ReadError": "it hung up",
    "WriteError": "it hung up",
    "RemoteProtocolError": "it hung up, or what it answered is no HTTP",
    "unreadable": "the event cannot be read",
}
_STATUS: Final = re.compile(r"\d{3}", re.ASCII)


def in_words(why: str) -> str:
    """Say what an attempt came to.

    Args:
        why: as `worker.forwarding.outcomes` has it, such as ``ConnectError`` or ``503``.

    Returns:
        ``it answered 503``; what has no other words comes back as it is, as the answers of mail servers do.
    """
    return f"it answered {why}" if _STATUS.fullmatch(why) else _FAILED.get(why, why)
