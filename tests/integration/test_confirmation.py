"""A shared call leaves only if Redis will remember it; single messages leave on any Redis."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis
from structlog.testing import capture_logs

from producers import Producer, QueueRefused, Recipient
from tests.support.hand_worker import KEYS, HandWorker, gateway_id, numbers_of
from tests.support.template_sends import number, only, send_codes, states
from tests.support.waiting import until
from worker.gateway.outcomes import Accepted, Duplicate
from worker.ledger.confirmation import Confirmation
from worker.sandbox.redis_server import RedisServer

Start = Callable[..., RedisServer]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start servers of our own."""
    with ExitStack() as stopping:

        def start_one(name: str, fsync: str = "always", *options: str) -> RedisServer:
            return stopping.enter_context(RedisServer(tmp_path / name, fsync=fsync, options=options))

        yield start_one


def queue(client: redis.Redis, count: int) -> list[str]:
    return send_codes(Producer(client=client), range(count))


def client_of(server: RedisServer) -> redis.Redis:
    return redis.Redis(port=server.port)


def replica_of(start: Start, primary: RedisServer) -> RedisServer:
    """Start a replica and wait until it confirms writes."""
    client = client_of(primary)
    # Else it waits for five seconds whether another one comes.
    client.config_set("repl-diskless-sync-delay", 0)
    replica = start("replica", "everysec", "--replicaof", "127.0.0.1", str(primary.port))

    def confirms() -> bool:
        client.set("x", "1")
        return client.wait(1, 100) == 1

    until(confirms)
    return replica


def test_with_appendfsync_always_the_reply_confirms(start):
    server = start("always")
    queue(client_of(server), 3)
    assert len(numbers_of(only(HandWorker(client_of(server)).take()))) == 3


@pytest.mark.parametrize("fsync", ["everysec", "no"])
def test_on_a_server_that_may_forget_messages_leave_alone_all_at_once(start, fsync):
    server = start("forgets", fsync)
    ids = queue(client_of(server), 30)
    hand = HandWorker(client_of(server))
    claims = hand.claim(hand.fetch())
    assert [gateway_id(claim) for claim in claims] == ids, "in their order, in one fetch"
    for claim in claims:
        hand.finish(claim, Accepted(f"t.{claim.entry.id}"))
    assert hand.is_idle()


def test_a_server_that_does_not_say_is_one_that_may_forget(start):
    server = start("silent")
    admin = client_of(server)
    admin.execute_command("ACL SETUSER default -config")
    queue(admin, 3)
    assert len(HandWorker(client_of(server)).take()) == 3


def test_a_server_that_says_no_more_keeps_nothing_as_far_as_anybody_knows(start):
    server = start("falls silent")
    confirmation = Confirmation(client_of(server), KEYS)
    confirmation.start()
    assert confirmation.sharing
    confirmation.stop()
    client_of(server).execute_command("ACL SETUSER default -info")
    confirmation._looks.once()
    assert not confirmation.sharing


def test_without_an_append_only_file_nothing_is_shared(start):
    server = start("none", "always", "--appendonly", "no")
    queue(client_of(server), 3)
    assert len(HandWorker(client_of(server)).take()) == 3


def test_a_call_made_before_the_server_became_forgetful_falls_apart(start):
    server = start("changes")
    client = client_of(server)
    ids = queue(client, 60)
    hand = HandWorker(client)
    batch = hand.fetch()
    hand.compose_some(batch.entries[0], members=25)
    client.config_set("appendfsync", "everysec")
    assert hand.claim(batch) == [], "not confirmed: nothing may be posted"
    assert not hand.confirmation.sharing
    claims = hand.take()
    assert [gateway_id(claim) for claim in claims] == ids
    assert {claim.in_doubt for claim in claims} == {False}
    assert states(Producer(client=client), ids) == ["sending"] * 60
    for claim in claims:
        hand.finish(claim, Accepted(f"t.{claim.entry.id}"))
    assert hand.is_idle()
    assert not list(client.scan_iter("*call.*"))


def test_a_call_that_is_open_keeps_its_name_also_on_a_forgetful_server(start):
    server = start("changes")
    client = client_of(server)
    ids = queue(client, 3)
    hand = HandWorker(client)
    first = only(hand.take())
    client.config_set("appendfsync", "everysec")
    hand.confirmation.look()
    hand.lose(first)
    again = only(hand.take())
    assert (again.body, again.in_doubt) == (first.body, True)
    hand.finish(again, Duplicate("120"))
    assert states(Producer(client=client), ids) == ["accepted"] * 3


def test_sharing_begins_again_when_writes_are_kept_again(start):
    server = start("mended", "everysec")
    client = client_of(server)
    hand = HandWorker(client)
    client.config_set("appendfsync", "always")
    assert hand.confirmation.look()
    queue(client, 3)
    assert len(numbers_of(only(hand.take()))) == 3


def test_a_replica_that_has_the_claim_confirms_it(start):
    primary = start("primary", "everysec")
    replica = replica_of(start, primary)
    queue(client_of(primary), 3)
    claim = only(HandWorker(client_of(primary)).take())
    assert client_of(replica).hget(KEYS.record(claim.entry.id), "state") == b"sending"


def test_a_replica_that_is_silent_confirms_nothing(start):
    primary = start("primary", "everysec")
    replica = replica_of(start, primary)
    queue(client_of(primary), 3)
    hand = HandWorker(client_of(primary))
    replica.suspend()
    assert hand.claim(hand.fetch()) == [], "not confirmed: nothing may be posted"
    assert hand.take() == [], "the replica may have the claim"
    replica.resume()
    until(hand.confirmation.look)


def test_a_call_that_no_replica_can_have_falls_apart_at_once(start):
    primary = start("primary", "everysec")
    replica = replica_of(start, primary)
    client = client_of(primary)
    ids = queue(client, 3)
    hand = HandWorker(client)
    replica.kill()
    until(lambda: client.info("replication")["connected_slaves"] == 0)
    assert hand.claim(hand.fetch()) == [], "not confirmed: nothing may be posted"
    assert [gateway_id(claim) for claim in hand.take()] == ids


def test_a_replica_that_was_there_once_is_missed(start):
    """Who takes over from it may be behind: that a promoted server stands alone proves nothing."""
    primary = start("primary")
    replica = replica_of(start, primary)
    hand = HandWorker(client_of(primary))
    assert hand.confirmation.sharing
    replica.kill()
    until(lambda: client_of(primary).info("replication")["connected_slaves"] == 0)
    assert not hand.confirmation.look()


def test_replicas_that_are_known_to_exist_must_confirm_from_the_start(start):
    server = start("alone")
    assert not Confirmation(client_of(server), KEYS, replicas=1).look()
    assert Confirmation(client_of(server), KEYS).look()


def test_single_messages_wait_for_replicas_only_where_people_want_it(start):
    primary = start("primary", "everysec")
    replica_of(start, primary)
    client = client_of(primary)
    Producer(client=client).send(number(0), "Hi", sender="Bistro", purpose="alert", request_id="m0")
    waits = []

    class Watched(Confirmation):
        def _ask(self, pipeline) -> None:
            waits.append(self._replicas)
            super()._ask(pipeline)

    for every_claim, expected in ((False, []), (True, [1])):
        hand = HandWorker(client)
        hand.ledger._confirmation = watched = Watched(client, KEYS, every_claim=every_claim)
        watched.look()
        waits.clear()
        claim = only(hand.take())
        assert waits == expected
        hand.finish(claim, Duplicate("120") if every_claim else Accepted("t"))
        client.delete(KEYS.record("m0"))
        Producer(client=client).send(number(0), "Hi", sender="Bistro", purpose="alert", request_id="m0")


def test_a_redis_that_is_away_is_none_of_its_news_and_other_trouble_is(start):
    """An outage is one line of the connection's, whichever threads meet it."""
    server = start("leaves")
    confirmation = Confirmation(client_of(server), KEYS)
    with capture_logs() as told:
        client_of(server).execute_command("ACL SETUSER default -info")
        confirmation._looks.once()
        server.kill()
        confirmation._looks.once()
    assert [line["event"] for line in told] == ["redis.not_asked", "redis.may_forget"]
    assert told[0]["reason"] == "NoPermissionError"


def test_a_message_that_may_share_a_call_is_refused_where_no_era_can_begin(start):
    """Without INFO nobody knows one server from the next, and whoever was texted might be texted again."""
    client = client_of(start("blind"))
    client.execute_command("ACL SETUSER default -info")
    template = {"sender": "Bistro", "purpose": "alert"}
    with pytest.raises(QueueRefused, match="refuses this user a command"):
        Producer(client=client).send(Recipient(number(0), first_name="A"), "Hi {first_name}", **template)
    assert not client.keys("*record*") + client.keys("*memory*")


def test_a_server_that_forgets_its_last_second_makes_nobody_get_the_text_twice(start):
    """The writes since a moment are gone with the power: the same messages go again, under the same ids."""
    server = start("power", "everysec")
    client = client_of(server)
    ids = queue(client, 20)
    kept = {key: client.dump(key) for key in client.scan_iter("*")}
    hand = HandWorker(client)
    shown = [gateway_id(claim) for claim in hand.take()]
    client.flushall()
    for key, value in kept.items():
        client.restore(key, 0, value)
    again = [gateway_id(claim) for claim in HandWorker(client).take()]
    assert sorted(shown) == sorted(again) == sorted(ids)
