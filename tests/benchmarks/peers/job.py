"""The job that all peers do: POST one JSON body per message and read the ticket. Standard library only.

The bodies are those that octopush-worker sends for the same message, byte for byte but for the id; they are
queued ready-made, so that no peer pays for building them.
"""

import json
import os
from collections.abc import Iterator

URL = os.environ.get("GATEWAY_URL", "") + "/sms-campaign/send"
REDIS_URL = os.environ.get("REDIS_URL", "")
HEADERS = {
    "api-login": "sandbox@example.com",
    "api-key": "sandbox-key",
    "content-type": "application/json",
    "accept": "application/json",
    "cache-control": "no-cache",
}
TEXT = "Your table is ready. We look forward to seeing you at eight o'clock."


def request_id(i: int) -> str:
    """Name the i-th message."""
    return f"bench-{i:08d}"


def number(i: int) -> str:
    """Give the i-th message a number of its own."""
    return f"+336{10_000_000 + i:08d}"


def bodies(count: int) -> Iterator[str]:
    """Make the bodies of so many messages, about 240 bytes each."""
    for i in range(count):
        body = {
            "recipients": [{"phone_number": number(i)}],
            "text": TEXT,
            "sender": "Bench",
            "type": "sms_premium",
            "purpose": "alert",
            "request_id": request_id(i),
            "auto_optimize_text": True,
        }
        yield json.dumps(body, separators=(",", ":"))


def ticket(status: int, content: bytes) -> str:
    """Read the answer; anything but a ticket is an error, as it is in any application."""
    if status != 201:
        raise RuntimeError(f"the gateway answered {status}")
    return json.loads(content)["sms_ticket"]
