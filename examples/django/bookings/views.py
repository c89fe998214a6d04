"""Takes bookings."""

from uuid import uuid5

from django import forms
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_POST

from bookings.models import Booking, Guest
from producers.django import send_in_transaction, to_e164


class BookingForm(forms.Form):
    """Who books."""

    phone = forms.CharField(max_length=40)

    def clean_phone(self) -> str:
        """Keep the number as events will name it, or say at its field that it is none."""
        try:
            return to_e164(self.cleaned_data["phone"])
        except ValueError:
            raise forms.ValidationError("This is no number that can be texted.") from None


@require_POST
def book(request: HttpRequest) -> JsonResponse:
    """Write a booking and its SMS in the one transaction of the request (ATOMIC_REQUESTS)."""
    form = BookingForm(request.POST)
    if not form.is_valid():
        return JsonResponse(form.errors, status=400)
    guest, _ = Guest.objects.get_or_create(phone=form.cleaned_data["phone"])
    booking = Booking.objects.create(guest=guest)
    send_in_transaction(
        guest.phone,
        "Your table is reserved. Do you come?",
        sender="Bistro",
        purpose="alert",
        with_replies=True,
        # One name for this SMS of this booking, with the 36 characters of a UUID.
        request_id=str(uuid5(booking.pk, "asked")),
        context={"booking": str(booking.pk)},
    )
    return JsonResponse({"booking": booking.pk}, status=201)
