"""Receive webhooks in a FastAPI application: include this router."""

import os

from fastapi import APIRouter, HTTPException, Request

from producers.webhooks import InvalidWebhook, Webhook, verify

router = APIRouter()


def handle(webhook: Webhook) -> None:
    """Do what has to be done about webhook.data, and store webhook.id in the same transaction, once."""


@router.post("/webhooks/sms", status_code=204)
async def receive(request: Request) -> None:
    """Check one webhook, and act on it."""
    try:
        webhook = verify(await request.body(), request.headers, os.environ["SMS_WEBHOOK_SECRET"])
    except InvalidWebhook:
        raise HTTPException(400) from None
    handle(webhook)
