"""Webhooks are signed and verified as Standard Webhooks says, and read as the objects that feeds give."""

import base64
import json
import time
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from producers.events import OptOut, Receipt, Reply, Status
from producers.webhooks import (
    HeaderMissing,
    InvalidWebhook,
    UnreadableBody,
    WrongSignature,
    WrongTime,
    sign,
    verify,
)
from tests.support.forwarding import reply, status
from tests.support.hostile_texts import HOSTILE_TEXTS
from worker.webhooks.payload import BODY_MAX_BYTES, body_of, body_of_test

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()
AT = 1_795_600_000
BODY = body_of(reply("r1"))
WHEN = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
RECEIPT = Receipt(
    event_id="e",
    request_id=None,
    ticket="sms_1",
    number="+33612345678",
    status="DELIVERED",
    final=True,
    delivered_at=WHEN,
    context=None,
    raw="{}",
)
OPT_OUT = OptOut(
    event_id="e", request_id=None, ticket=None, number="+33612345678", text="STOP", at=WHEN, raw="{}"
)


def signed(body: bytes = BODY, *secrets: str, at: int = AT) -> dict[str, str]:
    return sign(body, "r1", at, secrets or (SECRET,))


def check(body: bytes = BODY, headers=None, secrets=SECRET, now: float = AT):
    return verify(body, signed(body) if headers is None else headers, secrets, now=now)


@pytest.mark.parametrize("event", [reply("r1"), RECEIPT, OPT_OUT, status()], ids=lambda e: type(e).__name__)
def test_an_event_comes_back_as_the_object_that_a_feed_gives(event):
    webhook = check(body_of(event))

    assert webhook.data == event
    assert (webhook.id, webhook.timestamp, webhook.cut) == ("r1", WHEN, ())


def test_an_amount_is_a_text_in_the_form_of_the_api():
    event = msgspec.structs.replace(status(), cost=Decimal("0.0490"))

    assert json.loads(body_of(event))["data"]["cost"] == "0.049"
    assert str(check(body_of(event)).data.cost) == "0.049"


def test_the_body_is_what_the_docs_show():
    body = json.loads(BODY)

    assert set(body) == {"type", "timestamp", "data"}
    assert (body["type"], body["timestamp"]) == ("sms.reply.received", "2026-11-26T09:30:00Z")
    assert body["data"]["context"] == {"booking": 42}


def test_a_test_is_no_event():
    webhook = check(body_of_test())

    assert (webhook.type, webhook.data) == ("sms.test", {})


@pytest.mark.parametrize("between", ["\n", ",", ", ", " \n "])
def test_all_that_forward_secret_prints_can_be_given_as_one_text(between):
    secrets = f"{OTHER}{between}{SECRET}\n"

    assert check(secrets=secrets) == check()


def test_any_library_of_standard_webhooks_verifies_what_is_signed_here():
    now = int(time.time())
    library = standardwebhooks.Webhook(SECRET)

    assert library.verify(BODY, signed(at=now)) == json.loads(BODY)
    assert library.verify(BODY, signed(BODY, OTHER, SECRET, at=now)) == json.loads(BODY)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        library.verify(BODY + b" ", signed(at=now))


def test_what_any_library_of_standard_webhooks_signs_is_verified_here():
    at = datetime.fromtimestamp(AT, UTC)
    signature = standardwebhooks.Webhook(SECRET).sign("r1", at, BODY.decode())

    headers = {"webhook-id": "r1", "webhook-timestamp": str(AT), "webhook-signature": signature}
    assert check(headers=headers).data == reply("r1")


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_a_hostile_text_goes_through_body_and_signature_unchanged(text):
    whole = text.encode("utf-8", "replace").decode()  # no stream holds half a character
    body = body_of(reply("r1", whole))

    assert b"\n" not in body
    assert check(body).data.text == whole
    assert standardwebhooks.Webhook(SECRET).verify(body, signed(body, at=int(time.time())))


@given(st.text(st.characters(exclude_categories=["Cs"])), st.dictionaries(st.text(), st.integers()))
def test_any_text_and_context_go_through(text, context):
    event = msgspec.structs.replace(reply("r1", text), context=json.loads(json.dumps(context)))
    try:
        body = body_of(event)
    except UnicodeEncodeError:
        return  # half a character in a context is refused where it is sent

    assert len(body) <= BODY_MAX_BYTES
    assert check(body).data.text in {text, text[:1224]}


@pytest.mark.parametrize(
    ("changes", "cut"),
    [
        ({"raw": "x" * 30_000}, ("raw",)),
        ({"raw": "x" * 30_000, "text": "\x00" * 4_000}, ("raw", "text")),
        ({"text": "é" * 30_000}, ("raw", "text")),
        ({"context": ["y" * 30_000]}, ("raw", "context")),
    ],
)
def test_a_body_that_is_too_long_is_cut_and_says_where(changes, cut):
    body = body_of(msgspec.structs.replace(reply("r1"), **changes))
    webhook = check(body)

    assert len(body) <= BODY_MAX_BYTES
    assert webhook.cut == cut
    assert isinstance(webhook.data, Reply)


@pytest.mark.parametrize("secrets", [[SECRET], [OTHER, SECRET], (SECRET, OTHER), SECRET, f" {SECRET}\n"])
def test_one_right_secret_is_enough(secrets):
    assert check(secrets=secrets).id == "r1"


def test_while_a_secret_changes_both_sign():
    headers = signed(BODY, SECRET, OTHER)

    assert check(headers=headers, secrets=SECRET).id == check(headers=headers, secrets=OTHER).id == "r1"


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("value", ["\ud800", "v1,\ud800", "\u0661"])
def test_a_header_of_any_characters_is_refused_as_every_other(name, value):
    with pytest.raises(InvalidWebhook):
        check(headers={**signed(), name: value})


def test_headers_may_be_written_in_any_case():
    headers = {name.upper(): value for name, value in signed().items()}

    assert check(headers=headers).id == "r1"


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("absent", [True, False])
def test_a_header_that_is_missing_is_named(name, absent):
    headers = {**signed(), name: ""}
    if absent:
        del headers[name]

    with pytest.raises(HeaderMissing) as raised:
        check(headers=headers)
    assert raised.value.header == name


@pytest.mark.parametrize("now", [AT - 301, AT + 301, AT + 10**9])
def test_a_webhook_of_another_time_is_refused(now):
    with pytest.raises(WrongTime):
        check(now=now)


@pytest.mark.parametrize("now", [AT - 300, AT, AT + 300])
def test_clocks_may_differ_by_five_minutes(now):
    assert check(now=now).id == "r1"


@pytest.mark.parametrize("timestamp", ["now", "1e9", "-1", str(AT) + ".0", " ", "９", "9" * 5000, f"+{AT}"])
def test_a_time_that_is_no_number_is_refused(timestamp):
    with pytest.raises(WrongTime):
        check(headers={**signed(), "webhook-timestamp": timestamp})


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook-id": "r2"},
        {"webhook-timestamp": str(AT + 1)},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1"},
        {"webhook-signature": "\udcff, é ,,, v1,AAAA"},
        {"webhook-signature": signed()["webhook-signature"].replace("v1,", "v2,")},
        {"webhook-signature": signed(BODY, OTHER)["webhook-signature"]},
        {"webhook-id": "\udcff"},
    ],
    ids=str,
)
def test_a_signature_of_anything_else_is_wrong(changes):
    with pytest.raises(WrongSignature):
        check(headers={**signed(), **changes})


@given(st.binary(max_size=200))
def test_a_body_that_was_changed_is_refused(body):
    with pytest.raises(InvalidWebhook):
        check(body, signed())


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"\xff", b'{"type":1}', b"[" * 100_000, b'{"type":"a","timestamp":"x","data":{}}'],
)
def test_a_body_that_is_signed_and_means_nothing_is_unreadable(body):
    with pytest.raises(UnreadableBody):
        check(body)


def test_what_this_version_does_not_know_comes_as_it_is():
    head = {"timestamp": "2026-11-26T09:30:00Z", "data": {"number": 1}}
    unknown = check(msgspec.json.encode({**head, "type": "sms.fax.received", "more": 1}))
    odd = check(msgspec.json.encode({**head, "type": "sms.reply.received"}))

    assert unknown.data == odd.data == {"number": 1}


def test_fields_that_another_version_lacks_or_adds_do_no_harm():
    body = json.loads(BODY)
    del body["data"]["country"]
    body["data"]["mood"] = "good"

    assert check(json.dumps(body).encode()).data == msgspec.structs.replace(reply("r1"), country=None)


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_é", SECRET[6:], "whsec_AAAA", "whsec_" + "A" * 200, "x"]
)
def test_a_secret_that_is_none_is_a_mistake_of_the_settings(secret):
    with pytest.raises(ValueError, match="whsec_") as raised:
        check(secrets=secret)

    assert not isinstance(raised.value, InvalidWebhook)
    assert raised.value.__cause__ is None
    assert not secret[6:] or secret[6:] not in str(raised.value)


def test_no_secret_at_all_is_one_too():
    with pytest.raises(ValueError, match="needs a secret"):
        check(secrets=[])


def test_errors_hold_nothing_of_what_came():
    for headers in (
        {**signed(), "webhook-signature": "v1,canary"},
        {**signed(), "webhook-timestamp": "canary"},
    ):
        with pytest.raises(InvalidWebhook) as raised:
            check(headers=headers)
        assert "canary" not in str(raised.value)


def test_types_are_known_for_each_stream():
    assert {type(check(body_of(each)).data) for each in (reply(), RECEIPT, OPT_OUT, status())} == {
        Reply,
        Receipt,
        OptOut,
        Status,
    }
