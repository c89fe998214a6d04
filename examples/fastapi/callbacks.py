"""Take Octopush's callbacks in a FastAPI application: include this router."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI, Request, Response

from producers.callbacks import BODY_MAX_BYTES, AsyncCallbackIntake

# Paths hold the token, and servers log them.
for name in ("uvicorn.access", "gunicorn.access", "hypercorn.access"):
    logging.getLogger(name).addFilter(lambda record: "/callbacks/" not in record.getMessage())


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the intake as the application starts: it moves what an earlier process has kept on the disk."""
    async with AsyncCallbackIntake.from_env() as app.state.callbacks:
        yield


router = APIRouter(lifespan=lifespan)


@router.api_route("/callbacks/{token}", methods=["GET", "HEAD", "POST"])
@router.api_route("/callbacks/{token}/", methods=["GET", "HEAD", "POST"])
@router.api_route("/callbacks/{token}/{kind}", methods=["GET", "HEAD", "POST"])
@router.api_route("/callbacks/{token}/{kind}/", methods=["GET", "HEAD", "POST"])
async def callback(request: Request, token: str, kind: str | None = None) -> Response:
    """Store one callback and answer without content."""
    intake: AsyncCallbackIntake = request.app.state.callbacks
    status = intake.check_url(token, kind)
    if request.method != "POST" or status != 200:
        return Response(status_code=status)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX_BYTES:
            break
    return Response(status_code=await intake.accept_callback(token, bytes(body), kind))
