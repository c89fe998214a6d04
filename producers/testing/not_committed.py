"""What a project of Django wrote and nobody has handed over: why a test does not find its SMS."""

import sys
from typing import Any, Final

#: Each is loaded by a project of Django only.
_DJANGO: Final = f"{__name__.rpartition('.testing')[0]}.django"
_COMMIT: Final = "a commit: captureOnCommitCallbacks(execute=True) stands for it in a TestCase"
_RELAY: Final = 'the relay: call_command("sms_outbox_relay", once=True) runs it once'


def what_waits() -> list[str]:
    """Say in a line each how many SMS wait for a commit, and how many for the relay."""
    sending, models = (sys.modules.get(f"{_DJANGO}.{name}") for name in ("sending", "models"))
    if sending is None:
        return []
    from django.conf import settings  # noqa: PLC0415 - whoever has loaded ours has loaded it
    from django.db import connections  # noqa: PLC0415

    if not settings.configured:  # somebody has imported ours without a project
        return []
    found = []
    for connection in connections.all(initialized_only=True):
        on_commit, of_outbox = sending.waiting_for_commit(connection)
        rows = _rows(models, connection.alias) if models else set()
        # What was rolled back since has no row.
        on_commit |= of_outbox & rows
        found += [
            f"  {len(ids)} SMS not handed over, waiting for {what}"
            for ids, what in ((on_commit, _COMMIT), (rows - of_outbox, _RELAY))
            if ids
        ]
    return found


def _rows(models: Any, alias: str) -> set[str]:
    """Read the request_ids of the rows that wait; none where the database cannot be asked."""
    rows = models.OutboxRow.objects.using(alias).filter(error="")
    try:
        return set(rows.values_list("request_id", flat=True))
    except Exception:  # noqa: BLE001 - a test may forbid it, or lack the table; its own failure is to be seen
        return set()
