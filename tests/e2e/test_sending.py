"""From an application's call to the handset, when nothing goes wrong."""

import asyncio
import hashlib
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from producers import AsyncProducer, Message, Recipient, RequestIdConflict
from producers.messages.message import freeze
from tests.support.installation import new_id, new_number

EMOJI = "Ça y est 🎉 café à 8 € … {pas de champ] ~ 日本"


def test_an_accepted_send_has_ticket_cost_and_segments_and_reaches_the_handset_once(installation):
    sent = installation.send("a" * 200)

    status = installation.settled(sent)

    (campaign,) = installation.gateway.accepted(sent.request_id)
    assert (status.state, status.ticket) == ("accepted", campaign.ticket)
    assert (status.cost, status.segments, status.attempts) == (Decimal("0.1"), 2, 1)
    assert (status.code, status.message) == (None, None)
    assert [m.text for m in installation.handset(sent)] == ["a" * 200]


def test_an_end_is_announced_once_with_the_context_of_the_send(installation):
    sent = installation.send(context={"booking": 42, "ünïcode": ["é", None]})

    status = installation.settled(sent)

    (entry,) = installation.entries("statuses", sent)
    assert (entry.state, entry.ticket, entry.cost) == ("accepted", status.ticket, status.cost)
    assert (entry.segments, entry.attempt, entry.code) == (1, 1, None)
    assert entry.context == {"booking": 42, "ünïcode": ["é", None]}


def test_500_recipients_are_one_call(installation):
    numbers = [new_number() for _ in range(500)]

    sent = installation.send(to=numbers)

    assert installation.settled(sent).segments == 500
    assert len(installation.posts(sent)) == 1
    assert Counter(m.number for m in installation.handset(sent)) == Counter(numbers)


def test_every_parameter_arrives_as_it_was_given(installation):
    recipient = Recipient(new_number(), first_name="Zoë", last_name="O'Neil", param1="1", param5="🎁")
    options = {
        "sender": "Bistro42",
        "type": "sms_low_cost",
        "purpose": "wholesale",
        "with_replies": True,
        "auto_optimize_text": False,
        "auto_remove_blacklisted_numbers": True,
        "send_at": datetime(2040, 1, 31, 9, 30, tzinfo=UTC),
        "schedule": "gateway",
        "request_id": new_id(),
    }
    text = "{first_name} {last_name}: {param1} {param5} STOP au 30101"

    sent = installation.send(text, to=recipient, **options)
    installation.settled(sent)

    body = freeze(Message(recipient, text, **options)).body
    assert installation.bodies(sent) == {hashlib.sha256(body).hexdigest()}
    assert json.loads(body) == {
        "recipients": [
            {
                "phone_number": recipient.phone_number,
                "first_name": "Zoë",
                "last_name": "O'Neil",
                "param1": "1",
                "param5": "🎁",
            }
        ],
        "text": text,
        "sender": "Bistro42",
        "type": "sms_low_cost",
        "purpose": "wholesale",
        "with_replies": True,
        "auto_optimize_text": False,
        "auto_remove_blacklisted_numbers": True,
        "send_at": "2040-01-31T09:30:00+00:00",
        "request_id": sent.request_id,
    }


def test_text_and_sender_reach_the_handset_unharmed(installation):
    sent = installation.send(EMOJI, sender="Bistro42", auto_optimize_text=False)

    installation.settled(sent)

    assert [(m.text, m.sender) for m in installation.handset(sent)] == [(EMOJI, "Bistro42")]


def test_placeholders_are_filled_per_recipient(installation):
    to = [Recipient(new_number(), first_name=name) for name in ("Zoë", "Łukasz")]

    sent = installation.send("Hello {first_name}", to=to, auto_optimize_text=False)

    installation.settled(sent)
    assert {m.text for m in installation.handset(sent)} == {"Hello Zoë", "Hello Łukasz"}


def test_a_two_way_sms_comes_from_a_short_number(installation):
    sent = installation.send(with_replies=True)

    installation.settled(sent)

    assert [(m.sender, m.with_replies) for m in installation.handset(sent)] == [("12345", True)]


@pytest.mark.parametrize("has_ticket", [True, False])
def test_a_simulated_send_is_accepted_and_reaches_nobody(installation, has_ticket):
    installation.gateway.settings(simulation_has_ticket=has_ticket)

    sent = installation.send(simulation_mode=True)

    status = installation.settled(sent)
    assert (status.state, status.ticket is not None) == ("accepted", has_ticket)
    assert [r.outcome for r in installation.posts(sent)] == ["simulated"]
    assert installation.handset(sent) == []


def test_blocked_numbers_are_left_out_where_asked_for(installation):
    blocked, free = new_number(), new_number()
    installation.gateway.blacklist(add=blocked)

    sent = installation.send(to=[blocked, free], auto_remove_blacklisted_numbers=True)

    assert installation.settled(sent).state == "accepted"
    assert [m.number for m in installation.handset(sent)] == [free]


def test_send_many_gets_each_of_1200_messages_accepted_once(installation):
    messages = [
        Message(new_number(), "Your table is ready", sender="Bistro", purpose="alert") for _ in range(1_200)
    ]

    sent = installation.producer.send_many(messages)

    assert [s.request_id for s in sent] == [m.request_id for m in messages]
    assert installation.all_settled(sent) == {"accepted"}
    assert_each_came_once(installation, {m.request_id: m.recipients for m in messages})


def test_the_asyncio_producer_does_the_same(installation):
    messages = [Message(new_number(), "Ready", sender="Bistro", purpose="alert") for _ in range(50)]
    number, request_id = new_number(), new_id()

    async def main():
        producer = AsyncProducer(settings=installation.settings)
        single = await producer.send(
            number, "Ready", sender="Bistro", purpose="alert", request_id=request_id, context=[1]
        )
        many = await producer.send_many(messages)
        held = await producer.send(
            number, "Later", sender="Bistro", purpose="alert", send_at=datetime.now(UTC) + timedelta(hours=1)
        )
        cancelled = await producer.cancel(held.request_id)
        await asyncio.to_thread(installation.all_settled, [single, *many])
        status = await producer.status(request_id)
        await producer.close()
        return status, cancelled

    status, cancelled = asyncio.run(main())

    assert (status.state, status.context, cancelled) == ("accepted", [1], "cancelled")
    assert_each_came_once(installation, {m.request_id: m.recipients for m in messages} | {request_id: number})


def test_the_same_id_with_the_same_content_is_sent_once(installation):
    number, request_id = new_number(), new_id()

    first = installation.send(to=number, request_id=request_id)
    at_once = installation.send(to=number, request_id=request_id)
    installation.settled(first)
    afterwards = installation.send(to=number, request_id=request_id)

    assert [first.created, at_once.created, afterwards.created] == [True, False, False]
    assert afterwards.state == "accepted"
    assert len(installation.handset(request_id)) == len(installation.posts(request_id)) == 1


def test_the_same_id_with_other_content_is_refused_and_the_first_stands(installation):
    number, request_id = new_number(), new_id()
    installation.send("first", to=number, request_id=request_id)

    with pytest.raises(RequestIdConflict) as caught:
        installation.send("second", to=number, request_id=request_id)

    assert caught.value.request_ids == (request_id,)
    installation.settled(request_id)
    assert [m.text for m in installation.handset(request_id)] == ["first"]


def assert_each_came_once(installation, numbers):
    """Each (request_id, number) was accepted, and shown on its handset, exactly once."""
    delivered = installation.gateway.delivered()
    assert {pair: delivered.get(pair) for pair in numbers.items()} == dict.fromkeys(numbers.items(), 1)
    accepted = Counter(campaign.request_id for campaign in installation.gateway.accepted())
    assert {accepted[request_id] for request_id in numbers} == {1}
