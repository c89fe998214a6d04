"""Mails that answer: who may, what is taken of them, and what is refused with which words."""

import os
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.hostile_texts import HOSTILE_TEXTS
from worker.mail.incoming import MAIL_MAX_BYTES, Refusal, read
from worker.mail.letter import ANSWER_ABOVE
from worker.mail.settings import MailInSettings

ENVIRON = {
    "MAIL_REPLY_DOMAIN": "sms.example.com",
    "MAIL_SECRET": "0123456789abcdef" * 3,
    "MAIL_IN_SENDERS": "anna@example.com, @shop.example.com",
    "MAIL_IN_SMS_SENDER": "Bistro",
}
SETTINGS = MailInSettings.from_env(ENVIRON)
ENTRY = "1795417829636-0"
NOW = datetime(2026, 11, 26, tzinfo=UTC)
ADDRESS = SETTINGS.answers.address(ENTRY, "event-1", NOW)
OTHER = SETTINGS.answers.address("1-1", "event-2", NOW)


def mail(text: str = "Oui", html: bool = False, **headers: str | None) -> bytes:
    """Write a mail as a mail program does; a header that is None is left out."""
    message = EmailMessage(policy=SMTP)
    all_headers = {
        "From": "Anna <anna@example.com>",
        "To": ADDRESS,
        "Message-ID": "<1@x>",
        "Subject": "Re: SMS",
    }
    for name, value in (all_headers | {key.replace("_", "-"): each for key, each in headers.items()}).items():
        if value is not None:
            message[name] = value
    message.set_content(text, subtype="html" if html else "plain")
    return message.as_bytes()


def raw(body: bytes, content_type: str, encoding: str = "8bit") -> bytes:
    head = f"From: anna@example.com\r\nTo: {ADDRESS}\r\nMessage-ID: <1@x>\r\nContent-Type: {content_type}\r\n"
    return (head + f"Content-Transfer-Encoding: {encoding}\r\n\r\n").encode() + body


def refused(content: bytes, settings: MailInSettings = SETTINGS, recipient: str | None = None) -> Refusal:
    with pytest.raises(Refusal) as raised:
        read(content, settings, recipient)
    refusal = raised.value
    assert refusal.status in {os.EX_DATAERR, os.EX_NOPERM}
    assert refusal.words.isascii()
    return refusal


def test_an_answer_is_read():
    answer = read(mail("Oui, venez.\n\n> quoted"), SETTINGS)

    assert (answer.text, answer.target.entry_id) == ("Oui, venez.", ENTRY)
    assert "Oui" not in repr(answer)


def test_an_answer_is_named_by_its_message_id():
    assert read(mail("a"), SETTINGS).mail_id == read(mail("b", Subject="x"), SETTINGS).mail_id
    assert read(mail(), SETTINGS).mail_id != read(mail(Message_ID="<2@x>"), SETTINGS).mail_id


@pytest.mark.parametrize("sender", ["anna@example.com", "ANNA@EXAMPLE.COM", '"x, y" <b@shop.example.com>'])
def test_who_is_on_the_list_may_answer(sender):
    assert read(mail(From=sender), SETTINGS).text == "Oui"


@pytest.mark.parametrize(
    "sender",
    [
        "eve@example.com",
        "anna@example.com.evil.example",
        "anna@evil.example",
        "x@a.shop.example.com",
        "anna@example.com, eve@evil.example",
        '"anna@example.com" <eve@evil.example>',
        "eve@evil.example (anna@example.com)",
        "<anna@example.com@evil.example>",
        "",
        None,
    ],
)
def test_nobody_else_may(sender):
    content = mail(From=None)
    if sender is not None:
        content = f"From: {sender}\r\n".encode() + content

    refusal = refused(content)

    assert (refusal.status, refusal.code) == (os.EX_NOPERM, "5.7.1")
    assert refusal.words == refused(mail(To="sms@sms.example.com")).words


def test_two_senders_are_none():
    assert refused(b"From: eve@evil.example\r\n" + mail()).reason == "no_single_sender"


TRUSTED = MailInSettings.from_env(ENVIRON | {"MAIL_IN_TRUSTED": "mx.example.com"})


@pytest.mark.parametrize(
    "said",
    [
        ["mx.example.com; dmarc=pass header.from=example.com"],
        ["mx.example.com 1; spf=pass dkim=pass; dmarc=pass (p=NONE) header.from=Example.com"],
        [
            "mx.example.com; dmarc=pass (policy; (nested) x) header.from=example.com",
            "evil.example; dmarc=fail",
        ],
        ["mx.example.com; spf=fail", "mx.example.com;\r\n dmarc=pass header.from=example.com"],
    ],
)
def test_an_authenticated_sender_may_answer(said):
    content = b"".join(f"Authentication-Results: {each}\r\n".encode() for each in said) + mail()

    assert read(content, TRUSTED).text == "Oui"


@pytest.mark.parametrize(
    "said",
    [
        [],
        ["evil.example; dmarc=pass header.from=example.com"],
        ["mx.example.com; dmarc=fail header.from=example.com"],
        ["mx.example.com; dmarc=none header.from=example.com"],
        ["mx.example.com; spf=pass; dkim=pass header.d=example.com"],
        ["mx.example.com; dmarc=pass header.from=evil.example"],
        ["mx.example.com; dmarc=pass"],
        ["mx.example.com; dmarc=passx header.from=example.com"],
        ["mx.example.com.evil.example; dmarc=pass header.from=example.com"],
        ["evil (mx.example.com); dmarc=pass header.from=example.com"],
        ["evil.example; x=(\r\n mx.example.com; dmarc=pass header.from=example.com"],
        # A forged one does not outweigh that of our server.
        [
            "mx.example.com; dmarc=pass header.from=example.com",
            "mx.example.com; dmarc=fail header.from=example.com",
        ],
        ["mx.example.com; spf=pass (dmarc=pass header.from=example.com)"],
        ['mx.example.com; spf=pass reason="x; dmarc=pass header.from=example.com"'],
    ],
)
def test_a_sender_who_is_not_authenticated_may_not_where_that_is_asked(said):
    content = b"".join(f"Authentication-Results: {each}\r\n".encode() for each in said) + mail()

    assert refused(content, TRUSTED).reason == "sender_not_authenticated"


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto-Submitted": "auto-replied"},
        {"Auto-Submitted": "Auto-Generated; x=y"},
        {"Precedence": "bulk"},
        {"Precedence": "AUTO_REPLY"},
        {"List-Id": "<x.y>"},
        {"List-Unsubscribe": "<mailto:x@y.z>"},
        {"X-Autoreply": "yes"},
        {"X-Failed-Recipients": "x@y.z"},
        {"Return-Path": "<>"},
        {"Content-Type": "multipart/report; boundary=x"},
        {"From": "MAILER-DAEMON@shop.example.com"},
        {"From": "no-reply@shop.example.com"},
        {"Subject": "Automatic reply: SMS"},
        {"Subject": "Réponse automatique : SMS"},
        {"Subject": "Abwesenheitsnotiz: bin weg"},
        {"Subject": "Out of Office"},
    ],
)
def test_machines_are_not_answered(headers):
    (name, value), content = next(iter(headers.items())), mail()
    kept = [
        line for line in content.split(b"\r\n") if not line.lower().startswith(f"{name}:".lower().encode())
    ]

    refusal = refused(f"{name}: {value}\r\n".encode() + b"\r\n".join(kept))

    assert (refusal.reason, refusal.status) == ("automatic", os.EX_DATAERR)


@pytest.mark.parametrize(
    "headers",
    [{"Auto_Submitted": "no"}, {"Subject": "Re: Automatic reply"}, {"X_Auto_Response_Suppress": "All"}],
)
def test_people_are(headers):
    assert read(mail(**headers), SETTINGS).text == "Oui"


def test_the_envelope_decides_to_which_reply_it_is():
    assert read(mail(To=OTHER), SETTINGS, ADDRESS).target.entry_id == ENTRY
    assert read(mail(To="desk@example.com", Cc=ADDRESS.upper()), SETTINGS).target.entry_id == ENTRY
    assert refused(mail(To=f"{ADDRESS}, {OTHER}")).reason == "several_addresses"
    assert refused(mail(), recipient="sms@sms.example.com").reason == "no_address_of_ours"


@pytest.mark.parametrize(
    ("content", "reason", "words"),
    [
        (mail("> Oui"), "no_text", "No text stands above the quoted mail"),
        (mail("x" * 460), "too_long", "has 460 characters: an SMS may have 459 here"),
        (mail("a\n> b\nc\n> d"), "interleaved", "write it above the quoted mail"),
        (mail(Message_ID=None), "no_message_id", "has no Message-ID"),
        (b"x" * (MAIL_MAX_BYTES + 1), "too_large", "too large"),
        (raw(b"x", "image/png"), "unreadable_ValueError", "cannot be read"),
    ],
)
def test_what_cannot_be_an_sms_is_refused_with_a_reason(content, reason, words):
    refusal = refused(content)

    assert refusal.reason == reason
    assert words in refusal.words


def test_an_answer_as_long_as_may_be_is_taken():
    assert len(read(mail("x" * 459), SETTINGS).text) == 459


@pytest.mark.parametrize(
    ("body", "content_type", "encoding"),
    [
        ("Été “ça” €".encode(), "text/plain; charset=utf-8", "8bit"),
        ("Été “ça” €".encode("cp1252"), "text/plain; charset=windows-1252", "8bit"),
        ("Été “ça” €".encode("cp1252"), "text/plain; charset=iso-8859-1", "8bit"),
        ("Été “ça” €".encode(), "text/plain", "8bit"),
        ("Été “ça” €".encode(), "text/plain; charset=us-ascii", "8bit"),
        ("Été “ça” €".encode(), "text/plain; charset=x-unknown", "8bit"),
        ("Été “ça” €".encode("cp1252"), "text/plain; charset=utf-8", "8bit"),
        (
            b"=C3=89t=C3=A9 =E2=80=9C=C3=A7a=E2=80=9D =\r\n=E2=82=AC",
            "text/plain; charset=utf-8",
            "quoted-printable",
        ),
        (b"w4l0w6kg4oCcw6dh4oCdIOKCrA==", "text/plain; charset=utf-8", "base64"),
        ("Été “ça” €".encode("utf-16"), "text/plain; charset=utf-16", "8bit"),
        ("<p>Été “ça” &euro;</p>".encode(), "text/html; charset=utf-8", "8bit"),
        ("Été \r\n“ça” €".encode(), "text/plain; charset=utf-8; format=flowed", "8bit"),
    ],
)
def test_a_text_is_read_in_whatever_characters_it_was_written(body, content_type, encoding):
    assert read(raw(body, content_type, encoding), SETTINGS).text == "Été “ça” €"


def test_of_a_mail_in_two_forms_the_plain_one_is_read():
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Message-ID"] = "anna@example.com", ADDRESS, "<1@x>"
    message.set_content("Plain")
    message.add_alternative("<p>HTML</p>", subtype="html")
    message.add_attachment(b"logo", maintype="image", subtype="png", filename="logo.png")

    assert read(message.as_bytes(), SETTINGS).text == "Plain"


@pytest.mark.parametrize("name", HOSTILE_TEXTS)
def test_any_text_is_taken_or_refused(name):
    content = mail(HOSTILE_TEXTS[name].encode("utf-8", "replace").decode())
    if name in {"blank", "empty", "folded", "long_word", "long_unicode", "many_lines"}:
        assert refused(content).reason in {"no_text", "too_long"}
        return

    answer = read(content, SETTINGS)

    assert not set(answer.text) & {"\0", "\r", "\x1b", "\u200b"}


@given(
    st.binary(max_size=300), st.sampled_from(["From", "To", "Content-Type", "Message-ID", "body", "Received"])
)
def test_whatever_comes_is_taken_or_refused(junk, where):
    head = f"From: anna@example.com\r\nTo: {ADDRESS}\r\nMessage-ID: <1@x>\r\n".encode()
    content = (
        head + b"\r\n" + junk
        if where == "body"
        else where.encode() + b": " + junk + b"\r\n" + head + b"\r\nOui"
    )
    try:
        answer = read(content, SETTINGS)
    except Refusal:
        return
    assert answer.text
    assert ANSWER_ABOVE not in answer.text
