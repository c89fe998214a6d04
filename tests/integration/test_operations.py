"""What operators decide about sends that ended badly."""

import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from click.testing import CliRunner

from producers import Producer
from producers.contract.keys import Keys
from producers.contract.settings import RedisSettings
from producers.contract.steps import drive
from producers.queueing.rounds import read_rounds
from tests.support.sends import claim_one, finish_one
from worker.account.throttle import Throttle
from worker.cli import main
from worker.gateway.outcomes import Accepted, Deferred, Duplicate, Refused
from worker.inquiry.reason import clock
from worker.inquiry.state_of_sending import facts
from worker.ledger.claims import Claim
from worker.ledger.ledger import WINDOW_S
from worker.operator.decisions import Decisions
from worker.operator.operations import Operations

KEYS = Keys()
NUMBER = "+33612345678"


@pytest.fixture
def operations(redis_client) -> Operations:
    return Operations(redis_client, RedisSettings(), by="anna@desk")


@pytest.fixture
def ended(redis_url, redis_client, ledger) -> Callable[..., str]:
    """Bring a send to an end state and return its id."""
    sms = Producer(redis_url)

    def end(state: str, request_id: str | None = None, **options: object) -> str:
        request_id = request_id or state
        sms.send(NUMBER, "Hello", sender="Bistro", purpose="alert", request_id=request_id, **options)
        if state == "failed":
            finish_one(ledger, claim_one(ledger, request_id), Deferred("connect_error"))
            redis_client.hincrby(KEYS.record(request_id), "first", -WINDOW_S * 1000 - 1000)
            assert claim_one(ledger, request_id).state == "failed"
        else:
            outcome = {"unknown": Duplicate("120"), "rejected": Refused("121"), "accepted": Accepted("t")}[
                state
            ]
            assert finish_one(ledger, claim_one(ledger, request_id), outcome) == state
        redis_client.delete(KEYS.queue("alert").ready)
        return request_id

    yield end
    sms.close()


@pytest.fixture
def cli(redis_url) -> Callable[..., str]:
    """Run ``octopush-worker`` and return what it printed."""

    def run(*arguments: str, status: int = 0, **options: str) -> str:
        result = CliRunner().invoke(main, list(arguments), env={"REDIS_URL": redis_url}, **options)
        assert result.exit_code == status, result.output
        return result.output

    return run


def audit(client) -> list[dict[str, str]]:
    return [{k.decode(): v.decode() for k, v in e.items()} for _, e in client.xrange(KEYS.stream("audit"))]


def test_an_unknown_send_can_be_called_accepted(operations, ended, redis_client, redis_url):
    assert operations.resolve(ended("unknown"), "as-accepted") is None
    assert Producer(redis_url).status("unknown").state == "accepted"
    assert not redis_client.exists(KEYS.body("unknown"))
    [entry] = audit(redis_client)
    assert (entry["action"], entry["request_id"], entry["by"]) == ("resolve", "unknown", "anna@desk")
    assert (entry["before"], entry["after"]) == ("unknown", "accepted")
    assert redis_client.xrevrange(KEYS.stream("statuses"), count=1)[0][1][b"state"] == b"accepted"


def test_an_unknown_send_can_be_sent_again_under_a_new_id_towards_the_gateway(
    operations, ended, ledger, redis_client
):
    before = json.loads(redis_client.get(KEYS.body(ended("unknown"))))
    assert operations.resolve("unknown", "send-again") is None
    assert redis_client.lrange(KEYS.queue("alert").ready, 0, -1) == [b"unknown"]
    claim = claim_one(ledger, "unknown")
    assert isinstance(claim, Claim)
    assert not claim.in_doubt
    after = json.loads(claim.body)
    assert after.pop("request_id") != before.pop("request_id")
    assert after == before
    assert finish_one(ledger, claim, Accepted("sms_1")) == "accepted"
    assert audit(redis_client)[0]["after"] == "queued"


def test_a_decision_that_redis_has_forgotten_taken_again_makes_no_second_text(
    operations, ended, ledger, redis_client
):
    request_id = ended("rejected")
    kept = {key: redis_client.dump(key) for key in redis_client.scan_iter("*")}
    ids = []
    for _ in range(2):
        assert operations.replay(request_id) is None
        ids.append(json.loads(claim_one(ledger, request_id).body)["request_id"])
        redis_client.flushall()
        for key, value in kept.items():
            redis_client.restore(key, 0, value)
    assert ids[0] == ids[1] != request_id


def test_each_decision_has_an_id_of_its_own(operations, ended, ledger, redis_client):
    request_id, ids = ended("rejected"), []
    for _ in range(3):
        assert operations.replay(request_id) is None
        claim = claim_one(ledger, request_id)
        ids.append(json.loads(claim.body)["request_id"])
        finish_one(ledger, claim, Refused("121"))
    assert len({request_id, *ids}) == 4


@pytest.mark.parametrize("state", ["failed", "rejected"])
def test_what_was_surely_not_accepted_can_be_replayed(operations, ended, ledger, redis_client, state):
    assert operations.replay(ended(state)) is None
    assert redis_client.ttl(KEYS.record(state)) == -1
    assert isinstance(claim_one(ledger, state), Claim)
    assert audit(redis_client)[0]["action"] == "replay"


def test_a_replay_twice_queues_once(operations, ended, redis_client):
    ended("rejected")
    assert [operations.replay("rejected") for _ in range(2)] == [None, "queued"]
    assert redis_client.llen(KEYS.queue("alert").ready) == 1


def test_the_rounds_before_a_replay_stay_known(operations, ended, ledger, redis_client, redis_url):
    first = Producer(redis_url).status(ended("rejected")).first_attempt_at
    for _ in range(11):
        redis_client.hincrby(KEYS.record("rejected"), "first", 60_000)
        assert operations.replay("rejected") is None
        finish_one(ledger, claim_one(ledger, "rejected"), Refused("121"))
    rounds = read_rounds(redis_client.hget(KEYS.record("rejected"), "rounds").decode())
    told = Producer(redis_url).status("rejected")
    assert told.first_attempt_at == first + timedelta(minutes=1)
    assert len(rounds) == 10
    assert {(each.state, each.code) for each in rounds} == {("rejected", "121")}
    assert [each.again for each in rounds] == sorted(each.again for each in rounds)


def test_a_replay_goes_through_ttl_again(operations, ended, ledger, redis_client):
    ended("rejected", ttl=timedelta(hours=1))
    redis_client.hincrby(KEYS.record("rejected"), "expires", -3_601_000)
    [parked] = operations.parked(("rejected",))
    assert parked.expired
    operations.replay("rejected")
    assert claim_one(ledger, "rejected").state == "expired"


def test_other_states_are_left_alone(operations, ended):
    ended("accepted")
    assert operations.replay("accepted") == "accepted"
    assert operations.resolve("accepted", "send-again") == "accepted"
    assert operations.replay(ended("unknown")) == "unknown"
    assert operations.resolve(ended("rejected"), "as-accepted") == "rejected"
    assert operations.replay("nobody") == operations.resolve("nobody", "as-accepted") == "gone"


def test_parked_sends_are_found_by_state_and_code(operations, ended):
    for state in ("failed", "rejected", "unknown", "accepted"):
        ended(state)
    assert [each.request_id for each in operations.parked(("failed", "rejected"))] == ["failed", "rejected"]
    assert [each.request_id for each in operations.parked(("failed", "rejected"), "121")] == ["rejected"]


def test_the_counts_balance_through_every_decision(operations, ended, ledger, redis_client):
    for state in ("failed", "rejected", "unknown", "accepted"):
        ended(state)
    operations.resolve("unknown", "as-accepted")
    operations.replay("rejected")
    counts = {name.decode(): int(value) for name, value in redis_client.hgetall(KEYS.counts).items()}
    assert counts == {"enqueued": 4, "accepted": 2, "failed": 1, "rejected": 0, "unknown": 0}


def test_the_command_line_says_what_it_would_replay_before_it_does(cli, ended, redis_client):
    ended("failed")
    ended("rejected")
    output = cli("replay", "--state", "failed", "--state", "rejected", "--code", "121")
    assert "rejected: rejected 121" in output
    assert "1 to queue again; add --yes" in output
    assert redis_client.llen(KEYS.queue("alert").ready) == 0
    assert "2 queued again" in cli("replay", "failed", "rejected", "nobody", "--yes", status=3)
    assert redis_client.llen(KEYS.queue("alert").ready) == 2


def test_the_command_line_resolves(cli, ended):
    ended("unknown")
    assert "say --as-accepted or --send-again" in cli("resolve", "unknown", status=2)
    assert "accepted" in cli("resolve", "unknown", "--as-accepted")
    assert "not unknown but accepted" in cli("resolve", "unknown", "--send-again", status=5)


def test_several_are_resolved_at_once_and_one_that_cannot_be_keeps_no_other(cli, ended, redis_client):
    typed = "\n".join([ended("unknown", "u1"), "", ended("rejected", "r1"), "nobody", ended("unknown", "u2")])
    told = cli("resolve", "-", "--send-again", status=3, input=typed + "\n")
    assert [line for line in told.splitlines() if "again" in line] == ["u1: queued again", "u2: queued again"]
    assert '"r1" is not unknown but rejected' in told
    assert 'nobody knows "nobody"' in told
    assert redis_client.llen(KEYS.queue("alert").ready) == 2
    assert cli("resolve", "u1", "u2", "r1", "--as-accepted", status=5).count("not unknown but") == 3
    assert "no request_id on standard input" in cli("resolve", "-", "--as-accepted", status=2, input="\n")


def test_the_command_line_shows_and_changes_holds_and_limits(cli, redis_client):
    Throttle(redis_client, KEYS).hold("104")
    assert "HELD" in cli("status")
    assert "code 104: credit exhausted\n" in cli("status")
    assert "by itself once the account is mended" in cli("status")
    look_ms = int(redis_client.hget(KEYS.hold, "probe_at"))
    assert f"the account is looked at again at {clock(look_ms)}\n" in cli("status")
    assert cli("release") == "released\n"
    assert cli("release") == "sending was not held\n"
    Throttle(redis_client, KEYS).pause("http_429", 600_000)
    assert cli("release") == "released\n"
    assert "sending    on" in cli("status")
    Throttle(redis_client, KEYS).hold("126")
    assert "nothing ends it but" in cli("status")
    assert cli("release") == "released\n"
    Throttle(redis_client, KEYS).hold("http_402")
    assert "code http_402\n" in cli("status")
    assert cli("release") == "released\n"
    assert "limits     none set live: the workers' own settings hold\n" in cli("status")
    assert cli("limits", "--rate", "20", "--in-flight", "4") == ("20 recipients/s, 4 in flight set live\n")
    assert f"limits     {cli('limits')}" in cli("status")
    assert cli("limits", "--rate", "0", "--in-flight", "0") == "any rate, any number in flight set live\n"
    cli("limits", "--in-flight", "4")
    assert cli("limits", "--rate", "default") == (
        "4 in flight set live; for the other the workers' own setting holds\n"
    )
    assert "own setting holds" in cli("status")
    assert cli("limits", "--in-flight", "default") == "none set live: the workers' own settings hold\n"
    assert redis_client.hgetall(KEYS.limits) == {}
    assert "is not a valid" in cli("limits", "--rate", "defaults", status=2)


def test_the_command_line_shows_a_pause_until_it_is_over(cli, redis_client):
    throttle = Throttle(redis_client, KEYS)
    throttle.pause("127", 3_600_000)
    shown = cli("status")
    assert "sending    PAUSED: all sending pauses for as long as the gateway asked\n" in shown
    assert re.search(r"^           until 20\S+ \S+\+0[12]:00, code 127: ", shown, re.MULTILINE)
    throttle.hold("104")
    assert re.search(r"HELD: .+PAUSED: ", cli("status"), re.DOTALL)
    cli("release")
    assert "sending    on\n" in cli("status")


def test_a_pause_is_over_when_its_time_is(redis_client):
    throttle = Throttle(redis_client, KEYS)

    def paused_until() -> int | None:
        pause = drive(facts(KEYS), redis_client).pause
        return pause and pause.until_ms

    assert paused_until() is None
    throttle.pause("http_429", 3_600_000)
    begun = int(redis_client.hget(KEYS.pause, "at"))
    assert paused_until() == begun + 3_600_000
    redis_client.hincrby(KEYS.pause, "at", -3_600_000)
    assert paused_until() is None


def test_the_command_line_says_that_all_calls_are_in_flight(cli, redis_client):
    cli("limits", "--in-flight", "2")
    redis_client.zadd(KEYS.queue("alert").leases, {"x:a": 1})
    assert "sending    on\n" in cli("status")
    redis_client.zadd(KEYS.queue("marketing").leases, {"x:b": 1})
    assert "sending    on, but as many calls are in flight as may be\n" in cli("status")


def test_the_command_line_shows_and_releases_what_waits_aside(cli, redis_client):
    redis_client.hset(
        KEYS.gates,
        mapping={
            "credit": '{"code":"104","since":1764000000000,"balance":25,"floors":{}}',
            "777": '{"code":"777","since":1764000000000,"shut":{"sender":"Bistro","campaign":"spring"}}',
        },
    )
    redis_client.zadd(KEYS.aside("credit"), {"a": 30.0, "b": 40.0})
    redis_client.zadd(KEYS.aside("777"), {"spring.3": 0, "spring.4": 0, "spring.5": 0})

    redis_client.hset(KEYS.stream("credit"), "probe_at", 1764000060000)

    shown = cli("status")

    assert shown.count("the account is looked at again at 2025-11-24 17:01:00+01:00\n") == 1
    since = "since 2025-11-24 17:00:00+01:00"
    assert f"aside      2 wait, {since}: credit: costs about 30.00, 25.00 left (code 104)\n" in shown
    why = "code 777, nobody knows it; sender Bistro, campaign spring"
    assert f"aside      3 wait, {since}: {why}\n" in shown
    assert "octopush-worker release --breaker 777\n" in shown
    assert cli("release") == "released\nof what could not be paid, 2 go on\n"
    assert "3 wait" in cli("status")
    assert cli("release", "--breaker", "777") == "released breaker 777, 3 go on\n"
    assert "aside" not in cli("status")
    assert 'there is no breaker "777"' in cli("release", "--breaker", "777", status=3)
    assert [(entry["action"], entry["gate"], entry["code"]) for entry in audit(redis_client)] == [
        ("release", "credit", "104"),
        ("release", "777", "777"),
    ]


def test_the_command_line_says_when_redis_is_away():
    result = CliRunner().invoke(main, ["status"], env={"REDIS_URL": "redis://127.0.0.1:1/0"})
    assert result.exit_code == 4
    assert "Redis at redis://127.0.0.1:1/0 did not answer" in result.output


def test_two_people_who_decide_at_once_never_give_a_message_an_id_it_had(
    redis_client, ended, ledger, operations
):
    request_id = ended("rejected")
    steps = Decisions(RedisSettings(), "ben").replay(request_id)
    read = next(steps)
    found = read.run(redis_client)
    # Meanwhile somebody else sends it again, and it is refused once more.
    assert operations.replay(request_id) is None
    redis_client.delete(KEYS.queue("alert").ready)
    finish_one(ledger, claim_one(ledger, request_id), Refused("121"))

    decide = steps.send(found)

    assert decide.run(redis_client) == "rejected"
    assert redis_client.llen(KEYS.queue("alert").ready) == 0


@pytest.mark.parametrize(("lost", "why_not"), [("record", "gone"), ("body", "body_lost")])
def test_what_is_forgotten_while_somebody_decides_is_not_sent_again(redis_client, ended, lost, why_not):
    request_id = ended("rejected")
    steps = Decisions(RedisSettings(), "ben").replay(request_id)
    found = next(steps).run(redis_client)
    decide = steps.send(found)

    redis_client.delete(getattr(KEYS, lost)(request_id))

    assert decide.run(redis_client) == why_not
