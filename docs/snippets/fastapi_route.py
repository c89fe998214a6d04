"""Take Octopush's callbacks in a FastAPI application: include this router."""

from fastapi import APIRouter, Request, Response

from producers.callbacks import BODY_MAX_BYTES, AsyncCallbackIntake

intake = AsyncCallbackIntake.from_env()
router = APIRouter()


@router.post("/callbacks/{token}")
@router.post("/callbacks/{token}/{kind}")
async def callback(request: Request, token: str, kind: str | None = None) -> Response:
    """Store one callback and answer without content."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX_BYTES:
            break
    return Response(status_code=await intake.accept_callback(token, bytes(body), kind))
