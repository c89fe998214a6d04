"""A test of a project that has forgotten `SmsOutbox` reaches no Redis, and says what is missing."""

import os
import socket
from contextlib import contextmanager
from unittest.mock import patch

from django.core import mail
from django.core.management import call_command
from django.db import transaction
from django.template import Template
from django.test import SimpleTestCase, TestCase, TransactionTestCase, override_settings
from django.test.utils import instrumented_test_render

from producers import Message, QueueUnavailable
from producers.django import get_producer, send_in_transaction, send_on_commit, sending
from producers.django.in_tests import is_testing
from producers.django.models import OutboxRow
from producers.testing.outbox import SmsOutbox
from producers.testing.surroundings import surroundings

PHONE = "+33612345678"
TOKEN = "kX7canary0123456789Zq"
OPTIONS = {"sender": "Bistro", "purpose": "alert"}
NAMES_BOTH = r"a test would reach redis://127\.0\.0\.1:\d+/0 .* SmsOutbox .* SmsSandbox "
CONSUME = ("sms_consume", "replies", "--handler", "shop.handlers.on_reply")


class RealRedis:
    """The Redis that the environment names is real, as far as anybody can tell: nobody may come to it."""

    def setUp(self):
        self.redis = self.enterContext(socket.create_server(("127.0.0.1", 0)))
        self.redis.setblocking(False)
        url = f"redis://127.0.0.1:{self.redis.getsockname()[1]}/0"
        self.enterContext(patch.dict(os.environ, REDIS_URL=url))
        self.begin_anew()

    def begin_anew(self):
        sending.begin_anew()
        self.addCleanup(sending.begin_anew)

    @contextmanager
    def refused(self):
        with self.assertRaisesRegex(RuntimeError, NAMES_BOTH):
            yield
        with self.assertRaises(BlockingIOError):
            self.redis.accept()


class RealCommits(RealRedis, TransactionTestCase):
    """Commits are real, too."""

    def test_a_commit_hands_nothing_over_without_an_outbox(self):
        with self.refused():
            self.client.post("/orders/42", {"phone": PHONE})
        with self.refused():
            send_on_commit(PHONE, "Hello", **OPTIONS)

        # One that was open before does not count, and one that is open around another one does.
        with SmsOutbox() as sms:
            with SmsOutbox() as another:
                send_in_transaction(PHONE, "within two", **OPTIONS)
            send_in_transaction(PHONE, "within one", **OPTIONS)
        with self.refused():
            send_in_transaction(PHONE, "Hello", **OPTIONS)
        self.assertEqual([each.text for each in another.sent + sms.sent], ["within two", "within one"])


class Forgotten(RealRedis, TestCase):
    """As most projects test."""

    def test_without_a_commit_no_outbox_is_needed(self):
        self.client.post("/orders/42", {"phone": PHONE})
        self.assertEqual(OutboxRow.objects.count(), 1)
        with self.refused(), self.captureOnCommitCallbacks(execute=True):
            self.client.post("/orders/43", {"phone": PHONE})

    def test_neither_relay_nor_consumer_starts_without_an_outbox(self):
        with self.refused():
            call_command("sms_outbox_relay", once=True)
        with self.refused():
            call_command(*CONSUME)

    def test_the_producer_of_the_process_is_made_and_asks_nothing_without_an_outbox(self):
        kept = get_producer()
        message = Message(PHONE, "Hello", **OPTIONS)
        for ask in (
            lambda: kept.send(PHONE, "Hello", **OPTIONS),
            lambda: kept.send_many([message]),
            lambda: kept.status("order-42"),
        ):
            with self.refused():
                ask()

        with SmsOutbox() as sms:
            kept.send_many([message])
            sms.assert_sent(to=PHONE)

    def test_a_callback_that_a_test_posts_reaches_no_worker_without_an_outbox(self):
        with (
            override_settings(OCTOPUSH={"CALLBACK_TOKENS": TOKEN}),
            self.assertLogs("producers.django.callbacks"),
            self.refused(),
        ):
            self.client.post(f"/hooks/sms/{TOKEN}", {}, content_type="application/json")

    def test_a_sandbox_lets_everything_pass(self):
        # As `SmsSandbox` opens it: the processes are not needed here. Nobody answers, which is a log line.
        with surroundings({"REDIS_URL": "redis://127.0.0.1:1/0"}):
            self.asks_nobody()

    def asks_nobody(self):
        with (
            self.assertLogs("producers.django", "ERROR") as log,
            self.captureOnCommitCallbacks(execute=True),
        ):
            send_on_commit(PHONE, "Hello", **OPTIONS)
        self.assertIn("QueueUnavailable at redis://127.0.0.1:1/0", log.output[0])

    def test_outside_of_tests_nothing_is_refused(self):
        with patch.dict(os.environ, REDIS_URL="redis://127.0.0.1:1/0"):
            for undone in self.outside_of_tests():
                self.begin_anew()
                with undone:
                    self.assertFalse(is_testing())
                    self.asks_nobody()

    def outside_of_tests(self):
        """Each of the two alone is what a developer may have: mails in memory, or a tool for templates."""
        self.assertTrue(is_testing())
        yield patch.object(Template, "_render", lambda template, context: "")
        self.assertIs(Template._render, instrumented_test_render)
        without_mails = patch.dict(vars(mail))
        without_mails.start()
        self.addCleanup(without_mails.stop)
        del mail.outbox
        yield patch.dict(os.environ)


class SaidByAFailure(TestCase):
    """`assert_sent` says what a commit or a relay would have handed over."""

    def setUp(self):
        self.sms = self.enterContext(SmsOutbox())

    def said(self, **wanted):
        with self.assertRaises(AssertionError) as failure:
            self.sms.assert_sent(**wanted)
        first, *said = str(failure.exception).splitlines()
        self.assertIn("matched", first)
        return [line for line in said if "waiting for" in line]

    def test_what_waits_for_a_commit_is_said_until_it_has_come(self):
        with self.captureOnCommitCallbacks() as callbacks:
            self.client.post("/orders/42", {"phone": PHONE})
            send_on_commit(PHONE, "Hello", **OPTIONS)
        [line] = self.said(to=PHONE)
        self.assertRegex(line, r"^  2 SMS .* a commit: captureOnCommitCallbacks\(execute=True\)")

        for each in callbacks:
            each()
        self.sms.assert_sent(to=PHONE, times=2)
        # Too many of them wait for nothing, and neither do those that are missing for another reason.
        self.assertEqual(self.said(to=PHONE) + self.said(text="canary"), [])
        send_on_commit(PHONE, "one more", **OPTIONS)
        self.assertEqual((len(self.said(text="canary")), self.said(to=PHONE)), (1, []))

    def test_what_was_rolled_back_or_refused_waits_for_nothing(self):
        with self.assertRaises(ZeroDivisionError), transaction.atomic():
            send_in_transaction(PHONE, "Hello", **OPTIONS)
            send_on_commit(PHONE, "Hello", **OPTIONS)
            1 / 0  # noqa: B018
        send_in_transaction(PHONE, "Hello", request_id="refused", **OPTIONS)
        OutboxRow.objects.update(error="refused by a person")

        self.assertEqual(self.said(), [])

    def test_what_a_commit_could_not_hand_over_waits_for_the_relay(self):
        self.sms.fail_next(QueueUnavailable)
        with self.assertLogs("producers.django"), self.captureOnCommitCallbacks(execute=True):
            send_in_transaction(PHONE, "Hello", **OPTIONS)
        [line] = self.said(to=PHONE)
        self.assertRegex(line, r'^  1 SMS .* the relay: call_command\("sms_outbox_relay", once=True\)')

        call_command("sms_outbox_relay", once=True, verbosity=0)
        self.sms.assert_sent(to=PHONE)


class NoDatabase(SimpleTestCase):
    """A test that may ask no database."""

    def test_a_failure_is_that_of_the_test(self):
        with SmsOutbox() as sms, self.assertRaisesRegex(AssertionError, r"0 SMS of 0 matched\Z"):
            sms.assert_sent(to=PHONE)
