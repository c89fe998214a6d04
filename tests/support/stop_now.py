"""Somebody writes STOP, and it is published at once, by no worker that could be killed on the way."""

import json
from datetime import UTC, datetime
from typing import Any

import redis

from producers.contract.settings import RedisSettings
from worker.callbacks.payloads import read_callback
from worker.callbacks.publisher import Publisher


def stop(number: str) -> dict[str, Any]:
    """Write an opt-out as the gateway posts it."""
    return {"number": number, "text": "STOP", "stop_date": "2026-01-31 14:05:09"}


def stop_now(client: redis.Redis, settings: RedisSettings, number: str) -> bool:
    """Publish an opt-out; safe to repeat. Returns whether it was new."""
    events = read_callback(json.dumps(stop(number)).encode(), "", "", datetime.now(UTC), "by hand")
    [new] = Publisher(client, settings).publish(events)
    return new
