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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Self
from uuid import uuid4

import redis
import redis.asyncio

from producers.broker import CALLBACKS, connect, connect_async
from producers.callback_body import read_events
from producers.connections import within
from producers.jobs import QUEUE_CALLBACKS
from producers.keys import Keys
from producers.outages import log_to
from producers.scripts import REDIS_ERRORS, Command, Script
from producers.settings import WebSettings

_log = logging.getLogger("producers.callbacks")

#: Largest body taken, in bytes. A callback of the gateway has well under 2 KiB.
BODY_MAX_BYTES: Final = 64 * 1024
#: What a callback URL may name after the token.
KINDS: Final = frozenset({"replies", "receipts", "optouts"})
#: Kind under which a body is stored that nobody can read; the worker sets it aside for an operator.
UNREADABLE: Final = "unreadable"

#: Seconds until the answer, whatever Redis does: below the gateway's limit of about 1 s.
_ANSWER_S: Final = 0.9

#: Runs when Redis is full, too: the gateway may not repeat an opt-out.
_ACCEPT: Final = Script("producers", "accept_callback", when_full=True)


@dataclass(frozen=True, slots=True)
class _Verdict:
    """The status to answer, once the command (if any) has run."""

    status: HTTPStatus
    command: Command[int] | None = None


class _Judge:
    """Decides about callbacks. Pure: the two intakes below do the I/O."""

    def __init__(self, settings: WebSettings) -> None:
        self._keys = Keys(settings.namespace)
        self._tokens = [_digest(token.reveal()) for token in settings.callback_tokens]

    def judge(self, token: str, body: bytes, kind: str | None) -> _Verdict:
        # The token comes first: without one, no answer tells anything about the rest.
        if not _is_one_of(token, self._tokens) or (kind is not None and kind not in KINDS):
            return _Verdict(HTTPStatus.NOT_FOUND)
        if len(body) > BODY_MAX_BYTES:
            return _Verdict(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if not body:
            return _Verdict(HTTPStatus.BAD_REQUEST)
        if read_events(body) is None:
            return _Verdict(HTTPStatus.BAD_REQUEST, self._store(body, UNREADABLE))
        return _Verdict(HTTPStatus.OK, self._store(body, kind or ""))

    def _store(self, body: bytes, kind: str) -> Command[int]:
        callback_id = uuid4().hex
        queue = self._keys.queue(QUEUE_CALLBACKS)
        keys = [self._keys.callback(callback_id), queue.ready, queue.wake]
        return Command(_ACCEPT, keys, [callback_id, kind, body], int)


def _digest(token: str) -> bytes:
    """Give all tokens one length, so that comparing takes one time."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _is_one_of(token: str, digests: Iterable[bytes]) -> bool:
    """Compare with every token, also after a match: the time taken tells nothing."""
    given = _digest(token)
    return sum(hmac.compare_digest(given, digest) for digest in digests) > 0


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
            404 wrong token or kind; 413 too large; 503 Redis did not confirm. Never raises for Redis.
        """
        verdict = self._judge.judge(token, body, kind)
        try:
            if verdict.command:
                with within(_ANSWER_S):
                    verdict.command.run(self._redis)
                self._outages.answered()
        except (*REDIS_ERRORS, OSError) as error:
            self._outages.failed(error)
            return HTTPStatus.SERVICE_UNAVAILABLE
        return verdict.status

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
        try:
            if verdict.command:
                async with asyncio.timeout(_ANSWER_S):
                    await verdict.command.arun(self._redis)
                self._outages.answered()
        except (*REDIS_ERRORS, OSError) as error:
            self._outages.failed(error)
            return HTTPStatus.SERVICE_UNAVAILABLE
        return verdict.status

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
