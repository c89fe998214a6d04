"""What the restaurant keeps."""

import uuid

from django.db import models


class Guest(models.Model):
    """A person, known by the number."""

    #: As `to_e164` writes it: so do receipts, replies and opt-outs.
    phone = models.CharField(max_length=16, unique=True)
    wants_offers = models.BooleanField(default=True)
    #: When the person said so.
    said_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"guest {self.pk}"


class Booking(models.Model):
    """A table for a guest, who is asked by SMS."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    guest = models.ForeignKey(Guest, on_delete=models.CASCADE)
    confirmed = models.BooleanField(default=False)
    #: What statuses said of the SMS: accepted, or that it never left and why; empty while it waits.
    sms_state = models.CharField(max_length=9, default="", blank=True)
    sms_code = models.TextField(default="", blank=True)
    sms_state_at = models.DateTimeField(null=True)
    #: What receipts said of the SMS: sent, undelivered or delivered; empty before.
    delivery = models.CharField(max_length=11, default="", blank=True)

    def __str__(self) -> str:
        return f"booking {self.pk}"
