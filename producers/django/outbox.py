"""The outbox in Django's database: writing rows, and the step of its relay. Needs loaded applications."""

from collections.abc import Collection
from typing import Any, Final

from django.db import connections, models, router, transaction
from django.db.models import F
from django.utils import timezone

from ..errors import RequestIdConflict
from ..messages.message import Message
from ..outbox.handing_over import ROWS, HandedOver, Row, hand_over
from ..outbox.kept import keep, same_content
from ..producer import Producer
from ..settings import ProducerSettings
from .models import OutboxRow
from .settings import producer_settings

#: Tries to write a row whose id keeps going and coming.
_TRIES: Final = 3


def alias() -> str:
    """Name the database with the table."""
    return str(router.db_for_write(OutboxRow))


def write(message: Message, settings: ProducerSettings, using: str, *, is_new: bool) -> str:
    """Write a message as a row, within the transaction that is under way; see `send_in_transaction`.

    Args:
        message: what the caller gave.
        settings: by which it is checked.
        using: alias of the database.
        is_new: whether nobody else can know its request_id.

    Raises:
        InvalidMessage: lists every bad field.
        RequestIdConflict: a row that waits has its id and other content.
    """
    kept = keep(message, settings)
    rows = OutboxRow.objects.using(using)
    # The project says whether its times have a zone.
    row = {"request_id": kept.request_id, "payload": kept.payload, "created_at": timezone.now()}
    if is_new:
        rows.create(**row)
        return kept.request_id
    for _ in range(_TRIES):
        # Without a savepoint, and without an error that would end the transaction in PostgreSQL.
        rows.bulk_create([OutboxRow(**row)], ignore_conflicts=True)
        there = rows.filter(request_id=kept.request_id).values_list("payload", flat=True).first()
        # It is there no more if a relay has handed it over since.
        if there is not None:
            break
    if there is None or not same_content(there, kept.payload):
        raise RequestIdConflict([kept.request_id])
    return kept.request_id


def step(sms: Producer, using: str, only: Collection[str] | None = None) -> HandedOver:
    """Take rows, hand them over and settle them; the step of a relay. Safe to repeat.

    Where rows can be locked, that is one transaction. Elsewhere, as with SQLite, a transaction would keep the
    application from writing while Redis is asked, so there are two.

    Args:
        sms: where to.
        using: alias of the database.
        only: the request_ids of the rows to take; None for any.

    Raises:
        QueueUnavailable: Redis did not confirm; the rows are as they were.
        RuntimeError: a transaction is under way. Its end would decide about rows that were handed over.
    """
    locks = bool(connections[using].features.has_select_for_update_skip_locked)
    remembered_ms = producer_settings().retention_ms
    with transaction.atomic(using=using, durable=True):
        rows = _taken(using, only, locks=locks)
        if locks:
            return _settled(using, hand_over(rows, sms, remembered_ms))
    handed = hand_over(rows, sms, remembered_ms)
    with transaction.atomic(using=using, durable=True):
        return _settled(using, handed)


def waiting(using: str) -> Any:
    """Give the query of the rows that a relay will take."""
    return OutboxRow.objects.using(using).filter(error="")


def refused(using: str) -> Any:
    """Give the query of the rows that stay until a person decides."""
    return OutboxRow.objects.using(using).exclude(error="")


def _taken(using: str, only: Collection[str] | None, *, locks: bool) -> list[Row]:
    rows: models.QuerySet = OutboxRow.objects.using(using).filter(error="").order_by("id")
    if only is not None:
        rows = rows.filter(request_id__in=only)
    if locks:
        rows = rows.select_for_update(skip_locked=True)
    return [Row(*row) for row in rows.values_list("id", "request_id", "payload", "attempts")[:ROWS]]


def _settled(using: str, handed: HandedOver) -> HandedOver:
    rows = OutboxRow.objects.using(using)
    if handed.queued:
        rows.filter(pk__in=[row.id for row in handed.queued]).delete()
    for row, why in handed.refused:
        rows.filter(pk=row.id).update(attempts=F("attempts") + 1, error=why[:500])
    return handed
