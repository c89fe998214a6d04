"""A campaign over several zones whose run dies between any two commands: everybody is texted once."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from producers import Producer
from producers.queueing import chunks
from producers.settings import ProducerSettings
from tests.support.hand_worker import HandWorker, numbers_of
from tests.support.redis_history import History, Killed, Watched
from tests.support.stop_now import stop_now
from worker.gateway.outcomes import Accepted

TEXT = "Sale STOP au 30101"
#: By turns on the mainland, on Réunion and in Guadeloupe: each slice of four has several zones.
PEOPLE = [
    each
    for n in range(4)
    for each in (f"+3361200000{n}", f"+26269212345{n}", f"+59069012345{n}")
]  # fmt: skip
#: Who writes STOP while nobody runs the campaign.
WHO = PEOPLE[4]
NO_HOURS = ProducerSettings(marketing_hours_fr="off", marketing_hours_other="off")
#: As many commands as a run of three slices takes, and one more.
COMMANDS = range(1, 7)


@pytest.fixture(autouse=True)
def _short_slices(monkeypatch):
    monkeypatch.setattr(chunks, "SLICE", 4)


@pytest.fixture
def history(redis_client) -> History:
    return History(redis_client)


@pytest.fixture
def sms(history, redis_server) -> Iterator[Producer]:
    with Watched(history, redis_server.port) as client:
        yield Producer(client=client, settings=NO_HOURS)


def send(sms: Producer) -> int:
    return sms.send_campaign(TEXT, PEOPLE, sender="Bistro", campaign_id="spring", budget="100").suppressed


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("number", COMMANDS)
@pytest.mark.parametrize("works", [False, True])
def test_everybody_once_and_who_wrote_stop_meanwhile_not_any_more(
    sms, history, redis_client, side, number, works
):
    hand, went = HandWorker(redis_client, queue="marketing", settings=NO_HOURS), []

    def work() -> None:
        for claim in hand.take():
            hand.finish(claim, Accepted(f"sms_{claim.entry.id}"))
            went.extend(numbers_of(claim))

    def die(*passed: object) -> None:
        if passed == (side, number):
            raise Killed

    history.watch(die)
    with suppress(Killed):
        send(sms)
    history.watch(None)
    if works:
        work()
    before = WHO in went
    assert stop_now(redis_client, NO_HOURS, WHO)
    send(sms)
    work()

    assert sorted(went) == sorted(each for each in PEOPLE if each != WHO or before)
    status = sms.campaign_status("spring")
    assert (status.accepted + status.cancelled, status.waiting) == (len(PEOPLE), 0)
