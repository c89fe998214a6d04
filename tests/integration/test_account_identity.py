"""A namespace belongs to one account: by its login, whatever becomes of its API key."""

import base64
import dataclasses
import json

import pytest
from click.testing import CliRunner

from producers import Producer
from producers.contract.heartbeats import Rules, name_worker
from producers.contract.keys import Keys
from producers.contract.secret import Secret
from producers.contract.steps import drive
from producers.settings import ProducerSettings
from tests.support.sends import claim_one
from worker.account.identity import Account, binding
from worker.cli import main
from worker.ledger.claims import Claim, Wait
from worker.ledger.confirmation import Confirmation
from worker.ledger.ledger import Ledger
from worker.process.conditions import own_namespace
from worker.queue.leases import Leases
from worker.settings import WorkerSettings

KEYS = Keys()
OLD, NEW = (Secret(base64.b64encode(bytes([n]) * 32).decode()) for n in (1, 2))
RULES = Rules("1", "2026a", "0123456789abcdef")


@pytest.fixture
def of(redis_url, redis_client):
    """Make the settings of a worker."""

    def make(login="anna@example.com", key="k1", **changes):
        settings = WorkerSettings(redis_url=redis_url, api_login=Secret(login), api_key=Secret(key))
        return dataclasses.replace(settings, **changes)

    return make


@pytest.fixture
def command(redis_url, redis_client):
    def run(*arguments):
        return CliRunner().invoke(main, ["account", *arguments], env={"REDIS_URL": redis_url})

    return run


def is_ours(settings, client):
    return bool(drive(binding(settings), client))


def test_the_first_login_has_the_namespace_and_another_is_refused_without_a_change(of, redis_client):
    assert is_ours(of(), redis_client)
    bound = redis_client.get(KEYS.account)
    assert not is_ours(of("ben@example.com"), redis_client)
    assert redis_client.get(KEYS.account) == bound
    assert is_ours(of("ben@example.com", namespace="ben"), redis_client)


def test_another_api_key_and_another_spelling_are_the_same_account(of, redis_client):
    is_ours(of(), redis_client)
    assert is_ours(of(" Anna@Example.com", "k2"), redis_client)


def test_a_worker_that_is_refused_says_so_in_one_line_that_shows_no_login(of, redis_client, capsys):
    own_namespace(Account(of(), redis_client).bind)
    with pytest.raises(SystemExit) as ended:
        own_namespace(Account(of("ben@example.com"), redis_client).bind)
    told = [line for line in capsys.readouterr().out.splitlines() if "refused_to_start" in line]
    assert (ended.value.code, len(told)) == (1, 1)
    assert "octopush-worker account unbind" in told[0]
    assert "example.com" not in told[0]


def test_redis_holds_no_login_and_a_rotation_of_pseudonym_keys_keeps_the_account(of, redis_client):
    assert is_ours(of(pseudonym_keys=(OLD,)), redis_client)
    under_old = redis_client.get(KEYS.account)
    assert b"anna" not in under_old
    assert is_ours(of(pseudonym_keys=(NEW, OLD)), redis_client)
    assert redis_client.get(KEYS.account) != under_old
    assert is_ours(of(pseudonym_keys=(NEW, OLD)), redis_client)
    assert not is_ours(of("ben@example.com", pseudonym_keys=(NEW, OLD)), redis_client)


def test_keys_that_redis_lost_meanwhile_are_asked_for_again(of, redis_client):
    steps = binding(of())
    asked = next(steps)
    asked = steps.send(asked.run(redis_client))
    redis_client.delete(KEYS.pseudonyms)

    asked = steps.send(asked.run(redis_client))
    assert "fresh" in asked.given
    asked = steps.send(asked.run(redis_client))
    with pytest.raises(StopIteration, match=r"[0-9a-f]"):
        steps.send(asked.run(redis_client))
    assert redis_client.get(KEYS.account)


@pytest.fixture
def claimant(redis_client):
    """Make an account and its ledger, which has started."""

    def start(settings):
        account = Account(settings, redis_client)
        assert account.bind()
        leases, confirmation = Leases(redis_client, KEYS), Confirmation(redis_client, KEYS)
        return Ledger(redis_client, settings, leases, confirmation, account=account)

    return start


def test_whoever_has_lost_the_namespace_claims_nothing_and_changes_nothing(of, redis_client, claimant, sms):
    first = claimant(of())
    redis_client.delete(KEYS.account)  # as unbind does while this worker is suspended
    second = claimant(of("ben@example.com"))
    sms.send("+33612345678", "Hello", sender="Bistro", purpose="alert", request_id="a")
    before = redis_client.hgetall(KEYS.record("a"))

    assert claim_one(first, "a") == Wait(5_000, foreign=True)
    assert redis_client.hgetall(KEYS.record("a")) == before
    assert isinstance(claim_one(second, "a"), Claim)


def test_a_worker_binds_again_what_redis_has_forgotten_before_it_claims(of, redis_client, claimant, sms):
    first = claimant(of())
    redis_client.delete(KEYS.account)
    sms.send("+33612345678", "Hello", sender="Bistro", purpose="alert", request_id="a")

    assert isinstance(claim_one(first, "a"), Claim)
    assert not is_ours(of("ben@example.com"), redis_client)


def test_a_worker_goes_on_when_its_account_is_named_by_another_key(of, redis_client, claimant, sms):
    first = claimant(of(pseudonym_keys=(OLD, NEW)))
    assert is_ours(of(pseudonym_keys=(NEW, OLD)), redis_client)
    with Producer(settings=ProducerSettings(redis_url=of().redis_url, pseudonym_keys=(NEW, OLD))) as producer:
        producer.send("+33612345678", "Hello", sender="Bistro", purpose="alert", request_id="a")

    assert isinstance(claim_one(first, "a"), Claim)


def test_an_unbound_namespace_is_bound_by_the_next_worker(of, redis_client, command):
    is_ours(of(), redis_client)
    assert json.loads(command("show", "--json").stdout) == {"v": 1, "namespace": "sms", "bound": True}
    assert command("unbind").stdout == "unbound: the next worker that starts binds it\n"
    assert json.loads(command("show", "--json").stdout)["bound"] is False
    [(_, noted)] = redis_client.xrange(KEYS.audit)
    assert noted[b"action"] == b"unbind_account"
    assert command("unbind").stdout == "it was not bound\n"
    assert redis_client.xlen(KEYS.audit) == 1
    assert is_ours(of("ben@example.com"), redis_client)


def test_nobody_unbinds_while_a_worker_lives(of, redis_client, command):
    is_ours(of(), redis_client)
    redis_client.zadd(KEYS.workers, {name_worker("host:1:ab", RULES, 1): redis_client.time()[0] * 1000})
    told = command("unbind", "--same-account")
    assert (told.exit_code, told.stderr) == (
        5,
        "Error: 1 live: stop all workers first; nothing was changed\n",
    )
    assert redis_client.exists(KEYS.account)


@pytest.mark.parametrize("where", ["ready", "delayed", "leases"])
def test_what_waits_goes_on_only_for_the_same_account(of, redis_client, command, where):
    is_ours(of(), redis_client)
    key = getattr(KEYS.queue("marketing"), where)
    if where == "ready":
        redis_client.rpush(key, "one")
    else:
        redis_client.zadd(key, {"one": 1})
    told = command("unbind")
    assert (told.exit_code, told.stderr[:20]) == (5, "Error: 1 sends wait,")
    assert redis_client.exists(KEYS.account)
    assert command("unbind", "--same-account").exit_code == 0
    assert not redis_client.exists(KEYS.account)
