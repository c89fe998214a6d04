"""Two accounts on one Redis, each with its namespace and its worker: nothing of one comes to the other."""

import json

import pytest

from producers import Feed, Producer
from producers.callbacks import CallbackIntake
from producers.contract.settings import WebSettings
from producers.errors import ConfigError
from tests.support.installation import TOKEN, new_id, new_number
from tests.support.waiting import until
from tests.support.worker_process import WorkerProcess

LOGIN, KEY = "shop@example.com", "shop-key"


@pytest.fixture(scope="module")
def two(install_for_module, tmp_path_factory):
    """The installation of one account, and the environment of another one beside it."""
    one = install_for_module()
    one.gateway.settings(sub_accounts={LOGIN: KEY}, request_id_scope="login")
    other = {
        **one.environ,
        "SMS_NAMESPACE": one.namespace + "b",
        "OCTOPUSH_API_LOGIN": LOGIN,
        "OCTOPUSH_API_KEY": KEY,
    }
    with WorkerProcess(tmp_path_factory.mktemp("other") / "worker.log", other, threads=4) as worker:
        yield one, other, worker


@pytest.fixture
def sent(two):
    """Send the same id with each account, to one number."""
    one, other, worker = two
    request_id, number = new_id(), new_number()
    one.send("Of one", to=number, request_id=request_id, with_replies=True)
    with Producer(one.environ["REDIS_URL"], namespace=other["SMS_NAMESPACE"]) as sms:
        sms.send(
            number, "Of the other", sender="Bistro", purpose="alert", request_id=request_id, with_replies=True
        )
        one.settled(request_id)
        until(lambda: sms.status(request_id).state == "accepted")
    return request_id, number, one, other, worker


def lines(worker):
    return [json.loads(line) for line in worker.output.splitlines() if line.startswith("{")]


def test_each_message_leaves_with_the_login_of_its_own_account(sent):
    request_id, _, one, other, worker = sent

    texts = {campaign.login: campaign.text for campaign in one.gateway.accepted(request_id)}

    assert texts == {one.environ["OCTOPUSH_API_LOGIN"]: "Of one", LOGIN: "Of the other"}
    for process, namespace in ((one.worker, one.namespace), (worker, other["SMS_NAMESPACE"])):
        until(lambda process=process: request_id in process.output)
        assert {line["namespace"] for line in lines(process)} == {namespace}


def test_no_key_lies_outside_of_the_namespaces(sent):
    _, _, one, other, _ = sent
    tags = ("{" + one.namespace + "}:", "{" + other["SMS_NAMESPACE"] + "}:")
    ours = [key.decode() for key in one.redis.keys(f"*{one.namespace}*")]

    assert {tag for tag in tags if any(key.startswith(tag) for key in ours)} == set(tags)
    assert [key for key in ours if not key.startswith(tags)] == []


def test_a_callback_that_comes_to_the_url_of_the_other_account_belongs_to_nothing_there(sent):
    request_id, number, one, other, _ = sent
    ticket = one.status(request_id).ticket
    raw = {"number": number, "text": "Yes", "message_id": ticket, "reception_date": "2030-01-31 14:05:09"}
    settings = WebSettings.from_env({**other, "CALLBACK_SPOOL_DIR": ""})
    intake = CallbackIntake(settings)

    assert intake.accept_callback(TOKEN, json.dumps(raw).encode(), "replies") == 200

    feed = Feed("replies", group="shop", redis_url=one.environ["REDIS_URL"], namespace=other["SMS_NAMESPACE"])
    reply = next(iter(feed))
    assert (reply.text, reply.match, reply.request_id) == ("Yes", "none", None)
    assert one.redis.xlen(one.keys.stream("replies")) == 0


def test_a_worker_with_the_login_of_the_other_account_does_not_start(two, tmp_path):
    one, other, _ = two
    wrong = {**other, "SMS_NAMESPACE": one.namespace}
    with WorkerProcess(tmp_path / "wrong.log", wrong, threads=2) as worker:
        assert worker.wait() != 0
        assert "belongs to another account" in worker.output


def test_a_running_worker_sends_nothing_once_its_namespace_is_given_away(two):
    one, _, _ = two
    key = one.keys.account
    ours = one.redis.getset(key, "of another account")
    request_id = new_id()
    one.send("Not yours", request_id=request_id)
    until(lambda: "sms.namespace_of_another_account" in one.worker.output)
    assert one.gateway.accepted(request_id) == []
    assert one.status(request_id).state == "queued"

    one.redis.set(key, ours)
    one.settled(request_id)


def test_a_namespace_that_cannot_be_is_refused(two):
    with pytest.raises(ConfigError, match="SMS_NAMESPACE: must be letters"):
        Producer(two[0].environ["REDIS_URL"], namespace="a:b")
