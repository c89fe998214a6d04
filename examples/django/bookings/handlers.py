"""What is done with what comes back: each function is called once for each event, within a transaction."""

from uuid import UUID, uuid5

from bookings.models import Booking, Guest
from producers.django import send_in_transaction
from producers.events import OptOut, Receipt, Reply, Status

#: What may stand there when a receipt changes it. One whose handling failed comes again, after later ones.
BEFORE = {"sent": [""], "undelivered": ["", "sent"], "delivered": ["", "sent", "undelivered"]}


def on_reply(reply: Reply) -> None:
    """Confirm a booking, and thank once: a guest who says yes twice makes two events."""
    if not reply.context or reply.text.strip().lower() != "oui":
        return
    booking = Booking.objects.filter(pk=reply.context["booking"], confirmed=False)
    if booking.update(confirmed=True):
        # A part of the handler's transaction. Without context: those with one are the question's.
        send_in_transaction(
            reply.number,
            "Thank you. See you soon!",
            sender="Bistro",
            purpose="alert",
            request_id=str(uuid5(UUID(reply.context["booking"]), "thanked")),
            reply_to=reply.event_id,
        )


def on_receipt(receipt: Receipt) -> None:
    """Note what became of the SMS about a booking; never go back."""
    if receipt.context:
        booking = Booking.objects.filter(pk=receipt.context["booking"])
        booking.filter(delivery__in=BEFORE.get(receipt.state, [])).update(delivery=receipt.state)


def on_status(status: Status) -> None:
    """Note whether the SMS about a booking left, and why not; the newest status counts."""
    if status.context:
        booking = Booking.objects.filter(pk=status.context["booking"]).exclude(sms_state_at__gte=status.at)
        booking.update(sms_state=status.state, sms_code=status.code or "", sms_state_at=status.at)


def on_optout(optout: OptOut) -> None:
    """Note whether a guest wants offers. Only the number says whose opt-out it is; the newest one counts."""
    guest = Guest.objects.filter(phone=optout.number).exclude(said_at__gte=optout.at)
    guest.update(wants_offers=optout.action == "in", said_at=optout.at)
