"""The metrics process: ``GET /metrics`` and ``GET /healthz``, each with one spelling, and nothing else."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final, Literal

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from producers.contract.addresses import Addresses
from producers.contract.clients import CALLBACKS, connect_async
from producers.contract.followers import NotPrimaryError
from producers.contract.scripts import REDIS_ERRORS
from producers.errors import ConfigError
from producers.web_paths import ExactPaths, is_scraper
from worker.metrics.collector import Collected
from worker.metrics.reading import Found, Reading
from worker.metrics.settings import MetricsSettings

#: Seconds that Redis may take for a whole scrape.
_SCRAPE_S: Final = 2.0


def create_app(
    settings: MetricsSettings | None = None, environ: Mapping[str, str] | None = None
) -> Starlette:
    """Make the application; connects to Redis with the first scrape.

    Raises:
        SystemExit: a setting is wrong.
    """
    try:
        settings = settings or MetricsSettings.from_env(os.environ if environ is None else environ)
    except ConfigError as error:
        raise SystemExit(str(error)) from None
    return _Scrapes(settings).app()


class _Scrapes:
    def __init__(self, settings: MetricsSettings) -> None:
        self._redis = connect_async(settings.redis_url, CALLBACKS)
        self._reading = Reading(settings)
        self._settings = settings
        self._scrapers = Addresses(settings.metrics_addresses)

    def app(self) -> Starlette:
        app = Starlette(
            routes=[Route("/metrics", self.metrics), Route("/healthz", self.healthz)],
            middleware=[Middleware(ExactPaths)],
            lifespan=self._lifespan,
        )
        app.router.redirect_slashes = False
        return app

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        yield
        await self._redis.aclose()

    async def healthz(self, _: Request) -> Response:
        """Answer as long as the process runs; asks nobody else."""
        return PlainTextResponse("ok\n")

    async def metrics(self, request: Request) -> Response:
        """Tell what Redis knows; without Redis only that."""
        if not is_scraper(request, self._scrapers):
            return Response(status_code=HTTPStatus.NOT_FOUND)
        registry = CollectorRegistry(auto_describe=False)
        registry.register(Collected(await self._found(), self._settings))
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"content-type": content_type})

    async def _found(self) -> Found | Literal[False] | None:
        try:
            async with asyncio.timeout(_SCRAPE_S):
                return await self._reading.read(self._redis)
        except NotPrimaryError:
            # Others leave a server that is no primary any more when it refuses a write: none is made here.
            await self._redis.connection_pool.disconnect()
            return False
        except (*REDIS_ERRORS, OSError):
            return None
