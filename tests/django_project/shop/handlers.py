"""Reads answers."""

import os
import signal
from pathlib import Path

from django.db.models import F

from producers.events import Reply
from shop.models import Order


def on_reply_to_nobody(_: Reply) -> None:
    """Look for an order that is not there: the error is raised deep inside Django."""
    Order.objects.get(number=-1)


def on_reply_with_more(reply: Reply, order: int) -> None:
    """Want more than an event."""


async def on_reply_later(reply: Reply) -> None:
    """Be awaited."""


def on_reply(reply: Reply) -> None:
    """Note an answer with its order."""
    if not reply.context:
        return
    changed = {"answer": reply.text, "answers": F("answers") + 1}
    Order.objects.filter(number=reply.context["order"]).update(**changed)
    if os.environ.get("SHOP_SIGNAL"):
        os.kill(os.getpid(), signal.SIGTERM)
    # A test lets it fail after it has written, as long as this file is there.
    if (failing := os.environ.get("SHOP_FAILING")) and Path(failing).exists():
        raise ValueError(reply.text)
