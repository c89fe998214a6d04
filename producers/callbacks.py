"""Taking the gateway's callbacks, from any web framework: authenticate, bound, store raw, answer.

    intake = CallbackIntake.from_env()
    status = intake.accept_callback(token, body, kind)   # answer this HTTP status with an empty body

Nothing here asks what a callback means; a worker does that later, from the stored bytes. The gateway allows
about one second and wants no output, so the answer is a status and nothing else. `producers.web` is the
ready-made server around it; docs/callbacks.md has the view for Django, FastAPI and Flask.

Set the standard logger ``producers.callbacks`` to see outages of Redis; no line holds a token or a body.
"""

import asyncio
import logging
import os
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Final, Self

import redis
import redis.asyncio

from .contract.clients import CALLBACKS, connect, connect_async
from .contract.connections import within
from .contract.keys import Keys
from .contract.one_loop import OneLoop
from .contract.outages import OutageLog, log_to
from .contract.scripts import REDIS_ERRORS
from .contract.settings import WebSettings
from .contract.steps import adrive, drive
from .intake.draining import Draining
from .intake.judge import ALLOWED, BODY_MAX_BYTES, Judge
from .intake.raw_callback import RawCallback
from .intake.spool import Fill, Spool

__all__ = ["BODY_MAX_BYTES", "AsyncCallbackIntake", "CallbackIntake"]

_log = logging.getLogger("producers.callbacks")

#: Seconds until the answer, whatever Redis does: below the gateway's limit of about 1 s.
_ANSWER_S: Final = 0.9
#: Seconds that Redis has of these where there is a spool: the rest is for the disk.
_REDIS_S: Final = 0.6
#: Threads that wait for the disk; those that wait together share one fsync.
_DISK_THREADS: Final = 32

_MIB: Final = 1024 * 1024


def _draining(settings: WebSettings, outages: OutageLog) -> Draining | None:
    """Make what keeps callbacks while Redis is away, if a directory is set."""
    if not settings.spool_dir:
        return None
    directory = Path(settings.spool_dir) / settings.namespace
    spool = Spool(directory, settings.spool_mib * _MIB, ALLOWED)
    return Draining(spool, Keys(settings.namespace).prefix, outages, _log)


class CallbackIntake:
    """Takes callbacks in a threaded application. Thread-safe; make one per process and keep it.

    With ``CALLBACK_SPOOL_DIR`` a thread moves what lies in the spool to Redis, from `start` on, or from the
    first request. Call `start` when a server starts, or use a ``with`` block: an earlier process may have
    left callbacks there, and the next request may be hours away.

    Args:
        settings: tokens, Redis, namespace, spool; read them with `CallbackIntake.from_env`.
        client: a ready Redis client instead of the settings' URL. Give it time-outs that leave the answer
            within one second; without one, no answer takes longer.
    """

    def __init__(self, settings: WebSettings, client: redis.Redis | None = None) -> None:
        self._judge, self._outages = Judge(settings), log_to(_log, "" if client else str(settings.redis_url))
        self._prefix = Keys(settings.namespace).prefix
        self._redis = client or connect(settings.redis_url, CALLBACKS)
        self._new_draining = partial(_draining, settings, self._outages)
        self._draining = self._new_draining()
        self._starting = threading.Lock()
        #: The process whose thread empties the spool: that of a parent is not there after a fork.
        self._started_in: int | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Make an intake from environment variables: those of the process, or others.

        Raises:
            ConfigError: lists every missing or wrong variable.
        """
        return cls(WebSettings.from_env(environ))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Begin to empty the spool in a thread of this process, if there is one. Safe to repeat.

        A server may fork before or after that: each process has a thread of its own from its first request
        on.
        """
        if self._draining is None or self._started_in == os.getpid():
            return
        with self._starting:
            if self._started_in == (pid := os.getpid()):
                return
            if self._started_in is not None and (anew := self._new_draining()):
                # After a fork: locks and files of the old one are those of the parent.
                self._draining = anew
            steps = self._draining.steps()
            threading.Thread(target=lambda: drive(steps, self._redis), name="spool", daemon=True).start()
            self._started_in = pid

    def accept_callback(self, token: str, body: bytes, kind: str | None = None) -> int:
        """Store one callback for the workers and say how to answer it.

        The bytes are stored exactly as given. Repeating a call stores the callback again, which does no
        harm: the workers publish each event once.

        Args:
            token: the secret part of the URL.
            body: the request body as received; read at most `BODY_MAX_BYTES` + 1 bytes of it.
            kind: ``replies``, ``receipts`` or ``optouts`` if the URL names it; None lets the worker tell.

        Returns:
            The HTTP status, to be answered with an empty body.

            - 200 stored, in Redis or on the disk.
            - 400 empty, or neither JSON nor a form (then stored all the same, for an operator).
            - 404 wrong token or kind.
            - 413 too large, or too many events (then stored for an operator).
            - 429 this token brought too much in the last minute, not stored.
            - 503 Redis did not confirm, and there is no spool, or no room in it.

            Within a second if the disk is not slow, and never raises for Redis or the disk.
        """
        verdict = self._judge.judge(token, body, kind)
        if verdict.callback is None:
            return verdict.status
        stored = self._store(verdict.callback)
        return verdict.status if stored == HTTPStatus.OK else stored

    def _store(self, callback: RawCallback) -> HTTPStatus:
        self.start()
        draining = self._draining
        if draining and draining.is_away:
            return draining.keep(callback)
        try:
            with within(_REDIS_S if draining else _ANSWER_S):
                stored = callback.store(self._prefix, ALLOWED[callback.sort]).run(self._redis)
        except (*REDIS_ERRORS, OSError) as error:
            self._outages.failed(error)
            kept = draining and draining.begins(callback, error)
            return draining.keep(callback) if draining and kept else HTTPStatus.SERVICE_UNAVAILABLE
        self._outages.answered()
        return HTTPStatus.OK if stored else HTTPStatus.TOO_MANY_REQUESTS

    def check_url(self, token: str, kind: str | None = None) -> int:
        """Say whether token and kind of a URL are right, without looking at a body.

        For GET and HEAD, which Octopush advises to try a URL with, and to refuse a stranger before reading
        what he sends.

        Returns:
            200 or 404, to be answered with an empty body.
        """
        self.start()
        return self._judge.url_status(token, kind)

    def close(self) -> None:
        """Close the connections, as the end of a ``with`` block does.

        What lies in the spool waits for the next process.
        """
        if self._draining:
            self._draining.stop()
        self._redis.close()


class AsyncCallbackIntake:
    """`CallbackIntake` for asyncio applications. Make one per event loop and keep it.

    ``async with AsyncCallbackIntake.from_env() as intake:`` in the lifespan of an ASGI application begins to
    empty the spool at once, and closes it in the end. Without it, call `start` and `close`.
    """

    def __init__(self, settings: WebSettings, client: redis.asyncio.Redis | None = None) -> None:
        self._judge, self._outages = Judge(settings), log_to(_log, "" if client else str(settings.redis_url))
        self._prefix = Keys(settings.namespace).prefix
        self._redis = client or connect_async(settings.redis_url, CALLBACKS)
        self._draining = _draining(settings, self._outages)
        self._task: asyncio.Task[None] | None = None
        self._loop = OneLoop("AsyncCallbackIntake")
        self._disk = ThreadPoolExecutor(_DISK_THREADS, "spool")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Make an intake from environment variables; see `CallbackIntake.from_env`."""
        return cls(WebSettings.from_env(environ))

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def start(self) -> None:
        """Begin to empty the spool, on the running event loop, if there is one. Safe to repeat.

        The first callback does so, too, which may be hours away.

        Raises:
            WrongEventLoop: this is another event loop than that of the first call.
        """
        self._loop.check()
        if self._draining and self._task is None:
            self._task = asyncio.create_task(adrive(self._draining.steps(), self._redis))

    @property
    def fill(self) -> Fill | None:
        """What lies in the spool; None if none is set."""
        return self._draining.fill if self._draining else None

    @property
    def has_room(self) -> bool:
        """Whether a callback would be kept although Redis is away."""
        return self._draining is not None and self._draining.has_room

    async def accept_callback(self, token: str, body: bytes, kind: str | None = None) -> int:
        """Store one callback and say how to answer it; see `CallbackIntake.accept_callback`.

        Raises:
            WrongEventLoop: this is another event loop than that of the first call.
        """
        self._loop.check()
        verdict = self._judge.judge(token, body, kind)
        if verdict.callback is None:
            return verdict.status
        try:
            async with asyncio.timeout(_ANSWER_S):
                stored = await self._store(verdict.callback)
        except TimeoutError:
            return HTTPStatus.SERVICE_UNAVAILABLE
        return verdict.status if stored == HTTPStatus.OK else stored

    async def _store(self, callback: RawCallback) -> HTTPStatus:
        draining = self._draining
        self.start()
        if draining and draining.is_away:
            return await self._keep(draining, callback)
        try:
            async with asyncio.timeout(_REDIS_S if draining else _ANSWER_S):
                stored = await callback.store(self._prefix, ALLOWED[callback.sort]).arun(self._redis)
        except (*REDIS_ERRORS, OSError) as error:
            self._outages.failed(error)
            if draining and draining.begins(callback, error):
                return await self._keep(draining, callback)
            return HTTPStatus.SERVICE_UNAVAILABLE
        self._outages.answered()
        return HTTPStatus.OK if stored else HTTPStatus.TOO_MANY_REQUESTS

    async def _keep(self, draining: Draining, callback: RawCallback) -> HTTPStatus:
        return await asyncio.get_running_loop().run_in_executor(self._disk, draining.keep, callback)

    def check_url(self, token: str, kind: str | None = None) -> int:
        """Say whether token and kind of a URL are right; see `CallbackIntake.check_url`."""
        return self._judge.url_status(token, kind)

    async def close(self) -> None:
        """Close the connections, as the end of an ``async with`` block does.

        What lies in the spool waits for the next process.
        """
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._disk.shutdown(wait=True)
        if self._draining:
            self._draining.stop()
        await self._redis.aclose()
