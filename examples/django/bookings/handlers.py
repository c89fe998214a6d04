"""What is done with what comes back: each function is called once for each event, within a transaction."""

from bookings.models import Booking, Guest
from producers.events import OptOut, Receipt, Reply

#: What may stand there when a receipt changes it. One whose handling failed comes again, after later ones.
BEFORE = {"sent": [""], "undelivered": ["", "sent"], "delivered": ["", "sent", "undelivered"]}


def on_reply(reply: Reply) -> None:
    """Confirm a booking."""
    if reply.context and reply.text.strip().lower() == "oui":
        Booking.objects.filter(pk=reply.context["booking"]).update(confirmed=True)


def on_receipt(receipt: Receipt) -> None:
    """Note what became of the SMS about a booking; never go back."""
    if receipt.context:
        booking = Booking.objects.filter(pk=receipt.context["booking"])
        booking.filter(delivery__in=BEFORE.get(receipt.state, [])).update(delivery=receipt.state)


def on_optout(optout: OptOut) -> None:
    """Note whether a guest wants offers. Only the number says whose opt-out it is; the newest one counts."""
    guest = Guest.objects.filter(phone=optout.number).exclude(said_at__gte=optout.at)
    guest.update(wants_offers=optout.action == "in", said_at=optout.at)
