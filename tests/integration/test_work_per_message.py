"""The work that a message makes, counted and not timed: what gets dearer is seen before it lands.

Counts are the same on every machine and at every hour. They do not see what one line or one command costs:
`make bench BEFORE=...` tells the times, and docs/performance.md has them. A limit is today's work, and some.
Whoever needs more raises it here and says why; whoever needs much less lowers it.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import redis

import producers
import worker
from producers import Message, Recipient
from tests.support.callbacks_by_hand import reply
from worker.gateway.outcomes import Accepted
from worker.ledger.claims import Result

#: For each message: commands in Redis, those of scripts among them, and lines of ours that Python runs.
LIMITS = {
    "send": (12, 510),
    "send again": (6, 520),
    "send_many of a list": (1.1, 265),
    "send_many of an iterator": (1.1, 275),
    "send_many of shared calls": (1.1, 330),
    "claim": (5.1, 30),
    "record": (17.1, 38),
    "compose and claim a shared call": (2.8, 1.4),
    "record and end a shared call": (5.5, 2.6),
    "process a delivery receipt": (14.5, 620),
    "process a reply": (13.5, 880),
}
#: Of work below so much of its limit, the limit says nothing.
LOOSE = 0.8
#: Where our functions are.
OURS = tuple(f"{Path(package.__file__).parent}/" for package in (producers, worker))
#: Messages of a slice, and entries of a batch.
SLICE, BATCH = 500, 128

Count = Callable[[str, int], AbstractContextManager[None]]


@pytest.fixture
def counted(redis_client: redis.Redis) -> Count:
    """Count what is done for some messages, and hold it against its limits."""

    @contextmanager
    def count(work: str, messages: int) -> Iterator[None]:
        lines = 0

        def note(frame: FrameType, event: str, _argument: object) -> object:
            nonlocal lines
            lines += event == "line"
            return note if frame.f_code.co_filename.startswith(OURS) else None

        redis_client.config_resetstat()
        sys.settrace(note)
        try:
            yield
        finally:
            sys.settrace(None)
        ran = redis_client.info("commandstats")
        commands = sum(each["calls"] for name, each in ran.items() if name != "cmdstat_config|resetstat")
        for kind, found, limit in zip(("commands", "lines"), (commands, lines), LIMITS[work], strict=True):
            assert LOOSE * limit < found / messages <= limit, f"{found / messages:.2f} {kind} to {work}"

    return count


def uncounted(_work: str, _messages: int) -> AbstractContextManager[None]:
    """Stand for a first round: what is done once for a process is done in it."""
    return nullcontext()


def number(i: int) -> str:
    return f"+336{10_000_000 + i}"


def alerts(count: int, prefix: str) -> list[Message]:
    """Make messages that leave alone."""
    facts: dict[str, Any] = {"sender": "Bistro", "purpose": "alert", "context": {"table": 7}}
    return [
        Message(number(i), "Your table is ready.", request_id=f"{prefix}-{i:06d}", **facts)
        for i in range(count)
    ]


def codes(count: int, prefix: str) -> list[Message]:
    """Make messages that share a call."""
    facts: dict[str, Any] = {"sender": "Bistro", "purpose": "alert"}
    return [
        Message(
            [Recipient(number(i), param1=f"{i}")],
            "Your code is {param1}.",
            request_id=f"{prefix}-{i:06d}",
            **facts,
        )
        for i in range(count)
    ]


def receipt(i: int, ticket: str) -> dict[str, Any]:
    """Make what the gateway posts when a phone has got a message."""
    at = "2030-01-31 14:20:09"
    return {"message_id": ticket, "number": number(i), "status": "DELIVERED", "delivery_date": at}


def test_queueing(sms, counted):
    def send() -> None:
        sms.send(
            number(0),
            "Your table is ready.",
            sender="Bistro",
            purpose="alert",
            context={"table": 7},
            request_id="one",
        )

    listed, made, shared = alerts(SLICE, "listed"), iter(alerts(SLICE, "made")), codes(SLICE, "shared")
    for prefix in ("first", "second"):
        sms.send_many([*alerts(1, prefix), *codes(1, f"{prefix}-code")])
    with counted("send", 1):
        send()
    with counted("send again", 1):
        send()
    with counted("send_many of a list", SLICE):
        sms.send_many(listed)
    with counted("send_many of an iterator", SLICE):
        sms.send_many(made)
    with counted("send_many of shared calls", SLICE):
        sms.send_many(shared)


def test_sending_and_what_comes_back(sms, hand, callbacks, counted):
    rounds: dict[str, Count] = {"first": uncounted, "next": counted}
    for prefix, count in rounds.items():
        tickets = [f"sms_{prefix}_{i}" for i in range(BATCH)]
        sms.send_many(alerts(BATCH, prefix))
        batch = hand.fetch()
        with count("claim", BATCH):
            claims = hand.claim(batch)
        accepted = [
            Result(claim, Accepted(ticket), 1, False, False, 0)
            for claim, ticket in zip(claims, tickets, strict=True)
        ]
        with count("record", BATCH):
            assert hand.ledger.finish(accepted) == ["accepted"] * BATCH
        callbacks.store(*(receipt(i, ticket) for i, ticket in enumerate(tickets)))
        with count("process a delivery receipt", BATCH):
            callbacks.look_again()
        callbacks.store(*(reply(number(i), ticket=ticket) for i, ticket in enumerate(tickets)))
        with count("process a reply", BATCH):
            callbacks.look_again()


def test_sharing(sms, hand, counted):
    rounds: dict[str, Count] = {"first": uncounted, "next": counted}
    for prefix, count in rounds.items():
        sms.send_many(codes(SLICE, prefix))
        with count("compose and claim a shared call", SLICE):
            [claim] = hand.take()
        with count("record and end a shared call", SLICE):
            assert hand.finish(claim, Accepted("sms_1")) == "accepted"
