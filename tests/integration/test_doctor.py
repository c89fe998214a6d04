"""The check before the night: each finding has a real cause, and is not there without it."""

import base64
import dataclasses
import json
import re
import resource
import threading
import time
from collections.abc import Callable, Iterator, Mapping

import pytest
import redis
from click.testing import CliRunner, Result

from producers.contract.heartbeats import Rules, name_worker
from producers.contract.jobs import LAYOUT
from producers.contract.keys import Keys
from producers.contract.steps import drive
from tests.support import redis_users
from tests.support.lua_scripts import script_files
from tests.support.tcp_proxy import TcpProxy
from worker.account.identity import binding
from worker.cli import main
from worker.doctor import rights, server, topology
from worker.doctor.environment import look
from worker.doctor.findings import Finding, Level
from worker.doctor.running import Section
from worker.doctor.running import run as run_sections
from worker.gateway.profile import GatewayProfile, account_of, written
from worker.process.heartbeat import Heartbeat
from worker.settings import WorkerSettings

KEYS = Keys()
SECRET = "7f3c2b9e1d5a8f604b7e"
#: Settings of a worker with which nothing is wrong.
WELL = {
    "OCTOPUSH_API_LOGIN": "a@example.com",
    "OCTOPUSH_API_KEY": SECRET,
    "PSEUDONYM_KEYS": base64.b64encode(bytes(range(32))).decode(),
    "MARKETING_HOURS_FR": "strict",
    "MARKETING_HOURS_OTHER": "08:00-20:00",
    "ALLOWED_COUNTRIES": "FR",
    "BUDGET_DAY": "100",
}
#: What a server of tests has that production has not.
OF_TESTS = {("redis.memory", "advice"), ("credit.seen", "advice"), ("feeds.groups", "advice")}


class Doctor:
    """Runs the command in this process."""

    def __init__(self, redis_url: str) -> None:
        self._env = {**WELL, "REDIS_URL": redis_url}

    def run(self, *arguments: str, **environment: str) -> Result:
        # Nothing of the shell's counts, not even what the tests set for all others.
        bare = {"NUMBER_ALERTS_PER_HOUR": "", "NUMBER_ALERTS_PER_DAY": "", "PREFIX_PER_HOUR": ""}
        return CliRunner().invoke(main, ["doctor", *arguments], env={**bare, **self._env, **environment})

    def __call__(self, *arguments: str, **environment: str) -> dict[tuple[str, str], str]:
        """Say what was found, as check and level."""
        told = json.loads(self.run("--json", *arguments, **environment).output)
        return {(each["check"], each["level"]): each["finding"] for each in told["findings"]}


@pytest.fixture
def doctor(redis_url) -> Doctor:
    return Doctor(redis_url)


@pytest.fixture
def worker(redis_client) -> Iterator[Heartbeat]:
    """Let a worker give signs of life."""
    heart = Heartbeat(redis_client, KEYS, Rules("1", "2026a", "0123456789abcdef"))
    heart.start()
    yield heart
    heart.stop()


@pytest.fixture
def configure(redis_client) -> Iterator[Callable[..., None]]:
    """Change settings of the shared server for one test."""
    before: dict[str, str] = {}

    def change(**settings: str) -> None:
        for variable, value in settings.items():
            name = variable.replace("_", "-")
            before.setdefault(name, next(iter(redis_client.config_get(name).values())))
            redis_client.config_set(name, value)

    yield change
    for name, value in before.items():
        redis_client.config_set(name, value)


def bad(found: Mapping[tuple[str, str], str]) -> set[tuple[str, str]]:
    # How fast a machine of tests is, is no matter of the installation.
    return {each for each in found if each[1] != "ok" and each[0] != "redis.latency"} - OF_TESTS


def test_nothing_is_found_where_all_is_well(doctor, worker):
    told = doctor.run("--json")

    found = json.loads(told.output)
    levels = {each["level"] for each in found["findings"] if each["check"] != "redis.latency"}
    assert levels == {"ok", "advice"}
    assert {each["check"].partition(".")[0] for each in found["findings"]} >= {
        *("settings", "redis", "topology", "workers", "queue", "host", "feeds"),
    }  # fmt: skip


def test_words_name_the_remedy_and_the_page_and_no_secret(doctor):
    told = doctor.run(API_TOKENS=SECRET)

    assert told.exit_code == 5
    assert "Start a worker, and read its log. docs/operating.md#processes" in told.output
    assert SECRET not in told.output
    assert not any(line.startswith("ok") for line in told.stdout.splitlines())
    assert "ok       redis.version" in doctor.run("--all").output


def test_secrets_of_two_processes_stand_in_one_environment_unless_they_were_gathered():
    both = {
        **WELL,
        "OCTOPUSH_API_KEY": "k",
        "OCTOPUSH_API_LOGIN": "a@example.com",
        "CALLBACK_TOKENS": 24 * "t",
    }
    for gathered in (False, True):
        told = [each for each in look(both, gathered=gathered) if "one environment" in each.finding]
        assert bool(told) is not gathered


@pytest.mark.parametrize(
    ("settings", "check", "level", "named"),
    [
        ({"SEND_RATE_PER_S": "fast"}, "settings.wrong", "error", "SEND_RATE_PER_S must be a number"),
        ({"CALLBACK_TOKENS": "short"}, "settings.wrong", "error", "CALLBACK_TOKENS"),
        ({"REDIS_REPLICA": "1"}, "settings.unknown", "warning", "REDIS_REPLICA"),
        ({"OCTOPUSH_TOKEN": "1"}, "settings.unknown", "advice", "OCTOPUSH_TOKEN"),
        ({"CONSOLE_SENDER": "Bistro"}, "settings.unused", "advice", "CONSOLE_SENDER"),
        ({"MARKETING_HOURS_FR": "off", "MARKETING_SUNDAYS_FR": "0"}, "settings.unused", "advice", "SUNDAYS"),
        ({"BUDGET_APP_DAY": "200"}, "settings.at_odds", "warning", "BUDGET_APP_DAY"),
        ({"BUDGET_HARD_DAY": "50"}, "settings.at_odds", "warning", "BUDGET_HARD_DAY"),
        ({"ALLOWED_NUMBERS": "+33612345678"}, "settings.at_odds", "warning", "ALLOWED_NUMBERS"),
        ({"OCTOPUSH_BASE_URL": "https://other.example"}, "settings.at_odds", "warning", "another host"),
        ({"OCTOPUSH_BASE_URL": "http://127.0.0.1:9"}, "settings.at_odds", "warning", "this machine"),
        ({"CONFIRM_EVERY_CLAIM": "1", "ALLOW_UNSAFE_REDIS": "1"}, "settings.at_odds", "warning", "CONFIRM"),
        ({"ALLOW_UNSAFE_REDIS": "1"}, "settings.risky", "error", "ALLOW_UNSAFE_REDIS"),
        ({"PSEUDONYM_KEYS": ""}, "settings.risky", "warning", "PSEUDONYM_KEYS"),
        ({"LOG_LEVEL": "debug"}, "settings.risky", "advice", "LOG_LEVEL"),
        ({"ALLOWED_COUNTRIES": ""}, "settings.risky", "advice", "ALLOWED_COUNTRIES"),
        ({"BUDGET_DAY": ""}, "settings.risky", "advice", "BUDGET_DAY"),
        (
            {"MARKETING_HOURS_FR": "off", "MARKETING_HOURS_OTHER": "off"},
            *("settings.risky", "warning", "hours of marketing"),
        ),
    ],
)
def test_a_setting_is_judged_without_its_value(settings, check, level, named):
    well = [each for each in look(WELL) if each.level is not Level.OK]
    found = [each for each in look({**WELL, **settings}) if each.check == check]

    assert well == []
    assert any(each.level == level and named in each.finding for each in found), found
    assert SECRET not in str(found)


@pytest.mark.parametrize(
    ("settings", "check", "level"),
    [
        ({"appendfsync": "everysec"}, "redis.fsync", "warning"),
        ({"appendonly": "no"}, "redis.persistence", "error"),
        ({"maxmemory_policy": "allkeys-lru"}, "redis.eviction", "advice"),
        ({"maxmemory": "100mb", "maxmemory_policy": "allkeys-lru"}, "redis.eviction", "error"),
        ({"maxmemory": "1mb"}, "redis.memory", "error"),
        ({"maxmemory": "4096gb"}, "redis.memory", "warning"),
    ],
)
def test_what_redis_is_set_to_is_judged(doctor, worker, configure, settings, check, level):
    assert (check, level) not in doctor()

    configure(**settings)

    assert (check, level) in doctor()


def test_connections_that_run_out_are_seen(doctor, worker, redis_client, configure):
    configure(maxclients=str(int(redis_client.info("clients")["connected_clients"]) + 14))
    assert ("redis.clients", "ok") in doctor()

    held = [redis.Redis(port=redis_client.connection_pool.connection_kwargs["port"]) for _ in range(12)]
    for each in held:
        each.ping()
    client = held[0]
    facts = server.Facts(client.info(), None, 0.0, (1.0,), loads_all=True)
    for each in held:
        each.close()

    assert any(each.check == "redis.clients" and each.level == "warning" for each in server.judge(facts))


@pytest.mark.parametrize(
    ("info", "check", "level"),
    [
        ({"redis_version": "6.2.0"}, "redis.version", "error"),
        ({"role": "slave"}, "redis.role", "error"),
        ({"rdb_last_bgsave_status": "err"}, "redis.save", "error"),
        ({"aof_last_write_status": "err"}, "redis.save", "error"),
        ({"aof_last_bgrewrite_status": "err"}, "redis.save", "warning"),
        (
            {"mem_fragmentation_ratio": 2.0, "mem_fragmentation_bytes": 2**30},
            *("redis.fragmentation", "advice"),
        ),
    ],
)
def test_what_the_shared_server_cannot_have_is_judged_by_its_words(redis_client, info, check, level):
    facts = server.read(redis_client, Keys())
    changed = dataclasses.replace(facts, info={**facts.info, **info})

    assert (check, level) not in {(each.check, each.level) for each in server.judge(facts)}
    assert (check, level) in {(each.check, each.level) for each in server.judge(changed)}


def test_a_slow_way_to_redis_is_measured(redis_client, redis_server, worker):
    with TcpProxy(redis_server.port) as proxy:
        url = f"redis://127.0.0.1:{proxy.port}/0"
        assert ("redis.latency", "ok") in Doctor(url)()
        proxy.delay(0.03)
        assert ("redis.latency", "warning") in Doctor(url)()


def test_a_clock_that_differs_is_told(redis_client):
    facts = server.read(redis_client, Keys())
    late = dataclasses.replace(facts, skew_s=60.0)

    assert [each.level for each in server.judge(facts) if each.check == "redis.clock"] == ["ok"]
    assert [each.level for each in server.judge(late) if each.check == "redis.clock"] == ["warning"]


def test_a_redis_that_is_away_is_said_and_the_rest_is_looked_at():
    told = Doctor("redis://127.0.0.1:1/0").run("--json", REDIS_REPLICA="1")

    checks = {(each["check"], each["level"]) for each in json.loads(told.output)["findings"]}
    assert told.exit_code == 4
    assert {("redis.reached", "error"), ("settings.unknown", "warning"), ("host.files", "ok")} <= checks


def test_a_redis_that_hangs_takes_bounded_time(own_redis_server):
    own_redis_server.suspend()
    began_s = time.monotonic()
    told = Doctor(own_redis_server.url).run("--json")
    took_s = time.monotonic() - began_s
    own_redis_server.resume()

    assert told.exit_code == 4
    assert took_s < 20


def test_a_wrong_password_is_no_outage(redis_server, redis_client):
    told = Doctor(f"redis://nobody:wrong@127.0.0.1:{redis_server.port}/0").run("--json")

    assert told.exit_code == 5
    assert "refuses this user or password" in told.output
    assert "wrong@" not in told.output


@pytest.mark.parametrize(
    ("rules", "level", "named"),
    [
        (("+@all",), "ok", ""),
        (("+@all", "-xadd", "-zadd"), "error", "ZADD"),
        (("+@all", "-wait"), "error", "WAIT"),
        (("+@all", "-acl"), "advice", "does not tell"),
        (("+@all", "-acl", "-wait"), "error", "WAIT"),
    ],
)
def test_what_the_user_may_not_do_is_named(redis_server, redis_client, worker, rules, level, named):
    redis_client.execute_command("ACL", "SETUSER", "few", "reset", "on", ">word", "~{sms}:*", *rules)
    try:
        found = Doctor(f"redis://few:word@127.0.0.1:{redis_server.port}/0")()
    finally:
        redis_client.acl_deluser("few")

    assert named in found["redis.user", level]


@pytest.mark.parametrize(
    ("rules", "level"),
    [
        (("off", "allkeys", "+@all"), "ok"),
        (("off", "~{sms}:*", "+@all"), "ok"),
        (("on", "nopass", "~{other}:*", "+@all"), "error"),
        (("off", "-@all"), "error"),
        (("off", "allkeys", "+@all", "-exec"), "error"),
    ],
)
def test_a_default_user_that_would_not_load_what_scripts_wrote_is_told(own_redis_server, rules, level):
    with redis.Redis(port=own_redis_server.port) as client:
        client.execute_command("ACL", "SETUSER", "boss", "on", ">word", "allkeys", "allchannels", "+@all")
        client.execute_command("ACL", "SETUSER", "default", "reset", *rules)
    found = Doctor(f"redis://boss:word@127.0.0.1:{own_redis_server.port}/0")()
    assert ("redis.default_user", level) in found


def test_an_operator_of_the_shipped_users_is_told_that_nothing_is_missing(redis_server, redis_client, worker):
    rules = redis_users.rules()["operator"]
    redis_client.execute_command("ACL", "SETUSER", "shipped", "reset", *rules, ">word")
    try:
        found = Doctor(f"redis://shipped:word@127.0.0.1:{redis_server.port}/0")()
    finally:
        redis_client.acl_deluser("shipped")

    assert bad(found) == {("redis.fsync", "advice")}
    assert '"shipped" may do what a worker needs' in found["redis.user", "ok"]


def test_a_login_that_the_namespace_does_not_belong_to_is_told(doctor, worker, redis_client, redis_url):
    settings = WorkerSettings.from_env({**WELL, "REDIS_URL": redis_url})
    assert "account.login" not in {check for check, _ in doctor()}
    assert drive(binding(settings), redis_client)

    assert ("account.login", "ok") in doctor()
    told = doctor.run(OCTOPUSH_API_LOGIN="b@example.com")
    assert "belongs to another account" in told.output
    assert (told.exit_code, "example.com" in told.output) == (5, False)


def test_keys_of_pseudonyms_that_are_not_those_of_the_processes_are_told(
    doctor, worker, redis_client, redis_url
):
    used, other = WELL["PSEUDONYM_KEYS"], base64.b64encode(bytes(range(1, 33))).decode()
    settings = WorkerSettings.from_env({**WELL, "REDIS_URL": redis_url})
    drive(binding(settings), redis_client)

    assert ("account.pseudonyms", "ok") in doctor()
    assert ("account.pseudonyms", "ok") in doctor(PSEUDONYM_KEYS=f"{used},{other}")
    assert ("account.pseudonyms", "warning") in doctor(PSEUDONYM_KEYS=f"{other},{used}")
    for lacking in (other, ""):
        told = doctor.run(PSEUDONYM_KEYS=lacking)
        assert "lacks keys under which something was written" in told.output
        assert (told.exit_code, used in told.output, other in told.output) == (5, False, False)


def test_the_key_that_redis_keeps_is_no_key_that_is_lacking(doctor, worker, redis_client, redis_url):
    settings = WorkerSettings.from_env({**WELL, "PSEUDONYM_KEYS": "", "REDIS_URL": redis_url})
    drive(binding(settings), redis_client)

    found = doctor(PSEUDONYM_KEYS="")
    assert {("account.pseudonyms", "ok"), ("account.login", "ok")} <= set(found)


@pytest.mark.parametrize("error", [redis.exceptions.ReadOnlyError, redis.exceptions.OutOfMemoryError])
def test_a_redis_that_takes_no_writes_is_not_said_to_be_away(error):
    def fails() -> Iterator[Finding]:
        raise error
        yield

    [found] = run_sections([Section("a", 5, fails)])
    assert "Redis takes no writes" in found.finding


@pytest.mark.parametrize(("layout", "level"), [(LAYOUT, "ok"), (LAYOUT + 1, "error"), (LAYOUT - 1, "advice")])
def test_the_layout_of_the_data_is_compared_with_that_of_this_release(
    doctor, worker, redis_client, layout, level
):
    redis_client.set(KEYS.layout, layout)
    assert f"layout {layout}" in doctor()["queue.data", level]


@pytest.mark.parametrize(
    ("info", "config", "level"),
    [
        ({"connected_slaves": 0}, {}, None),
        ({"connected_slaves": 1}, None, None),
        ({"connected_slaves": 2}, None, "advice"),
        ({"connected_slaves": 2, "min_slaves_good_slaves": 2}, {"min-replicas-to-write": "1"}, "ok"),
        ({"connected_slaves": 2, "min_slaves_good_slaves": 2}, {"min-replicas-to-write": "2"}, "advice"),
        ({"connected_slaves": 1, "min_slaves_good_slaves": 1}, {"min-replicas-to-write": "1"}, "advice"),
        ({"connected_slaves": 1, "min_slaves_good_slaves": 0}, {"min-replicas-to-write": "1"}, "error"),
        ({"connected_slaves": 1, "min_slaves_good_slaves": 0}, None, "advice"),
    ],
)
def test_a_primary_that_takes_no_writes_or_too_many_is_told(info, config, level):
    wanted = info["connected_slaves"]
    found = [
        each.level
        for each in topology.replicas(info, config, wanted, every_claim=False)
        if each.check == "topology.writes"
    ]
    assert found == ([level] if level else [])


@pytest.mark.parametrize(("state", "lag"), [("wait_bgsave", 0), ("online", 11)])
def test_a_replica_that_is_not_in_step_is_told(state, lag):
    def told(**replica: object) -> bool:
        info = {"connected_slaves": 1, "slave0": replica}
        found = topology.replicas(info, {}, 1, every_claim=False)
        return ("topology.lag", "warning") in {(each.check, each.level) for each in found}

    assert told(state=state, lag=lag)
    assert not told(state="online", lag=10)


def test_a_profile_that_no_worker_would_take_is_told(doctor, worker, tmp_path):
    profile = tmp_path / "profile.json"
    for content in (b"{", written(GatewayProfile(account=account_of("b@example.com")))):
        profile.write_bytes(content)
        assert "GATEWAY_PROFILE" in doctor(GATEWAY_PROFILE=str(profile))["settings.wrong", "error"]
    profile.write_bytes(written(GatewayProfile(account=account_of("a@example.com"))))
    assert bad(doctor(GATEWAY_PROFILE=str(profile))) == set()


def test_all_commands_of_the_scripts_are_asked_about():
    called = {
        command
        for path in script_files()
        for command in re.findall(r"redis\.p?call\(\s*'([A-Z]+)'", path.read_text("utf-8"))
    }
    assert called - {command[0] for command in rights.needed("x")} == set()


def test_a_replica_that_is_missing_is_told(doctor, worker):
    assert ("topology.replicas", "ok") in doctor()
    assert ("topology.replicas", "warning") in doctor(REDIS_REPLICAS="1")
    assert ("topology.replicas", "advice") in doctor(CONFIRM_EVERY_CLAIM="1")


def test_without_a_worker_nothing_is_sent(doctor, worker):
    assert ("workers.alive", "ok") in doctor()

    worker.stop()

    assert ("workers.alive", "error") in doctor()


def test_workers_of_different_hours_are_told(doctor, worker, redis_client):
    other = Heartbeat(redis_client, KEYS, Rules("2", "2026b", "fedcba9876543210"))
    other.start()
    found = doctor()
    other.stop()

    assert ("workers.rules", "warning") in found
    assert ("workers.rules", "warning") not in doctor()


def test_what_is_stuck_in_a_queue_is_told(doctor, worker, redis_client, sms):
    assert bad(doctor()) == set()
    queue, now_ms = KEYS.queue("alert"), int(time.time() * 1000)
    sms.send("+33612345678", "Hello", sender="Bistro", purpose="alert", request_id="a")
    redis_client.hset(KEYS.record("a"), mapping={"queued": now_ms - 60_000, "due": now_ms - 60_000, "v": 9})
    redis_client.zadd(queue.leases, {"gone.1:b": now_ms - 60_000})
    redis_client.zadd(queue.dead, {"c": now_ms})

    found = bad(doctor())

    assert found == {
        ("queue.oldest", "warning"),
        ("queue.stuck", "warning"),
        ("queue.dead", "warning"),
        ("queue.layout", "error"),
        # The application here has no key of pseudonyms, and the workers have one.
        ("account.pseudonyms", "warning"),
    }


def test_a_hold_and_a_gate_are_told(doctor, worker, redis_client):
    redis_client.hset(KEYS.hold, mapping={"code": "101", "since": 1})

    assert "wrong login details" in doctor()["queue.held", "error"]


def test_what_slows_sending_down_is_told(doctor, worker, redis_client):
    now_ms = int(time.time() * 1000)
    slow = {("queue.held", "advice"), ("queue.strain", "advice"), ("queue.aside", "warning")}
    slow |= {("queue.quarantine", "advice"), ("workers.clock", "warning")}
    assert not slow & set(doctor())

    redis_client.hset(KEYS.pause, mapping={"code": "429", "at": now_ms, "ms": 60_000})
    redis_client.hset(KEYS.strain, mapping={"limit": "3", "grown": now_ms, "at": now_ms})
    redis_client.hset(KEYS.gates, "777", '{"code":"777"}')
    redis_client.zadd(KEYS.aside("777"), {"a": now_ms})
    redis_client.xadd(KEYS.stream("quarantine"), {"a": "b"})
    ahead = name_worker("gone.1", Rules("1", "2026a", "0123456789abcdef"), LAYOUT)
    redis_client.zadd(KEYS.workers, {ahead: now_ms + 15_000})

    assert slow <= set(doctor())


def test_messages_that_wait_for_a_person_are_told(doctor, worker, parked):
    parked("a")
    assert ("queue.parked", "advice") in doctor()

    parked("b", code="120", state="unknown")

    assert ("queue.parked", "warning") in doctor()


def test_books_that_do_not_balance_are_told(doctor, worker, sms, redis_client):
    sms.send("+33612345678", "Hello", sender="Bistro", purpose="alert")
    assert ("queue.balance", "ok") in doctor()

    redis_client.hset(KEYS.counts, "enqueued", 0)
    redis_client.hset(KEYS.counts, "accepted", 3)

    assert ("queue.balance", "error") in doctor()


@pytest.mark.parametrize(("left", "level"), [("50", "ok"), ("3", "warning"), ("0", "error")])
def test_the_balance_is_judged_as_it_was_seen(doctor, worker, redis_client, left, level):
    redis_client.hset(KEYS.credit_seen, mapping={"amount": left, "at": int(time.time() * 1000)})
    found = doctor()

    assert ("credit.seen", level) in found
    assert ("credit.age", "advice") not in found

    redis_client.hset(KEYS.credit_seen, "at", 1)

    assert ("credit.age", "advice") in doctor()


def test_the_gateway_is_asked_only_if_somebody_says_so(doctor, worker, simulator, redis_client):
    account = {"OCTOPUSH_API_LOGIN": "sandbox@example.com", "OCTOPUSH_API_KEY": "sandbox-key"}
    account |= {"OCTOPUSH_BASE_URL": simulator.base_url}

    assert ("credit.seen", "advice") in doctor(**account)
    assert simulator.admin.requests() == []

    found = doctor("--ask-gateway", **account)
    assert ("credit.asked", "ok") in found
    assert ("credit.seen", "advice") not in found
    redis_client.hset(KEYS.credit_seen, mapping={"amount": "50", "at": 1})
    found = doctor("--ask-gateway", **account)
    assert ("credit.seen", "ok") in found
    assert ("credit.age", "advice") not in found
    simulator.admin.balance(1.0)
    assert ("credit.asked", "warning") in doctor("--ask-gateway", **account)
    found = doctor("--ask-gateway", **{**account, "OCTOPUSH_API_KEY": "another"})
    assert "101 (wrong login details)" in found["credit.asked", "error"]
    assert {each.endpoint for each in simulator.admin.requests()} == {"balance"}


def test_readers_that_are_behind_are_told(doctor, worker, redis_client):
    stream = KEYS.stream("replies")
    redis_client.xgroup_create(stream, "shop", "0", mkstream=True)
    assert {each for each in doctor() if each[0].startswith("feeds.") and each[1] == "warning"} == set()

    redis_client.xadd(stream, {"a": "b"}, id="1000-0")
    redis_client.xadd(stream, {"a": "b"})
    assert ("feeds.lag", "warning") in doctor()

    redis_client.xreadgroup("shop", "me", {stream: ">"}, count=2)
    redis_client.xadd(KEYS.poison("replies", "shop"), {"a": "b"})
    redis_client.hset(KEYS.unread_trimmed, "replies", 4)

    found = doctor()
    assert {("feeds.pending", "warning"), ("feeds.poison", "warning")} <= set(found)
    assert ("feeds.trimmed", "warning") in found
    assert ("feeds.lag", "warning") not in found


def test_a_forwarder_that_stands_still_is_told(doctor, worker, redis_client):
    now_ms = int(time.time() * 1000)
    redis_client.zadd(KEYS.forwarders, {"shop": now_ms})
    assert ("forwarders.state", "ok") in doctor()

    redis_client.zadd(KEYS.forwarders, {"shop": now_ms - 120_000})
    redis_client.hset(KEYS.forward("shop"), mapping={"paused": "person", "paused_at": 1})
    redis_client.zadd(KEYS.forward_waiting("shop"), {"e": now_ms - 1_000_000})
    redis_client.xadd(KEYS.forward_dead("shop"), {"a": "b"})

    found = set(doctor())

    assert {
        ("forwarders.state", "warning"),
        ("forwarders.silent", "warning"),
        ("forwarders.oldest", "warning"),
        ("forwarders.dead", "advice"),
    } <= found


def test_callbacks_that_lie_on_the_disk_are_told(doctor, worker, tmp_path):
    spool = {"CALLBACK_TOKENS": SECRET, "CALLBACK_SPOOL_DIR": str(tmp_path)}
    assert ("spool.waiting", "ok") in doctor(**spool)

    (tmp_path / "sms").mkdir()
    (tmp_path / "sms" / "1-2-3.spool").write_bytes(b"x")
    (tmp_path / "sms" / "0-2-3.damaged").write_bytes(b"x")

    found = doctor(**spool, CALLBACK_SPOOL_MIB=str(10**9))
    assert {("spool.waiting", "warning"), ("spool.damaged", "error"), ("spool.room", "warning")} <= set(found)
    assert ("spool.directory", "warning") in doctor(CALLBACK_TOKENS=SECRET, CALLBACK_SPOOL_DIR="")
    assert ("spool.directory", "advice") in doctor(CALLBACK_TOKENS=SECRET, CALLBACK_SPOOL_DIR="spool")


def test_too_few_files_are_told(doctor, worker):
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, limits[1]))
    try:
        found = doctor()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    assert ("host.files", "warning") in found


def test_a_look_that_hangs_or_fails_keeps_no_other():
    stop = threading.Event()

    def hangs() -> Iterator[Finding]:
        yield Finding("a.first", Level.OK, "First.")
        stop.wait(30)

    def fails() -> Iterator[Finding]:
        raise ValueError(SECRET)
        yield

    found = run_sections([Section("a", 0.2, hangs), Section("b", 5, fails)])
    stop.set()

    assert [(each.check, each.level) for each in found] == [
        ("a.first", Level.OK),
        ("a.look", Level.WARNING),
        ("b.look", Level.WARNING),
    ]
    assert SECRET not in str(found)


def test_the_doctor_changes_nothing(doctor, redis_client, sms):
    sms.send("+33612345678", "Hello", sender="Bistro", purpose="alert", request_id="a")
    before = {key: redis_client.dump(key) for key in redis_client.keys("*")}

    doctor()

    assert {key: redis_client.dump(key) for key in redis_client.keys("*")} == before
