"""Receive webhooks in a Flask application: register this blueprint."""

import os

from flask import Blueprint, request

from producers.webhooks import InvalidWebhook, Webhook, verify

blueprint = Blueprint("sms_webhooks", __name__)


def handle(webhook: Webhook) -> None:
    """Do what has to be done about webhook.data, and store webhook.id in the same transaction, once."""


@blueprint.post("/webhooks/sms")
def receive() -> tuple[str, int]:
    """Check one webhook, and act on it."""
    try:
        webhook = verify(request.get_data(), request.headers, os.environ["SMS_WEBHOOK_SECRET"])
    except InvalidWebhook:
        return "", 400
    handle(webhook)
    return "", 204
