"""``mail-in`` as a mail server starts it, on real Redis: one mail in, one SMS or a reason."""

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from producers.contract.secret import Secret
from producers.contract.steps import drive
from tests.support.callbacks_by_hand import KEYS, CallbacksByHand
from tests.support.callbacks_by_hand import reply as callback
from tests.support.forward_email_process import COMMAND
from tests.support.hand_worker import HandWorker
from tests.support.redis_users import as_user
from worker.gateway.outcomes import Accepted
from worker.inquiry.audit import AuditRow, newest
from worker.mail.reply_address import LIFETIME, ReplyAddresses

NUMBER = "+33612345678"
TEXT = "Oui, à 20 h €"
SECRET = "0123456789abcdef" * 3
ADDRESSES = ReplyAddresses("sms.example.com", [Secret(SECRET)])


@pytest.fixture
def environ(redis_url) -> dict[str, str]:
    return {
        "REDIS_URL": as_user(redis_url, "mail-in"),
        "MAIL_REPLY_DOMAIN": "sms.example.com",
        "MAIL_SECRET": SECRET,
        "MAIL_IN_SENDERS": "anna@example.com",
        "MAIL_IN_SMS_SENDER": "Bistro",
    }


@pytest.fixture
def answered(sms, redis_client) -> tuple[str, str]:
    """Let a person answer an SMS; give the ids of the entry and of the event."""
    worker = HandWorker(redis_client)
    sms.send(NUMBER, "Table at eight?", sender="Bistro", purpose="alert", with_replies=True)
    for claim in worker.take():
        worker.finish(claim, Accepted("sms_1"))
    CallbacksByHand(redis_client, worker.ledger).bring(callback(NUMBER, "Oui", "sms_1"))
    ((entry_id, fields),) = redis_client.xrange(KEYS.stream("replies"))
    return entry_id.decode(), fields[b"event_id"].decode()


@pytest.fixture
def address(answered) -> str:
    return ADDRESSES.address(*answered, datetime.now(UTC))


def mail(to: str, text: str = TEXT + "\n\n> quoted", **headers: str) -> bytes:
    message = EmailMessage(policy=SMTP)
    named = {"From": "Anna <anna@example.com>", "To": to, "Message-ID": "<1@example.com>"} | headers
    for name, value in named.items():
        message[name] = value
    message.set_content(text)
    return message.as_bytes()


def take(environ: dict[str, str], content: bytes, *options: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command as the pipe of a mail server; nothing personal may be in what it says."""
    done = subprocess.run(
        [COMMAND, "mail-in", *options],
        input=content,
        env={"PATH": os.defpath} | environ,
        capture_output=True,
        timeout=60,
        check=False,
    )
    said = (done.stdout + done.stderr).decode()
    for personal in (NUMBER, "612345678", "anna", TEXT, "20 h", SECRET, "sms+", "Traceback"):
        assert personal not in said
    return done


def logged(done: subprocess.CompletedProcess[bytes]) -> dict:
    (line,) = done.stderr.decode().splitlines()
    return json.loads(line)


def deeds(redis_client) -> tuple[AuditRow, ...]:
    return drive(newest(KEYS), redis_client).rows


def queued(redis_client) -> int:
    return redis_client.llen(KEYS.queue("sms.alert").ready)


def test_an_answer_becomes_an_sms_of_the_conversation(environ, address, answered, sms):
    done = take(environ, mail(address))

    assert done.returncode == 0
    request_id = logged(done)["request_id"]
    assert done.stdout.decode() == f"2.0.0 Taken as {request_id}\n"
    assert request_id.startswith("mail-")
    *_, last = sms.conversation(NUMBER).turns
    assert (last.direction, last.text, last.request_id, last.reply_to) == (
        "out",
        TEXT,
        request_id,
        answered[1],
    )
    assert last.state == "queued"


def test_an_answer_is_audited_once_however_often_its_mail_comes(environ, address, redis_client):
    audited = [take(environ, mail(address)) and deeds(redis_client) for _ in range(2)]

    (deed,) = audited[0]
    assert (deed.action, deed.by, deed.about["segments"]) == ("answer", "mail", "1")
    assert deed.about["request_id"].startswith("mail-")
    assert audited[1] == audited[0]


def test_an_answer_whose_entry_was_lost_with_its_process_is_audited_by_the_next_mail(
    environ, address, redis_client
):
    take(environ, mail(address))
    redis_client.delete(KEYS.audit)

    take(environ, mail(address))

    assert [deed.by for deed in deeds(redis_client)] == ["mail"]


def test_what_is_refused_is_no_answer_in_the_audit(environ, address, redis_client):
    take(environ, mail(address, "> quoted"))

    assert deeds(redis_client) == ()


def test_a_mail_that_comes_again_sends_nothing_more(environ, address, redis_client, sms):
    first, again = take(environ, mail(address)), take(environ, b"Received: again\r\n" + mail(address))

    assert (first.returncode, again.returncode) == (0, 0)
    assert (logged(first)["repeated"], logged(again)["repeated"]) == (False, True)
    assert logged(first)["request_id"] == logged(again)["request_id"]
    assert len(sms.conversation(NUMBER).turns) == 3


def test_many_at_once_send_once(environ, address, sms):
    running = [
        subprocess.Popen(
            [COMMAND, "mail-in"],
            stdin=subprocess.PIPE,
            env={"PATH": os.defpath} | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    for process in running:
        process.communicate(mail(address), timeout=60)

    assert [process.returncode for process in running] == [0, 0, 0]
    assert len(sms.conversation(NUMBER).turns) == 3


def test_another_text_under_the_same_message_id_is_refused(environ, address, sms):
    take(environ, mail(address))

    done = take(environ, mail(address, "Non"))

    assert (done.returncode, logged(done)["reason"]) == (os.EX_DATAERR, "repeated")
    assert len(sms.conversation(NUMBER).turns) == 3


def test_a_second_mail_is_a_second_sms(environ, address, sms):
    take(environ, mail(address))
    done = take(environ, mail(address, **{"Message-ID": "<2@example.com>"}))

    assert (done.returncode, len(sms.conversation(NUMBER).turns)) == (0, 4)


def test_the_envelope_may_name_the_address(environ, address):
    assert take(environ, mail("desk@example.com"), "--recipient", address).returncode == 0


@pytest.mark.parametrize("broken", ["forged", "expired", "forgotten", "moved"])
def test_an_address_that_does_not_hold_sends_nothing(environ, address, answered, redis_client, broken):
    before = queued(redis_client)
    if broken == "forged":
        address = ReplyAddresses("sms.example.com", [Secret("x" * 48)]).address(*answered, datetime.now(UTC))
    elif broken == "expired":
        then = datetime.now(UTC) - LIFETIME - timedelta(hours=2)
        address = ADDRESSES.address(*answered, then)
    elif broken == "forgotten":
        redis_client.xtrim(KEYS.stream("replies"), maxlen=0)
    else:
        # Another reply stands under the same id, as after a Redis that has lost its data.
        (entry,) = redis_client.xrange(KEYS.stream("replies"))
        redis_client.delete(KEYS.stream("replies"))
        redis_client.xadd(KEYS.stream("replies"), entry[1] | {b"event_id": b"other"}, id=answered[0])

    done = take(environ, mail(address))

    reasons = {
        "forged": "address_not_proven",
        "expired": "address_expired",
        "forgotten": "reply_unknown_or_forgotten",
        "moved": "address_not_proven",
    }
    assert logged(done)["reason"] == reasons[broken]
    assert done.returncode == (os.EX_DATAERR if broken == "expired" else os.EX_NOPERM)
    assert done.stdout.decode().startswith("5.7.1 This address t")
    assert queued(redis_client) == before


@pytest.mark.parametrize(
    ("changes", "text", "status", "words"),
    [
        ({"From": "eve@example.com"}, TEXT, os.EX_NOPERM, "5.7.1 This address takes no mail from you"),
        ({"Auto-Submitted": "auto-replied"}, TEXT, os.EX_DATAERR, "5.7.0 Automatic mail"),
        ({}, "> quoted", os.EX_DATAERR, "5.6.0 No text stands above the quoted mail"),
        ({}, "x" * 460, os.EX_DATAERR, "5.3.4 The answer has 460 characters: an SMS may have 459 here"),
        ({}, "Bonjour {first_name}", os.EX_DATAERR, "5.6.0 This cannot be sent as an SMS: "),
    ],
)
def test_a_refusal_has_words_for_the_sender_and_one_line_for_the_operator(
    environ, address, redis_client, changes, text, status, words
):
    before = queued(redis_client)

    done = take(environ, mail(address, text, **changes))

    assert done.returncode == status
    assert done.stdout.decode().startswith(words)
    assert logged(done)["event"] == "mail.refused"
    assert queued(redis_client) == before


def test_while_redis_is_away_the_mail_server_keeps_the_mail(environ, address):
    done = take(environ | {"REDIS_URL": "redis://127.0.0.1:1"}, mail(address))

    assert done.returncode == os.EX_TEMPFAIL
    assert done.stdout.decode().startswith("4.3.0 ")
    assert logged(done)["event"] == "mail.put_off"


def test_with_wrong_settings_the_mail_server_keeps_the_mail(environ, address):
    done = take(environ | {"MAIL_IN_SENDERS": "", "MAIL_IN_SMS_SENDER": ""}, mail(address))

    assert done.returncode == os.EX_TEMPFAIL
    assert done.stdout.decode().startswith("4.3.5 ")
    found = logged(done)["problem"].split("; ")
    assert sorted(found) == ["MAIL_IN_SENDERS: is required", "MAIL_IN_SMS_SENDER: is required"]


def test_a_wrong_call_keeps_the_mail(environ, address):
    assert take(environ, mail(address), "--recipent", address).returncode == os.EX_TEMPFAIL
