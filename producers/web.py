"""The callback server: a thin ASGI application around `producers.callbacks`.

    octopush-worker web

- ``POST /callbacks/{token}``: see `CallbackIntake.accept_callback`; always an empty body.
- ``POST /callbacks/{token}/{kind}``: the same, the URL says the kind. A slash at either end does no harm.
- ``GET`` and ``HEAD`` of these: 200 or 404, always an empty body. Octopush advises to try a URL with them.
- ``GET /healthz``: 200 while the process runs.
- ``GET /readyz``: 200 if Redis answers within a second, or callbacks are kept on the disk, else 503.
- ``GET /metrics``: what this process answered, for Prometheus, for ``METRICS_ALLOWED_ADDRESSES`` and not
  through a proxy; else 404. What is in Redis is told by ``octopush-worker metrics``.

The token is part of the path, so nothing may log paths: uvicorn's access log is switched off here, whatever
its command line says. A proxy in front needs the same care.
"""

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from .callbacks import BODY_MAX_BYTES, AsyncCallbackIntake
from .contract.addresses import Addresses
from .contract.keys import Keys
from .contract.known_pseudonyms import KEPT_IN_REDIS
from .contract.outages import what_is_refused
from .contract.scripts import REDIS_ERRORS
from .contract.serving import serving
from .contract.settings import WebSettings
from .errors import ConfigError
from .web_connection import raise_file_limit
from .web_metrics import WebMetrics
from .web_paths import CLOSE, ExactPaths, client_of, is_scraper

#: Seconds a client may take to hand over a body of at most 64 KiB.
_BODY_S: Final = 10.0
#: Seconds Redis may take to answer a probe.
_PROBE_S: Final = 1.0

#: Where callbacks are kept while Redis is away, unless the environment says otherwise. A view in an
#: application keeps them only if it is told where: its directory is not ours.
SPOOL_DIR: Final = ".octopush-spool"

#: Seconds between two lines that say of a client that it speaks no HTTP: anybody can send nonsense.
_QUIET_S: Final = 60.0
_CALLBACK_PATHS: Final = tuple(
    f"/callbacks/{{token}}{kind}{slash}" for kind in ("", "/{kind}") for slash in ("", "/")
)


def create_app(settings: WebSettings | None = None, environ: Mapping[str, str] | None = None) -> Starlette:
    """Make the application; connects to Redis with the first request.

    Args:
        settings: tokens, Redis, namespace, spool; read from ``environ`` if None, with `SPOOL_DIR` for a spool
            that it does not name. An empty ``CALLBACK_SPOOL_DIR`` keeps none.
        environ: variables; None for those of the process.

    Raises:
        SystemExit: a setting is missing or wrong. The process ends with status 1 and one message on stderr
            that names the variables.
    """
    environ = os.environ if environ is None else environ
    try:
        settings = settings or WebSettings.from_env({"CALLBACK_SPOOL_DIR": SPOOL_DIR, **environ})
    except ConfigError as error:
        raise SystemExit(str(error)) from None
    if not settings.pseudonym_keys:
        logging.getLogger("producers.web").warning(KEPT_IN_REDIS)
    _silence_path_logs()
    raise_file_limit()
    return _Server(settings).app()


def _silence_path_logs() -> None:
    for name in ("uvicorn.access", "uvicorn.asgi"):
        logging.getLogger(name).disabled = True
    logging.getLogger("uvicorn.error").addFilter(_Rarely())


class _Rarely(logging.Filter):
    """Lets the warning about a client that speaks no HTTP through now and then only."""

    _next = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno != logging.WARNING or "Invalid HTTP request" not in record.getMessage():
            return True
        is_due = time.monotonic() >= self._next
        self._next = time.monotonic() + _QUIET_S if is_due else self._next
        return is_due


class _Server:
    """The endpoints and what they share."""

    def __init__(self, settings: WebSettings) -> None:
        self._intake = AsyncCallbackIntake(settings)
        self._redis = self._intake._redis  # noqa: SLF001 - of this package, and closed by the intake
        self._metrics = WebMetrics(lambda: self._intake.fill)
        self._keys = Keys(settings.namespace)
        self._callers = Addresses(settings.allowed_addresses)
        self._scrapers = Addresses(settings.metrics_addresses)

    def app(self) -> Starlette:
        app = Starlette(
            routes=[
                *(Route(path, self.callback, methods=["GET", "POST"]) for path in _CALLBACK_PATHS),
                Route("/healthz", self.healthz),
                Route("/readyz", self.readyz),
                Route("/metrics", self.metrics),
            ],
            middleware=[Middleware(ExactPaths)],
            exception_handlers={HTTPException: _refuse},
            lifespan=self._lifespan,
        )
        # A redirect would repeat the token in its answer.
        app.router.redirect_slashes = False
        return app

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._intake.start()
        yield
        await self._intake.close()

    async def callback(self, request: Request) -> Response:
        """Take one callback; a body that never arrives in full leaves no trace."""
        start = time.monotonic()
        status = int(await self._status(request))
        self._metrics.count(status, request.path_params.get("kind"), time.monotonic() - start)
        return Response(status_code=status, headers={} if status == HTTPStatus.OK else CLOSE)

    async def _status(self, request: Request) -> int:
        token, kind = request.path_params["token"], request.path_params.get("kind")
        status = self._intake.check_url(token, kind) if self._callers.allow(client_of(request)) else 404
        if request.method != "POST" or status != HTTPStatus.OK:
            return status
        try:
            async with asyncio.timeout(_BODY_S):
                body = await _read_bounded(request)
        except (ClientDisconnect, TimeoutError):
            return HTTPStatus.REQUEST_TIMEOUT
        return await self._intake.accept_callback(token, body, kind)

    async def healthz(self, _: Request) -> Response:
        """Answer as long as the process runs; asks nobody else."""
        return PlainTextResponse("ok\n")

    async def readyz(self, _: Request) -> Response:
        """Say whether callbacks could be stored right now."""
        try:
            async with asyncio.timeout(_PROBE_S):
                await serving(self._keys).arun(self._redis)
        except (*REDIS_ERRORS, OSError) as error:
            what = what_is_refused(error)
            said = f"redis refuses {what}" if what else "redis does not answer"
            if self._intake.has_room:
                return PlainTextResponse(f"{said}, callbacks are kept on the disk\n")
            return PlainTextResponse(f"{said}\n", HTTPStatus.SERVICE_UNAVAILABLE)
        return PlainTextResponse("ok\n")

    async def metrics(self, request: Request) -> Response:
        """Tell what this process answered; Redis is not asked."""
        if not is_scraper(request, self._scrapers):
            return Response(status_code=HTTPStatus.NOT_FOUND, headers=CLOSE)
        page, content_type = self._metrics.page(request.headers.get("accept", ""))
        return Response(page, headers={"content-type": content_type})


async def _read_bounded(request: Request) -> bytes:
    """Read a body, but never more than one chunk past the limit, whatever its headers say."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX_BYTES:
            break
    return bytes(body)


async def _refuse(_: Request, error: Exception) -> Response:
    """Answer unknown paths and methods with their status alone; the same for every token."""
    if not isinstance(error, HTTPException):
        raise error
    return Response(status_code=error.status_code, headers={**(error.headers or {}), **CLOSE})
