"""Single sends of one template share calls to a slow gateway, and nobody can tell from what comes back."""

import pytest

from producers import Message, Recipient
from tests.support.installation import new_id, new_number

MANY = 600


@pytest.fixture(scope="module")
def shared(install_for_module):
    return install_for_module(web=True, SEND_IN_FLIGHT="2", OCTOPUSH_READ_TIMEOUT_S="1.5")


def template(count, text="Your code is {param1}", **options):
    """Messages of one template, each to a number of its own, with a context of its own."""
    options = {"sender": "Bistro", "purpose": "alert", **options}
    ids = [new_id("shared") for _ in range(count)]
    return [
        Message(
            Recipient(new_number(), param1=each[-6:]), text, request_id=each, context={"of": each}, **options
        )
        for each in ids
    ]


def ids_of(messages):
    return [message.request_id for message in messages]


def number_of(message):
    return message.recipients.phone_number


def reached(installation, messages):
    """How often each message of these shows on its handset, with its own text."""
    shown = installation.gateway.delivered_texts()
    return [
        shown.get((number_of(each), each.text.replace("{param1}", each.recipients.param1)), 0)
        for each in messages
    ]


def calls_to(installation, messages):
    """The accepted calls that went to some of these numbers."""
    numbers = {number_of(each) for each in messages}
    tickets = {m.ticket for m in installation.gateway.messages() if m.number in numbers}
    return [call for call in installation.gateway.accepted() if call.ticket in tickets]


def by_id(installation, stream, messages):
    wanted = set(ids_of(messages))
    return {e.request_id: e for e in installation.entries(stream) if e.request_id in wanted}


def test_many_sends_leave_in_few_calls_and_each_gets_its_own_answers(installation):
    installation.gateway.default_fault(before_ms=300)
    messages = template(MANY, with_replies=True)
    for start in range(0, MANY, 50):
        installation.producer.send_many(messages[start : start + 50])

    assert installation.all_settled(ids_of(messages)) == {"accepted"}

    assert reached(installation, messages) == [1] * MANY
    assert len(calls_to(installation, messages)) <= 20
    for index in (0, MANY // 2, MANY - 1):
        installation.gateway.reply(number_of(messages[index]), "YES")
    installation.wait_for(lambda: len(by_id(installation, "replies", messages)) == 3)
    for request_id, reply in by_id(installation, "replies", messages).items():
        message = messages[ids_of(messages).index(request_id)]
        assert (reply.number, reply.context) == (number_of(message), {"of": request_id})
    finals = installation.wait_for(lambda: final_receipts(installation, messages))
    for message in messages:
        receipt = finals[message.request_id]
        assert (receipt.number, receipt.context) == (number_of(message), message.context)
        assert receipt.ticket == installation.status(message.request_id).ticket


def final_receipts(installation, messages):
    """The final receipts by request_id, once all are there."""
    wanted = set(ids_of(messages))
    found = {e.request_id: e for e in installation.entries("receipts") if e.final and e.request_id in wanted}
    return found if len(found) == len(messages) else None


def test_a_number_that_the_gateway_refuses_costs_nobody_else_the_message(installation):
    messages = template(40)
    bad = messages[17]
    installation.gateway.fault("refuse", code=181, match={"number": number_of(bad)})

    installation.producer.send_many(messages)

    assert installation.all_settled(ids_of(messages)) == {"accepted", "rejected"}
    assert [each for each in messages if installation.status(each.request_id).state == "rejected"] == [bad]
    assert installation.status(bad.request_id).code == "181"
    assert reached(installation, messages) == [int(each is not bad) for each in messages]


def test_a_call_whose_answer_is_lost_reaches_each_handset_once(installation):
    messages = template(40)
    installation.gateway.fault("accept_then_silence", times=1, match={"number": number_of(messages[0])})

    installation.producer.send_many(messages)

    assert installation.all_settled(ids_of(messages)) == {"accepted"}
    assert reached(installation, messages) == [1] * 40
    (call,) = calls_to(installation, messages)
    # The first receipt brings the ticket to all of them.
    installation.wait_for(
        lambda: {installation.status(each).ticket for each in ids_of(messages)} == {call.ticket}
    )


def test_an_account_in_trouble_holds_a_call_and_loses_none_of_its_members(installation):
    messages = template(40)
    installation.gateway.fault("429_retry_after", times=1, match={"number": number_of(messages[0])})

    installation.producer.send_many(messages[:20])
    installation.producer.send_many(messages[20:])

    assert installation.all_settled(ids_of(messages)) == {"accepted"}
    assert reached(installation, messages) == [1] * 40
