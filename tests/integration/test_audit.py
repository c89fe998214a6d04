"""The audit stream: who did what, on blocking and asyncio clients."""

import asyncio
from typing import Any

import pytest
import redis
import redis.asyncio

from producers.contract.keys import Keys
from worker.operator import audit

KEYS = Keys("sms")


def entries(client: redis.Redis) -> list[tuple[bytes, dict[bytes, bytes]]]:
    found: Any = client.xrange(KEYS.audit)
    return found


def test_an_entry_says_who_did_what_to_what_and_when(redis_client):
    entry_id = audit.entry(KEYS, "anna", "export", rows=12, country="FR").run(redis_client)

    [(stored_id, fields)] = entries(redis_client)
    assert stored_id.decode() == entry_id
    at = fields.pop(b"at")
    assert at.endswith(b"Z")
    assert fields == {
        b"v": b"1",
        b"action": b"export",
        b"by": b"anna",
        b"rows": b"12",
        b"country": b"FR",
    }


def test_an_action_upon_nothing_has_an_entry_too(redis_client):
    audit.entry(KEYS, "ben", "login").run(redis_client)

    assert entries(redis_client)[0][1][b"action"] == b"login"


def test_an_asyncio_client_appends_the_same_entry(redis_url, redis_client):
    async def append() -> str:
        async with redis.asyncio.from_url(redis_url) as client:
            return await audit.entry(KEYS, "anna", "reveal", event_id="e1").arun(client)

    entry_id = asyncio.run(append())

    assert [stored.decode() for stored, _ in entries(redis_client)] == [entry_id]


def test_nobody_can_pretend_another_time():
    with pytest.raises(ValueError, match="own at"):
        audit.entry(KEYS, "anna", "reveal", at="1999")
