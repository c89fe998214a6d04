"""``manage.py sms_outbox``: what waits in the outbox, and what a person has to decide about."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from ... import outbox
from ...models import OutboxRow
from ..sending_command import SendingCommand
from ..tables import need_table


class Command(SendingCommand):
    """Shows the outbox; lets refused SMS be handed over again, or deletes them."""

    help = (
        "Shows what waits in the outbox and what was refused, without numbers and texts; retries or discards."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--database", default=outbox.alias(), help="alias of its database")
        decision = parser.add_mutually_exclusive_group()
        decision.add_argument(
            "--retry", nargs="+", type=int, metavar="ID", help="hand these refused SMS over again"
        )
        decision.add_argument(
            "--discard",
            nargs="+",
            type=int,
            metavar="ID",
            help="delete these refused SMS: they are never sent",
        )

    def handle(self, *, database: str, retry: list[int] | None, discard: list[int] | None, **_: Any) -> None:
        """Decide, or show."""
        need_table(OutboxRow, database)
        if retry:
            changed = _refused(database, retry).update(error="")
            self.stdout.write(f"{changed} will be handed over again")
        elif discard:
            changed, _by_model = _refused(database, discard).delete()
            self.stdout.write(f"{changed} discarded")
        else:
            self._show(database)

    def _show(self, database: str) -> None:
        waiting, refused = outbox.waiting(database), outbox.refused(database)
        oldest = waiting.order_by("id").values_list("created_at", flat=True).first()
        since = f", the oldest for {int((timezone.now() - oldest).total_seconds())} s" if oldest else ""
        self.stdout.write(f"waiting: {waiting.count()}{since}")
        self.stdout.write(f"refused: {refused.count()}")
        for row in refused.order_by("id")[:1000]:
            self.stdout.write(f"  {row.id}  {row.request_id}  {row.created_at:%Y-%m-%d %H:%M}  {row.error}")


def _refused(database: str, ids: list[int]) -> Any:
    """Find refused rows, all or none: a wrong id may be a slip in any of them."""
    found = outbox.refused(database).filter(pk__in=ids)
    if missing := {*ids} - {*found.values_list("pk", flat=True)}:
        listed = ", ".join(map(str, sorted(missing)))
        raise CommandError(f"nothing was changed: no refused SMS has the id {listed}")
    return found
