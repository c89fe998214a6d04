"""The API as an ASGI application. It keeps nothing: start as many of these processes as you like."""

import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from producers.contract.clients import connect_async
from producers.errors import ConfigError
from worker.api.desk import TIMEOUTS
from worker.api.door import Door
from worker.api.openapi import with_document
from worker.api.settings import ApiSettings
from worker.api.table import OPERATIONS

#: All operations, with the one that hands out their document.
ALL: Final = with_document(OPERATIONS)


def create_app(settings: ApiSettings | None = None, environ: Mapping[str, str] = os.environ) -> Starlette:
    """Make the application; it connects to Redis with the first call.

    Its ``state.lookout`` lets all go on at once who wait: call `Lookout.release` when the process is to stop.

    Args:
        settings: tokens, rate, Redis; read from ``environ`` if None.
        environ: the process environment.

    Raises:
        ConfigError: a setting is wrong, or no token is set: the API stays closed.
    """
    settings = settings or ApiSettings.from_env(environ)
    if not settings.tokens:
        raise ConfigError({"API_TOKENS": "names no application, so the API stays closed"})
    # Addresses hold ids, and uvicorn's line of a call has them.
    logging.getLogger("uvicorn.access").disabled = True
    client = connect_async(settings.redis_url, TIMEOUTS)
    door = Door(settings, client)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await client.aclose()

    app = Starlette(
        routes=door.routes(ALL), exception_handlers={HTTPException: door.turn_away}, lifespan=lifespan
    )
    # A redirect would lead a client to send its token to wherever it is led.
    app.router.redirect_slashes = False
    app.state.lookout = door.lookout
    return app
