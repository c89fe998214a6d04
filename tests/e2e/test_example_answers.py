"""The clients in `examples` do what their pages say about answers that go wrong, and about webhooks."""

import json
import re
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from producers.webhooks import sign
from tests.house.repository import text
from tests.support.example_programs import LANGUAGES, ExampleProgram, Language, needs
from tests.support.forwarding import reply
from tests.support.installation import new_number
from tests.support.waiting import until
from tests.support.webhook_receiver import Post, WebhookReceiver, answer
from worker.sandbox.free_port import free_port
from worker.webhooks.payload import body_of

SECRETS = ["whsec_" + letter * 43 + "=" for letter in "AQ"]
BODY = body_of(reply("r1", "Oui é €"))


@pytest.fixture(params=LANGUAGES, ids=lambda each: each.name)
def language(request: pytest.FixtureRequest) -> Language:
    needs(request.param.name)
    return request.param


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
        with language.ask(tmp_path / "log", url, "1", new_number()) as program:
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
        with language.ask(tmp_path / "log", url, "1", new_number()) as program:
            assert program.wait() == 1
        assert program.output == told
        assert len(receiver.posts) == len(answers)


@pytest.fixture
def webhook_url(language, tmp_path) -> Iterator[str]:
    """Run the program that takes webhooks."""
    port, inbox = free_port(), tmp_path / "inbox"
    inbox.mkdir()
    starts = {"node": ["node"], "php": ["php", "-S", f"127.0.0.1:{port}"]}
    environ = {"SMS_WEBHOOK_SECRET": "\n".join(SECRETS), "INBOX": str(inbox), "PORT": str(port)}
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


#: Programs that use a client as the applications of others do; each prints JSON.
TRIES = {
    "php": """require $argv[1]; $octopush = new Octopush($argv[2], 'token', tries: 2, timeoutS: 1);
        $began = microtime(true);
        try { $octopush->status('booking-1'); } catch (OctopushException $error) {
            echo json_encode([$error->status, $error->mayRepeat(), microtime(true) - $began]);
        }""",
    "node": """const [path, url] = process.argv.slice(1); const { Octopush } = await import(path);
        const octopush = new Octopush(url, "token", { tries: 2, timeoutS: 1 }), began = Date.now();
        await octopush.status("booking-1").catch((error) =>
            console.log(JSON.stringify([error.status, error.mayRepeat(), (Date.now() - began) / 1000])));""",
}
MAY_REPEAT = {
    "php": """require $argv[1]; foreach (json_decode($argv[2]) as $each) {
            $found[] = (new OctopushException($each, 'code'))->mayRepeat();
        } echo json_encode($found);""",
    "node": """const [path, given] = process.argv.slice(1); const { OctopushError } = await import(path);
        console.log(JSON.stringify(JSON.parse(given).map((each) =>
            new OctopushError(each, { code: "code" }).mayRepeat())));""",
}
CALL = {
    "php": """require $argv[1]; $octopush = new Octopush($argv[2], 'token', tries: 1, timeoutS: 1);
        $began = microtime(true); $found = null;
        try { $found = $octopush->call($argv[3], $argv[4], (array) json_decode($argv[5])); }
        catch (OctopushException $error) { $found = $error->problemCode; }
        echo json_encode([(array) $found, microtime(true) - $began]);""",
    "node": """const [path, url, method, target, query] = process.argv.slice(1);
        const { Octopush } = await import(path), began = Date.now();
        const octopush = new Octopush(url, "token", { tries: 1, timeoutS: 1 });
        const found = await octopush.call(method, target, { query: JSON.parse(query) })
            .then(Object.values, (error) => [error.code]);
        console.log(JSON.stringify([found, (Date.now() - began) / 1000]));""",
}
VERIFY = {
    "php": """require $argv[1]; echo json_encode(
        Octopush::verifyWebhook($argv[2], json_decode($argv[3], true), $argv[4])['id'] ?? null);""",
    "node": """const [path, body, headers, secrets] = process.argv.slice(1);
        const { verifyWebhook } = await import(path);
        const webhook = verifyWebhook(Buffer.from(body), JSON.parse(headers), secrets);
        console.log(JSON.stringify(webhook?.id ?? null));""",
}


def test_a_server_that_never_answers_is_waited_for_no_longer_than_was_said(language):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        status, may_repeat, took_s = language.evaluate(TRIES, url)

    assert (status, may_repeat) == (0, True)
    # Two tries of one second. The bound is half of what two tries of 5 s would take.
    assert 2 <= took_s < 5


def test_any_call_that_says_how_long_it_waits_is_waited_for_as_long(language):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        found, took_s = language.evaluate(CALL, url, "GET", "/v1/messages/booking-1", '{"wait_s": 1}')

    assert found == ["lost"]
    assert 2 <= took_s < 5


def test_an_answer_that_has_no_body_by_its_status_is_a_success(language):
    with WebhookReceiver() as receiver:
        Scripted(receiver, answer(204).replace(b"Content-Length: 0\r\n", b""))
        url = f"http://127.0.0.1:{receiver.port}"
        found, _ = language.evaluate(CALL, url, "DELETE", "/v1/events/groups/replies/bookings", "{}")

    assert found == []


def test_a_webhook_is_verified_with_all_that_forward_secret_prints_and_a_body_that_is_none_is_refused(
    language,
):
    now = int(time.time())
    for secrets in ("\n".join(SECRETS), ",".join(SECRETS), f"  {SECRETS[1]}\n"):
        headers = json.dumps(sign(BODY, "r1", now, [SECRETS[1]]))
        assert language.evaluate(VERIFY, BODY.decode(), headers, secrets) == "r1", secrets
    for body in ("no JSON", "[]", '"text"', "5"):
        headers = json.dumps(sign(body.encode(), "r1", now, [SECRETS[1]]))
        assert language.evaluate(VERIFY, body, headers, SECRETS[1]) is None, body


def test_what_may_be_repeated_is_what_the_page_says_by_status(language):
    rows = re.findall(r"^\| (\d{3}) \| [^|]+ \| (yes|no) \|", text("docs/http-api.md"), re.MULTILINE)
    by_status = {int(status): word == "yes" for status, word in rows} | {
        0: True,
        502: True,
        504: True,
        302: False,
    }

    found = language.evaluate(MAY_REPEAT, json.dumps(list(by_status)))

    assert dict(zip(by_status, found, strict=True)) == by_status
