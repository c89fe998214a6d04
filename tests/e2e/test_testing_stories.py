"""Stories that an outbox tells as the sandbox does, whose Redis, worker, web and gateway are processes."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from producers import Feed, MessageStatus, Producer, Recipient
from producers.contract.jobs import ENDS
from producers.testing.outbox import SmsOutbox
from producers.testing.sandbox import PATIENCE_S, SmsSandbox
from tests.support.two_worlds import Teller

ALERT = {"sender": "Bistro", "purpose": "alert"}
MARKETING = {"sender": "Bistro", "purpose": "wholesale"}
NEWS = "News for {first_name}. STOP au 30101"

_people = itertools.count(71_000_001)


class World:
    """An application with three customers of its own, and what happens around it.

    Attributes:
        sms: the application's producer.
        people: the numbers of the customers.
    """

    def __init__(self) -> None:
        self.sms = Producer.from_env()
        self.name = uuid4().hex[:8]
        self.people = [f"+336{next(_people):08d}" for _ in range(3)]
        aliases = {number: f"person {position}" for position, number in enumerate(self.people)}
        self.teller = Teller({**aliases, self.name: "world"})

    def id(self, word: str) -> str:
        return f"{self.name}-{word}"

    def tell(self, call: Callable[[], Any]) -> Any:
        return self.teller.tell(call)

    def settled(self, request_id: str) -> MessageStatus:
        """Let a message come to its end."""
        raise NotImplementedError

    def pass_time(self, seconds: float) -> None:
        raise NotImplementedError

    def away(self) -> AbstractContextManager[None]:
        raise NotImplementedError

    def reply(self, number: str, text: str) -> None:
        raise NotImplementedError

    def stop(self, number: str) -> None:
        raise NotImplementedError

    def receipt(self, number: str, status: str) -> None:
        raise NotImplementedError

    def first(self, stream: str, wanted: Callable[[Any], bool]) -> Any:
        """Read a stream until an entry is the wanted one."""
        with Feed(stream, group=uuid4().hex) as feed:
            too_late = threading.Timer(PATIENCE_S, feed.stop)
            too_late.start()
            found = next((event for event in feed if wanted(event)), None)
            too_late.cancel()
        assert found is not None
        return found


class InMemory(World):
    def __init__(self, outbox: SmsOutbox) -> None:
        super().__init__()
        self.outbox = outbox

    def settled(self, request_id: str) -> MessageStatus:
        self.outbox.run_worker()
        status = self.sms.status(request_id)
        assert status is not None
        assert status.state in ENDS
        return status

    def pass_time(self, seconds: float) -> None:
        self.outbox.travel(seconds=seconds)

    def away(self) -> AbstractContextManager[None]:
        return self.outbox.away()

    def reply(self, number: str, text: str) -> None:
        self.outbox.reply(number, text)

    def stop(self, number: str) -> None:
        self.outbox.stop(number)

    def receipt(self, number: str, status: str) -> None:
        self.outbox.receipt(number, status)


class InSandbox(World):
    def __init__(self, sandbox: SmsSandbox) -> None:
        super().__init__()
        self.sandbox = sandbox
        for number in self.people:
            sandbox.gateway.call("POST", "/handsets", {"number": number, "receipts": "never"})

    def settled(self, request_id: str) -> MessageStatus:
        def ended() -> MessageStatus | None:
            status = self.sms.status(request_id)
            return status if status and status.state in ENDS else None

        return self.sandbox.wait_for(ended)

    def pass_time(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        self.sandbox.wait_for(lambda: time.monotonic() > until)

    @contextmanager
    def away(self) -> Iterator[None]:
        self.sandbox.gateway.stop_listening()
        yield
        self.sandbox.gateway.listen()

    def reply(self, number: str, text: str) -> None:
        self.sandbox.handset(number).answer(text)

    def stop(self, number: str) -> None:
        self.sandbox.handset(number).stop()

    def receipt(self, number: str, status: str) -> None:
        shown = self.sandbox.handset(number).wait_for()
        self.sandbox.gateway.receipt(shown.ticket, number, status)


def an_alert_is_delivered(world: World) -> Iterator[Any]:
    anne, *_ = world.people
    send = {"context": {"booking": 7}, "request_id": world.id("ready"), **ALERT}
    yield world.tell(lambda: world.sms.send(anne, "Ready", **send))
    yield world.tell(lambda: world.sms.send(anne, "Ready", **send).created)
    yield world.tell(lambda: world.sms.send(anne, "Not ready", **send))
    yield world.teller.told(world.settled(world.id("ready")))
    yield world.tell(lambda: world.first("statuses", lambda event: event.request_id == world.id("ready")))
    world.receipt(anne, "ACK")
    world.receipt(anne, "DELIVERED")
    yield world.tell(lambda: world.first("receipts", lambda event: event.number == anne and event.final))
    yield world.tell(lambda: world.sms.status(world.id("ready")))
    yield world.tell(lambda: world.sms.cancel(world.id("ready")))


def a_question_is_answered(world: World) -> Iterator[Any]:
    anne, *_ = world.people
    question = {"with_replies": True, "request_id": world.id("question"), "context": 7, **ALERT}
    yield world.tell(lambda: world.sms.send(anne, "Do you come?", **question))
    world.settled(world.id("question"))
    world.reply(anne, "Oui, à 20 h €")
    reply = world.first("replies", lambda event: event.number == anne)
    yield world.teller.told(reply)
    answer = {"reply_to": reply.event_id, "request_id": world.id("answer"), **ALERT}
    yield world.tell(lambda: world.sms.send(anne, "See you!", **answer))
    world.settled(world.id("answer"))
    yield world.tell(lambda: world.sms.conversation(anne))


def a_stop_by_reply_ends_marketing(world: World) -> Iterator[Any]:
    anne, *_ = world.people
    question = {"with_replies": True, "request_id": world.id("question"), **ALERT}
    later = {"send_at": datetime.now(UTC) + timedelta(days=1), "request_id": world.id("later"), **MARKETING}
    yield world.tell(lambda: world.sms.send(anne, "Do you come?", **question))
    yield world.tell(lambda: world.sms.send(Recipient(anne, first_name="Anne"), NEWS, **later))
    world.settled(world.id("question"))
    world.reply(anne, "STOP")
    yield world.tell(lambda: world.first("optouts", lambda event: event.number == anne))
    yield world.tell(lambda: world.sms.status(world.id("later")))
    yield world.tell(lambda: world.sms.send(Recipient(anne, first_name="Anne"), NEWS, **MARKETING).code)
    # The gateway writes seconds, and of two within one the STOP counts.
    world.pass_time(1.1)
    world.reply(anne, "START")
    yield world.tell(lambda: world.first("optouts", lambda e: e.number == anne and e.action == "in"))
    yield world.tell(lambda: world.sms.send(Recipient(anne, first_name="Anne"), NEWS, **MARKETING).code)


def a_campaign_leaves_out_who_has_opted_out(world: World) -> Iterator[Any]:
    anne, *_ = people = [Recipient(number, first_name="You") for number in world.people]
    world.sms.send(anne, NEWS, request_id=world.id("first"), **MARKETING)
    world.settled(world.id("first"))
    world.stop(anne.phone_number)
    yield world.tell(lambda: world.first("optouts", lambda event: event.number == anne.phone_number))
    campaign = {"campaign_id": world.id("c"), **MARKETING}
    yield world.tell(lambda: world.sms.send_campaign(NEWS, people, **campaign))
    yield world.teller.told(world.settled(world.id("c.0")))
    yield world.tell(lambda: world.sms.campaign_status(world.id("c")))
    yield world.tell(lambda: world.sms.cancel_campaign(world.id("c")))


def a_message_expires_while_the_gateway_is_away(world: World) -> Iterator[Any]:
    anne, *_ = world.people
    with world.away():
        short = {"ttl": timedelta(seconds=2), "request_id": world.id("short"), **ALERT}
        yield world.tell(lambda: world.sms.send(anne, "Now", **short))
        world.pass_time(3)
        status = world.settled(world.id("short"))
        # How often a worker has tried meanwhile is a matter of seconds.
        yield status.state, status.code, status.ticket


def a_message_leaves_when_it_is_due(world: World) -> Iterator[Any]:
    anne, *_ = world.people
    due = {"send_at": datetime.now(UTC) + timedelta(seconds=2), "request_id": world.id("due"), **ALERT}
    yield world.tell(lambda: world.sms.send(anne, "Now", **due))
    yield world.sms.status(world.id("due")).state
    world.pass_time(2.5)
    yield world.teller.told(world.settled(world.id("due")))


STORIES = [
    an_alert_is_delivered,
    a_question_is_answered,
    a_stop_by_reply_ends_marketing,
    a_campaign_leaves_out_who_has_opted_out,
    a_message_expires_while_the_gateway_is_away,
    a_message_leaves_when_it_is_due,
]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_the_outbox_tells_what_the_sandbox_tells(story, sms_sandbox):
    real = list(story(InSandbox(sms_sandbox)))

    with SmsOutbox() as outbox:
        assert list(story(InMemory(outbox))) == real
