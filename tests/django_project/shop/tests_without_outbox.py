"""A test of a project that has forgotten `SmsOutbox` reaches no Redis, and says what is missing."""

import os
import socket
from contextlib import contextmanager
from unittest.mock import patch

from django.core import mail
from django.core.management import call_command
from django.template import Template
from django.test import TestCase, TransactionTestCase, override_settings
from django.test.utils import instrumented_test_render

from producers.django import send_in_transaction, send_on_commit, sending
from producers.django.in_tests import is_testing
from producers.django.models import OutboxRow
from producers.testing.outbox import SmsOutbox
from producers.testing.surroundings import surroundings

PHONE = "+33612345678"
OPTIONS = {"sender": "Bistro", "purpose": "alert"}
NAMES_BOTH = r"a test would reach redis://127\.0\.0\.1:\d+/0 .* SmsOutbox .* SmsSandbox "
CONSUME = ("sms_consume", "replies", "--handler", "shop.handlers.on_reply")


class Forgotten(TransactionTestCase):
    """Commits are real, and so is the Redis that the environment names: nobody may come to it."""

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

    def test_a_commit_hands_nothing_over_without_an_outbox(self):
        with self.refused():
            self.client.post("/orders/42", {"phone": PHONE})
        with self.refused():
            send_on_commit(PHONE, "Hello", **OPTIONS)

    def test_neither_relay_nor_consumer_starts_without_an_outbox(self):
        with self.refused():
            call_command("sms_outbox_relay", once=True)
        with self.refused():
            call_command(*CONSUME)

    def test_what_an_outbox_was_opened_for_before_does_not_count(self):
        with SmsOutbox():
            with SmsOutbox():
                send_in_transaction(PHONE, "within two", **OPTIONS)
            send_in_transaction(PHONE, "within one", **OPTIONS)
        self.assertEqual(OutboxRow.objects.count(), 0)

        with self.refused():
            send_in_transaction(PHONE, "Hello", **OPTIONS)

    def test_a_sandbox_lets_everything_pass(self):
        # As `SmsSandbox` opens it: the processes are not needed here. Nobody answers, which is a log line.
        with (
            surroundings({"REDIS_URL": "redis://127.0.0.1:1/0"}),
            self.assertLogs("producers.django", "WARNING") as log,
        ):
            send_in_transaction(PHONE, "Hello", **OPTIONS)
        self.assertIn("QueueUnavailable at redis://127.0.0.1:1/0", log.output[0])

    def test_outside_of_tests_nothing_is_refused(self):
        with patch.dict(os.environ, REDIS_URL="redis://127.0.0.1:1/0"):
            for undone in self.outside_of_tests():
                self.begin_anew()
                with undone, self.assertLogs("producers.django", "WARNING") as log:
                    self.assertFalse(is_testing())
                    send_in_transaction(PHONE, "Hello", **OPTIONS)
                self.assertIn("QueueUnavailable at redis://127.0.0.1:1/0", log.output[0])

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


class NotCommitted(TestCase):
    """As most projects test: what nobody commits was never handed over."""

    @override_settings(OCTOPUSH={"REDIS_URL": "redis://127.0.0.1:1/0"})
    def test_without_a_commit_no_outbox_is_needed(self):
        self.client.post("/orders/42", {"phone": PHONE})
        self.assertEqual(OutboxRow.objects.count(), 1)
        with (
            self.assertRaisesRegex(RuntimeError, NAMES_BOTH),
            self.captureOnCommitCallbacks(execute=True),
        ):
            self.client.post("/orders/43", {"phone": PHONE})
