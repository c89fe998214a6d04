"""What is done with a callback, by its token, size and form. Pure."""

import hashlib
import hmac
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from uuid import uuid4

from ..contract.discreet import discreet
from ..contract.kinds import KINDS
from ..contract.settings import WebSettings, bound_token
from .callback_body import MAX_EVENTS, read_events
from .raw_callback import RawCallback

#: Largest body taken, in bytes. A callback of the gateway has well under 2 KiB.
BODY_MAX_BYTES: Final = 64 * 1024
#: Kind under which a body is stored that nobody can read; the worker puts it into quarantine.
UNREADABLE: Final = "unreadable"

#: The sort of a body that is larger than any the gateway was seen to send.
_LARGE: Final = "large"
_LARGE_BYTES: Final = 8 * 1024
_MIB: Final = 1024 * 1024
#: Bytes that a token may bring in a minute, by sort, 256 for each callback included. Each sort has room of
#: its own: a flood of one sort keeps no other from being taken.
ALLOWED: Final = {
    **{name: kind.bytes_a_minute for name, kind in KINDS.items()},
    _LARGE: 4 * _MIB,
    UNREADABLE: _MIB,
}
_MARKS: Final = {name: kind.marks for name, kind in KINDS.items()}


@discreet
@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token.

    Attributes:
        digest: gives all tokens one length, so that comparing takes one time.
        only: the kind it is bound to, or ``""``.
    """

    digest: bytes
    only: str

    @property
    def name(self) -> str:
        """What it is counted under."""
        return self.digest.hex()[:16]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The status to answer, once the callback (if any) is stored."""

    status: HTTPStatus
    callback: RawCallback | None = None


class Judge:
    """Decides about callbacks; the intakes in `producers.callbacks` do the I/O."""

    def __init__(self, settings: WebSettings) -> None:
        entries = [bound_token(entry.reveal()) for entry in settings.callback_tokens]
        self._tokens = [Token(_digest(token), only) for only, token in entries]

    def find(self, token: str, kind: str | None) -> Token | None:
        """Compare with every token, also after a match, so that the time taken tells nothing."""
        given = _digest(token)
        found = [known for known in self._tokens if hmac.compare_digest(given, known.digest)]
        fits = [known for known in found if kind is None or not known.only or known.only == kind]
        return fits[0] if fits and (kind is None or kind in KINDS) else None

    def url_status(self, token: str, kind: str | None) -> int:
        """Say whether token and kind of a URL are right: 200 or 404."""
        return HTTPStatus.OK if self.find(token, kind) else HTTPStatus.NOT_FOUND

    def judge(self, token: str, body: bytes, kind: str | None) -> Verdict:
        """Say how to answer a callback, and what to store of it before."""
        # The token is looked at first: no other answer tells a stranger anything.
        known = self.find(token, kind)
        if not known:
            return Verdict(HTTPStatus.NOT_FOUND)
        if len(body) > BODY_MAX_BYTES:
            return Verdict(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if not body:
            return Verdict(HTTPStatus.BAD_REQUEST)
        events = read_events(body)
        if events is None:
            return Verdict(HTTPStatus.BAD_REQUEST, _raw(known, body, UNREADABLE))
        if len(events) > MAX_EVENTS:
            return Verdict(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _raw(known, body, UNREADABLE))
        return Verdict(HTTPStatus.OK, _raw(known, body, kind or known.only))


def _raw(token: Token, body: bytes, kind: str) -> RawCallback:
    return RawCallback(uuid4().hex, kind, body, token.only, token.name, _sort(body, kind))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _sort(body: bytes, kind: str) -> str:
    if kind == UNREADABLE or len(body) > _LARGE_BYTES:
        return UNREADABLE if kind == UNREADABLE else _LARGE
    lower = body.lower()
    return next((sort for sort, marks in _MARKS.items() if any(mark in lower for mark in marks)), UNREADABLE)
