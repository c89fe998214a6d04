"""``forward-email`` on real Redis and a real mail server: each reply as one mail, come what may."""

import json
import threading
from collections.abc import Iterator

import pytest

from producers.contract.events import to_fields
from producers.contract.keys import Keys
from producers.contract.secret import Secret
from producers.contract.steps import drive
from tests.support.callbacks_by_hand import CallbacksByHand
from tests.support.callbacks_by_hand import reply as callback
from tests.support.forward_email_process import ForwardEmailProcess
from tests.support.forwarding import pass_time, reply
from tests.support.hand_worker import HandWorker
from tests.support.hostile_texts import HOSTILE_TEXTS
from tests.support.smtp_server import DROP, HANG, TAKE_AND_DROP, TAKE_AND_HANG, SmtpServer
from tests.support.waiting import until
from worker.gateway.outcomes import Accepted
from worker.inquiry import forwarders
from worker.mail.forward_email import LEASE_MS, NAME
from worker.mail.reply_address import ReplyAddresses
from worker.operator.forwarder_decisions import ForwarderDecisions
from worker.presentation.visible import visible

KEYS = Keys()
SECRET = "0123456789abcdef" * 3


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as running:
        yield running


@pytest.fixture
def process(tmp_path, redis_client, redis_url, server) -> Iterator[ForwardEmailProcess]:
    environ = {
        "REDIS_URL": redis_url,
        "MAIL_URL": f"smtp://127.0.0.1:{server.port}",
        "MAIL_FROM": "sms@example.com",
        "MAIL_TO": "desk@example.com",
        "MAIL_ROUTES": "country:BE = nobody; campaign:spring = shop@example.com",
        "MAIL_REPLY_DOMAIN": "sms.example.com",
        "MAIL_SECRET": SECRET,
        "CONSOLE_URL": "https://console.example.com",
    }
    running = ForwardEmailProcess(tmp_path / "log", environ)
    begin(redis_client)
    running.start()
    until(lambda: "forward.started" in running.output, 30)
    yield running
    running.kill()
    assert "+33612345678" not in running.output
    assert "desk@" not in running.output


def begin(redis_client) -> None:
    """Make the group, so that what a test adds before the process is up is forwarded, too."""
    redis_client.xgroup_create(KEYS.stream("replies"), f"forward:{NAME}", "$", mkstream=True)


def arrive(redis_client, *event_ids: str, **changes: str) -> list[str]:
    """Let replies come; return the ids of their entries."""
    entries = [to_fields(reply(event_id)) | changes for event_id in event_ids]
    return [redis_client.xadd(KEYS.stream("replies"), entry).decode() for entry in entries]


def state(redis_client) -> forwarders.ForwarderState:
    return drive(forwarders.states(KEYS, [NAME]), redis_client)[0]


def mail_ids(server: SmtpServer) -> list[str]:
    return [mail.mail_id for mail in server.taken]


def all_delivered(redis_client) -> bool:
    found = state(redis_client)
    return found.waiting == 0 and found.heard_ms is not None


def names(*event_ids: str) -> list[str]:
    return [f"<reply.{event_id}@example.com>" for event_id in event_ids]


def test_each_reply_is_one_mail(process, redis_client, server):
    event_ids = [f"r{number}" for number in range(20)]
    arrive(redis_client, *event_ids)

    until(lambda: len(server.taken) >= 20)
    until(lambda: all_delivered(redis_client))

    assert sorted(mail_ids(server)) == sorted(names(*event_ids))
    assert {(mail.sender, *mail.recipients) for mail in server.taken} == {
        ("sms@example.com", "desk@example.com")
    }
    assert server.connections < 20
    assert process.terminate() == 0


def test_a_mail_tells_what_it_answers_and_how_to_answer_it(process, sms, redis_client, server):
    worker = HandWorker(redis_client)
    callbacks = CallbacksByHand(redis_client, worker.ledger)
    sms.send("+33612345678", "Table at eight?", sender="Bistro", purpose="alert", with_replies=True)
    for claim in worker.take():
        worker.finish(claim, Accepted("sms_1"))
    callbacks.bring(callback("+33612345678", "Oui", "sms_1"))

    until(lambda: server.taken)

    mail = server.taken[0]
    key = sms.conversation("+33612345678").key
    assert "\r\n\r\n    Oui\r\n\r\nThis answers your SMS of " in mail.text
    assert ", Paris time:\r\n\r\n    Table at eight?\r\n\r\n" in mail.text
    assert f"Conversation: https://console.example.com/conversations/{key}\r\n" in mail.text
    assert mail.message["References"] == f"<talk.{key}@example.com>"
    claim = ReplyAddresses("sms.example.com", [Secret(SECRET)]).read(str(mail.message["Reply-To"]))
    (entry,) = redis_client.xrange(KEYS.stream("replies"))
    assert claim
    assert claim.entry_id == entry[0].decode()


def test_replies_of_a_conversation_thread_by_country_and_campaign_to_whom_they_concern(
    process, redis_client, server
):
    redis_client.hset(KEYS.record("spring.1"), mapping={"campaign": "spring"})
    arrive(redis_client, "r1", "r2")
    arrive(redis_client, "r3", country="BE")
    arrive(redis_client, "r4", request_id="spring.1")

    until(lambda: len(server.taken) >= 3)
    until(lambda: all_delivered(redis_client))

    first, second, third = server.taken
    assert [each.recipients for each in server.taken] == [["desk@example.com"]] * 2 + [["shop@example.com"]]
    assert "Campaign:     spring" in third.text
    assert first.message["In-Reply-To"] != first.message["Message-ID"]
    assert first.message["Message-ID"] != second.message["Message-ID"]


@pytest.mark.parametrize("step", ["EHLO", "MAIL"])
def test_a_server_that_is_away_costs_no_mail_an_attempt(process, redis_client, server, step):
    server.always(step, "451 4.3.0 Later")
    arrive(redis_client, *(f"r{number}" for number in range(8)))
    for count in range(1, 6):
        until(lambda count=count: state(redis_client).tried["halted"] >= count)
        pass_time(redis_client, KEYS, NAME, 600)
    until(lambda: state(redis_client).tried["halted"] >= 6)
    server.always(step, None)
    waiting = drive(forwarders.waiting(KEYS, NAME), redis_client)
    assert {each.attempts for each in waiting} <= {0, 1}
    pass_time(redis_client, KEYS, NAME, 600)
    until(lambda: len(server.taken) == 8)
    until(lambda: not state(redis_client).held)
    assert (sorted(mail_ids(server)), state(redis_client).dead) == (
        sorted(names(*(f"r{n}" for n in range(8)))),
        0,
    )


def test_a_server_that_was_stopped_gets_all_mails_later(process, redis_client, server):
    server.stop()
    arrive(redis_client, "r1", "r2")
    until(lambda: state(redis_client).held)

    server.start()
    pass_time(redis_client, KEYS, NAME, 10)

    until(lambda: sorted(mail_ids(server)) == names("r1", "r2"))


def test_a_mail_that_is_refused_for_now_comes_again(process, redis_client, server):
    server.fail("BODY", "451 4.7.1 Later", "451 4.7.1 Later")
    arrive(redis_client, "r1")
    for count in (1, 2):
        until(lambda count=count: state(redis_client).tried["unreachable"] == count)
        assert server.taken == []
        pass_time(redis_client, KEYS, NAME, 15)

    until(lambda: mail_ids(server) == names("r1"))


def test_a_mail_that_is_refused_for_ever_is_a_dead_letter_that_can_be_replayed(process, redis_client, server):
    server.fail("BODY", "550 5.7.1 Spam")
    arrive(redis_client, "r1", "r2")
    until(lambda: mail_ids(server) == names("r2"))
    until(lambda: state(redis_client).dead == 1)
    (letter,) = drive(forwarders.dead(KEYS, NAME), redis_client).rows
    assert (letter.event_id, letter.why) == ("r1", "550 5.7.1 at DATA")

    assert ForwarderDecisions(redis_client, KEYS, NAME, "anna").replay_dead() == 1

    until(lambda: mail_ids(server) == names("r2", "r1"))


def test_an_entry_that_nobody_can_read_is_a_dead_letter_and_keeps_no_other(process, redis_client, server):
    arrive(redis_client, "r1", v="999")
    arrive(redis_client, "r2")

    until(lambda: mail_ids(server) == names("r2"))

    until(lambda: state(redis_client).dead == 1)


def test_a_refused_login_holds_all_and_a_new_start_tries_at_once(process, redis_client, server):
    server.always("MAIL", "530 5.7.0 Authentication required")
    arrive(redis_client, "r1")
    until(lambda: state(redis_client).held)
    process.kill()

    server.always("MAIL", None)
    process.start()

    until(lambda: mail_ids(server) == names("r1"))
    assert not state(redis_client).held


def test_a_pause_survives_a_new_start(process, redis_client, server):
    until(lambda: state(redis_client).heard_ms)
    process.kill()
    ForwarderDecisions(redis_client, KEYS, NAME, "anna").pause()
    process.start()
    arrive(redis_client, "r1")
    until(lambda: state(redis_client).waiting == 1)

    assert server.connections == 0
    ForwarderDecisions(redis_client, KEYS, NAME, "anna").resume()
    until(lambda: mail_ids(server) == names("r1"))


@pytest.mark.parametrize(
    ("step", "fault", "reached", "taken"),
    [
        ("EHLO", HANG, "EHLO", 0),
        ("MAIL", HANG, "MAIL", 0),
        ("RCPT", HANG, "RCPT", 0),
        ("DATA", HANG, "354", 0),
        ("BODY", HANG, "DATA", 0),
        ("BODY", TAKE_AND_HANG, "DATA", 1),
    ],
)
def test_a_kill_at_any_step_loses_nothing(process, redis_client, server, step, fault, reached, taken):
    server.fail(step, fault)
    arrive(redis_client, "r1")
    until(lambda: reached in server.commands and len(server.taken) == taken)

    process.kill()
    pass_time(redis_client, KEYS, NAME, LEASE_MS / 1000)
    process.start()

    # Twice only where the server's answer was lost, and then under the same name.
    until(lambda: len(server.taken) == taken + 1 and all_delivered(redis_client))
    assert set(mail_ids(server)) == set(names("r1"))


def test_a_kill_before_the_answer_is_recorded_brings_the_mail_again_under_its_name(
    process, redis_client, server
):
    server.on_taken = lambda: redis_client.client_pause(60_000, all=False)
    arrive(redis_client, "r1")
    until(lambda: server.taken)
    process.kill()
    server.on_taken = lambda: None
    redis_client.client_unpause()

    pass_time(redis_client, KEYS, NAME, LEASE_MS / 1000)
    process.start()

    until(lambda: len(server.taken) == 2 and all_delivered(redis_client))
    assert mail_ids(server) == names("r1", "r1")


@pytest.mark.parametrize("fault", [DROP, TAKE_AND_DROP])
def test_a_lost_connection_brings_the_mail_again_under_its_name(process, redis_client, server, fault):
    server.fail("BODY", fault)
    arrive(redis_client, "r1")
    until(lambda: state(redis_client).tried["unreachable"] == 1)

    pass_time(redis_client, KEYS, NAME, 10)

    until(lambda: all_delivered(redis_client))
    assert mail_ids(server) == names("r1") * (2 if fault == TAKE_AND_DROP else 1)


def test_a_stop_waits_for_the_mail_under_way(process, redis_client, server):
    arrived, go = threading.Event(), threading.Event()
    server.on_taken = lambda: (arrived.set(), go.wait(30))
    arrive(redis_client, "r1")
    assert arrived.wait(15)

    process.ask_to_stop()
    assert state(redis_client).waiting == 1
    go.set()

    assert process.wait() == 0

    assert all_delivered(redis_client)


def test_two_processes_share_the_mails(process, tmp_path, redis_client, server):
    other = ForwardEmailProcess(tmp_path / "other", process.environ).start()
    event_ids = [f"r{number}" for number in range(40)]
    arrive(redis_client, *event_ids)

    until(lambda: len(server.taken) >= 40 and all_delivered(redis_client))
    other.kill()

    assert sorted(mail_ids(server)) == sorted(names(*event_ids))


def test_every_hostile_text_arrives_in_its_place(process, redis_client, server):
    texts = {f"h{number}": text for number, text in enumerate(HOSTILE_TEXTS.values()) if _is_sent(text)}
    for event_id, text in texts.items():
        arrive(redis_client, event_id, text=text, context=json.dumps({"x": text}))

    until(lambda: len(server.taken) >= len(texts))

    by_id = {mail.mail_id: mail for mail in server.taken}
    assert len(by_id) == len(server.taken) == len(texts)
    for event_id, text in texts.items():
        mail = by_id[f"<reply.{event_id}@example.com>"]
        assert mail.recipients == ["desk@example.com"]
        assert mail.message["Bcc"] is None
        shown = visible(text, lines=True) if text.strip() else "(no text)"
        assert "\n".join("    " + line for line in shown.split("\n")) in mail.text.replace("\r\n", "\n")


def _is_sent(text: str) -> bool:
    """Say whether a text can be in Redis at all: half a character cannot."""
    return text.isprintable() or text.encode("utf-8", "ignore").decode() == text


def test_a_test_mail_tries_out_the_way(process, redis_client, server):
    until(lambda: state(redis_client).heard_ms)

    test_id = ForwarderDecisions(redis_client, KEYS, NAME, "anna").test()

    until(lambda: mail_ids(server) == names(test_id))
    assert server.taken[0].recipients == ["desk@example.com", "shop@example.com"]


def test_wrong_settings_are_named_and_nothing_starts(tmp_path, redis_url):
    process = ForwardEmailProcess(tmp_path / "log", {"REDIS_URL": redis_url, "MAIL_URL": "smtp://a:geheim@x"})

    assert process.start().wait() == 1

    assert "MAIL_FROM: is required" in process.output
    assert "geheim" not in process.output
