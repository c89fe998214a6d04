"""What comes back: from the gateway's POST to the streams that applications read."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from producers.feeds import Feed
from tests.support.installation import new_number


@pytest.fixture(scope="module")
def shared(install_for_module):
    return install_for_module(web=True)


def wait_for_entry(installation, stream, number):
    """Return the entry about this number, which must be the only one."""
    entries = wait_for_entries(installation, stream, number, 1)
    return entries[0]


def wait_for_entries(installation, stream, number, count):
    def found():
        return [entry for entry in installation.entries(stream) if entry.number == number]

    installation.wait_for(lambda: len(found()) >= count)
    settle(installation)
    assert len(found()) == count
    return found()


def settle(installation):
    """Wait until the gateway has posted, and the worker has processed, every callback."""
    installation.gateway.wait_until_idle()
    prefix = installation.keys.prefix + "callback:*"
    installation.wait_for(lambda: not list(installation.redis.scan_iter(prefix)))


def quarantined(installation, marker):
    entries = [fields for _, fields in installation.redis.xrange(installation.keys.stream("quarantine"))]
    return [entry for entry in entries if marker.encode() in entry[b"raw"]]


def reply_event(number, **fields):
    return {
        "message_id": "sms_1",
        "number": number,
        "text": "YES",
        "sim_card_number": "12345",
        "reception_date": "2030-01-31 14:05:09",
        **fields,
    }


@pytest.mark.parametrize("form", ["absent", "empty", "null"])
def test_a_reply_without_ticket_finds_the_two_way_sms_that_it_answers(shared, form):
    number = new_number()
    plain = shared.send(to=number)
    shared.settled(plain)
    sent = shared.send(to=number, with_replies=True, context={"booking": 42})
    status = shared.settled(sent)

    shared.gateway.reply(number, "YES", message_id_form=form)

    reply = wait_for_entry(shared, "replies", number)
    assert (reply.match, reply.request_id, reply.context) == ("number", sent.request_id, {"booking": 42})
    assert reply.ticket is None
    assert status.ticket is not None


def test_a_two_way_sms_goes_out_and_comes_back_with_its_context(installation):
    number, context = new_number(), {"booking": 42}
    installation.gateway.auto_reply("YES 👍", match={"number": number})

    sent = installation.send(to=number, with_replies=True, context=context)
    status = installation.settled(sent)

    reply = wait_for_entry(installation, "replies", number)
    assert (reply.request_id, reply.ticket, reply.context) == (sent.request_id, status.ticket, context)
    assert (reply.text, reply.number, reply.country) == ("YES 👍", number, "FR")
    assert (reply.short_number, json.loads(reply.raw)["text"]) == ("12345", "YES 👍")
    assert abs(reply.received_at - datetime.now(UTC)) < timedelta(minutes=1)
    receipts = wait_for_entries(installation, "receipts", number, 2)
    assert {(r.status, r.final, r.request_id, r.ticket) for r in receipts} == {
        ("ACK", False, sent.request_id, status.ticket),
        ("DELIVERED", True, sent.request_id, status.ticket),
    }
    assert [r.context for r in receipts] == [context, context]
    delivery = installation.status(sent).deliveries[number]
    assert (delivery.status, delivery.final) == ("DELIVERED", True)
    bad = {violation for record in installation.gateway.violations() for violation in record.violations}
    assert "body" not in bad, "no callback was answered with output"


def test_an_application_reads_replies_with_a_feed(installation):
    sent = installation.send(with_replies=True, context="feed")
    installation.settled(sent)
    (message,) = installation.handset(sent)
    installation.gateway.reply(message.number, "YES")

    with Feed("replies", group=sent.request_id, settings=installation.settings) as feed:
        reply = next(reply for reply in feed if reply.request_id == sent.request_id)

    assert (reply.text, reply.number, reply.context) == ("YES", message.number, "feed")


def test_a_callback_posted_five_times_at_once_is_one_entry(installation):
    number = new_number()
    body = json.dumps(reply_event(number)).encode()

    assert installation.post_callback(body, times=5) == [200] * 5
    assert installation.post_callback(body) == [200]

    wait_for_entry(installation, "replies", number)


def test_repeated_receipts_are_one_entry(installation):
    number = new_number()
    installation.gateway.fate(match={"number": number}, copies=3, ack_delay_ms=5, final_delay_ms=10)

    installation.send(to=number)

    receipts = wait_for_entries(installation, "receipts", number, 2)
    assert sorted(r.status for r in receipts) == ["ACK", "DELIVERED"]


def test_a_receipt_before_the_answer_to_its_send_finds_its_send(installation):
    number = new_number()
    installation.gateway.fate(match={"number": number}, before_answer=True)
    installation.gateway.fault(after_ms=300, match={"number": number})

    sent = installation.send(to=number, context="early")

    receipts = wait_for_entries(installation, "receipts", number, 2)
    assert {(r.request_id, r.context) for r in receipts} == {(sent.request_id, "early")}
    status = installation.settled(sent)
    assert (status.deliveries[number].status, status.ticket) == ("DELIVERED", receipts[0].ticket)


def test_a_late_ack_does_not_overwrite_what_was_delivered(installation):
    number = new_number()
    installation.gateway.fate(match={"number": number}, reversed=True, ack_delay_ms=10, final_delay_ms=300)

    sent = installation.send(to=number)

    receipts = wait_for_entries(installation, "receipts", number, 2)
    assert [r.status for r in receipts] == ["DELIVERED", "ACK"]
    assert installation.status(sent).deliveries[number].status == "DELIVERED"


@pytest.mark.parametrize("status", ["NOT_DELIVERED", "A_NEW_WORD"])
def test_any_status_is_published_as_the_gateway_wrote_it(installation, status):
    number = new_number()
    installation.gateway.fate(match={"number": number}, ack=False, final_status=status)

    sent = installation.send(to=number)

    receipt = wait_for_entry(installation, "receipts", number)
    assert (receipt.status, receipt.final) == (status, status == "NOT_DELIVERED")
    assert installation.status(sent).deliveries[number].status == status


def test_each_recipient_of_a_call_has_a_delivery_of_its_own(installation):
    lucky, unlucky = new_number(), new_number()
    installation.gateway.fate(match={"number": unlucky}, final_status="NOT_DELIVERED", final_delay_ms=20)

    sent = installation.send(to=[lucky, unlucky])

    installation.wait_for(lambda: all_final(installation, sent, 2))
    deliveries = installation.status(sent).deliveries
    assert {n: d.status for n, d in deliveries.items()} == {lucky: "DELIVERED", unlucky: "NOT_DELIVERED"}


def all_final(installation, sent, count):
    deliveries = installation.status(sent).deliveries.values()
    return len(deliveries) == count and all(d.final for d in deliveries)


def test_a_stop_is_an_opt_out_of_the_send_that_provoked_it(installation):
    sent = installation.send()
    installation.settled(sent)
    (message,) = installation.handset(sent)

    installation.gateway.stop(message.number, text="STOP")

    optout = wait_for_entry(installation, "optouts", message.number)
    assert (optout.request_id, optout.ticket) == (sent.request_id, message.ticket)
    assert optout.text == "STOP"


def test_a_stop_that_also_comes_as_a_reply_is_one_opt_out_and_one_reply(installation):
    installation.gateway.settings(stop_also_inbound=True)
    number = new_number()

    installation.gateway.stop(number)

    wait_for_entry(installation, "optouts", number)
    wait_for_entry(installation, "replies", number)


def test_a_receipt_for_a_blocked_number_is_an_opt_out_too(installation):
    number = new_number()
    installation.gateway.blacklist(add=number)

    sent = installation.send(to=number)

    receipt = wait_for_entry(installation, "receipts", number)
    optout = wait_for_entry(installation, "optouts", number)
    assert (receipt.status, receipt.final) == ("BLACKLISTED_NUMBER", True)
    assert (optout.request_id, optout.text) == (sent.request_id, "")


def test_a_receipt_of_a_foreign_ticket_is_published_without_a_send(installation):
    number = new_number()

    installation.gateway.receipt("sms_of-somebody-else", number, "DELIVERED")

    receipt = wait_for_entry(installation, "receipts", number)
    assert (receipt.request_id, receipt.ticket, receipt.context) == (None, "sms_of-somebody-else", None)


def test_a_receipt_of_a_foreign_ticket_waits_only_for_running_attempts(installation):
    """An attempt that was under way when it came might be its origin; once it is not, the receipt goes on."""
    number = new_number()
    installation.gateway.fault(after_ms=1_500, match={"number": number})
    sent = installation.send(to=number)
    installation.wait_for(lambda: installation.posts(sent))

    installation.gateway.receipt("sms_foreign", number, "NOT_DELIVERED")

    receipts = wait_for_entries(installation, "receipts", number, 3)
    assert {(r.status, r.request_id) for r in receipts} == {
        ("NOT_DELIVERED", None),
        ("ACK", sent.request_id),
        ("DELIVERED", sent.request_id),
    }
    assert installation.status(sent).deliveries[number].status == "DELIVERED"


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"callback_format": "form"}, "form"),
        ({"callback_format": "mixed", "inbound_layout": "metadata"}, "as a live account"),
        ({"callback_format": "form", "inbound_layout": "metadata"}, "metadata in a form"),
        ({"inbound_layout": "metadata", "callback_number_format": "no_plus"}, "metadata"),
        ({"reply_date_field": "answer_date"}, "answer_date"),
        ({"callback_number_format": "no_plus"}, "no_plus"),
        ({"callback_number_format": "00"}, "00"),
        ({"callback_number_format": "national"}, "national"),
        ({"receipt_date_in_capitals": True, "callback_meta_data": "array"}, "capitals"),
        ({"callback_content_type": ""}, "no content type"),
        ({"callback_array": 10, "callback_array_wait_ms": 100}, "array"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_form_seen_in_the_wild_is_understood(installation, settings, kind):
    installation.gateway.settings(**settings)
    number = new_number()
    installation.gateway.auto_reply("ça va & merci 👍", match={"number": number})

    sent = installation.send(to=number, with_replies=True)

    reply = wait_for_entry(installation, "replies", number)
    receipts = wait_for_entries(installation, "receipts", number, 2)
    assert (reply.text, reply.request_id) == ("ça va & merci 👍", sent.request_id)
    assert {(r.status, r.request_id) for r in receipts} == {
        ("ACK", sent.request_id),
        ("DELIVERED", sent.request_id),
    }
    assert installation.status(sent).deliveries.keys() == {number}


def test_an_array_of_events_of_all_kinds_is_taken_apart(installation):
    number = new_number()
    events = [
        reply_event(number),
        {
            "message_id": "sms_1",
            "number": number,
            "status": "DELIVERED",
            "delivery_date": "2030-01-31 14:05:09",
        },
        {"message_id": "sms_1", "number": number, "text": "STOP", "stop_date": "2030-01-31 14:05:09"},
        {"number": number, "surprise": "array-surprise"},
    ]

    assert installation.post_callback(json.dumps(events).encode()) == [200]

    for stream in ("replies", "receipts", "optouts"):
        wait_for_entry(installation, stream, number)
    assert len(quarantined(installation, "array-surprise")) == 1


def test_an_unknown_payload_is_kept_raw_in_quarantine(installation):
    body = b'{"number": "+33612345678", "surprise": "caf\xc3\xa9-unknown", "visits": 3}'

    assert installation.post_callback(body, times=3) == [200] * 3

    (entry,) = installation.wait_for(lambda: quarantined(installation, "-unknown"))
    assert json.loads(entry[b"raw"]) == json.loads(body)
    settle(installation)
    assert len(quarantined(installation, "-unknown")) == 1


def test_an_unreadable_body_is_refused_and_kept_raw_in_quarantine(installation):
    body = b"<xml>unreadable \xff</xml>"

    assert installation.post_callback(body) == [400]

    (entry,) = installation.wait_for(lambda: quarantined(installation, "unreadable"))
    assert (entry[b"reason"], entry[b"raw"]) == (b"unreadable", rb"<xml>unreadable \xff</xml>")


def test_the_url_decides_where_the_fields_do_not(installation):
    number = new_number()

    installation.post_callback(json.dumps({"number": number, "text": "stop"}).encode(), "optouts")

    wait_for_entry(installation, "optouts", number)


def test_a_wrong_token_leaves_no_trace(installation):
    number = new_number()
    url = f"{installation.web.url}/callbacks/not-the-token-0123456789"

    answer = httpx.post(url, json=reply_event(number), trust_env=False)

    assert (answer.status_code, answer.content) == (404, b"")
    settle(installation)
    assert [e for e in installation.entries("replies") if e.number == number] == []


def test_200_callbacks_at_once_are_all_published_once(installation):
    numbers = [new_number() for _ in range(100)]

    sent = installation.send(to=numbers)

    installation.wait_for(lambda: len(installation.entries("receipts", sent)) == 200)
    settle(installation)
    receipts = Counter((r.number, r.status) for r in installation.entries("receipts", sent))
    assert receipts == Counter((n, s) for n in numbers for s in ("ACK", "DELIVERED"))
    assert {d.status for d in installation.status(sent).deliveries.values()} == {"DELIVERED"}
