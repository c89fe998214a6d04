"""``octopush-worker forward``: what a person sees of forwarders, and decides about them."""

import json
import re
import signal
import subprocess
import threading
from contextlib import contextmanager

import pytest
from click.testing import CliRunner, Result

from producers.webhooks import verify
from tests.support.forwarder_process import ROOTS
from tests.support.forwarding import HandForwarder, reply
from tests.support.installation import bare_environment
from tests.support.up_process import OCTOPUSH
from tests.support.waiting import until
from tests.support.webhook_receiver import WebhookReceiver, answer
from worker.cli import main
from worker.forwarding.outcomes import Delivered, Halted, Later, Refused
from worker.forwarding.runner import Runner
from worker.forwarding.schedule import A_DAY
from worker.forwarding.store import Store
from worker.process.connection import connect
from worker.webhooks.sender import Sender
from worker.webhooks.settings import WebhookSettings
from worker.webhooks.signing import secrets_of

NAME = "bookings"


@pytest.fixture
def octopush(redis_url, monkeypatch):
    """Run a command in this process."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("WEBHOOK_SECRETS", ROOTS[0])

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, arguments)

    return run


@pytest.fixture
def hand(redis_client) -> HandForwarder:
    """A forwarder that has run before."""
    forwarder = HandForwarder(redis_client, NAME, ("replies",))
    forwarder.take()
    redis_client.hset(
        forwarder.keys.forward(NAME), mapping={"streams": "replies", "receiver": "https://shop"}
    )
    return forwarder


@pytest.fixture
def receiver():
    with WebhookReceiver() as running:
        yield running


@contextmanager
def running(url: str, redis_url: str):
    """Run the forwarder in a thread."""
    secrets = secrets_of(WebhookSettings.from_env({"WEBHOOK_SECRETS": ROOTS[0]}), NAME)
    with connect(redis_url) as client, Sender(url, secrets) as sender:
        store = Store(HandForwarder(client, NAME, ("replies",)).keys, NAME, ("replies",), A_DAY)
        runner = Runner(client, store, sender.deliver, receiver=sender.receiver)
        thread = threading.Thread(target=runner.run)
        thread.start()
        yield
        runner.stop()
        thread.join(20)


def lines(result: Result) -> list[dict]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize(("probe_s", "says"), [(None, 30), (600, 600)])
def test_a_held_forwarder_says_when_it_asks_again_whatever_its_schedule(octopush, hand, probe_s, says):
    hand.arrive("r1")
    hand.settle(hand.take_one(), Halted("535 at login", lasting=False, probe_s=probe_s))

    shown = octopush("forward", "list").stdout

    (seconds,) = re.findall(r"held \(535 at login\): .+ one event asks in (\d+) s whether", shown)
    assert says - 10 < int(seconds) <= says
    hand.pass_time(says)
    assert "one event asks now whether" in octopush("forward", "list").stdout


def test_a_list_of_none_says_so(octopush):
    result = octopush("forward", "list")

    assert (result.exit_code, result.stdout) == (0, "")
    assert "no forwarder" in result.stderr


def test_a_list_shows_what_waits_and_what_keeps_it(octopush, hand):
    hand.arrive("r1", "r2")
    hand.settle(hand.take(1)[0], Refused("550"))

    shown = octopush("forward", "list").stdout
    (found,) = lines(octopush("forward", "list", "--json"))

    assert shown.splitlines()[0].split() == [NAME, "delivering"]
    assert "1 waiting" in shown
    assert "1 dead" in shown
    assert "replies to https://shop" in shown
    assert (found["v"], found["name"], found["waiting"], found["dead"]) == (1, NAME, 1, 1)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"paused": "410", "paused_at": 1},
            "paused (it answered 410): octopush-worker forward resume bookings",
        ),
        ({"held": "ConnectError", "held_at": 1, "probe_at": 1}, "held (nobody answers at this address)"),
    ],
)
def test_a_list_says_how_a_forwarder_goes_on(octopush, hand, fields, said):
    hand.redis.hset(hand.keys.forward(NAME), mapping=fields)

    assert said in octopush("forward", "list").stdout


def test_below_five_failures_a_list_says_what_was_tried_and_when_it_is_again(octopush, hand):
    hand.arrive("r1", "r2")
    for event in hand.take():
        hand.settle(event, Later("500"))

    shown = octopush("forward", "list").stdout
    resumed = octopush("forward", "resume", NAME)

    (many, seconds) = re.findall(
        r"tries again: (\d) events tried and not delivered \(it answered 500\), .+ in (\d) s", shown
    )[0]
    assert (many, int(seconds) <= 5) == ("2", True)
    assert resumed.stdout == "was neither paused nor held\n"
    assert re.search(rf"octopush-worker forward replay {NAME} --id r[12]\n", resumed.stderr)


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Delivered(), "1 will be delivered once more\n"),
        (Later("500"), "1 will be tried at once: not delivered so far\n"),
        (Refused("550"), "1 will be tried at once: not delivered so far\n"),
    ],
)
def test_a_replay_of_one_says_whether_it_was_delivered_before(octopush, hand, outcome, said):
    hand.arrive("r1")
    hand.settle(hand.take_one(), outcome)

    assert octopush("forward", "replay", NAME, "--id", "r1").stdout == said


def test_a_list_for_programs_has_times_as_all_commands_and_an_order_that_stays(octopush, redis_client, hand):
    hand.arrive("r1")
    HandForwarder(redis_client, "audit", ("replies",)).take()
    HandForwarder(redis_client, "zeal", ("replies",)).take()

    found = lines(octopush("forward", "list", "--json"))

    assert [each["name"] for each in found] == ["audit", NAME, "zeal"]
    assert not [name for each in found for name in each if name.endswith("_ms")]
    for name in ("heard_at", "oldest_at", "now_at"):
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT[\d:.]+Z", found[1][name])
    assert found[1]["delivered_at"] is None


def test_a_list_of_none_says_nothing_to_programs(octopush):
    assert octopush("forward", "list", "--json").output == ""


def test_a_list_says_that_no_process_runs(octopush, hand):
    hand.redis.zincrby(hand.keys.forwarders, -60_000, NAME)

    assert "no process seen" in octopush("forward", "list").stdout


def test_a_secret_is_printed_alone_and_differs_by_name(octopush, monkeypatch):
    first = octopush("forward", "secret", NAME).stdout
    other = octopush("forward", "secret", "audit").stdout
    monkeypatch.setenv("WEBHOOK_SECRETS", f"{ROOTS[1]},{ROOTS[0]}")
    both = octopush("forward", "secret", NAME).stdout.split()

    assert first.startswith("whsec_")
    assert first != other
    assert len(both) == 2
    assert both[1] == first.strip()
    assert ROOTS[0] not in first


@pytest.mark.parametrize(("value", "said"), [("", "WEBHOOK_SECRETS"), ("short", "32 characters")])
def test_without_something_to_make_it_from_there_is_no_secret(octopush, monkeypatch, value, said):
    monkeypatch.setenv("WEBHOOK_SECRETS", value)

    result = octopush("forward", "secret", NAME)

    assert result.exit_code == 1
    assert said in result.stderr


@pytest.mark.parametrize("command", ["pause", "resume", "test", "replay"])
def test_a_name_that_never_ran_is_not_found(octopush, redis_client, command):
    result = octopush("forward", command, "nobody", *(["--dead"] if command == "replay" else []))

    assert result.exit_code == 3
    assert redis_client.keys("*audit*") == []


@pytest.mark.parametrize("command", ["pause", "resume", "test", "secret"])
def test_a_name_that_cannot_be_one_is_a_usage_error(octopush, command):
    assert octopush("forward", command, "No Name").exit_code == 2


def test_a_pause_and_its_end(octopush, hand):
    assert octopush("forward", "pause", NAME).stdout == "paused\n"
    assert octopush("forward", "pause", NAME).stdout == "was paused already\n"
    assert octopush("forward", "test", NAME).exit_code == 5
    assert lines(octopush("forward", "resume", NAME, "--json"))[0]["changed"] is True
    assert octopush("forward", "resume", NAME).stdout == "was neither paused nor held\n"


def test_events_are_replayed_by_id_by_time_and_from_the_dead(octopush, hand):
    hand.arrive("r1", "r2", "r3")
    for event, outcome in zip(hand.take(), [Delivered(), Refused("550"), Later("500")], strict=True):
        hand.settle(event, outcome)

    assert octopush("forward", "replay", NAME, "--dead").stdout == (
        "1 will be tried at once: not delivered so far\n"
    )
    assert lines(octopush("forward", "replay", NAME, "--id", "r1", "--json"))[0]["events"] == 1
    assert {event.event_id for event in hand.take()} == {"r1", "r2"}
    for since, count in (("2026-01-01", 3), ("2099-01-01", 0)):
        result = octopush("forward", "replay", NAME, "--since", since)
        assert result.stdout == f"{count} will be delivered, also if they were before\n"
    assert octopush("forward", "replay", NAME, "--until", "2026-01-01").stdout.startswith("0 ")
    assert octopush("forward", "replay", NAME, "--id", "nothing").exit_code == 3


@pytest.mark.parametrize(
    "arguments", [[], ["--dead", "--id", "r1"], ["--dead", "--since", "2026-01-01"], ["--since", "yesterday"]]
)
def test_a_replay_wants_to_know_what(octopush, hand, arguments):
    assert octopush("forward", "replay", NAME, *arguments).exit_code == 2


def test_a_test_says_that_it_arrived(octopush, hand, receiver, redis_url):
    with running(receiver.url, redis_url):
        result = octopush("forward", "test", NAME)

    secret = octopush("forward", "secret", NAME).stdout.strip()
    assert result.exit_code == 0
    assert result.stdout.endswith("\ndelivered\n")  # after the lines of the forwarder in this process
    assert verify(receiver.posts[0].body, receiver.posts[0].headers, secret).type == "sms.test"


def test_a_test_says_why_it_did_not_arrive(octopush, hand, receiver, redis_url):
    receiver.answers(answer(401))
    with running(receiver.url, redis_url):
        result = octopush("forward", "test", NAME)

    assert result.exit_code == 1
    hint = f"a receiver that has another secret than octopush-worker forward secret {NAME} prints says so"
    assert result.stderr.endswith(f"not delivered: it answered 401; {hint}\n")
    assert len(receiver.posts) == 1


def test_listening_takes_nothing_from_anybody(hand, receiver, redis_url, tmp_path):
    log = tmp_path / "listen.log"
    environ = {**bare_environment(), "REDIS_URL": redis_url, "WEBHOOK_SECRETS": ROOTS[0]}
    hand.add(reply("before"))
    address = f"{receiver.url}/webhooks/sms"
    with log.open("wb") as output:
        command = [
            OCTOPUSH,
            "forward",
            "listen",
            "--to",
            address,
            "--name",
            NAME,
            "--streams",
            "replies",
        ]
        process = subprocess.Popen(command, env=environ, stdout=output, stderr=subprocess.STDOUT)
    try:
        until(lambda: b"whsec_" in log.read_bytes(), 40)
        hand.add(reply("r1"))
        (post,) = receiver.wait(1)
        receiver.answers(answer(500))
        hand.add(reply("r2"))
        until(lambda: b"r2  500" in log.read_bytes())
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)

    (secret,) = secrets_of(WebhookSettings.from_env(environ), NAME)
    assert verify(post.body, post.headers, secret).id == "r1"
    assert receiver.event_ids == ["r1", "r2"]
    assert hand.take_in() == 3
    assert f"replies go to {address}; the secret is".encode() in log.read_bytes()
    assert b"Traceback" not in log.read_bytes()


def test_listening_outlives_an_outage_and_misses_nothing(own_redis_server, receiver, tmp_path):
    log, url = tmp_path / "listen.log", f"redis://localhost:{own_redis_server.port}"
    environ = {**bare_environment(), "REDIS_URL": url, "WEBHOOK_SECRETS": ROOTS[0]}
    command = [OCTOPUSH, "forward", "listen", "--to", receiver.url, "--name", NAME, "--streams", "replies"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environ, stdout=output, stderr=subprocess.STDOUT)
    try:
        until(lambda: b"whsec_" in log.read_bytes(), 60)
        own_redis_server.stop()
        until(lambda: b"Redis does not answer" in log.read_bytes(), 60)
        own_redis_server.start()
        with connect(url) as client:
            until(client.ping, 60)
            HandForwarder(client, NAME, ("replies",)).add(reply("r1"))
        receiver.wait(1)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)

    assert receiver.event_ids == ["r1"]
    assert b"Redis is back" in log.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bookings"], "NAME and URL"),
        (["bookings", "http://shop.example.com/hooks"], "must be https"),
        (["bookings", "ftp://shop.example.com"], "must start with"),
        (["bookings", "https://"], "must name a host"),
        (["bookings", "http://["], "IPv6"),
        (["Bookings!", "https://shop.example.com"], "small letters"),
        (["bookings", "https://shop.example.com", "--streams", "replies,faxes"], "replies"),
    ],
)
def test_what_cannot_be_forwarded_is_said_before_anything_starts(octopush, arguments, said):
    result = octopush("forward-http", *arguments)

    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "WEBHOOK_URL"),
        ({"WEBHOOK_URL": "https://shop.example.com", "WEBHOOK_SECRETS": ""}, "WEBHOOK_SECRETS"),
        ({"WEBHOOK_STREAMS": "faxes"}, "WEBHOOK_STREAMS"),
        ({"WEBHOOK_NAME": "No Name"}, "WEBHOOK_NAME"),
    ],
)
def test_settings_that_are_missing_or_wrong_are_named(octopush, monkeypatch, variables, said):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    result = octopush("forward-http")

    assert result.exit_code == 1
    assert said in result.stderr
