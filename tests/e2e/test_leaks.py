"""Nothing leaks: every failure is provoked with canaries on board, and nobody sings.

Texts and numbers may lie where the contract puts them: in bodies, raw callbacks, deliveries and streams. They
may not show in what the processes print, in queues, leases and envelopes, in the names of keys, in metrics or
in what a producer raises. Keys and tokens may lie nowhere at all.
"""

import json
import traceback
from datetime import timedelta

import httpx
import pytest

from producers import Message, ProducerError, Recipient
from producers.contract.phone import mask
from tests.e2e.test_lost_answers import AMBIGUOUS
from tests.support.installation import IMPATIENT, new_id, new_number
from tests.support.scraping import scrape
from worker.sandbox.redis_server import RedisServer

TEXT = "canary-text-Zebrafink"
ANSWER = "canary-answer-Gimpel"
API_KEY = "canary-api-key-Stieglitz"
API_LOGIN = "canary-login@zeisig.example"
TOKENS = ["canary-token-Kanarienvogel", "canary-token-Dompfaff-0123456789"]
SECRETS = [API_KEY, API_LOGIN, *TOKENS]

#: Keys that hold what was sent and what came back: that is what they are for.
CONTENT = ("body:", "callback:", "deliveries:", "statuses", "replies", "receipts", "optouts", "quarantine")
#: Fields of a record that hold what the gateway and the application said.
WORDS = {b"message", b"context"}


class Aviary:
    """Provokes failures and collects what can be seen of them.

    Attributes:
        numbers: every number that was used.
        sends: what the worker can bring to an end.
        raised: texts of the exceptions that a producer raised, tracebacks included.
        kept: what Redis held, as pairs of key and content, gathered in between and at the end.
        shown: what else anybody can look at.
    """

    def __init__(self, installation, redis_server):
        self.installation = installation
        self.redis_server = redis_server
        self.numbers = []
        self.sends = []
        self.raised = []
        self.kept = []
        self.shown = []

    def number(self):
        self.numbers.append(new_number())
        return self.numbers[-1]

    def send(self, preset=None, times=1, text=TEXT, **fault):
        number, options = self.number(), fault.pop("options", {})
        if preset:
            match = {"number": number}
            self.installation.gateway.fault(preset, times=times, match=match, **fault)
        self.sends.append(self.installation.send(text, to=Recipient(number, first_name=TEXT), **options))
        return self.sends[-1]

    def provoke(self, call, *args, **options):
        with pytest.raises(ProducerError) as caught:
            call(*args, **options)
        self.raised.append("".join(traceback.format_exception(caught.value)) + repr(caught.value))

    def look_around(self):
        """Collect what Redis holds outside the places made for content, and what web tells."""
        client, prefix = self.installation.redis, self.installation.keys.prefix
        read = {
            b"string": client.get,
            b"list": lambda key: client.lrange(key, 0, -1),
            b"set": client.smembers,
            b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
            b"hash": lambda key: {n: v for n, v in client.hgetall(key).items() if n not in WORDS},
        }
        for key in client.scan_iter(f"{prefix}*"):
            name = key.decode().removeprefix(prefix)
            kind = client.type(key)
            content = "" if name.startswith(CONTENT) or kind not in read else repr(read[kind](key))
            self.kept.append((name, content))
        self.shown += [
            httpx.get(f"{self.installation.web.url}{path}").text for path in ("/metrics", "/readyz")
        ]
        self.shown.append(scrape(self.redis_server.url, self.installation.namespace))


@pytest.fixture(scope="module")
def aviary(install_for_module, tmp_path_factory):
    with RedisServer(tmp_path_factory.mktemp("aviary-redis"), fsync="always") as redis_server:
        installation = install_for_module(
            redis_server.url,
            web=True,
            OCTOPUSH_API_KEY=API_KEY,
            OCTOPUSH_API_LOGIN=API_LOGIN,
            CALLBACK_TOKENS=",".join(TOKENS),
            LOG_LEVEL="debug",
            **IMPATIENT,
        )
        aviary = Aviary(installation, redis_server)
        fail_at_the_gateway(aviary)
        fail_in_the_worker(aviary)
        fail_with_callbacks(aviary)
        fail_at_the_account(aviary)
        fail_in_the_producer(aviary)
        aviary.look_around()
        fail_at_redis(aviary)
        installation.all_settled(aviary.sends, 60)
        aviary.look_around()
        aviary.shown += [installation.worker.output]
        yield aviary


def fail_at_the_gateway(aviary):
    """Everything a call can end in; the gateway quotes text and number where it says something."""
    installation = aviary.installation
    quoting = f"cannot send {TEXT} to {aviary.number()}"
    taken = new_id()
    installation.use_up(taken)
    for preset in AMBIGUOUS:
        aviary.send(preset)
    aviary.send("502_before", times=0, options={"ttl": timedelta(seconds=3)})
    aviary.send("429_retry_after")
    for code in (121, 999, 1340, 153):
        aviary.send("refuse", code=code, message=quoting)
    aviary.send("accept_with_code", code=153, message=quoting)
    aviary.send("code_with_200", code=117, message=quoting)
    aviary.send(options={"request_id": taken})
    installation.wait_for(lambda: all(installation.status(sent).attempts for sent in aviary.sends))


def fail_in_the_worker(aviary):
    """A body that somebody damaged: the error that nobody planned."""
    installation = aviary.installation
    installation.worker.kill()
    aviary.send()
    sent = aviary.sends.pop()
    body = json.dumps({"recipients": [{"phone_number": aviary.numbers[-1]}], "simulation_mode": TEXT})
    installation.redis.set(installation.keys.body(sent.request_id), body)
    installation.worker.start()
    installation.wait_for(lambda: "ValidationError" in installation.worker.output)


def fail_with_callbacks(aviary):
    installation, number = aviary.installation, aviary.number()
    event = {"message_id": "sms_1", "number": number, "text": ANSWER, "reception_date": "2030-01-31 14:05:09"}
    installation.post_callback(json.dumps(event).encode(), times=3)
    installation.post_callback(json.dumps({"number": number, "surprise": ANSWER}).encode())
    installation.post_callback(f"{ANSWER} {number}".encode())
    installation.post_callback(json.dumps(event | {"more": "x" * 70_000}).encode())
    installation.post_callback(json.dumps(event).encode(), "no-such-kind")
    for token in TOKENS:
        path = f"/callbacks/{token}"
        httpx.post(f"{installation.web.url}{path}/", json=event, trust_env=False)
        httpx.get(f"{installation.web.url}{path}", trust_env=False)
        installation.web.exchange(f"POST {path} HTTP/9.9\r\n\r\n{ANSWER}".encode())
        installation.web.exchange(
            f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{ANSWER}".encode(), half_close=True
        )
    stream = installation.keys.stream("quarantine")
    installation.wait_for(lambda: installation.redis.xlen(stream) == 2)


def fail_at_the_account(aviary):
    """The gateway knows us no more, and then it is gone."""
    installation = aviary.installation
    installation.gateway.settings(api_key="another-key")
    unknown = aviary.send()
    installation.wait_for(lambda: installation.status(unknown).code == "101")
    installation.calm()
    installation.wait_for(lambda: not installation.redis.exists(installation.keys.hold))
    installation.gateway.stop_listening()
    unheard = aviary.send()
    installation.wait_for(lambda: installation.status(unheard).attempts)
    installation.gateway.listen()


def fail_in_the_producer(aviary):
    installation, producer = aviary.installation, aviary.installation.producer
    good = {"sender": "Bistro", "purpose": "alert"}
    wrong_number = aviary.number() + "0000"
    aviary.provoke(producer.send, wrong_number, TEXT, **good)
    aviary.provoke(producer.send, aviary.number(), TEXT * 100, **good)
    aviary.provoke(producer.send, [aviary.numbers[-1]] * 2, TEXT, **good)
    aviary.provoke(producer.send, aviary.number(), f"{{{ANSWER.replace('-', '_')}}}", **good)
    aviary.provoke(producer.send, aviary.number(), TEXT, **good | {"sender": TEXT, "purpose": TEXT})
    aviary.provoke(producer.send, aviary.number(), TEXT, **good, request_id=TEXT * 2, context={TEXT})
    aviary.provoke(producer.send, aviary.number(), TEXT, **good, send_at=TEXT)
    aviary.provoke(producer.send, aviary.number(), f"{TEXT} stop au 30101", sender="Bistro")
    aviary.provoke(producer.send_many, [Message(wrong_number, TEXT, **good)])
    sent = installation.send(TEXT, to=aviary.number())
    aviary.provoke(producer.send, aviary.number(), TEXT, **good, request_id=sent.request_id)


def fail_at_redis(aviary):
    """Redis goes away while a call is under way, and the worker dies before it is back."""
    installation = aviary.installation
    under_way = aviary.send("accept_then_late", after_ms=400)
    installation.wait_for(lambda: installation.posts(under_way))
    aviary.redis_server.stop()
    good = {"sender": "Bistro", "purpose": "alert", "request_id": new_id()}
    aviary.provoke(installation.producer.send, aviary.number(), TEXT, **good)
    aviary.provoke(installation.producer.cancel, under_way.request_id)
    assert installation.post_callback(json.dumps({"text": ANSWER}).encode()) == [200], "kept on the disk"
    installation.wait_for(lambda: "ledger.not_recorded" in installation.worker.output)
    installation.worker.kill()
    aviary.redis_server.start()
    installation.worker.start()


def test_the_failures_happened(aviary):
    output = aviary.installation.worker.output
    expected = [
        "sms.accepted",
        "sms.rejected",
        "sms.unknown",
        "sms.sending",
        "sms.queued",
        "callback.quarantined",
    ]
    assert {word for word in expected if word not in output} == set()
    kinds = {"InvalidMessage", "RequestIdConflict", "QueueUnavailable"}
    assert {kind for kind in kinds if not any(kind in text for text in aviary.raised)} == set()


def test_every_line_of_a_worker_is_one_json_object(aviary):
    """Also those of the libraries: a line that is not ours has not passed our filters."""
    lines = aviary.installation.worker.output.splitlines()

    assert [line for line in lines if not is_object(line)] == []


def is_object(line):
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def test_numbers_are_logged_masked(aviary):
    output = aviary.installation.worker.output

    assert mask(aviary.numbers[0])[:5] in output
    assert [number for number in aviary.numbers if number[3:] in output] == []


def test_no_process_prints_a_canary(aviary):
    printed = aviary.installation.worker.output + aviary.installation.web.output

    assert "Uvicorn running" in printed
    assert seen_in(printed, aviary) == []


def test_no_exception_carries_a_canary(aviary):
    assert [seen_in(text, aviary) for text in aviary.raised] == [[]] * len(aviary.raised)


def test_no_queue_lease_or_name_of_a_key_holds_a_canary(aviary):
    names = {name.partition(":")[0] for name, _ in aviary.kept}
    assert {"record", "queue", "unticketed", "deliveries"} <= names
    leaks = {(name.partition(":")[0], *seen_in(name + content, aviary)) for name, content in aviary.kept}
    assert {leak for leak in leaks if len(leak) > 1} == set()


def test_metrics_and_probes_show_no_canary(aviary):
    assert [seen_in(text, aviary) for text in aviary.shown] == [[]] * len(aviary.shown)


def test_no_secret_lies_in_redis_at_all(aviary):
    """The append-only file holds every command that was ever sent."""
    aviary.redis_server.stop()
    files = [path for path in aviary.redis_server.data_dir.rglob("*") if path.is_file()]
    written = b"".join(path.read_bytes() for path in files)

    assert TEXT.encode() in written
    assert [secret for secret in SECRETS if secret.encode() in written] == []
    aviary.redis_server.start()


def seen_in(text, aviary):
    """List the canaries in a text; a number counts without its prefix, too."""
    digits = [number.removeprefix("+33") for number in aviary.numbers]
    return [canary for canary in [TEXT, ANSWER, *SECRETS, *digits] if canary in text]
