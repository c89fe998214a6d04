"""Nothing twice: the gateway took the message, and we could not read its answer."""

import pytest

from tests.support.installation import IMPATIENT, new_id, new_number

DUPLICATE_CODES = [120, 182]
#: The call was accepted; its answer never told, or told badly.
AMBIGUOUS = [
    "accept_then_silence",
    "accept_then_late",
    "accept_then_reset",
    "accept_then_close",
    "accept_then_502",
    "accept_then_503",
    "accept_then_504",
    "accept_then_empty",
    "accept_then_truncated",
    "accept_then_not_json",
    "accept_then_garbage",
    "accept_without_ticket",
    "accept_dripping",
]


@pytest.fixture(scope="module")
def shared(install_for_module):
    return install_for_module(web=True, **IMPATIENT)


@pytest.fixture(scope="module", params=DUPLICATE_CODES)
def sends(request, shared):
    """One message per ambiguous answer, all under way together; repeats get one of the codes."""
    shared.calm()
    shared.gateway.settings(duplicate_code=request.param)
    numbers = {preset: new_number() for preset in AMBIGUOUS}
    for preset, number in numbers.items():
        shared.gateway.fault(preset, times=1, match={"number": number})
    sends = {
        preset: shared.send(to=number, request_id=new_id(), context=preset)
        for preset, number in numbers.items()
    }
    # A module-wide fixture outlives the calm before each test: the gateway must have done all this by then.
    shared.all_settled(sends.values())
    return sends


@pytest.mark.parametrize("preset", AMBIGUOUS)
def test_a_message_whose_answer_was_lost_is_accepted_and_comes_once(sends, shared, preset):
    sent = sends[preset]

    assert shared.settled(sent).state == "accepted"

    assert len(shared.handset(sent)) == 1
    assert len(shared.bodies(sent)) == 1, "every attempt carried the same bytes"
    assert [post.outcome for post in shared.posts(sent)][:2] == ["accepted", "duplicate"]
    assert shared.status(sent).code is None


@pytest.mark.parametrize("preset", AMBIGUOUS)
def test_the_first_receipt_supplies_the_lost_ticket(sends, shared, preset):
    sent = sends[preset]
    (campaign,) = shared.gateway.accepted(sent.request_id)

    shared.wait_for(lambda: shared.status(sent).ticket)

    assert shared.status(sent).ticket == campaign.ticket
    shared.wait_for(lambda: [d.status for d in shared.status(sent).deliveries.values()] == ["DELIVERED"])
    assert [(e.state, e.ticket) for e in shared.entries("statuses", sent)][-1] == (
        "accepted",
        campaign.ticket,
    )
    receipts = shared.wait_for(lambda: [r for r in shared.entries("receipts", sent) if r.final])
    assert [(r.ticket, r.status, r.context) for r in receipts] == [(campaign.ticket, "DELIVERED", preset)]


@pytest.mark.parametrize("code", DUPLICATE_CODES)
def test_a_duplicate_answer_to_a_first_attempt_is_never_counted_as_sent(installation, code):
    """Somebody else used the id at the gateway: our message was not sent, and a person must look."""
    installation.gateway.settings(duplicate_code=code)
    request_id = new_id()
    installation.use_up(request_id)

    sent = installation.send(request_id=request_id)

    status = installation.settled(sent)
    assert (status.state, status.code, status.ticket) == ("unknown", str(code), None)
    assert [entry.state for entry in installation.entries("statuses", sent)] == ["unknown"]
    assert len(installation.handset(request_id)) == 1, "the other's"


def test_a_strangers_receipt_does_not_turn_a_used_up_id_into_an_acceptance(installation):
    """The stranger wrote to the same person: that person has the stranger's text, not ours."""
    number, request_id = new_number(), new_id()
    installation.gateway.fate(match={"number": number}, ack=False, final_delay_ms=1_000)
    installation.use_up(request_id, number)
    sent = installation.send(to=number, request_id=request_id)
    installation.settled(sent)

    installation.wait_for(lambda: [r for r in installation.entries("receipts") if r.number == number])

    assert (installation.status(sent).state, installation.status(sent).ticket) == ("unknown", None)


def test_a_receipt_of_a_send_under_way_is_not_taken_for_that_of_an_open_one(installation):
    """Two sends to one number, one of unknown outcome: the receipt belongs to the one that was taken."""
    number = new_number()
    installation.gateway.fault("silence_before", times=3, match={"number": number})
    open_send = installation.send("first", to=number, context="first")
    installation.wait_for(lambda: installation.status(open_send).attempts == 3)
    installation.gateway.fate(match={"number": number, "text_contains": "second"}, before_answer=True)
    installation.gateway.fault(after_ms=100, times=1, match={"number": number, "text_contains": "second"})

    sent = installation.send("second", to=number, context="second")

    installation.wait_for(lambda: len(of_number(installation, number)) >= 2)
    ticket = installation.settled(sent).ticket
    assert {(r.ticket, r.context) for r in of_number(installation, number)} == {(ticket, "second")}
    assert installation.status(open_send).ticket != ticket


def of_number(installation, number):
    return [receipt for receipt in installation.entries("receipts") if receipt.number == number]


def test_an_outage_before_acceptance_costs_nothing_but_time(installation):
    number = new_number()
    installation.gateway.fault("502_before", times=2, match={"number": number})

    sent = installation.send(to=number)

    status = installation.settled(sent)
    assert (status.state, status.attempts) == ("accepted", 3)
    assert [post.outcome for post in installation.posts(sent)] == ["dropped", "dropped", "accepted"]
    assert status.ticket == installation.handset(sent)[0].ticket
    assert len(installation.handset(sent)) == len(installation.bodies(sent)) == 1


def test_a_gateway_that_stays_silent_past_the_tries_of_a_run_is_asked_again_later(installation):
    number = new_number()
    installation.gateway.fault("accept_then_reset", times=1, match={"number": number})
    installation.gateway.fault("503_before", times=2, match={"number": number})

    sent = installation.send(to=number)
    installation.wait_for(lambda: installation.status(sent).attempts == 3)

    assert installation.status(sent).state == "sending"
    status = installation.settled(sent)
    assert (status.state, status.attempts) == ("accepted", 4)
    assert len(installation.handset(sent)) == len(installation.bodies(sent)) == 1
