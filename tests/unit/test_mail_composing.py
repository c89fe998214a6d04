"""Mails about replies: what they show, how they thread, and that no text breaks out of its place."""

import dataclasses
import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage

import msgspec
import pytest

from producers.contract.events import Reply
from tests.support.hostile_texts import HOSTILE_TEXTS
from worker.mail.composing import Composer
from worker.mail.letter import ANSWER_ABOVE, AnsweredSms, Letter
from worker.mail.settings import MailSettings
from worker.presentation.visible import visible

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
KEY = "0123456789abcdef0123456789abcdef01234567"
ENVIRON = {
    "MAIL_URL": "smtp://localhost",
    "MAIL_FROM": "sms@example.com",
    "MAIL_TO": "desk@example.com",
    "MAIL_ROUTES": "country:BE = be@example.com; campaign:silent = nobody",
    "MAIL_REPLY_DOMAIN": "sms.example.com",
    "MAIL_SECRET": "0123456789abcdef" * 3,
    "CONSOLE_URL": "https://console.example.com/",
}
REPLY = Reply(
    event_id="0a" * 16,
    request_id="booking-42",
    ticket="t",
    number="+33612345678",
    text="Oui, à 20 h !",
    short_number="38000",
    received_at=datetime(2026, 11, 26, 10, 32, 5, tzinfo=UTC),
    gateway_date=None,
    country="FR",
    context={"booking": 42, "phone": "+33612345678"},
    raw="{}",
    match="ticket",
)
ANSWERED = AnsweredSms("Votre table est réservée.", datetime(2026, 11, 26, 10, 30, tzinfo=UTC))
LETTER = Letter(REPLY, "1795417829636-0", KEY, "spring", ANSWERED)
HEADERS = {
    *("From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Reply-To", "List-Id"),
    *("Auto-Submitted", "X-Auto-Response-Suppress"),
    *("MIME-Version", "Content-Type", "Content-Transfer-Encoding"),
}
#: As a reader sees it: nothing else stands in the mail.
WHOLE = """\
##- Write your answer above this line -##

+336******78 (FR) wrote on 26 November 2026 at 11:32, Paris time:

    Oui, à 20 h !

This answers your SMS of 26 November 2026 at 11:30, Paris time:

    Votre table est réservée.

Conversation: https://console.example.com/conversations/0123456789abcdef0123456789abcdef01234567
Campaign:     spring
Message:      booking-42
Context:      booking: 42
              phone: +336******78

Your answer to this mail goes out as an SMS, until 3 December 2026.
"""


def written(letter: Letter = LETTER, **environ: str) -> EmailMessage:
    """Write a mail and read it back as a mail program does."""
    mail = Composer(MailSettings.from_env(ENVIRON | environ)).mail(letter, NOW)
    assert mail
    assert mail.content.isascii()
    assert all(len(line) < 998 and b"\r" not in line for line in mail.content.split(b"\r\n"))
    assert b"\n" not in mail.content.replace(b"\r\n", b"")
    message = email.message_from_bytes(mail.content, policy=email.policy.default)
    assert (message.defects, message.is_multipart()) == ([], False)
    assert [str(each) for each in message["To"].addresses] == [*mail.recipients]
    return message


def of(**changes: object) -> Letter:
    """Give the letter about another reply."""
    return dataclasses.replace(LETTER, reply=msgspec.structs.replace(REPLY, **changes))


def body(message: EmailMessage) -> str:
    """Return the text as a reader sees it."""
    text = message.get_content().replace("\r\n", "\n")
    assert "\r" not in text
    return text


def test_a_mail_is_pleasant_to_read():
    assert body(written()) == WHOLE


def test_a_mail_has_the_headers_that_threads_and_machines_go_by():
    message = written()

    assert {name: str(value) for name, value in message.items() if name != "Reply-To"} == {
        "From": "+336******78 by SMS <sms@example.com>",
        "To": "desk@example.com",
        "Subject": "SMS from +336******78 [012345]",
        "Date": "Thu, 26 Nov 2026 10:32:05 +0000",
        "Message-ID": f"<reply.{'0a' * 16}@example.com>",
        "In-Reply-To": f"<talk.{KEY}@example.com>",
        "References": f"<talk.{KEY}@example.com>",
        "List-Id": "SMS replies <sms-replies.example.com>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "MIME-Version": "1.0",
        "Content-Type": 'text/plain; charset="utf-8"',
        "Content-Transfer-Encoding": "quoted-printable",
    }
    assert str(message["Reply-To"]).endswith("@sms.example.com")


def test_mails_of_one_conversation_thread_and_those_of_another_do_not():
    first, second = written(), written(of(event_id="0b" * 16, text="Encore", country="BE"))
    other = written(Letter(REPLY, "1-1", "f" * 40))

    assert first["Message-ID"] != second["Message-ID"]
    for name in ("Subject", "In-Reply-To", "References", "From"):
        assert first[name] == second[name]
    # Another person whose masked number looks the same.
    assert other["Subject"] != first["Subject"]
    assert other["References"] != first["References"]


def test_a_mail_written_again_has_the_same_name():
    mails = [Composer(MailSettings.from_env(ENVIRON)).mail(LETTER, NOW) for _ in range(2)]

    assert mails[0] == mails[1]


@pytest.mark.parametrize("numbers", ["masked", "full"])
def test_a_number_is_in_no_header_and_in_the_body_only_if_it_may_be(numbers):
    message = written(MAIL_NUMBERS=numbers)

    whole = "612345678"
    assert not any(whole in str(value) for value in message.values())
    assert (whole in body(message)) == (numbers == "full")


def test_each_reply_goes_where_the_rules_say():
    composer = Composer(MailSettings.from_env(ENVIRON))

    assert written(of(country="BE"))["To"] == "be@example.com"
    assert composer.mail(Letter(REPLY, "1-1", KEY, "silent"), NOW) is None


@pytest.mark.parametrize(
    ("letter", "words"),
    [
        (
            of(match="number"),
            "This seems to answer your SMS of 26 November 2026 at 11:30, Paris",
        ),
        (of(request_id=None, match="none"), "No SMS is known that this answers."),
        (
            Letter(REPLY, "1-1", KEY, None, AnsweredSms(None, ANSWERED.at)),
            "11:30, Paris time. Its text was not kept.",
        ),
        (of(text=" \n "), "wrote on 26 November 2026 at 11:32, Paris time:\n\n    (no text)\n"),
        (of(country=None), "\n+336******78 wrote on"),
        (of(number="38000"), "\n***** (FR) wrote on"),
    ],
)
def test_a_mail_says_what_is_known(letter, words):
    assert words in body(written(letter))


def test_without_a_domain_for_answers_the_mail_says_where_to_answer():
    message = written(MAIL_REPLY_DOMAIN="", MAIL_SECRET="")
    lonely = written(MAIL_REPLY_DOMAIN="", MAIL_SECRET="", CONSOLE_URL="")

    assert message["Reply-To"] is None
    assert ANSWER_ABOVE not in body(message)
    assert "does not reach the person who wrote. Answer on the page of" in body(message)
    assert body(lonely).endswith("\n\nAn answer to this mail does not reach the person who wrote.\n")
    assert "http" not in body(lonely)


@pytest.mark.parametrize("name", HOSTILE_TEXTS)
def test_a_hostile_text_stays_in_its_place_and_survives(name):
    text = HOSTILE_TEXTS[name]
    message = written(of(text=text))
    found = body(message)

    assert set(message.keys()) == HEADERS
    assert not any("evil" in str(value) or "owned" in str(value) for value in message.values())
    start, _, end = WHOLE.partition("    Oui, à 20 h !")
    shown = visible(text, lines=True) if text.strip() else "(no text)"
    assert found == start + "\n".join("    " + line for line in shown.split("\n")) + end


@pytest.mark.parametrize("name", HOSTILE_TEXTS)
def test_a_hostile_text_in_any_other_field_is_harmless(name):
    text = HOSTILE_TEXTS[name]
    letter = of(
        event_id=text,
        request_id=text,
        number=text,
        country=text,
        short_number=text,
        ticket=text,
        context={text: text},
    )
    letter = Letter(letter.reply, "1-1", None, text, AnsweredSms(text, ANSWERED.at))
    ordinary = written()

    message = written(letter)

    assert set(message.keys()) == HEADERS
    for header, value in message.items():
        if header not in {"Message-ID", "In-Reply-To", "References", "Subject", "Reply-To"}:
            assert header == "From" or str(value) == str(ordinary[header])
    assert "evil" not in str(message["From"]) + str(message["Subject"])
    assert str(message["Message-ID"]).isascii()
    assert not any(
        line.lower().startswith(("bcc:", "mail from", "rcpt")) for line in body(message).split("\n")
    )


def test_a_context_of_any_kind_is_shown_and_bounded():
    assert "Context:      [1,null]\n" in body(written(of(context=[1, None])))
    assert "Context:      x\n" in body(written(of(context="x")))
    assert "Context" not in body(written(of(context=None)))
    many = body(written(of(context={f"k{n}": "v" * 500 for n in range(100)})))
    assert ("k11: " in many, "k12" in many, "v" * 121 in many) == (True, False, False)


def test_a_test_mail_goes_to_everybody_who_may_get_one():
    mail = Composer(MailSettings.from_env(ENVIRON)).test("test-1", NOW)
    message = email.message_from_bytes(mail.content, policy=email.policy.default)

    assert mail.recipients == ("desk@example.com", "be@example.com")
    assert message["Message-ID"] == "<reply.test-1@example.com>"
    assert message["Reply-To"] is None
