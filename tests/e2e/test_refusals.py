"""What the gateway refuses: for good, for now, or because of the account."""

import json

import pytest

from tests.support.installation import IMPATIENT, new_number


@pytest.fixture(scope="module")
def shared(install_for_module):
    return install_for_module(**IMPATIENT)


def test_a_stop_mention_that_the_gateway_does_not_take_is_told_with_its_own_words(installation):
    installation.gateway.settings(stop_mention="STOP au 36111")
    sent = installation.send("Sale! STOP au 30101", purpose="wholesale", context="sale")

    status = installation.settled(sent)

    assert (status.state, status.code, status.attempts) == ("rejected", "121", 1)
    assert "[STOP au 36111]" in status.message
    (entry,) = installation.entries("statuses", sent)
    assert (entry.state, entry.code, entry.message) == ("rejected", "121", status.message)
    assert (entry.context, entry.attempt) == ("sale", 1)
    assert installation.handset(sent) == []


@pytest.mark.parametrize(("code", "state"), [(999, "unknown"), ("1340", "rejected")])
def test_a_refusal_is_not_repeated_whether_its_code_is_known_or_not(installation, code, state):
    number = new_number()
    installation.gateway.fault("refuse", code=code, match={"number": number})

    sent = installation.send(to=number)

    status = installation.settled(sent)
    assert (status.state, status.code, status.attempts) == (state, str(code), 1)
    assert len(installation.posts(sent)) == 1


def test_a_call_that_is_refused_as_a_whole_reaches_nobody(installation):
    bad = new_number()
    installation.gateway.fault("refuse", code=181, match={"number": bad})

    sent = installation.send(to=[new_number(), bad])

    assert installation.settled(sent).state == "rejected"
    assert installation.handset(sent) == []


@pytest.mark.parametrize("preset", ["429_retry_after", "429_retry_after_date"])
def test_the_gateways_wish_to_wait_is_obeyed(installation, preset):
    number = new_number()
    # A date has whole seconds: of the two seconds asked for, one is sure.
    installation.gateway.fault(preset, times=1, retry_after_s=2, match={"number": number})

    sent = installation.send(to=number)

    assert installation.settled(sent).state == "accepted"
    first, second = installation.posts(sent)
    assert second.at - first.at >= (1 if preset.endswith("date") else 2)
    assert (first.outcome, second.outcome) == ("dropped", "accepted")


def test_a_transient_refusal_is_repeated(installation):
    number = new_number()
    installation.gateway.fault("refuse", code=153, times=2, match={"number": number})

    sent = installation.send(to=number)

    status = installation.settled(sent)
    assert (status.state, status.attempts, status.code) == ("accepted", 3, None)
    assert len(installation.handset(sent)) == 1


def test_a_wrong_key_holds_messages_until_it_is_mended(installation):
    """The account's trouble: all sending is held, one error for the operator, no attempt burnt."""
    before = len(installation.worker.output)
    installation.gateway.settings(api_key="the-key-was-changed")
    sends = [installation.send() for _ in range(3)]
    installation.wait_for(lambda: installation.redis.exists(installation.keys.hold))
    # Others of them may have been on their way when the first one held all.
    installation.wait_for(
        lambda: (
            [(each.state, each.attempts) for each in map(installation.status, sends)] == [("queued", 0)] * 3
        )
    )
    assert "101" in {installation.status(s).code for s in sends}
    # A line is written after the state that it tells of.
    installation.wait_for(lambda: errors(installation.worker.output[before:]))
    assert errors(installation.worker.output[before:]) == [("account.held", "101")]

    installation.calm()

    assert installation.all_settled(sends) == {"accepted"}
    assert [len(installation.handset(s)) for s in sends] == [1, 1, 1]


def test_a_gateway_that_refuses_connections_is_asked_again(installation):
    installation.gateway.stop_listening()
    sends = [installation.send() for _ in range(3)]
    installation.wait_for(lambda: all(installation.status(s).attempts == 3 for s in sends))
    assert {installation.status(s).state for s in sends} == {"queued"}

    installation.gateway.listen()

    assert installation.all_settled(sends) == {"accepted"}
    assert [len(installation.handset(s)) for s in sends] == [1, 1, 1]
    assert [len(installation.posts(s)) for s in sends] == [1, 1, 1]


def errors(output: str) -> list[tuple[str, str]]:
    """What the lines that are whole say of errors: each event and its code."""
    lines = [
        json.loads(line) for line in output[: output.rfind("\n") + 1].splitlines() if line.startswith("{")
    ]
    return [(line["event"], line["code"]) for line in lines if line["level"] == "error"]
