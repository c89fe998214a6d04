"""An erasure that dies between any two of its commands: the next one finishes it; others lose nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from producers import Producer, Recipient
from tests.support.callbacks_by_hand import CallbacksByHand, reply
from tests.support.hand_worker import HandWorker, numbers_of
from tests.support.pseudonyms import pseudonyms
from tests.support.redis_history import History, Watched
from tests.support.whole_database import contents
from worker.gateway.outcomes import Accepted
from worker.person.erasing import Erasure
from worker.person.named import Person

NUMBER, OTHER, THIRD = "+33612345678", "+33612345679", "+33698765432"
DIGITS = "612345678"
ALERT = {"sender": "Bistro", "purpose": "alert"}


class House:
    """All that may be kept of a person, and of two others beside."""

    def __init__(self, client, url: str) -> None:
        self.redis, self.sms = client, Producer(url)
        self.hand = HandWorker(client)
        self.callbacks = CallbacksByHand(client, self.hand.ledger)
        self.fill()

    def fill(self) -> None:
        self.sms.send([NUMBER, OTHER], "Hi", request_id="done", with_replies=True, **ALERT)
        [claim] = self.hand.take()
        self.hand.finish(claim, Accepted("sms_done"))
        self.callbacks.bring(reply(NUMBER, "Oui", ticket="sms_done"), reply(OTHER, "Oui", ticket="sms_done"))
        later = datetime.now(UTC) + timedelta(days=2)
        self.sms.send(NUMBER, "Hi", request_id="later", send_at=later, **ALERT)
        self.sms.send(NUMBER, "Hi", request_id="alone", **ALERT)
        self.sms.send([OTHER, NUMBER, THIRD], "Hi", request_id="several", **ALERT)
        for name, number in (("member", NUMBER), ("fellow", OTHER)):
            to = Recipient(number, param1=name)
            self.sms.send(to, "Hi {param1}", request_id=name, **ALERT)

    def erase(self, client) -> None:
        person = Person(NUMBER, pseudonyms(self.redis).all_of(NUMBER))
        Erasure(client, self.sms._settings, person, "ben", None).run()

    def leaves(self) -> list[str]:
        """Let all leave that may; return whom it went to."""
        claims = self.hand.take()
        for claim in claims:
            self.hand.finish(claim, Accepted(f"sms_{claim.entry.id}"))
        return [number for claim in claims for number in numbers_of(claim)]


@pytest.fixture
def house(redis_client, redis_url) -> Iterator[House]:
    made = House(redis_client, redis_url)
    yield made
    made.sms.close()


def cut_short(house: House, port: int) -> Iterator[int]:
    """Erase once, and let each state of Redis come back that a kill on the way might have left."""
    history, commands = History(house.redis, depth=1024), [0]
    history.watch(lambda _, number: commands.append(number))
    with Watched(history, port) as client:
        house.erase(client)
    for number in range(max(commands), 0, -1):
        # What was done after the last state is not part of it.
        history.lose(1)
        yield number


def test_the_next_erasure_finishes_what_was_cut_short(house, redis_client, redis_server):
    for number in cut_short(house, redis_server.port):
        house.erase(redis_client)
        assert DIGITS not in contents(redis_client), f"before command {number}"
        if number % 5 == 0:
            assert sorted(house.leaves()) == [OTHER, OTHER, THIRD]
    assert number == 1


def test_a_worker_that_goes_on_meanwhile_texts_the_others_once(house, redis_client, redis_server):
    """Alerts go on to who is not erased yet: a message is erased whole, or leaves as it was."""
    for number in cut_short(house, redis_server.port):
        if number % 5 == 0:
            went = house.leaves()
            house.erase(redis_client)
            went += house.leaves()
            assert sorted(each for each in went if each != NUMBER) == [OTHER, OTHER, THIRD]
            assert went.count(NUMBER) <= 3
            assert DIGITS not in contents(redis_client), f"before command {number}"
