"""Take Octopush's callbacks in a FastAPI application: include this router."""

import logging
from functools import cache

from fastapi import APIRouter, Request, Response

from producers.callbacks import BODY_MAX_BYTES, AsyncCallbackIntake

router = APIRouter()

# Paths hold the token, and servers log them.
for name in ("uvicorn.access", "gunicorn.access", "hypercorn.access"):
    logging.getLogger(name).addFilter(lambda record: "/callbacks/" not in record.getMessage())


@cache
def intake() -> AsyncCallbackIntake:
    """Make the intake with the first callback: whoever only imports this module needs no token."""
    return AsyncCallbackIntake.from_env()


@router.api_route("/callbacks/{token}", methods=["GET", "HEAD", "POST"])
@router.api_route("/callbacks/{token}/", methods=["GET", "HEAD", "POST"])
@router.api_route("/callbacks/{token}/{kind}", methods=["GET", "HEAD", "POST"])
@router.api_route("/callbacks/{token}/{kind}/", methods=["GET", "HEAD", "POST"])
async def callback(request: Request, token: str, kind: str | None = None) -> Response:
    """Store one callback and answer without content."""
    status = intake().check_url(token, kind)
    if request.method != "POST" or status != 200:
        return Response(status_code=status)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX_BYTES:
            break
    return Response(status_code=await intake().accept_callback(token, bytes(body), kind))
