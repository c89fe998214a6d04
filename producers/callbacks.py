"""Taking the gateway's callbacks, from any web framework: authenticate, bound, store raw, answer.

    intake = CallbackIntake.from_env()
    status = intake.accept_callback(token, body, kind)   # answer this HTTP status with an empty body

Nothing here asks what a callback means; a worker does that later, from the stored bytes. The gateway allows
about one second and wants no output, so the answer is a status and nothing else. `producers.web` is the
ready-made server around it; docs/callbacks.md has the view for Django, FastAPI and Flask.

Set the standard logger ``producers.callbacks`` to see outages of Redis; no line holds a token or a body.
"""

import asyncio
import hashlib
import hmac
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Self
from uuid import uuid4

import redis
import redis.asyncio

from producers.contract.clients import CALLBACKS, connect, connect_async
from producers.contract.connections import within
from producers.contract.keys import Keys
from producers.contract.kinds import KINDS
from producers.contract.outages import log_to
from producers.contract.scripts import REDIS_ERRORS, Command, Script, as_string
from producers.contract.settings import WebSettings, bound_token
from producers.intake.callback_body import MAX_EVENTS, read_events

_log = logging.getLogger("producers.callbacks")

#: Largest body taken, in bytes. A callback of the gateway has well under 2 KiB.
BODY_MAX_BYTES: Final = 64 * 1024
#: Kind under which a body is stored that nobody can read; the worker puts it into quarantine.
UNREADABLE: Final = "unreadable"

#: Seconds until the answer, whatever Redis does: below the gateway's limit of about 1 s.
_ANSWER_S: Final = 0.9

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

#: A full Redis refuses a body that cannot be the gateway's. It takes a body that can be: such bodies are
#: small and bounded by the minute, and nobody can ask for them again.
_ACCEPT: Final = Script("producers.intake", "accept_callback")
_ACCEPT_WHEN_FULL: Final = Script("producers.intake", "accept_callback", when_full=True)


@dataclass(frozen=True, slots=True)
class _Token:
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
class _Verdict:
    """The status to answer, once the command (if any) has stored the callback."""

    status: HTTPStatus
    command: Command[bool] | None = None


class _Judge:
    """Decides about callbacks. Pure: the two intakes below do the I/O."""

    def __init__(self, settings: WebSettings) -> None:
        self._prefix = Keys(settings.namespace).prefix
        entries = [bound_token(entry.reveal()) for entry in settings.callback_tokens]
        self._tokens = [_Token(_digest(token), only) for only, token in entries]

    def find(self, token: str, kind: str | None) -> _Token | None:
        """Compare with every token, also after a match, so that the time taken tells nothing."""
        given = _digest(token)
        found = [known for known in self._tokens if hmac.compare_digest(given, known.digest)]
        fits = [known for known in found if kind is None or not known.only or known.only == kind]
        return fits[0] if fits and (kind is None or kind in KINDS) else None

    def judge(self, token: str, body: bytes, kind: str | None) -> _Verdict:
        # The token is looked at first: no other answer tells a stranger anything.
        known = self.find(token, kind)
        if not known:
            return _Verdict(HTTPStatus.NOT_FOUND)
        if len(body) > BODY_MAX_BYTES:
            return _Verdict(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if not body:
            return _Verdict(HTTPStatus.BAD_REQUEST)
        events = read_events(body)
        if events is None:
            return _Verdict(HTTPStatus.BAD_REQUEST, self._store(known, body, UNREADABLE))
        if len(events) > MAX_EVENTS:
            return _Verdict(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._store(known, body, UNREADABLE))
        return _Verdict(HTTPStatus.OK, self._store(known, body, kind or known.only))

    def _store(self, token: _Token, body: bytes, kind: str) -> Command[bool]:
        callback_id, sort = uuid4().hex, _sort(body, kind)
        script = _ACCEPT_WHEN_FULL if sort in KINDS else _ACCEPT
        given = {
            "id": callback_id,
            "kind": kind,
            "raw": as_string(body),
            "only": token.only,
            "token": token.name,
            "sort": sort,
            "most": ALLOWED[sort],
        }
        return Command(script, self._prefix, given, bool)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _sort(body: bytes, kind: str) -> str:
    if kind == UNREADABLE or len(body) > _LARGE_BYTES:
        return UNREADABLE if kind == UNREADABLE else _LARGE
    lower = body.lower()
    return next((sort for sort, marks in _MARKS.items() if any(mark in lower for mark in marks)), UNREADABLE)


def _url_status(judge: _Judge, token: str, kind: str | None) -> int:
    return HTTPStatus.OK if judge.find(token, kind) else HTTPStatus.NOT_FOUND


class CallbackIntake:
    """Takes callbacks in a threaded application. Thread-safe; make one per process and keep it.

    Args:
        settings: tokens, Redis, namespace; read them with `CallbackIntake.from_env`.
        client: a ready Redis client instead of the settings' URL. Give it time-outs that leave the answer
            within one second; without one, no answer takes longer.
    """

    def __init__(self, settings: WebSettings, client: redis.Redis | None = None) -> None:
        self._judge, self._outages = _Judge(settings), log_to(_log)
        self._redis = client or connect(settings.redis_url, CALLBACKS)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Make an intake from environment variables.

        Raises:
            ConfigError: lists every missing or wrong variable.
        """
        return cls(WebSettings.from_env(environ))

    def accept_callback(self, token: str, body: bytes, kind: str | None = None) -> int:
        """Store one callback for the workers and say how to answer it.

        The bytes are stored exactly as given. Repeating a call stores the callback again, which does no
        harm: the workers publish each event once.

        Args:
            token: the secret part of the URL.
            body: the request body as received; read at most `BODY_MAX_BYTES` + 1 bytes of it.
            kind: ``replies``, ``receipts`` or ``optouts`` if the URL names it; None lets the worker tell.

        Returns:
            The HTTP status, to be answered with an empty body:
            200 stored; 400 empty, or neither JSON nor a form (then stored all the same, for an operator);
            404 wrong token or kind; 413 too large, or too many events (then stored for an operator);
            429 this token brought too much in the last minute: not stored; 503 Redis did not confirm.
            Within a second, and never raises for Redis.
        """
        verdict = self._judge.judge(token, body, kind)
        if verdict.command is None:
            return verdict.status
        try:
            with within(_ANSWER_S):
                stored = verdict.command.run(self._redis)
        except (*REDIS_ERRORS, OSError) as error:
            self._outages.failed(error)
            return HTTPStatus.SERVICE_UNAVAILABLE
        self._outages.answered()
        return verdict.status if stored else HTTPStatus.TOO_MANY_REQUESTS

    def check_url(self, token: str, kind: str | None = None) -> int:
        """Say whether token and kind of a URL are right, without looking at a body.

        For GET and HEAD, which Octopush advises to try a URL with, and to refuse a stranger before reading
        what he sends.

        Returns:
            200 or 404, to be answered with an empty body.
        """
        return _url_status(self._judge, token, kind)

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()


class AsyncCallbackIntake:
    """`CallbackIntake` for asyncio applications. Make one per event loop and keep it."""

    def __init__(self, settings: WebSettings, client: redis.asyncio.Redis | None = None) -> None:
        self._judge, self._outages = _Judge(settings), log_to(_log)
        self._redis = client or connect_async(settings.redis_url, CALLBACKS)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Make an intake from environment variables; see `CallbackIntake.from_env`."""
        return cls(WebSettings.from_env(environ))

    async def accept_callback(self, token: str, body: bytes, kind: str | None = None) -> int:
        """Store one callback and say how to answer it; see `CallbackIntake.accept_callback`."""
        verdict = self._judge.judge(token, body, kind)
        if verdict.command is None:
            return verdict.status
        try:
            async with asyncio.timeout(_ANSWER_S):
                stored = await verdict.command.arun(self._redis)
        except (*REDIS_ERRORS, OSError) as error:
            self._outages.failed(error)
            return HTTPStatus.SERVICE_UNAVAILABLE
        self._outages.answered()
        return verdict.status if stored else HTTPStatus.TOO_MANY_REQUESTS

    def check_url(self, token: str, kind: str | None = None) -> int:
        """Say whether token and kind of a URL are right; see `CallbackIntake.check_url`."""
        return _url_status(self._judge, token, kind)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
