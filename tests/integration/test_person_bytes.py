"""An erasure on a server with the shipped options: no byte of the files of Redis tells of the number."""

from pathlib import Path

import pytest
import redis

from producers import Producer
from producers.settings import ProducerSettings
from tests.support.callbacks_by_hand import CallbacksByHand, reply
from tests.support.hand_worker import HandWorker
from tests.support.pseudonyms import pseudonyms
from tests.support.waiting import until
from worker.gateway.outcomes import Accepted
from worker.person.erasing import Erasure
from worker.person.named import Person
from worker.sandbox.redis_server import RedisServer

NUMBER, OTHER = "+33612345678", "+33612345679"
SHIPPED = Path(__file__).parents[2] / "deploy" / "redis" / "octopush.conf"


def options() -> list[str]:
    """Give the options of streams that are shipped; and let Redis write bytes as they are."""
    lines = [line.split() for line in SHIPPED.read_text("utf-8").splitlines()]
    streams = [(f"--{words[0]}", words[1]) for words in lines if words and words[0].startswith("stream-")]
    return [part for pair in streams for part in pair] + ["--rdbcompression", "no"]


@pytest.fixture
def server(tmp_path):
    with RedisServer(tmp_path, fsync="always", options=options()) as running:
        yield running


def files_with(directory: Path, digits: str) -> list[str]:
    return [
        path.name for path in directory.rglob("*") if path.is_file() and digits.encode() in path.read_bytes()
    ]


def test_nothing_of_the_number_is_left_in_the_bytes_of_redis(server, tmp_path):
    client = redis.Redis.from_url(server.url)
    sms, hand = Producer(server.url), HandWorker(client)
    for name, number in (("b", OTHER), ("a", NUMBER), ("c", OTHER)):
        sms.send(number, "Hi", sender="Bistro", purpose="alert", request_id=name, with_replies=True)
        [claim] = hand.take()
        hand.finish(claim, Accepted(f"sms_{name}"))
        CallbacksByHand(client, hand.ledger).bring(reply(number, "Oui", ticket=f"sms_{name}"))
    person = Person(NUMBER, pseudonyms(client).all_of(NUMBER))
    assert files_with(tmp_path, NUMBER[3:])

    assert Erasure(client, ProducerSettings(), person, "ben", None).run().rewrite == "begun"
    assert not [key for key in client.keys("*") if NUMBER[3:].encode() in (client.dump(key) or b"")]
    assert [key for key in client.keys("*") if OTHER[3:].encode() in (client.dump(key) or b"")]
    until(lambda: not files_with(tmp_path, NUMBER[3:]))
    assert files_with(tmp_path, OTHER[3:])
    sms.close()
    client.close()
