"""What the shop's own team tests, with Django's own test classes and no pytest: ``manage.py test``."""

import json
import logging
import os
import re
import signal
import threading
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import Mock, patch

from django.core import checks, mail
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, connections, transaction
from django.test import TestCase, TransactionTestCase, override_settings
from django.urls import include, path

from producers import CallbackIntake, Feed, InvalidMessage, Producer, QueueUnavailable, RequestIdConflict
from producers.contract.prices import tariff_name
from producers.django import (
    consuming,
    get_producer,
    outbox,
    send_in_transaction,
    send_on_commit,
    to_e164,
)
from producers.django.log_filter import HideCallbacks
from producers.django.management import tables
from producers.django.models import HandledEvent, OutboxRow
from producers.django.settings import web_settings
from producers.errors import ConfigError
from producers.intake.raw_callback import RawCallback
from producers.outbox.relay import Relay
from producers.testing.outbox import SmsOutbox
from producers.testing.surroundings import region_of_the_application
from shop.models import Order

PHONE = "+33612345678"
TOKEN = "kX7canary0123456789Zq"
TOKENS = {"CALLBACK_TOKENS": [TOKEN]}
OPTIONS = {"sender": "Bistro", "purpose": "alert"}
#: What a project may do, too: see the test that names this module as its URLs.
urlpatterns = (path("", include("producers.django.urls")),)


def called(*arguments, **options):
    """Call a command, and return what it printed."""
    printed = StringIO()
    call_command(*arguments, stdout=printed, **options)
    return printed.getvalue()


@contextmanager
def committing_by_hand():
    """Switch autocommit off, as a project may; what nobody has committed at the end is lost."""
    with patch.dict(connection.settings_dict, AUTOCOMMIT=False):
        transaction.set_autocommit(False)
        try:
            yield
        finally:
            transaction.rollback()
    transaction.set_autocommit(True)


@contextmanager
def busy(group, event_id):
    """Let another connection hold what the handling of an event writes to."""
    other = connection.copy()
    waits = {} if connection.vendor == "sqlite" else {"options": "-c lock_timeout=100"}
    try:
        with other.cursor() as cursor, patch.dict(connection.settings_dict["OPTIONS"], waits):
            if connection.vendor == "sqlite":
                cursor.execute("BEGIN IMMEDIATE")
            else:
                connection.close()
                cursor.execute("BEGIN")
                row = [group, event_id]
                columns = '"group", event_id, handled_at'
                cursor.execute(f"INSERT INTO sms_handled_event ({columns}) VALUES (%s, %s, now())", row)
            yield
            cursor.execute("ROLLBACK")
    finally:
        other.close()


class Orders(TestCase):
    """A view, as most projects test theirs: nothing of a test is ever committed."""

    def setUp(self):
        self.sms = self.enterContext(SmsOutbox())

    def test_an_order_sends_its_sms_once_its_transaction_has_committed(self):
        with self.captureOnCommitCallbacks(execute=True):
            self.assertEqual(self.client.post("/orders/42", {"phone": PHONE}).status_code, 200)
            self.sms.assert_nothing_sent()

        sms = self.sms.assert_sent(to=PHONE, text="Order 42: do you come?", context={"order": 42})
        self.assertEqual((sms.request_id, OutboxRow.objects.count()), ("order-42", 0))

    def test_without_a_commit_nothing_is_sent(self):
        self.client.post("/orders/42", {"phone": PHONE})

        self.sms.assert_nothing_sent()

    def test_a_test_may_run_the_relay_instead(self):
        self.client.post("/orders/42", {"phone": PHONE})

        self.assertIn("queued 1, refused 0", called("sms_outbox_relay", once=True))
        self.sms.assert_sent(times=1)

    def test_sending_on_commit_waits_for_the_commit(self):
        with self.captureOnCommitCallbacks(execute=True):
            request_id = send_on_commit(PHONE, "Hello", **OPTIONS)
            self.sms.assert_nothing_sent()

        self.assertEqual(self.sms.assert_sent(text="Hello").request_id, request_id)

    def test_sending_on_commit_loses_what_redis_does_not_take_and_says_so(self):
        self.sms.fail_next(QueueUnavailable)
        with self.assertLogs("producers.django", "ERROR") as log, self.captureOnCommitCallbacks(execute=True):
            request_id = send_on_commit(PHONE, "Hello", **OPTIONS)

        self.sms.assert_nothing_sent()
        self.assertIn(request_id, log.output[0])
        self.assertNotIn("Hello", log.output[0])

    def test_a_bad_message_is_refused_before_anything_is_written(self):
        for send in (send_on_commit, send_in_transaction):
            with self.assertRaises(InvalidMessage) as raised:
                send("+33 12", "Hello", request_id="x" * 37, **OPTIONS)
            self.assertEqual({*raised.exception.fields}, {"recipients[0].phone_number", "request_id"})
            with self.assertRaisesRegex(TypeError, "nobody"):
                send(PHONE, "Hello", nobody=1, **OPTIONS)
        self.assertEqual(OutboxRow.objects.count(), 0)


class Outbox(TransactionTestCase):
    """The outbox with real commits."""

    def setUp(self):
        self.sms = self.enterContext(SmsOutbox())

    def write(self, request_id, text="Hello", **options):
        """Write a row, and let its transaction hand nothing over: the relay is to do it."""
        options = {"recipients": PHONE, "request_id": request_id, **OPTIONS, **options}
        with transaction.atomic():
            send_in_transaction(text=text, **options)
            connection.run_on_commit.clear()

    def test_a_commit_hands_over_at_once_all_that_the_transaction_has_written(self):
        with transaction.atomic(), self.assertNumQueries(3):
            for number in range(3):
                send_in_transaction(PHONE, f"Hello {number}", **OPTIONS)
        self.assertEqual((len(self.sms.sent), OutboxRow.objects.count()), (3, 0))

    def test_a_transaction_that_is_rolled_back_sends_nothing(self):
        with self.assertRaises(ZeroDivisionError), transaction.atomic():
            send_in_transaction(PHONE, "Hello", **OPTIONS)
            1 / 0  # noqa: B018
        with transaction.atomic():
            with self.assertRaises(ZeroDivisionError), transaction.atomic():
                send_in_transaction(PHONE, "a part", **OPTIONS)
                1 / 0  # noqa: B018
            send_in_transaction(PHONE, "the rest", **OPTIONS)

        called("sms_outbox_relay", once=True)
        self.assertEqual([sms.text for sms in self.sms.sent], ["the rest"])

    def test_what_is_committed_by_hand_is_left_to_the_relay_which_commits_itself(self):
        with committing_by_hand():
            send_in_transaction(PHONE, "Hello", **OPTIONS)
            transaction.commit()
            self.sms.assert_nothing_sent()
            called("sms_outbox_relay", once=True)

        self.sms.assert_sent(text="Hello")
        self.assertEqual(OutboxRow.objects.count(), 0)

    def test_an_outage_of_redis_costs_a_request_no_error_and_no_sms(self):
        self.sms.fail_next(QueueUnavailable)
        with self.assertLogs("producers.django", "WARNING") as log:
            send_in_transaction(PHONE, "first", **OPTIONS)
        self.assertRegex(log.output[0], r"QueueUnavailable at the memory of SmsOutbox$")
        # No request of the next seconds asks again.
        send_in_transaction(PHONE, "second", **OPTIONS)
        self.sms.assert_nothing_sent()

        self.assertIn("queued 2", called("sms_outbox_relay", once=True))
        self.assertEqual([sms.text for sms in self.sms.sent], ["first", "second"])

    def test_marketing_to_whoever_has_opted_out_is_no_error_and_ends_while_alerts_go_on(self):
        self.sms.stop(PHONE)
        for send in (send_in_transaction, send_on_commit):
            offer = send(PHONE, "Menu of the week. STOP au 30101", sender="Bistro")
            send(PHONE, "Your table is ready", **OPTIONS)

            status = get_producer().status(offer)
            self.assertEqual((status.state, status.code), ("cancelled", "suppressed"))
            with Feed("statuses", group=offer) as statuses:
                told = {each.request_id: each.code for each in statuses}
            self.assertEqual(told[offer], "suppressed")
        self.assertEqual(OutboxRow.objects.count(), 0)
        self.assertEqual([sms.text for sms in self.sms.sent], ["Your table is ready"] * 2)

    def test_a_stop_to_an_alert_ends_marketing_and_no_alert(self):
        send_in_transaction(PHONE, "Do you come?", with_replies=True, **OPTIONS)
        self.sms.reply(PHONE, "STOP")

        send_in_transaction(PHONE, "Menu of the week. STOP au 30101", sender="Bistro")
        send_in_transaction(PHONE, "Your table is ready", **OPTIONS)

        self.assertEqual([sms.text for sms in self.sms.sent], ["Do you come?", "Your table is ready"])

    def test_no_test_meets_the_outage_of_another(self):
        self.sms.fail_next(QueueUnavailable)
        send_in_transaction(PHONE, "first", **OPTIONS)
        with SmsOutbox() as another:
            send_in_transaction(PHONE, "second", **OPTIONS)

        another.assert_sent(text="second")

    def test_an_answer_of_redis_that_was_lost_doubles_nothing(self):
        self.write("a")
        self.sms.fail_next(QueueUnavailable, queued=True)
        with self.assertRaisesRegex(CommandError, r"\AQueueUnavailable: .* at the memory of SmsOutbox .*\Z"):
            called("sms_outbox_relay", once=True)
        self.assertEqual(OutboxRow.objects.get().attempts, 0)

        called("sms_outbox_relay", once=True)
        self.sms.assert_sent(times=1)
        self.assertEqual(OutboxRow.objects.count(), 0)

    def test_an_empty_outbox_asks_no_redis(self):
        self.sms.fail_next(QueueUnavailable)
        self.assertIn("queued 0, refused 0", called("sms_outbox_relay", once=True))

        self.write("a")
        with self.assertRaisesRegex(CommandError, "QueueUnavailable"):
            called("sms_outbox_relay", once=True)

    def test_commands_are_silent_without_verbosity(self):
        self.write("a")
        self.sms.reply(PHONE, "Oui")
        relay = ["sms_outbox_relay"]
        for command in ([*relay, "--once"], ["sms_consume", "replies", "--handler", "builtins.id"], relay):
            # The relay that goes on is stopped before its first step.
            with patch.object(Relay, "run", Relay.stop):
                self.assertEqual(called(*command, verbosity=0), "")
                self.write("b")
                self.assertNotEqual(called(*command), "")
                OutboxRow.objects.all().delete()

    def test_a_database_that_is_away_ends_the_one_look_of_a_relay_in_one_line(self):
        away = Mock(atomic=Mock(side_effect=OperationalError("away\nand more of it")))
        with (
            patch.object(outbox, "transaction", away),
            self.assertRaisesRegex(CommandError, r"\AOperationalError: away\Z"),
        ):
            called("sms_outbox_relay", once=True)

    def test_a_command_says_in_one_line_that_its_database_is_unknown_or_not_migrated(self):
        arguments = (
            ["sms_outbox"],
            ["sms_outbox_relay", "--once"],
            ["sms_consume", "replies", "--handler", "builtins.print"],
        )
        lacking = Mock(
            in_atomic_block=True, introspection=Mock(table_names=Mock(return_value=["shop_order"]))
        )
        for each in arguments:
            with self.assertRaisesRegex(
                CommandError, r"\A--database elsewhere: the settings have only default\Z"
            ):
                call_command(*each, "--database", "elsewhere")
            with (
                patch.object(tables, "connections", {"default": lacking}),
                self.assertRaisesRegex(
                    CommandError, r"\Adatabase default has no table sms_\w+: manage.py migrate "
                ),
            ):
                call_command(*each)

    def test_a_row_that_is_refused_right_after_its_commit_is_logged_with_its_id(self):
        Producer().send(PHONE, "in the queue already", request_id="a", **OPTIONS)
        with self.assertLogs("producers.outbox", "ERROR") as log:
            send_in_transaction(PHONE, "canary", request_id="a", **OPTIONS)

        self.assertEqual(len(log.output), 1)
        self.assertIn(f"row {OutboxRow.objects.get().pk} of the outbox stays", log.output[0])
        self.assertNotIn("canary", log.output[0])

    def test_the_same_content_is_written_once_and_other_content_is_refused(self):
        self.write("a", ttl=timedelta(hours=1))
        self.write("a", ttl=timedelta(hours=1))
        self.assertEqual(OutboxRow.objects.count(), 1)

        with transaction.atomic():
            with self.assertRaises(RequestIdConflict):
                send_in_transaction(PHONE, "Other", request_id="a", **OPTIONS)
            # The transaction goes on.
            Order.objects.create(number=1)
        self.assertEqual((Order.objects.count(), OutboxRow.objects.count()), (1, 1))

    def test_a_repeat_after_it_was_handed_over_sends_nothing_more(self):
        for _ in range(2):
            send_in_transaction(PHONE, "Hello", request_id="a", ttl=timedelta(hours=1), **OPTIONS)
            self.sms.travel(minutes=10)

        self.assertEqual((len(self.sms.sent), OutboxRow.objects.count()), (1, 0))

    def test_a_row_that_is_refused_keeps_no_other_and_waits_for_a_person(self):
        Producer().send(PHONE, "in the queue already", request_id="b", **OPTIONS)
        for request_id in ("a", "b", "c", "d"):
            self.write(request_id)
        OutboxRow.objects.filter(request_id="a").update(payload='{"v": 1}')
        OutboxRow.objects.filter(request_id="c").update(payload=OutboxRow.objects.get(request_id="d").payload)

        with self.assertLogs("producers.outbox", "ERROR") as log:
            self.assertIn("queued 1, refused 3", called("sms_outbox_relay", once=True))
        self.assertIn("queued 0, refused 0", called("sms_outbox_relay", once=True))

        self.assertEqual({sms.request_id for sms in self.sms.sent}, {"b", "d"})
        self.assertNotIn("Hello", str(log.output))
        shown = called("sms_outbox")
        self.assertIn("waiting: 0", shown)
        self.assertIn("refused: 3", shown)
        self.assertNotIn(PHONE, shown)
        refused = {row.request_id: row for row in OutboxRow.objects.all()}
        self.assertIn("other content", refused["b"].error)
        self.assertIn("cannot be read", refused["a"].error)

        with self.assertRaisesRegex(CommandError, "has the id 0, 999$"):
            called("sms_outbox", discard=[999, refused["a"].pk, 0])
        self.assertIn("1 discarded", called("sms_outbox", discard=[refused["a"].pk]))
        self.assertIn("1 will be", called("sms_outbox", retry=[refused["b"].pk]))
        called("sms_outbox_relay", once=True)
        self.assertEqual(OutboxRow.objects.get(request_id="b").attempts, 2)

    def test_no_command_discards_or_retries_what_waits(self):
        self.write("a")
        row = OutboxRow.objects.get()

        for decision in ("discard", "retry"):
            with self.assertRaisesRegex(CommandError, f"nothing was changed: .* {row.pk}$"):
                called("sms_outbox", **{decision: [row.pk]})
        self.assertIn("oldest for", called("sms_outbox"))
        self.assertEqual(OutboxRow.objects.count(), 1)

    @override_settings(OCTOPUSH={"PRICE_UNKNOWN": "refuse"})
    def test_a_message_that_the_queue_refuses_keeps_no_other(self):
        self.sms._memory.client.hset("{sms}:prices", tariff_name("sms_premium", PHONE[1:]), "0.05")
        phones = (PHONE, "+4915112345678", "+33612345679", "+33612345670", "+4915112345679")
        for number, phone in enumerate(phones):
            self.write(f"m{number}", recipients=phone)
        with self.assertLogs("producers.outbox", "ERROR"):
            self.assertIn("queued 3, refused 2", called("sms_outbox_relay", once=True))

        self.assertEqual([sms.request_id for sms in self.sms.sent], ["m0", "m2", "m3"])
        self.assertEqual(outbox.refused("default").filter(error__contains="prices set").count(), 2)

    def test_two_relays_at_once_double_nothing_and_share_what_can_be_locked(self):
        self.write("a")
        self.write("b")
        came, may, send_many = threading.Event(), threading.Event(), Producer.send_many

        def slow(producer, messages):
            if threading.current_thread() is other:
                came.set()
                may.wait(30)
            return send_many(producer, messages)

        def relay():
            called("sms_outbox_relay", once=True)
            connections.close_all()

        other = threading.Thread(target=relay)
        with patch.object(Producer, "send_many", slow):
            other.start()
            came.wait(30)
            printed = called("sms_outbox_relay", once=True)
            may.set()
            other.join()

        left = 0 if connection.vendor == "postgresql" else 2
        self.assertIn(f"queued {left}, refused 0", printed)
        self.assertEqual([sms.request_id for sms in self.sms.sent], ["a", "b"])
        self.assertEqual(OutboxRow.objects.count(), 0)

    def test_a_time_to_live_counts_from_when_the_row_was_written(self):
        for request_id, minutes in (("short", 5), ("long", 120)):
            self.write(request_id, request_id, ttl=timedelta(minutes=minutes))
        self.sms.travel(minutes=90)

        called("sms_outbox_relay", once=True)
        with self.sms.away():
            self.sms.travel(seconds=1)
        self.assertEqual(get_producer().status("short").state, "expired")
        with self.sms.away():
            self.sms.travel(minutes=31)
        self.assertEqual(get_producer().status("long").state, "expired")

    def test_a_relay_refuses_to_run_within_a_transaction_that_may_still_be_rolled_back(self):
        with transaction.atomic():
            send_in_transaction(PHONE, "Hello", **OPTIONS)
            connection.run_on_commit.clear()
            with self.assertRaises(RuntimeError):
                called("sms_outbox_relay", once=True)
        self.sms.assert_nothing_sent()


class Answers(TransactionTestCase):
    """What comes back, handled in transactions."""

    def setUp(self):
        self.sms = self.enterContext(SmsOutbox())
        self.client.post("/orders/42", {"phone": PHONE})

    def consume(self, **options):
        call_command("sms_consume", "replies", handler="shop.handlers.on_reply", **options)

    def test_an_answer_that_comes_twice_has_its_effect_once(self):
        self.sms.reply(PHONE, "Oui", times=3)
        self.consume()
        self.consume(group="another")

        order = Order.objects.get()
        self.assertEqual((order.answer, order.answers), ("Oui", 2))
        self.assertEqual(HandledEvent.objects.count(), 2)

    def test_its_effect_is_committed_where_the_project_commits_by_hand(self):
        self.sms.reply(PHONE, "Oui")
        with committing_by_hand():
            self.consume()

        self.assertEqual(HandledEvent.objects.count(), 1)

    def test_a_handler_that_raises_leaves_nothing_and_gets_its_event_again(self):
        self.sms.reply(PHONE, "canary")
        with self.settings(), patch.dict(os.environ, SHOP_FAILING=__file__):
            with self.assertLogs("producers", "WARNING") as log:
                self.consume()
            self.assertEqual((Order.objects.get().answers, HandledEvent.objects.count()), (0, 0))
        self.assertIn("ValueError at", log.output[0])
        self.assertIn("handlers.py", log.output[0])
        self.assertNotIn("canary", str(log.output))

        self.sms.travel(seconds=61)
        self.consume()
        self.assertEqual(Order.objects.get().answers, 1)

    def test_the_time_after_which_an_event_comes_again_can_be_chosen(self):
        self.sms.reply(PHONE, "Oui")
        with patch.dict(os.environ, SHOP_FAILING=__file__), self.assertLogs("producers", "WARNING"):
            self.consume(idle_s=20)

        self.sms.travel(seconds=21)
        self.consume(idle_s=20)
        self.assertEqual(Order.objects.get().answers, 1)
        with self.assertRaisesRegex(CommandError, "--idle-s"):
            self.consume(idle_s=0)

    def test_the_log_names_the_line_of_the_handler_and_not_one_of_django(self):
        for handler, where in (
            ("shop.handlers.on_reply_to_nobody", r"DoesNotExist at \S+/shop/handlers\.py:\d+$"),
            # Nothing of it is the project's.
            ("json.loads", r"TypeError at \S+/json/__init__\.py:\d+$"),
        ):
            self.sms.reply(PHONE, "canary")
            with self.assertLogs("producers.django", "ERROR") as log:
                call_command("sms_consume", "replies", handler=handler)
            self.assertRegex(log.output[0], where)

    def test_a_busy_database_is_named_with_the_handler_around_which_it_failed(self):
        reply = self.sms.reply(PHONE, "canary")
        with busy("shop.handlers.on_reply", reply.event_id), self.assertLogs("producers", "ERROR") as log:
            self.consume()

        code = r"\((SQLITE_LOCKED\w*: database table is locked|55P03: lock not available)\)"
        self.assertRegex(
            log.output[0], rf"OperationalError {code} in the transaction around shop\.handlers\.on_reply, at "
        )
        self.assertNotIn("canary", str(log.output))

    @override_settings(OCTOPUSH={"REDIS_URL": "redis://user:canary@nobody:1/3"})
    def test_a_consumer_says_at_its_start_that_a_test_reads_no_redis(self):
        printed = called("sms_consume", "replies", handler="shop.handlers.on_reply", group="shop")

        self.assertEqual(
            printed, "reads replies at the memory of SmsOutbox as group shop, database default\n"
        )

    def test_an_outage_of_the_database_costs_an_event_no_try(self):
        self.sms.reply(PHONE, "Oui")
        # That of the start, then two that fail, and one that does not.
        away = Mock(ensure_connection=Mock(side_effect=[None, OperationalError, OperationalError, None]))
        with (
            patch.object(consuming, "connections", {"default": away}),
            patch.object(consuming, "_RETRY_S", 0),
        ):
            self.consume()
        self.assertEqual(away.ensure_connection.call_count, 4)
        self.assertEqual(Order.objects.get().answers, 1)

    def test_what_was_handled_is_forgotten_after_a_year(self):
        for days in (0, 300, 100):
            self.sms.travel(days=days, seconds=1)
            self.sms.reply(PHONE, f"after {days} days")
            self.consume()
        self.assertEqual(HandledEvent.objects.count(), 2)

    def test_a_signal_ends_it_after_the_event_at_hand(self):
        for number in range(2):
            self.sms.reply(PHONE, f"Oui {number}")
        before = signal.getsignal(signal.SIGTERM)
        with patch.dict(os.environ, SHOP_SIGNAL="1"):
            self.consume()
        self.assertEqual(Order.objects.get().answer, "Oui 0")
        self.assertIs(signal.getsignal(signal.SIGTERM), before)

        self.consume()
        self.assertEqual((Order.objects.get().answer, Order.objects.get().answers), ("Oui 1", 2))

    def test_a_signal_that_comes_while_the_handler_is_loaded_ends_it_gently(self):
        self.sms.reply(PHONE, "Oui")
        with self.assertNoLogs("producers", "WARNING"):
            call_command("sms_consume", "replies", handler="shop.slow_handlers.on_reply")

    def test_a_handler_that_takes_no_event_alone_is_refused_before_it_costs_one(self):
        with self.assertRaisesRegex(CommandError, "on_reply_with_more cannot be called with an event alone"):
            call_command("sms_consume", "replies", handler="shop.handlers.on_reply_with_more")

    def test_a_handler_that_nobody_would_await_is_refused(self):
        with self.assertRaisesRegex(CommandError, "is asynchronous"):
            call_command("sms_consume", "replies", handler="shop.handlers.on_reply_later")

    def test_a_handler_that_is_not_there_is_named(self):
        with self.assertRaisesRegex(CommandError, "--group"):
            self.consume(group="x" * 201)
        for path_ in ("shop.handlers.nobody", "nowhere"):
            with self.assertRaisesRegex(CommandError, path_):
                call_command("sms_consume", "replies", handler=path_)


class Settings(TestCase):
    """``OCTOPUSH``."""

    def found(self, *, deploy=False):
        said = checks.run_checks(tags=["octopush"], include_deployment_checks=deploy)
        return {error.msg for error in said}

    @contextmanager
    def outside_of_tests(self):
        """As a process is that runs no tests."""
        with patch.dict(vars(mail)):
            del mail.outbox
            yield

    def said(self, *, deploy=False):
        """What a process says that runs no tests, by id."""
        with self.outside_of_tests():
            said = checks.run_checks(tags=["octopush"], include_deployment_checks=deploy)
        return {each.id: (each.is_serious(), each.msg) for each in said}

    def test_each_bad_setting_is_named_and_none_is_shown(self):
        bad = {
            "REDIS_URL": "http://canary",
            "RECORD_RETENTION_DAYS": True,
            "SENDER_ALLOW_SPACES": 7,
            "DEFAULT_REGION": ["canary"],
            "CALLBACK_TOKENS": ["canary", 1],
            "CALLBACK_ALLOWED_ADDRESSES": "any",
            "REDIS_ADDRESS": "canary",
            "TEXT_OPTIMIZE": "canary",
            "OCTOPUSH_API_KEY": "canary",
        }
        with override_settings(OCTOPUSH=bad):
            found = self.found()
            with self.assertRaises(ConfigError):
                get_producer()
        # The value of a URL is read once its type is right.
        self.assertEqual({each.partition("'")[2].partition("'")[0] for each in found}, {*bad} - {"REDIS_URL"})
        self.assertNotIn("canary", str(found))
        for words in (r"OPTIMIZE'\]: must be True or False", r"API_KEY'\]: is no .* belongs to the worker"):
            self.assertTrue([each for each in found if re.search(words, each)], words)

        with override_settings(OCTOPUSH={"REDIS_URL": "http://canary", "CALLBACK_TOKENS": ["short"]}):
            found = self.found()
        self.assertEqual([each[:21] for each in found], ["OCTOPUSH['REDIS_URL']"])
        self.assertNotIn("canary", str(found))

    def test_settings_may_be_anything(self):
        for bad in ("text", ["list"], None):
            with override_settings(OCTOPUSH=bad):
                self.assertEqual(self.found(), {"OCTOPUSH: must be a dictionary"})

    def test_a_variable_of_the_environment_is_named_as_one(self):
        flags = {"SENDER_ALLOW_SPACES": True, "MARKETING_SUNDAYS_FR": False, "DEFAULT_REGION": None}
        with override_settings(OCTOPUSH=flags):
            self.assertEqual(self.found(), set())
        with patch.dict(os.environ, RECORD_RETENTION_DAYS="no"):
            [error] = self.found()
        self.assertIn("environment variable RECORD_RETENTION_DAYS", error)

    def test_what_keeps_from_taking_callbacks_alone_stops_no_command_and_the_check_of_a_deployment(self):
        missing, short = "is required by the callback URLs", "OCTOPUSH['CALLBACK_TOKENS']: "
        for tokens, words in (("", missing), ("short", short)):
            with (
                patch.dict(os.environ, CALLBACK_TOKENS=""),
                override_settings(OCTOPUSH={"REDIS_URL": "redis://nobody:1/0", "CALLBACK_TOKENS": tokens}),
            ):
                self.assertEqual(self.found(), set())
                self.assertIsInstance(get_producer(), Producer)
                [(name, (serious, told))] = self.said().items()
                self.assertEqual((name, serious), ("octopush.W002", False))
                self.assertIn(words, told)
                self.assertEqual(self.said(deploy=True)["octopush.E002"], (True, told))
        with override_settings(OCTOPUSH={"REDIS_URL": "http://canary"}):
            self.assertEqual({*self.said(deploy=True)}, {"octopush.E001"})

    def test_a_command_that_takes_no_callbacks_says_nothing_of_them(self):
        consume = ["sms_consume", "replies", "--handler", "builtins.id"]
        for command in (consume, ["sms_outbox_relay"], ["sms_outbox"], ["dumpdata", "shop"]):
            # Where it is told of no such database, it has been through its checks, and ends.
            ends = [] if command[0] == "dumpdata" else ["--database", "elsewhere"]
            said = StringIO()
            with (
                patch.dict(os.environ, REDIS_URL=""),
                override_settings(OCTOPUSH={"CALLBACK_TOKENS": "short"}),
                self.outside_of_tests(),
                self.assertRaisesRegex(CommandError, "elsewhere") if ends else nullcontext(),
            ):
                call_command(*command, *ends, skip_checks=False, stderr=said, stdout=said)
            self.assertIn("octopush.W001", said.getvalue())
            self.assertEqual("octopush.W002" in said.getvalue(), command[0] == "dumpdata")

    def test_a_warning_says_once_how_a_token_is_made(self):
        for tokens in ("", "short", "0123456789" * 3):
            with override_settings(OCTOPUSH={"CALLBACK_TOKENS": tokens}), self.outside_of_tests():
                found = checks.run_checks(tags=["octopush"], include_deployment_checks=True)
            found = [each for each in found if each.id in {"octopush.W002", "octopush.E002"}]
            self.assertEqual([f"{each.msg} {each.hint}".count("token_hex") for each in found], [1, 1])

    def test_who_names_no_redis_is_told_which_one_is_taken(self):
        for nothing in ({}, {"REDIS_URL": ""}):
            with patch.dict(os.environ, REDIS_URL=""), override_settings(OCTOPUSH=nothing | TOKENS):
                # The tests of a project ask no such Redis.
                self.assertEqual(self.found(), set())
                serious, warning = self.said()["octopush.W001"]
            self.assertFalse(serious)
            self.assertIn("redis://localhost:6379/0 is taken", warning)

    @override_settings(OCTOPUSH={"REDIS_URL": "redis://user:canary@nobody:1/3"})
    def test_a_consumer_names_where_it_reads_and_shows_no_secret(self):
        self.assertEqual(consuming.Consumer("replies", "shop").server, "redis://nobody:1/3")

    @override_settings(OCTOPUSH={"CALLBACK_TOKENS": [TOKEN], "CALLBACK_SPOOL_DIR": Path("spool")})
    def test_a_directory_may_be_a_path(self):
        self.assertEqual(self.found(), set())
        self.assertEqual(web_settings().spool_dir, "spool")

    @override_settings(OCTOPUSH={"DEFAULT_REGION": "FR"})
    def test_a_number_is_kept_as_events_will_name_it(self):
        for written in ("06 12 34 56 78", "+33 6 12 34 56 78", PHONE):
            self.assertEqual(to_e164(written), PHONE)
        self.assertEqual(region_of_the_application(), "FR")
        with self.assertRaises(ValueError) as raised:
            to_e164("06 12")
        self.assertNotIn("12", str(raised.exception))

    @override_settings(OCTOPUSH={"CALLBACK_TOKENS": [TOKEN], "DEFAULT_REGION": "FR"})
    def test_good_settings_are_taken(self):
        self.assertEqual(self.found(), set())
        with SmsOutbox() as sms, self.captureOnCommitCallbacks(execute=True):
            send_in_transaction("06 12 34 56 78", "Hello", **OPTIONS)
        sms.assert_sent(to=PHONE)


class OneProducer(TestCase):
    """One producer per process."""

    def test_a_process_has_one_and_a_forked_child_another(self):
        ours = get_producer()
        self.assertIs(get_producer(), ours)
        reader, writer = os.pipe()
        if os.fork() == 0:
            os.write(writer, b"1" if get_producer() is not ours else b"0")
            os._exit(0)
        os.wait()
        self.assertEqual(os.read(reader, 1), b"1")

    def test_no_test_meets_the_producer_the_settings_or_the_environment_of_another(self):
        before = get_producer()
        with patch.dict(os.environ, MARKETING_HOURS_FR=""):
            with SmsOutbox():
                self.assertIsNot(within := get_producer(), before)
                self.assertEqual(os.environ["MARKETING_HOURS_FR"], "off")
            self.assertEqual(os.environ["MARKETING_HOURS_FR"], "")
        self.assertIsNot(get_producer(), within)

    def test_other_settings_make_another(self):
        ours = get_producer()
        with override_settings(OCTOPUSH={}):
            self.assertIsNot(get_producer(), ours)


@override_settings(OCTOPUSH={"CALLBACK_TOKENS": [TOKEN]})
class Callbacks(TestCase):
    """Octopush's callbacks."""

    def setUp(self):
        self.sms = self.enterContext(SmsOutbox())
        self.event = {"number": PHONE, "text": "Oui", "reception_date": "2024-01-31 14:05:09"}

    def post(self, url):
        # In no transaction, whatever ATOMIC_REQUESTS says: nothing of the database is asked.
        with self.assertNumQueries(0):
            return self.client.post(url, json.dumps(self.event), content_type="application/json")

    def test_a_callback_is_taken_at_each_of_its_urls(self):
        for end in ("", "/", "/replies", "/replies/"):
            answer = self.post(f"/hooks/sms/{TOKEN}{end}")
            self.assertEqual((answer.status_code, answer.content), (200, b""))
            self.assertEqual(self.client.get(f"/hooks/sms/{TOKEN}{end}").status_code, 200)
        self.assertEqual(self.post("/hooks/sms/nobody0123456789").status_code, 404)
        self.assertEqual(self.client.put(f"/hooks/sms/{TOKEN}").status_code, 405)

    def test_no_path_of_a_callback_is_logged(self):
        with self.assertNoLogs("django.request"):
            self.post("/hooks/sms/another-token-0123456789")
            self.client.post("/hooks/sms/another-token-0123456789/x/y/z")
        with self.assertLogs("django.request"):
            self.client.get("/nowhere")

    def test_what_the_spool_of_the_project_holds_stays_there_in_a_test(self):
        directory = self.enterContext(TemporaryDirectory())
        kept = {"CALLBACK_TOKENS": TOKEN, "CALLBACK_SPOOL_DIR": directory}
        # As a developer's own server leaves it, outside of any test.
        draining = CallbackIntake.from_env(kept)._draining
        draining.keep(RawCallback("id", "replies", b'{"number": "+33612340000"}', "", "token", "replies"))
        files = [*Path(directory).rglob("*.spool")]
        with override_settings(OCTOPUSH=kept):
            self.assertEqual(self.post(f"/hooks/sms/{TOKEN}").status_code, 200)

        self.assertNotIn("spool", [thread.name for thread in threading.enumerate()])
        self.assertEqual((len(files), [*Path(directory).rglob("*.spool")]), (1, files))

    def test_each_callback_that_wrong_settings_answer_500_is_one_line_without_token(self):
        for tokens, words in (("0123456789" * 3, "needs tokens that are random"), ("", "is required")):
            wrong = {"CALLBACK_TOKENS": tokens, "CALLBACK_SPOOL_MIB": 0}
            with override_settings(OCTOPUSH=wrong), self.assertLogs("producers.django") as log:
                answer = self.post(f"/hooks/sms/{tokens or TOKEN}/replies")
            self.assertEqual((answer.status_code, answer.content), (500, b""))
            [line] = log.output
            self.assertIn(f"answered 500: OCTOPUSH['CALLBACK_TOKENS']: {words}", line)
            self.assertIn("OCTOPUSH['CALLBACK_SPOOL_MIB']: ", line)
            self.assertRegex(line, r"\AERROR:producers\.django\.callbacks:.*\Z")
            self.assertNotRegex(line, rf"{TOKEN}|{tokens or TOKEN}|hooks")

    def test_whatever_else_goes_wrong_with_a_callback_is_one_line_that_tells_nothing_of_it(self):
        broken = Mock(side_effect=OSError("canary"))
        self.client.raise_request_exception = False
        with patch.object(CallbackIntake, "accept_callback", broken), self.assertLogs("producers") as log:
            self.assertEqual(self.post(f"/hooks/sms/{TOKEN}").status_code, 500)
        expected = "ERROR:producers.django.callbacks:a callback was answered 500: OSError"
        self.assertEqual(log.output, [expected])

    @override_settings(ROOT_URLCONF=__name__)
    def test_at_the_root_only_tokens_are_hidden(self):
        with self.assertLogs("django.request"):
            self.client.get("/nowhere")

    def test_no_stranger_hides_other_lines(self):
        self.client.get("/hooks/sms/o/rders")
        with self.assertLogs("django.request"):
            self.client.get("/orders/")

    def test_a_token_is_hidden_before_anything_is_known_of_the_urls(self):
        hiding = HideCallbacks([TOKEN])
        line = logging.LogRecord("gunicorn.access", 20, "", 0, "GET %s", (f"/x/{TOKEN}",), None)
        self.assertFalse(hiding.filter(line))
