"""A test of the whole way, with real processes and a simulated Octopush."""

from django.test import TransactionTestCase

from bookings.handlers import on_reply
from bookings.models import Booking
from producers import Feed
from producers.testing.sandbox import SmsSandbox


class TheWholeWay(TransactionTestCase):
    """Commits are real here."""

    def test_a_guest_is_asked_and_answers(self):
        sandbox = self.enterContext(SmsSandbox())
        self.client.post("/book", {"phone": "+33612340001"})

        phone = sandbox.handset("+33612340001")
        phone.wait_for("Do you come?")
        phone.answer("Oui")
        with Feed("replies", group="tests") as replies:
            on_reply(next(replies))

        self.assertTrue(Booking.objects.get().confirmed)
