"""Tests of the project, in memory: nobody is texted, and no Redis is needed."""

import secrets
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from django.conf import settings
from django.core.management import call_command
from django.test import TestCase, override_settings

from bookings import handlers
from bookings.models import Booking, Guest
from producers import Feed
from producers.testing.outbox import SmsOutbox

PHONE = "+33612345678"
TOKEN = secrets.token_hex(24)


class Bookings(TestCase):
    """A guest books, and is asked."""

    def setUp(self):
        self.sms = self.enterContext(SmsOutbox())

    def book(self):
        with self.captureOnCommitCallbacks(execute=True):
            answer = self.client.post("/book", {"phone": "06 12 34 56 78"})
        return Booking.objects.get(pk=answer.json()["booking"])

    def consume(self, stream, handler):
        with self.captureOnCommitCallbacks(execute=True):
            call_command("sms_consume", stream, handler=f"bookings.handlers.{handler}")

    def test_a_guest_is_asked(self):
        booking = self.book()

        self.sms.assert_sent(to=PHONE, context={"booking": str(booking.pk)})

    def test_a_wrong_number_is_told_and_leaves_no_booking(self):
        answer = self.client.post("/book", {"phone": "06 12"})

        self.assertEqual((answer.status_code, [*answer.json()]), (400, ["phone"]))
        self.assertEqual(Booking.objects.count(), 0)

    def test_nothing_is_sent_without_a_commit(self):
        self.client.post("/book", {"phone": PHONE})

        self.sms.assert_nothing_sent()

    def test_an_answer_that_comes_twice_confirms(self):
        self.book()
        self.sms.reply(PHONE, "Oui", times=2)

        self.consume("replies", "on_reply")

        self.assertTrue(Booking.objects.get().confirmed)

    def test_who_says_yes_twice_is_thanked_once(self):
        self.book()
        for text in ("Oui", "oui"):
            self.sms.reply(PHONE, text)

        with self.assertNoLogs("producers.django", "ERROR"):
            self.consume("replies", "on_reply")

        self.sms.assert_sent(to=PHONE, text="Thank you. See you soon!", times=1)

    @override_settings(OCTOPUSH={**settings.OCTOPUSH, "CALLBACK_TOKENS": TOKEN})
    def test_an_answer_that_octopush_posts_confirms(self):
        self.book()
        self.sms.run_worker()

        now = datetime.now(ZoneInfo("Europe/Paris"))
        event = {"number": PHONE, "text": "Oui", "reception_date": f"{now:%Y-%m-%d %H:%M:%S}"}
        answer = self.client.post(f"/callbacks/{TOKEN}", event, content_type="application/json")
        self.assertEqual(answer.status_code, 200)
        self.sms.run_worker()
        self.consume("replies", "on_reply")

        self.assertTrue(Booking.objects.get().confirmed)

    def test_an_sms_that_never_left_is_seen_on_its_booking(self):
        for _ in range(10):
            self.book()
        eleventh = self.book()

        self.consume("statuses", "on_status")

        eleventh.refresh_from_db()
        self.assertEqual((eleventh.sms_state, eleventh.sms_code), ("cancelled", "number_cap"))

    def test_a_status_that_is_handled_late_changes_nothing(self):
        self.book()
        self.sms.run_worker()
        self.consume("statuses", "on_status")

        [accepted] = Feed("statuses", group="tests")
        earlier = accepted.at - timedelta(seconds=1)
        handlers.on_status(msgspec.structs.replace(accepted, state="unknown", at=earlier))

        self.assertEqual(Booking.objects.get().sms_state, "accepted")

    def test_a_receipt_that_is_handled_late_changes_nothing(self):
        self.book()
        late = self.sms.receipt(PHONE, "ACK")
        self.sms.receipt(PHONE, "DELIVERED")

        self.consume("receipts", "on_receipt")
        handlers.on_receipt(late)

        self.assertEqual(Booking.objects.get().delivery, "delivered")

    def test_a_stop_is_noted_for_the_guest_with_this_number(self):
        self.book()
        self.sms.stop(PHONE)

        self.consume("optouts", "on_optout")

        self.assertFalse(Guest.objects.get().wants_offers)

    def test_a_stop_that_is_handled_late_does_not_outweigh_a_later_start(self):
        self.book()
        stop = self.sms.stop(PHONE)
        self.sms.reply(PHONE, "START")

        self.consume("optouts", "on_optout")
        handlers.on_optout(stop)

        self.assertTrue(Guest.objects.get().wants_offers)
