"""A replica that lags and is promoted: what it has forgotten makes nobody get a text twice."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from producers import Message, Producer, Recipient
from producers.contract.heartbeats import Rules
from producers.contract.scripts import Command, Script
from tests.support.hand_worker import KEYS, HandWorker, gateway_id, numbers_of
from tests.support.template_sends import CODE, number, only
from tests.support.waiting import until
from worker.gateway.outcomes import Accepted, Deferred, Outcome, Refused
from worker.ledger import confirmation
from worker.ledger.claims import Claim, Wait
from worker.process.heartbeat import Heartbeat
from worker.queue.entries import Batch, Entry
from worker.sandbox.redis_server import RedisServer

IDS = ["m0", "m1", "m2"]


class Nodes:
    """A primary and its replica, each with a client."""

    def __init__(self, old: RedisServer, new: RedisServer) -> None:
        self.old, self.new = redis.Redis(port=old.port), redis.Redis(port=new.port)
        self.ports = old.port, new.port
        self.new_pid = new.pid
        self.follow(self.new, self.old, old.port)

    def follow(self, replica: redis.Redis, primary: redis.Redis, port: int) -> None:
        """Let one follow the other, and wait until it confirms."""
        replica.replicaof("127.0.0.1", port)

        def confirms() -> bool:
            primary.set("x", "1")
            return primary.wait(1, 100) == 1

        until(confirms)

    def part(self) -> None:
        """Cut the nodes off from each other: the replica knows all so far, and nothing from now on."""
        self.old.set("x", "1")
        assert self.old.wait(1, 5_000) == 1
        self.new.replicaof("NO", "ONE")
        until(lambda: self.old.info("replication")["connected_slaves"] == 0)

    def hang(self) -> None:
        """Let the replica read nothing: what the primary sends to it waits in its socket."""
        os.kill(self.new_pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let the replica go on."""
        os.kill(self.new_pid, signal.SIGCONT)

    def cut_off_what_hangs(self) -> None:
        """Let the replica read what it was sent so far, and nothing any more."""
        self.old.acl_setuser("default", enabled=True, commands=["-psync", "-sync"])
        self.old.client_kill_filter(_type="slave")
        self.resume()
        until(lambda: self.new.info("replication")["master_link_status"] == "down")
        self.new.replicaof("NO", "ONE")

    def promote(self) -> HandWorker:
        """Let all workers go to the former replica, which has one of its own now."""
        self.follow(self.old, self.new, self.ports[1])
        for key in self.new.scan_iter(KEYS.prefix + "*:heard"):
            self.new.delete(key)
        for key in (KEYS.attempt_leases, KEYS.queue("alert").leases):
            for member in self.new.zrange(key, 0, -1):
                self.new.zadd(key, {member: 1})
        hand = HandWorker(self.new)
        until(hand.confirmation.look)
        return hand


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nodes]:
    # Long enough for a busy machine, short enough where no replica is left.
    monkeypatch.setattr(confirmation, "WAIT_MS", 200)
    with (
        RedisServer(tmp_path / "old", options=["--repl-diskless-sync-delay", "0"]) as old,
        RedisServer(tmp_path / "new", options=["--repl-diskless-sync-delay", "0"]) as new,
    ):
        nodes = Nodes(old, new)
        yield nodes
        nodes.resume()


def queue(client: redis.Redis, ids: list[str] = IDS) -> None:
    Producer(client=client).send_many(
        [
            Message(
                Recipient(number(int(each[1:])), param1="x"),
                CODE,
                sender="Bistro",
                purpose="alert",
                request_id=each,
            )
            for each in ids
        ]
    )


@pytest.fixture
def hand(nodes: Nodes) -> HandWorker:
    """A worker on the old primary, with messages to take."""
    hand = HandWorker(nodes.old)
    until(hand.confirmation.look)
    # On a busy machine the replica may have been late, as if it had been away.
    let_repeats_end(nodes.old)
    queue(nodes.old)
    return hand


def test_what_is_queued_first_shares_a_call_though_the_replica_was_late(nodes):
    """Nobody has forgotten anything: the era that begins with the replica is the first one of this server."""
    for replicas in (0, 1):
        given = {"replicas": replicas}
        Command(Script("worker.ledger", "note_replicas", when_full=True), KEYS.prefix, given, int).run(
            nodes.old
        )
    hand = HandWorker(nodes.old)
    queue(nodes.old)

    assert len(numbers_of(only(all_of(hand)))) == len(IDS)


def let_repeats_end(client: redis.Redis) -> None:
    """Let it be so long ago that something was forgotten that nobody repeats it any more."""
    client.hincrby(KEYS.prefix + "memory", "apart", -600_000)


def assert_sharing_begins_again(client: redis.Redis, hand: HandWorker) -> None:
    """Make sure that what is queued ten minutes later shares a call."""
    let_repeats_end(client)
    queue(client, ["m5", "m6"])
    assert gateway_id(only(hand.take())) not in ["m5", "m6"]


def milliseconds(client: redis.Redis) -> int:
    """What the clock of a server says."""
    seconds, microseconds = client.time()
    return seconds * 1000 + microseconds // 1000


def make_due(hand: HandWorker) -> None:
    """Let the next fetch bring what waits, whatever its date."""
    for entry in hand.redis.zrange(hand.names.delayed, 0, -1):
        hand.redis.zadd(hand.names.delayed, {entry: 1})


def all_of(hand: HandWorker) -> list[Claim]:
    """Take until nothing comes any more, dates or not."""
    claims = []
    for _ in range(5):
        make_due(hand)
        claims += hand.take()
    return claims


def report_after_parting(nodes: Nodes, hand: HandWorker, outcome: Outcome) -> Claim:
    """Take the call, and report what it came to when the replica hears nothing any more."""
    claim = only(hand.take())
    nodes.part()
    assert hand.finish(claim, outcome) in {"queued", "split"}
    return claim


def die_before_giving_back(hand: HandWorker, batch: Batch) -> None:
    """Claim without a confirmation, and let the worker die before it gives the calls back."""
    hand.ledger._give_back_call = lambda found, **_: Wait(1) if isinstance(found, Claim) else found
    hand.ledger.claim(batch, hand.ledger.compose(batch))
    del hand.ledger._give_back_call
    for lease in hand.redis.zrange(KEYS.attempt_leases, 0, -1):
        hand.redis.zadd(KEYS.attempt_leases, {lease: 1})
    for entry in batch.entries:
        hand.lose_entry(entry)


def test_who_was_texted_alone_and_forgotten_shares_no_call_on_the_new_primary(nodes, hand):
    nodes.part()
    alone = all_of(hand)
    assert [gateway_id(claim) for claim in alone] == IDS
    for claim in alone:
        hand.finish(claim, Accepted(f"t.{claim.entry.id}"))
    hand = nodes.promote()
    again = all_of(hand)
    assert sorted(gateway_id(claim) for claim in again) == IDS
    for claim in again:
        hand.finish(claim, Accepted(f"t.{claim.entry.id}"))
    let_repeats_end(nodes.new)
    queue(nodes.new, ["m3", "m4"])
    assert gateway_id(only(hand.take())) not in IDS, "what came later shares"


def test_what_the_application_repeats_after_a_promotion_shares_no_call(nodes):
    """It was queued, left alone, and was forgotten with the answer to the application."""
    queue(nodes.old, ["m9"])
    HandWorker(nodes.old).take()
    nodes.part()
    queue(nodes.old)
    hand = HandWorker(nodes.old)
    for claim in all_of(hand):
        hand.finish(claim, Accepted(f"t.{claim.entry.id}"))
    hand = nodes.promote()
    Heartbeat(nodes.new, KEYS, Rules("1", "2026a", "ab")).beat()
    queue(nodes.new)

    assert {gateway_id(claim) for claim in all_of(hand)} >= set(IDS)


@pytest.mark.parametrize("started", ["before", "while it is away", "when it is back"])
def test_what_is_repeated_once_the_replica_is_back_shares_no_call(started, nodes, hand):
    """A host was cut off for long, with all that was sent there: the era is old, and people repeat it now."""
    only(hand.take())
    nodes.part()
    assert not hand.confirmation.look()
    if started == "while it is away":
        # Nobody has told this worker that there is a replica, and it shares.
        nodes.old.config_set("appendfsync", "always")
        hand = HandWorker(nodes.old)
        assert hand.confirmation.sharing
    nodes.follow(nodes.new, nodes.old, nodes.ports[0])
    if started == "when it is back":
        hand = HandWorker(nodes.old)
    until(hand.confirmation.look)
    ids = ["m3", "m4"]
    queue(nodes.old, ids)
    assert sorted(gateway_id(claim) for claim in all_of(hand)) == ids
    assert_sharing_begins_again(nodes.old, hand)


def test_what_was_repeated_while_the_replica_was_away_shares_no_call_when_it_is_back(nodes, hand):
    """It could not leave yet, and the host that is cut off may have sent it alone."""
    only(hand.take())
    nodes.part()
    assert not hand.confirmation.look()
    hand.throttle.pause("http_429", 60_000)
    ids = ["m3", "m4"]
    queue(nodes.old, ids)
    nodes.follow(nodes.new, nodes.old, nodes.ports[0])
    until(hand.confirmation.look)
    hand.throttle.release("operator")
    assert sorted(gateway_id(claim) for claim in all_of(hand)) == ids


def test_an_era_begins_with_each_replica_that_is_back_and_with_no_other_look(redis_client):
    def is_era_begun(replicas: int) -> bool:
        script = Script("worker.ledger", "note_replicas", when_full=True)
        return Command(script, KEYS.prefix, {"replicas": replicas}, bool).run(redis_client)

    looks = [1, 1, 0, 0, 1, 1, 2, 1, 0, 2]
    assert [is_era_begun(each) for each in looks] == [each in (4, 6, 9) for each in range(len(looks))]


def test_messages_share_again_ten_minutes_after_an_era_began_and_not_before(redis_client):
    queue(redis_client, ["m0"])
    for each, ago_ms in (("m1", 590_000), ("m2", 600_000)):
        redis_client.hset(KEYS.prefix + "memory", "apart", milliseconds(redis_client) - ago_ms)
        queue(redis_client, [each])
    gathers = [redis_client.hexists(KEYS.record(each), "share") for each in IDS]
    assert gathers == [True, False, True]


def test_a_clock_that_goes_back_lets_nobody_leave_alone_for_longer(nodes, hand):
    nodes.part()
    hand = nodes.promote()
    all_of(hand)
    nodes.new.hincrby(KEYS.prefix + "memory", "apart", 3_600_000)
    queue(nodes.new, ["m3", "m4"])
    assert sorted(gateway_id(claim) for claim in all_of(hand)) == ["m3", "m4"]
    assert_sharing_begins_again(nodes.new, hand)


def test_the_clock_of_the_new_primary_may_be_behind(nodes):
    """What was queued by the old one's clock looks as if it were queued here, once that time has come."""
    queue(nodes.old)
    latest = max(nodes.old.hincrby(KEYS.record(each), "queued", 500) for each in IDS)
    nodes.part()
    hand = nodes.promote()
    # Some other call is composed here before that.
    nodes.new.hset(KEYS.record("@other"), mapping={"v": 1, "state": "queued"})
    hand.compose_some(Entry("@other", "lease"), members=1)
    until(lambda: milliseconds(nodes.new) > latest)
    assert sorted(gateway_id(claim) for claim in all_of(hand)) == IDS


@pytest.mark.parametrize("steps", [1, 9])
def test_a_call_composed_before_is_looked_at_again(nodes, hand, steps):
    batch = hand.fetch()
    hand.compose_some(batch.entries[0], members=2, steps=steps)
    nodes.part()
    hand.holder.delay([entry.delayed(0) for entry in batch.entries])
    hand.confirmation.look()
    assert [gateway_id(claim) for claim in all_of(hand)] == IDS
    assert sorted(gateway_id(claim) for claim in all_of(nodes.promote())) == IDS


@pytest.mark.parametrize("outcome", [Deferred("client_connector_error"), Refused("103")])
def test_a_name_is_given_up_for_the_members_own_only_when_that_is_remembered(nodes, hand, outcome):
    """The new primary believes that the call is still out, and asks for it again."""
    first = report_after_parting(nodes, hand, outcome)
    hand.confirmation.look()
    assert all_of(hand) == [], "nobody alone while the call may come back"
    again = only(all_of(nodes.promote()))
    assert (again.body, again.in_doubt) == (first.body, True)


def test_on_a_server_that_stands_alone_it_is_remembered_after_a_moment(tmp_path):
    with RedisServer(tmp_path / "one", fsync="always") as server:
        client = redis.Redis(port=server.port)
        queue(client)
        hand = HandWorker(client)
        first = only(hand.take())
        client.config_set("appendfsync", "everysec")
        hand.confirmation.look()
        hand.finish(first, Deferred("client_connector_error"))
        assert all_of(hand) == []
        client.hincrby(KEYS.record(first.entry.id), "reported", -confirmation.ON_DISK_MS)
        assert [gateway_id(claim) for claim in all_of(hand)] == IDS


def test_a_claim_that_nobody_confirmed_is_not_posted_by_who_finds_it(nodes, hand):
    """Its worker died before it could give the call back."""
    batch = hand.fetch()
    nodes.part()
    die_before_giving_back(hand, batch)
    assert all_of(hand) == []
    assert Producer(client=nodes.old).cancel("m0") == "too_late", "it may be out, for all that is known"
    assert sorted(gateway_id(claim) for claim in all_of(nodes.promote())) == IDS


def test_a_call_waits_whose_claim_the_replica_may_have_and_did_not_confirm(nodes, hand):
    """A new primary cannot tell it from a claim under which somebody posts: it asks for the call again."""
    batch = hand.fetch()
    nodes.hang()
    give_back = hand.ledger._give_back_call

    def cut_off_first(found: Claim, *, unsure: bool) -> Claim | Wait:
        nodes.cut_off_what_hangs()
        return give_back(found, unsure=unsure)

    hand.ledger._give_back_call = cut_off_first
    assert hand.claim(batch) == []
    hand.ledger._give_back_call = give_back
    assert all_of(hand) == [], "nobody alone while the call may come back"
    again = only(all_of(nodes.promote()))
    assert (len(numbers_of(again)), again.in_doubt) == (len(IDS), True)


def test_a_call_that_is_claimed_after_a_replica_fell_silent_falls_apart_at_once(nodes, hand, monkeypatch):
    """It was cut off before, as a host is that is lost: it has nothing of what was written since."""
    monkeypatch.setattr(confirmation, "HEARD_S", 0)
    nodes.hang()
    until(lambda: nodes.old.info("replication")["slave0"]["lag"] > 0)
    assert hand.claim(hand.fetch()) == []
    assert sorted(gateway_id(claim) for claim in all_of(hand)) == IDS


def test_what_waited_for_a_replica_that_hung_leaves_when_it_answers(nodes, hand):
    nodes.hang()
    assert hand.claim(hand.fetch()) == []
    queue(nodes.old, ["m3", "m4"])
    assert sorted(gateway_id(claim) for claim in all_of(hand)) == ["m3", "m4"], "what comes later leaves"
    nodes.resume()
    until(hand.confirmation.look)
    waited = [each for claim in all_of(hand) for each in numbers_of(claim)]
    assert sorted(waited) == [number(each) for each in range(3)]


def test_one_that_was_reported_goes_on(nodes, hand):
    first = only(hand.take())
    hand.record(first, Deferred("http_404", proven=False))
    nodes.part()
    hand.confirmation.look()
    again = only(all_of(hand))
    assert (again.body, again.in_doubt) == (first.body, True)


@pytest.mark.parametrize("outcome", [Deferred("client_connector_error"), Refused("103")])
def test_what_was_reported_under_an_earlier_name_proves_nothing_of_this_one(nodes, hand, outcome):
    """The new primary knows only the earlier name, and asks for it again."""
    first = report_after_parting(nodes, hand, outcome)
    make_due(hand)
    die_before_giving_back(hand, hand.fetch())
    hand.confirmation.look()
    assert all_of(hand) == [], "nobody under a name that no replica knows"
    again = only(all_of(nodes.promote()))
    assert (again.body, again.in_doubt) == (first.body, True)


def test_a_call_composed_before_and_claimed_after_is_looked_at_again(nodes, hand):
    """Its worker stalls in between, while its members leave alone and are forgotten."""
    batch = hand.fetch()
    hand.ledger.compose(batch)
    nodes.part()
    hand.confirmation.look()
    stalled = nodes.promote()
    assert [type(found) for found in stalled.ledger.claim(batch, ())] == [Wait]
    assert sorted(gateway_id(claim) for claim in all_of(stalled)) == IDS


@pytest.mark.parametrize("fsync", ["always", "everysec"])
def test_what_was_queued_before_a_crash_leaves_alone_after_it(tmp_path, fsync):
    """How the server was set when it crashed is not known afterwards: that can be changed at run time."""
    with RedisServer(tmp_path / "one", fsync="always") as server:
        client = redis.Redis(port=server.port)
        queue(client)
        client.config_set("appendfsync", fsync)
        server.restart(crash=True)
        hand = HandWorker(client)
        assert sorted(gateway_id(claim) for claim in hand.take()) == IDS
        let_repeats_end(client)
        queue(client, ["m3", "m4"])
        assert gateway_id(only(hand.take())) not in IDS
