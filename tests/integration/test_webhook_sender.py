"""One POST of a webhook: whatever the server does, it ends in time, and only 2xx is a success."""

import base64
import socket
import time
from itertools import count

import pytest

from producers.contract.events import to_fields
from producers.webhooks import verify
from tests.support.forwarding import reply
from tests.support.hostile_texts import HOSTILE_TEXTS
from tests.support.waiting import until
from tests.support.webhook_receiver import GOOD, Post, WebhookReceiver, answer
from worker.forwarding.outcomes import TEST, Delivered, Halted, Later, OutgoingEvent, Refused, Unreachable
from worker.sandbox.free_port import free_port
from worker.webhooks.sender import Sender, retry_after_s

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()


def event(text: str = "Oui", stream: str = "replies") -> OutgoingEvent:
    fields = {name.encode(): value.encode() for name, value in to_fields(reply("r1", text)).items()}
    return OutgoingEvent("r1", stream, "1-0", 1, fields, "holder")


@pytest.fixture
def receiver():
    with WebhookReceiver() as running:
        yield running


@pytest.fixture
def sender(receiver):
    with Sender(receiver.url, [SECRET, OTHER], timeout_s=1.5) as made:
        yield made


def timed(sender: Sender) -> tuple[object, float]:
    began = time.monotonic()
    return sender.deliver(event()), time.monotonic() - began


def test_a_webhook_can_be_verified_with_either_secret(receiver, sender):
    assert sender.deliver(event()) == Delivered()

    (post,) = receiver.posts
    assert post.line == "POST /hooks/canary-path?key=canary-query HTTP/1.1"
    assert post.headers["content-type"] == "application/json"
    for secret in (SECRET, OTHER):
        webhook = verify(post.body, post.headers, secret)
        assert (webhook.id, webhook.data) == ("r1", reply("r1"))


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_a_hostile_text_arrives_unchanged(receiver, sender, text):
    whole = text.encode("utf-8", "replace").decode()

    assert sender.deliver(event(whole)) == Delivered()

    assert verify(receiver.posts[0].body, receiver.posts[0].headers, SECRET).data.text == whole


def test_each_attempt_is_signed_anew_under_the_same_id(receiver, sender):
    sender.deliver(event())
    (first,) = receiver.posts
    until(lambda: time.time() >= int(first.headers["webhook-timestamp"]) + 1)
    sender.deliver(event())

    first, second = receiver.posts
    assert first.event_id == second.event_id == "r1"
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    assert first.body == second.body


def test_a_test_is_a_webhook_too(receiver, sender):
    assert sender.deliver(event(stream=TEST)) == Delivered()

    assert verify(receiver.posts[0].body, receiver.posts[0].headers, SECRET).type == "sms.test"


def test_an_entry_that_nobody_can_read_is_refused(receiver, sender):
    assert sender.deliver(OutgoingEvent("r1", "replies", "1-0", 1, {b"v": b"1"}, "holder")) == Refused(
        "unreadable"
    )
    assert receiver.posts == []


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        (GOOD, Delivered()),
        (answer(200), Delivered()),
        (answer(299), Delivered()),
        (answer(302, "Location: /elsewhere"), Later("302")),
        (answer(307, "Location: http://[/"), Later("307")),
        (answer(400), Later("400")),
        (answer(401), Later("401")),
        (answer(404), Later("404")),
        (answer(410), Halted("410", lasting=True)),
        (answer(429, "Retry-After: 60"), Later("429", 60)),
        (answer(500), Later("500")),
        (answer(502), Unreachable("502")),
        (answer(503, "Retry-After: 999999"), Unreachable("503", 3_600)),
        (answer(504), Unreachable("504")),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" + GOOD, Delivered()),
        (b"nonsense\r\n\r\n", Unreachable("RemoteProtocolError")),
        (b"", Unreachable("RemoteProtocolError")),
        (b"HTTP/1.1 200 x\r\nx: " + b"y" * 300_000 + b"\r\n\r\n", Unreachable("RemoteProtocolError")),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_only_2xx_is_a_success(receiver, sender, data, outcome):
    receiver.answers(data)

    assert sender.deliver(event()) == outcome


def test_a_redirect_is_not_followed(receiver, sender):
    with WebhookReceiver() as elsewhere:
        receiver.answers(answer(308, f"Location: {elsewhere.url}"))
        assert sender.deliver(event()) == Later("308")

        assert elsewhere.posts == []
    assert len(receiver.posts) == 1


def test_nothing_that_a_receiver_says_is_remembered(receiver, sender):
    receiver.answers(answer(200, "Set-Cookie: session=canary; Path=/"))
    sender.deliver(event())
    sender.deliver(event())

    assert "cookie" not in receiver.posts[1].headers


def test_nobody_there_is_nobody_reached():
    with Sender(f"http://127.0.0.1:{free_port()}", [SECRET]) as sender:
        assert sender.deliver(event()) == Unreachable("ConnectError")


def test_a_host_that_speaks_no_tls_is_nobody_reached(receiver):
    with Sender(receiver.url.replace("http:", "https:"), [SECRET], timeout_s=1.5) as sender:
        assert isinstance(sender.deliver(event()), Unreachable)


def drip(head: bytes):
    """Write some bytes, and then one every 50 ms, for ever."""

    def respond(_: Post, connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(b"x")
            time.sleep(0.05)  # as slow as the dripping is

    return respond


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 x\r\nx-slow: "])
def test_an_answer_that_drips_has_an_end(receiver, sender, head):
    receiver.respond = drip(head)

    outcome, seconds = timed(sender)

    assert isinstance(outcome, Unreachable)
    assert seconds < 3


def test_a_body_that_drips_keeps_nobody_after_a_success(receiver, sender):
    receiver.respond = drip(b"HTTP/1.1 200 x\r\nContent-Length: 4000\r\n\r\n")

    outcome, seconds = timed(sender)

    assert outcome == Delivered()
    assert seconds < 3


def test_a_receiver_that_never_answers_is_left_in_time(receiver, sender):
    receiver.respond = lambda *_: time.sleep(5)  # longer than the sender waits

    outcome, seconds = timed(sender)

    assert outcome == Unreachable("TimeoutError")
    assert seconds < 3


def test_no_more_than_the_beginning_of_a_huge_answer_is_read(receiver, sender):
    sent = count()
    last = 0

    def respond(_: Post, connection: socket.socket) -> None:
        nonlocal last
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        connection.sendall(b"HTTP/1.1 200 x\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            connection.sendall(b"y" * 65_536)
            last = next(sent)

    receiver.respond = respond

    outcome, seconds = timed(sender)

    assert outcome == Delivered()
    assert seconds < 3
    assert last < 200  # of 15,000: what fits into the system's buffers


def test_a_compressed_answer_is_not_unpacked(receiver, sender):
    receiver.answers(b"HTTP/1.1 200 x\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc")

    assert sender.deliver(event()) == Delivered()


def test_user_and_password_of_the_address_are_sent_and_not_shown(receiver):
    url = receiver.url.replace("http://", "http://anna:se%20cret@")
    with Sender(url, [SECRET]) as sender:
        assert sender.deliver(event()) == Delivered()

        assert sender.receiver == f"http://127.0.0.1:{receiver.port}"
    plain = base64.b64decode(receiver.posts[0].headers["authorization"].removeprefix("Basic "))
    assert plain == b"anna:se cret"


def test_a_receiver_that_closes_without_a_word_does_no_harm(receiver, sender):
    receiver.answers(b"HTTP/1.1 200 x\r\nContent-Length: 2\r\n\r\nok")

    for _ in range(20):
        assert sender.deliver(event()) == Delivered()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("0", 0),
        ("120", 120),
        ("9" * 400, 3_600),
        ("٣", None),
        ("Thu, 26 Nov 2015 09:30:00 GMT", 0),
        ("Thu, 26 Nov 2099 09:30:00 GMT", 3_600),
        ("Thu, 99 Nov 2099 09:30:00 GMT", None),
        ("Thu, 26 Nov 2099 09:30:00 -0000", None),
    ],
)
def test_what_a_receiver_asks_for_is_seconds_or_a_date_and_at_most_an_hour(header, seconds):
    assert retry_after_s(header) == seconds


def test_an_address_that_cannot_be_read_is_a_mistake_of_the_settings():
    with pytest.raises(ValueError, match="address"):
        Sender("https://exa mple\x00.com", [SECRET])
