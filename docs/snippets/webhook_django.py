"""Receive webhooks in a Django project: include these urlpatterns."""

import os

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from producers.webhooks import InvalidWebhook, Webhook, verify


def handle(webhook: Webhook) -> None:
    """Do what has to be done about webhook.data, and store webhook.id in the same transaction, once."""


@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """Check one webhook, and act on it."""
    try:
        webhook = verify(request.body, request.headers, os.environ["SMS_WEBHOOK_SECRET"])
    except InvalidWebhook:
        return HttpResponse(status=400)
    handle(webhook)
    return HttpResponse(status=204)


urlpatterns = [path("webhooks/sms", receive)]
