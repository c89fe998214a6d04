"""The clients in `examples` do what their pages say, against a running installation and its API."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from producers.webhooks import sign
from tests.e2e.conftest import Install
from tests.support.example_programs import EXAMPLES, ExampleProgram, needs
from tests.support.forwarding import reply
from tests.support.installation import Installation, new_number
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import until
from tests.support.web_server import ApiServer
from tests.support.webhook_receiver import Post, WebhookReceiver, answer
from worker.sandbox.redis_server import free_port
from worker.webhooks.payload import body_of

TOKEN = "shop-0123456789-abcdefghijklmnopqrst"
SECRETS = ["whsec_" + letter * 43 + "=" for letter in "AQ"]
BODY = body_of(reply("r1", "Oui é €"))


class World(NamedTuple):
    """An installation, and the API in front of it."""

    installation: Installation
    api_url: str
    api_port: int


class Language(NamedTuple):
    """Where a client is, and how its programs are run."""

    name: str
    suffix: str

    def path(self, program: str) -> str:
        return str(EXAMPLES / self.name / f"{program}.{self.suffix}")


@pytest.fixture(scope="module")
def world(install_for_module: Install, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    installation = install_for_module(web=True)
    environ = {**installation.environ, "API_TOKENS": f"shop:{TOKEN}"}
    with ApiServer(tmp_path_factory.mktemp("api") / "api.log", environ) as server:
        yield World(installation, server.url, server.port)


@pytest.fixture(params=[Language("node", "mjs"), Language("php", "php")], ids=lambda each: each.name)
def language(request: pytest.FixtureRequest) -> Language:
    needs(request.param.name)
    return request.param


def ask(log: Path, language: Language, url: str, *arguments: str, token: str = TOKEN) -> ExampleProgram:
    """Run the program that asks a guest."""
    command = [language.name, language.path("ask"), *arguments]
    return ExampleProgram(log, command, {"OCTOPUSH_URL": url, "OCTOPUSH_TOKEN": token})


def test_a_question_whose_answer_got_lost_is_sent_once_and_the_reply_is_read_and_acknowledged(
    world, language, tmp_path
):
    installation, number, request_id = world.installation, new_number(), f"booking-{language.name}"
    with TcpProxy(world.api_port) as network:
        network.drop_next_reply(after=b"POST /v1/messages")
        url = f"http://127.0.0.1:{network.port}"
        with ask(tmp_path / "log", language, url, language.name, number) as program:
            program.wait_for(f"{request_id} accepted\n")
            assert network.replies_dropped == 1
            # The answer with the reply gets lost, too: the program asks for what it holds.
            network.drop_next_reply(after=b"held=0")
            answer_of_another_guest(installation)
            program.wait_for("Non\n")
            installation.wait_for(lambda: installation.handset(request_id))
            installation.gateway.reply(number, "Oui, à 20 h €")
            assert program.wait() == 0, program.output
            assert network.replies_dropped == 2

    assert program.output.count(f"{request_id} answered by {language.name}: Oui, à 20 h €\n") == 1
    assert len(installation.posts(request_id)) == 1
    replies = installation.keys.stream("replies")
    group = next(each for each in installation.redis.xinfo_groups(replies) if group_of(each, language))
    assert (group["pending"], group["lag"]) == (0, 0)


def answer_of_another_guest(installation: Installation) -> None:
    number = new_number()
    sent = installation.send(to=number, with_replies=True, context={"booking": "another"})
    installation.wait_for(lambda: installation.handset(sent))
    installation.gateway.reply(number, "Non")


def group_of(group: dict[str, Any], language: Language) -> bool:
    return group["name"].decode() == f"api.shop.bookings-{language.name}"


def test_a_refusal_is_told_with_its_code_and_the_places_that_are_wrong(world, language, tmp_path):
    stranger = ask(tmp_path / "401", language, world.api_url, "1", new_number(), token="x" * 40)
    wrong = ask(tmp_path / "422", language, world.api_url, "1", "06")

    with stranger, wrong:
        assert (stranger.wait(), wrong.wait()) == (1, 1)
    assert stranger.output.startswith("401 unauthenticated: ")
    assert wrong.output.startswith("422 invalid: ")
    assert "\n  #/recipients/0: " in wrong.output


class Scripted:
    """A server that answers each call as a script says."""

    def __init__(self, receiver: WebhookReceiver, *answers: bytes) -> None:
        self._answers, receiver.respond = list(answers), self._respond

    def _respond(self, post: Post, connection: socket.socket) -> None:
        connection.sendall(self._answers.pop(0))


def problem(status: int, *headers: str, code: str = "overloaded") -> bytes:
    body = json.dumps({"code": code, "title": "No", "status": status}).encode()
    return answer(status, *headers).replace(b"Length: 0", b"Length: %d" % len(body)) + body


SENT = b'{"request_id": "booking-1", "state": "cancelled", "ended": true}'
QUEUED = answer(201).replace(b"Length: 0", b"Length: %d" % len(SENT)) + SENT
CUT = QUEUED[:-10]
HTML = [answer(status).replace(b"Length: 0", b"Length: 6") + b"<html>" for status in (200, 502)]


def test_the_same_bytes_are_repeated_three_times_and_after_the_time_that_was_asked_for(language, tmp_path):
    with WebhookReceiver() as receiver:
        Scripted(receiver, *HTML, problem(429, "Retry-After: 1", code="rate-limited"), QUEUED)
        url = f"http://127.0.0.1:{receiver.port}"
        with ask(tmp_path / "log", language, url, "1", new_number()) as program:
            assert program.wait() == 0, program.output

        assert program.output == "booking-1 cancelled\n"
        assert len({post.body for post in receiver.posts}) == 1
        *_, third, fourth = receiver.posts
        assert (len(receiver.posts), fourth.at - third.at > 0.9) == (4, True)


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ((problem(500), CUT, problem(408), problem(503)), "503 overloaded: No\n"),
        ((problem(503, "Retry-After: 61"),), "503 overloaded: No\n"),
        ((problem(409, code="request-id-conflict"),), "409 request-id-conflict: No\n"),
        ((answer(302, "Location: /elsewhere"),), "302 no-json: not an answer of the API\n"),
    ],
    ids=["four tries", "too long a wait", "no use", "redirect"],
)
def test_what_is_no_use_to_repeat_is_told(language, tmp_path, answers, told):
    with WebhookReceiver() as receiver:
        Scripted(receiver, *answers)
        url = f"http://127.0.0.1:{receiver.port}"
        with ask(tmp_path / "log", language, url, "1", new_number()) as program:
            assert program.wait() == 1
        assert program.output == told
        assert len(receiver.posts) == len(answers)


@pytest.fixture
def webhook_url(language, tmp_path) -> Iterator[str]:
    """Run the program that takes webhooks."""
    port, inbox = free_port(), tmp_path / "inbox"
    inbox.mkdir()
    starts = {"node": ["node"], "php": ["php", "-S", f"127.0.0.1:{port}"]}
    environ = {"SMS_WEBHOOK_SECRET": ",".join(SECRETS), "INBOX": str(inbox), "PORT": str(port)}
    command = [*starts[language.name], language.path("webhook")]
    with ExampleProgram(tmp_path / "webhook.log", command, environ) as program:
        until(lambda: listens(port) or program.has_ended)
        assert not program.has_ended, program.output
        yield f"http://127.0.0.1:{port}/"


def listens(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def test_a_signed_webhook_is_kept_once_and_a_forged_one_is_refused(webhook_url, tmp_path):
    now = int(time.time())

    def posted(body: bytes, headers: dict[str, str]) -> int:
        return httpx.post(webhook_url, content=body, headers=headers, trust_env=False, timeout=30).status_code

    forged = sign(BODY, "forged", now, [SECRETS[0]])
    assert posted(BODY.replace(b"Oui", b"Non"), forged) == 400
    assert posted(BODY, {**forged, "webhook-id": "other"}) == 400
    assert posted(BODY, sign(BODY, "forged", now, ["whsec_" + "B" * 43 + "="])) == 400
    assert posted(BODY, {name: value for name, value in forged.items() if name != "webhook-signature"}) == 400
    assert posted(BODY, {}) == 400
    assert posted(BODY, sign(BODY, "forged", now - 400, [SECRETS[0]])) == 400
    assert posted(BODY, sign(BODY, "forged", now + 400, [SECRETS[0]])) == 400

    headers = sign(BODY, "r1", now, ["whsec_" + "B" * 43 + "=", SECRETS[1]])
    assert (posted(BODY, headers), posted(BODY, headers)) == (204, 204)

    [kept] = (tmp_path / "inbox").iterdir()
    webhook = json.loads(kept.read_text("utf-8"))
    assert webhook == {"id": "r1", **json.loads(BODY)}
    assert webhook["data"]["text"] == "Oui é €"


def called(program: str, *arguments: str) -> dict[str, Any]:
    """Run a PHP program of the tests, and return what it printed."""
    path = Path(__file__).parents[1] / "support" / "php" / f"{program}.php"
    done = subprocess.run(["php", str(path), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_what_messenger_retries_is_sent_once_through_the_symfony_transport(world):
    needs("php")
    installation, number = world.installation, new_number()
    with TcpProxy(world.api_port) as network:
        network.drop_next_reply(after=b"POST /v1/messages")
        dsn = f"octopush-worker+http://{TOKEN}@127.0.0.1:{network.port}?from=Bistro"
        results = called("symfony_calls", dsn, str(EXAMPLES / "symfony"), number)

    assert results["name"] == f"octopush-worker+http://127.0.0.1:{network.port}?from=Bistro"
    transport_exception = "Symfony\\Component\\Notifier\\Exception\\TransportException: "
    assert results["lost"] == transport_exception + "No answer of octopush-worker."
    assert results["named"] == "order-42-shipped"
    assert results["wrong"].startswith(transport_exception + "422 invalid: #/recipients/0: ")
    assert "Give the SMS its OctopushOptions" in results["bare"]
    installation.all_settled([results["retried"], results["named"]])
    shown = installation.gateway.messages(number=number)
    assert [(each.request_id, each.sender) for each in shown] == [
        (results["retried"], "Bistro"),
        ("order-42-shipped", "Cafe"),
    ]


def test_a_job_that_laravel_retries_sends_one_sms(world):
    needs("php")
    number = new_number()
    with TcpProxy(world.api_port) as network:
        network.drop_next_reply(after=b"POST /v1/messages")
        url = f"http://127.0.0.1:{network.port}"
        results = called("laravel_calls", url, TOKEN, str(EXAMPLES), number)

    request_id = "0b6f4b3e-8d0c-4e0e-9f43-4d7a3f1c2b5a"
    assert results == {"without a number": None, "lost": "lost", "retried": request_id}
    world.installation.settled(request_id)
    assert len(world.installation.gateway.messages(number=number)) == 1
