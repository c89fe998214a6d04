"""``manage.py sms_outbox_relay``: hands over the SMS of transactions."""

from argparse import ArgumentParser
from functools import partial
from typing import Any, Final

from django.core.management.base import CommandError
from django.db import InterfaceError, OperationalError

from ....errors import QueueRefused, QueueUnavailable
from ....outbox.handing_over import HandedOver
from ....outbox.relay import Relay
from ... import outbox
from ...database import let_commit, renew_connections
from ...in_tests import refuse_in_tests
from ...models import OutboxRow
from ...sending import get_producer
from ...settings import redis_name
from ..sending_command import SendingCommand
from ..signals import ending_by
from ..tables import need_table

#: What says that the database does not answer.
_AWAY: Final = (OperationalError, InterfaceError)


class Command(SendingCommand):
    """Hands the SMS of the outbox over to the queue, until SIGTERM or SIGINT. Run one, or more."""

    help = "Hands the SMS of the outbox over to the queue, every 5 s, until SIGTERM or SIGINT."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--once", action="store_true", help="hand over what is there now, and end")
        parser.add_argument("--database", default=outbox.alias(), help="alias of its database")

    def handle(self, *, once: bool, database: str, verbosity: int, **_: Any) -> None:
        """Run the relay."""
        refuse_in_tests()
        need_table(OutboxRow, database)
        relay = Relay(partial(_step, database), _AWAY)
        try:
            if once:
                counts = relay.run_once()
                if verbosity:
                    self.stdout.write(f"queued {counts.queued}, refused {counts.refused}")
                return
            with ending_by(relay.stop):
                if verbosity:
                    self.stdout.write(f"hands the outbox of database {database} over to {redis_name()}")
                    self.stdout.flush()
                relay.run()
        except (QueueUnavailable, QueueRefused, *_AWAY) as error:
            # A driver's text has more lines; the first says what is the matter.
            reason = str(error).partition("\n")[0]
            if server := getattr(error, "server", ""):
                # In tests something else was asked in its place.
                reason = reason.replace(server, redis_name())
            raise CommandError(f"{type(error).__name__}: {reason}") from error


def _step(using: str) -> HandedOver:
    renew_connections()
    let_commit(using)
    return outbox.step(get_producer(), using)
