"""deploy/redis/users.acl as operators load it: each role does its whole work as its own user, and no more."""

from collections.abc import Iterator

import httpx
import pytest
import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from producers import Producer, QueueRefused
from producers.feeds import Feed
from tests.support.api_client import ApiClient, api_settings
from tests.support.console_client import OPERATOR, ConsoleClient, console_settings
from tests.support.forwarder_process import ForwarderProcess
from tests.support.installation import Installation
from tests.support.redis_users import OperatorsServer, as_user
from tests.support.scraping import Scraped
from tests.support.web_server import MetricsServer
from tests.support.webhook_receiver import WebhookReceiver
from tests.support.worker_process import WorkerProcess

NUMBER = "+33612345678"
#: Whoever can do these needs no key of ours: for the administrator alone.
EVERYTHING = (
    *("KEYS *", "FLUSHALL", "CONFIG GET requirepass", "CONFIG SET dir /", "ACL LIST", "MONITOR", "SAVE"),
    *("SHUTDOWN NOSAVE", "REPLICAOF NO ONE", "CLIENT KILL TYPE normal", "FUNCTION LIST", "SCRIPT FLUSH"),
    *("RANDOMKEY", "GET {other}:record:x"),
)
#: What of that a role needs: Sentinels end connections, and a worker asks whether every write is kept.
NEEDED = {"sentinel": "CLIENT KILL TYPE normal", "worker": "CONFIG GET requirepass"}
#: What each role must not do beside that, since it is the work of others.
OTHERS = {
    "producer": (
        "HGETALL {sms}:callback:x",
        "XRANGE {sms}:replies - +",
        "XRANGE {sms}:receipts - +",
        "XRANGE {sms}:quarantine - +",
        "DEL {sms}:hold",
        "HSET {sms}:budgets account 1",
        "HSET {sms}:limits rate 0",
        "XADD {sms}:audit * action release",
        "SET {sms}:console:session:x operator",
        "SCAN 0",
    ),
    "reader": (
        "XADD {sms}:replies * v 1",
        "XDEL {sms}:replies 1-1",
        "XTRIM {sms}:replies MAXLEN 0",
        "DEL {sms}:replies",
        "HGETALL {sms}:record:x",
        "LPUSH {sms}:queue:alert x",
        "HGETALL {sms}:callback:x",
        "GET {sms}:body:x",
    ),
    "app": ("HGETALL {sms}:callback:x", "XADD {sms}:replies * v 1", "XRANGE {sms}:audit - +", "SCAN 0"),
    "web": (
        "HGETALL {sms}:callback:x",
        "GET {sms}:body:x",
        "XRANGE {sms}:replies - +",
        "XADD {sms}:replies * v 1",
        "LPUSH {sms}:queue:alert x",
        "HGETALL {sms}:record:x",
        "HSET {sms}:counts accepted 1",
        "LRANGE {sms}:queue:alert 0 -1",
        "HGET {sms}:suppressed x",
    ),
    "worker": (
        "GET {sms}:console:session:x",
        "SET {sms}:console:session:x operator",
        "HGETALL {sms}:forward:x",
        "HGETALL {sms}:event:x:y",
        "CONFIG SET appendonly no",
        "SCAN 0",
    ),
    "metrics": (
        "XRANGE {sms}:replies - +",
        "HGETALL {sms}:record:x",
        "SET {sms}:hold 1",
        "EVAL 'return 1' 0",
    ),
    "forwarder": (
        "HGETALL {sms}:callback:x",
        "GET {sms}:body:x",
        "XADD {sms}:replies * v 1",
        "XRANGE {sms}:audit - +",
        "LPUSH {sms}:queue:alert x",
        "HSET {sms}:record:x state queued",
    ),
    "forward-email": (
        "HGETALL {sms}:callback:x",
        "SET {sms}:body:x y",
        "XADD {sms}:replies * v 1",
        "XRANGE {sms}:audit - +",
        "LPUSH {sms}:queue:alert x",
        "HSET {sms}:record:x state queued",
    ),
    "api": (
        "HGETALL {sms}:callback:x",
        "XADD {sms}:replies * v 1",
        "DEL {sms}:hold",
        "SET {sms}:console:session:x operator",
        "HGETALL {sms}:event:x:y",
        "SCAN 0",
    ),
    "mail-in": ("HGETALL {sms}:callback:x", "XADD {sms}:replies * v 1", "HGETALL {sms}:event:x:y", "SCAN 0"),
    "console": ("SCAN 0", "SMEMBERS {sms}:queue:alert:ending", "CONFIG GET *"),
    "operator": ("CONFIG GET *", "HGETALL {other}:record:x"),
    "replica": ("HGETALL {sms}:record:x",),
    "sentinel": ("HGETALL {sms}:record:x", "SET x 1"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorsServer]:
    """Run a server with the file and passwords of its own, as deploy/README.md says."""
    with OperatorsServer(tmp_path_factory.mktemp("operators")) as running:
        yield running


@pytest.fixture(scope="module")
def at_work(server: OperatorsServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Run worker and web, each as its own user."""
    directory = tmp_path_factory.mktemp("at-work")
    with Installation(directory, server.url, web=True, namespace="sms", threads=2) as running:
        yield running


def denied(client: redis.Redis, line: str) -> bool:
    try:
        client.execute_command(*line.split())
    except redis.exceptions.NoPermissionError:
        return True
    except redis.exceptions.ResponseError:
        return False
    return False


@pytest.mark.parametrize("user", OTHERS)
def test_a_role_is_refused_what_belongs_to_others(server, user):
    with redis.Redis.from_url(as_user(server.url, user)) as client:
        lines = [line for line in (*EVERYTHING, *OTHERS[user]) if line != NEEDED.get(user)]
        allowed = [line for line in lines if not denied(client, line)]

    assert allowed == []


def test_nobody_enters_without_a_password(server):
    client = redis.Redis(port=server.port, retry=Retry(NoBackoff(), 0))
    with client, pytest.raises(redis.exceptions.AuthenticationError):
        client.ping()


def test_each_role_does_its_whole_work_as_its_own_user(at_work, server, tmp_path):
    """An SMS is sent, delivered and answered; the answer is read, forwarded, looked at and replied to."""
    urls = {user: as_user(server.url, user) for user in OTHERS}
    at_work.redis.acl_log_reset()
    environ = {**at_work.environ, "REDIS_URL": server.url}
    with WebhookReceiver() as hooks, ForwarderProcess(tmp_path / "forwarder.log", environ, "hook", hooks.url):
        producer = Producer(redis_url=urls["producer"])
        sent = producer.send(NUMBER, "Do you come?", sender="Bistro", purpose="alert", with_replies=True)
        at_work.wait_for(lambda: producer.status(sent.request_id).state == "accepted")
        at_work.gateway.reply(NUMBER, "Oui")
        reader = Feed("replies", group="app", redis_url=urls["reader"])
        reply = next(iter(reader))
        reader.close()
        assert (reply.text, reply.request_id) == ("Oui", sent.request_id)
        assert hooks.wait(1)
        with pytest.raises(QueueRefused):
            producer.conversation(NUMBER)
        producer.close()

    with Producer(redis_url=urls["app"]) as app:
        assert [turn.direction for turn in app.conversation(NUMBER).turns] == ["out", "in"]
    with ApiClient(api_settings(urls["api"])) as api:
        assert api.get(f"/v1/messages/{sent.request_id}").json()["state"] == "accepted"
        assert api.get(f"/v1/messages/{sent.request_id}/explain").status_code == 200
    with ConsoleClient(console_settings(urls["console"])) as console:
        assert console.log_in(OPERATOR).status_code == 303
        pages = [
            "/",
            "/replies",
            "/sends",
            "/failures",
            "/campaigns",
            "/optouts",
            "/feeds",
            "/forward",
            "/money",
        ]
        assert {path: console.get(path).status_code for path in pages} == dict.fromkeys(pages, 200)
    with MetricsServer(tmp_path / "metrics", {"REDIS_URL": urls["metrics"]}) as metrics:
        told = Scraped(httpx.get(f"{metrics.url}/metrics").text)
        at_work.wait_for(lambda: "metrics.listening" in metrics.output)
        assert "problem" not in metrics.output
    assert ("octopush_forward_waiting", frozenset({("forwarder", "hook")})) in told.samples
    assert told("enqueued_total") > 0
    assert '"sending"' in at_work.command("status", "--json")
    assert "Oui" in at_work.command("person", "export", NUMBER, "--json")
    assert '"rewrite":"begun"' in at_work.command("person", "erase", NUMBER, "--yes", "--json")
    refused = [(entry["username"], entry["object"]) for entry in at_work.redis.acl_log()]
    assert set(refused) == {("producer", "{sms}:replies")}


def test_a_restart_of_redis_forgets_nothing_that_was_answered(tmp_path):
    """What scripts write is loaded with the rights of the user `default`, whom nobody can be."""
    with OperatorsServer(tmp_path) as server, Producer(redis_url=as_user(server.url, "producer")) as producer:
        sent = [producer.send(NUMBER, f"{n}", sender="Bistro", purpose="alert") for n in range(5)]
        before = contents(server)
        server.kill()
        server.start()
        assert contents(server) == before
        assert [producer.status(each.request_id).state for each in sent] == ["queued"] * 5


def test_a_password_is_replaced_while_messages_leave(at_work, server):
    """As docs/threats.md says: both count until the process was restarted, and then the new one alone."""
    password = server.passwords_dir / "worker.password"
    old_url = as_user(server.url, "worker")
    password.rename(password.with_suffix(".password.old"))
    load_users(server)
    first = at_work.send()
    assert at_work.settled(first).state == "accepted"

    at_work.worker.terminate()
    second = at_work.send()
    at_work.worker = WorkerProcess(server.data_dir / "again.log", at_work.environ_of("worker"), threads=2)
    with at_work.worker:
        assert at_work.settled(second).state == "accepted"
        password.with_suffix(".password.old").unlink()
        load_users(server)
        third = at_work.send()
        assert at_work.settled(third).state == "accepted"
        old = redis.Redis.from_url(old_url, retry=Retry(NoBackoff(), 0))
        with old, pytest.raises(redis.exceptions.AuthenticationError):
            old.ping()


def load_users(server: OperatorsServer) -> None:
    """Make the file anew and let the server read it, as an operator does."""
    server.make_passwords()
    with redis.Redis.from_url(server.url) as admin:
        admin.acl_load()


def contents(server: OperatorsServer) -> dict[bytes, bytes]:
    """Return all that the server holds."""
    with redis.Redis.from_url(server.url) as admin:
        return {key: admin.dump(key) for key in admin.scan_iter()}
