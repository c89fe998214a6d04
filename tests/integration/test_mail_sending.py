"""Mails on their way to a real SMTP server: what each of its answers means for one mail and for all."""

import ssl
from collections.abc import Iterator

import pytest

from producers.contract.secret import Secret
from tests.support.smtp_server import (
    DROP,
    HANG,
    PASSWORD,
    TAKE_AND_DROP,
    USER,
    SmtpServer,
    certificate,
)
from tests.support.waiting import until
from worker.forwarding.outcomes import Delivered, Halted, Refused, Unreachable
from worker.mail import smtp_connection
from worker.mail.mail_server import MailServer
from worker.mail.postbox import BATCH_MAX, Postbox
from worker.mail.smtp_connection import REFUSED_PROBE_S, Mail

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")

CONTENT = b"Subject: x\r\nMessage-ID: <1@x>\r\n\r\n.dots\r\n.\r\nMAIL FROM:<x>\r\n"
MAIL = Mail("sms@example.com", ("desk@example.com",), CONTENT)


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as running:
        yield running


@pytest.fixture
def postbox(server) -> Iterator[Postbox]:
    box = Postbox(MailServer("127.0.0.1", server.port, "plain"))
    yield box
    box.close()


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("tls"))


def trusting(tls) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=tls)


def login(server: SmtpServer, security, password: str = PASSWORD) -> MailServer:
    return MailServer("127.0.0.1", server.port, security, USER, Secret(password))


def test_a_mail_arrives_byte_for_byte(server, postbox):
    assert postbox.hand_in(MAIL) == Delivered()

    assert server.taken == [("sms@example.com", ["desk@example.com"], CONTENT)]


def test_mails_of_a_batch_share_a_connection_that_ends_when_there_are_no_more(server, postbox):
    for _ in range(3):
        assert postbox.hand_in(MAIL) == Delivered()

    assert (len(server.taken), server.connections) == (3, 1)
    until(lambda: "QUIT" in server.commands)
    assert postbox.hand_in(MAIL) == Delivered()
    assert server.connections == 2


def test_a_long_batch_takes_new_connections(server, postbox):
    for _ in range(BATCH_MAX + 1):
        postbox.hand_in(MAIL)

    assert (len(server.taken), server.connections) == (BATCH_MAX + 1, 2)


def test_a_kept_connection_that_was_lost_costs_nothing(server, postbox):
    postbox.hand_in(MAIL)
    server.fail("MAIL", DROP)

    assert postbox.hand_in(MAIL) == Delivered()
    assert (len(server.taken), server.connections) == (2, 2)


@pytest.mark.parametrize("implicit", [True, False])
def test_a_login_goes_over_tls(tls, implicit):
    with SmtpServer(tls, implicit=implicit, login=True) as server:
        box = Postbox(login(server, "tls" if implicit else "starttls"), trusting(tls))

        assert box.hand_in(MAIL) == Delivered()
        box.close()

    assert len(server.taken) == 1


@pytest.mark.parametrize("implicit", [True, False])
def test_a_certificate_that_nobody_trusts_holds_all_mails_and_learns_no_password(tls, implicit):
    with SmtpServer(tls, implicit=implicit, login=True) as server:
        outcome = Postbox(login(server, "tls" if implicit else "starttls")).hand_in(MAIL)

    assert isinstance(outcome, Halted)
    assert outcome.why.startswith("SSLCertVerificationError")
    assert "AUTH" not in server.commands


def test_without_starttls_nothing_is_said(server):
    outcome = Postbox(login(server, "starttls")).hand_in(MAIL)

    assert outcome == Halted("SMTPNotSupportedError at STARTTLS", lasting=False, probe_s=5.0)
    assert server.commands == ["EHLO"]


def test_a_wrong_password_holds_all_mails_and_is_not_tried_often(tls):
    with SmtpServer(tls, implicit=True, login=True) as server:
        outcome = Postbox(login(server, "tls", "wrong"), trusting(tls)).hand_in(MAIL)

    assert outcome == Halted("535 5.7.8 at AUTH", lasting=False, probe_s=REFUSED_PROBE_S)


def test_a_login_that_is_refused_for_now_is_tried_soon(tls):
    with SmtpServer(tls, implicit=True, login=True) as server:
        server.always("AUTH", "454 4.7.0 Later")
        outcome = Postbox(login(server, "tls"), trusting(tls)).hand_in(MAIL)

    assert outcome == Halted("454 4.7.0 at AUTH", lasting=False, probe_s=5.0)


@pytest.mark.parametrize(
    ("step", "answer", "why"),
    [
        ("CONNECT", DROP, "SMTPServerDisconnected at connect"),
        ("EHLO", DROP, "SMTPServerDisconnected at EHLO"),
        ("MAIL", "451 4.3.0 Later", "451 4.3.0 at MAIL"),
        ("MAIL", "421 4.3.2 Bye", "421 4.3.2 at MAIL"),
        ("MAIL", "452 Insufficient storage", "452 at MAIL"),
    ],
)
def test_what_is_said_before_a_mail_is_named_is_said_to_all(server, postbox, step, answer, why):
    server.fail(step, answer)

    outcome = postbox.hand_in(MAIL)

    assert isinstance(outcome, Halted)
    assert (outcome.lasting, outcome.probe_s) == (False, 5.0)
    assert outcome.why == why or "Reset" in outcome.why
    assert postbox.hand_in(MAIL) == Delivered()


def test_our_address_refused_holds_all_mails(server, postbox):
    server.fail("MAIL", "553 5.7.1 Not yours")

    assert postbox.hand_in(MAIL) == Halted("553 5.7.1 at MAIL", lasting=False, probe_s=REFUSED_PROBE_S)


def test_a_server_that_is_away_is_asked_less_and_less_often(server, postbox):
    server.stop()

    asked = [postbox.hand_in(MAIL).probe_s for _ in range(10)]

    assert asked == [5, 10, 20, 40, 80, 160, 320, 600, 600, 600]
    server.start()
    assert postbox.hand_in(MAIL) == Delivered()
    server.stop()
    postbox.close()
    assert postbox.hand_in(MAIL).probe_s == 5


@pytest.mark.parametrize("step", ["RCPT", "DATA", "BODY"])
def test_a_mail_refused_for_now_comes_again(server, postbox, step):
    server.fail(step, "451 4.7.1 Greylisted")
    where = "DATA" if step == "BODY" else step

    assert postbox.hand_in(MAIL) == Unreachable(f"451 4.7.1 at {where}")
    assert server.taken == []
    assert postbox.hand_in(MAIL) == Delivered()


@pytest.mark.parametrize("step", ["RCPT", "DATA", "BODY"])
def test_a_mail_refused_for_ever_is_a_dead_letter(server, postbox, step):
    server.fail(step, "550 5.1.1 No such user: secret@example.com")
    where = "DATA" if step == "BODY" else step

    assert postbox.hand_in(MAIL) == Refused(f"550 5.1.1 at {where}")
    assert postbox.hand_in(MAIL) == Delivered()


@pytest.mark.parametrize(("step", "taken"), [("RCPT", 0), ("DATA", 0), ("BODY", 0), ("BODY", 1)])
def test_a_lost_connection_brings_the_mail_again(server, postbox, step, taken):
    server.fail(step, TAKE_AND_DROP if taken else DROP)

    outcome = postbox.hand_in(MAIL)

    assert isinstance(outcome, Unreachable)
    assert outcome.why.endswith("at RCPT" if step == "RCPT" else "at DATA")
    assert len(server.taken) == taken
    assert postbox.hand_in(MAIL) == Delivered()


def test_a_quit_that_fails_takes_nothing_back(server, postbox):
    server.fail("QUIT", "421 No", DROP)

    assert postbox.hand_in(MAIL) == Delivered()
    postbox.close()
    assert postbox.hand_in(MAIL) == Delivered()
    postbox.close()
    assert len(server.taken) == 2


def test_a_server_that_does_not_answer_is_given_up(server, postbox, monkeypatch):
    monkeypatch.setattr(smtp_connection, "TAKEN_S", 0.1)
    server.fail("BODY", HANG)

    assert postbox.hand_in(MAIL) == Unreachable("SMTPServerDisconnected at DATA")
    assert postbox.hand_in(MAIL) == Delivered()


def test_a_mail_takes_only_so_long_whatever_the_server_does(server):
    box = Postbox(MailServer("127.0.0.1", server.port, "plain"), mail_max_s=0.2)
    server.fail("BODY", HANG)

    assert isinstance(box.hand_in(MAIL), Unreachable)


def test_of_several_recipients_one_that_must_wait_keeps_the_mail_from_all(server, postbox):
    both = Mail(MAIL.sender, ("a@example.com", "b@example.com"), CONTENT)
    server.fail("RCPT b@example.com", "450 4.2.0 Later")

    assert postbox.hand_in(both) == Unreachable("450 4.2.0 at RCPT")
    assert server.taken == []
    assert postbox.hand_in(both) == Delivered()
    assert server.taken[0].recipients == ["a@example.com", "b@example.com"]


def test_of_several_recipients_one_that_does_not_exist_keeps_it_from_none_and_is_told(server, postbox):
    both = Mail(MAIL.sender, ("a@example.com", "b@example.com"), CONTENT)
    server.fail("RCPT b@example.com", "550 5.1.1 Unknown")

    outcome = postbox.hand_in(both)

    assert outcome == Refused("550 5.1.1 at RCPT for 1 of 2 recipients, the others have it")
    assert server.taken[0].recipients == ["a@example.com"]


def test_what_the_server_says_is_never_repeated(server, postbox):
    server.fail("BODY", "550 5.7.1 +33612345678 wrote spam to secret@example.com")

    assert "secret" not in repr(postbox.hand_in(MAIL))
    assert "desk" not in repr(MAIL)
