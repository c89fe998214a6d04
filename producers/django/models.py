"""The tables: SMS that wait for their transaction to be handed over, and events that were handled."""

from typing import Final

from django.db import models

#: Characters that the name of a group may have.
GROUP_MAX: Final = 200


class OutboxRow(models.Model):
    """An SMS that belongs to a transaction: `send_in_transaction` writes it, a relay deletes it.

    ``payload`` holds numbers and text. A row with an ``error`` stays until a person decides: see the command
    ``sms_outbox``.
    """

    id = models.BigAutoField(primary_key=True)
    request_id = models.CharField(max_length=36, unique=True)
    payload = models.TextField()
    created_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=500, default="", blank=True)

    class Meta:
        """The table has the name that it has with SQLAlchemy, too."""

        db_table = "sms_outbox"
        verbose_name = "SMS of a transaction"
        verbose_name_plural = "SMS of transactions"

    def __str__(self) -> str:
        return f"{self.request_id}: {self.error}" if self.error else self.request_id


class HandledEvent(models.Model):
    """An event that a handler of ``sms_consume`` has handled: its effect and this row are one transaction."""

    id = models.BigAutoField(primary_key=True)
    group = models.CharField(max_length=GROUP_MAX)
    event_id = models.CharField(max_length=64)
    handled_at = models.DateTimeField(db_index=True)

    class Meta:
        """An event counts once for each group."""

        db_table = "sms_handled_event"
        constraints = (models.UniqueConstraint(fields=["group", "event_id"], name="sms_handled_once"),)

    def __str__(self) -> str:
        return f"{self.group}: {self.event_id}"
