"""``manage.py sms_outbox_relay``: hands over the SMS of transactions."""

from argparse import ArgumentParser
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError

from ....outbox.handing_over import HandedOver
from ....outbox.relay import Relay
from ... import outbox
from ...database import let_commit, renew_connections
from ...sending import get_producer
from ..signals import ending_by


class Command(BaseCommand):
    """Hands the SMS of the outbox over to the queue, until SIGTERM or SIGINT. Run one, or more."""

    help = "Hands the SMS of the outbox over to the queue, every 5 s, until SIGTERM or SIGINT."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--once", action="store_true", help="hand over what is there now, and end")
        parser.add_argument("--database", default=outbox.alias(), help="alias of its database")

    def handle(self, *, once: bool, database: str, **_: Any) -> None:
        """Run the relay."""
        relay = Relay(partial(_step, database), (OperationalError, InterfaceError))
        if once:
            counts = relay.run_once()
            self.stdout.write(f"queued {counts.queued}, refused {counts.refused}")
            return
        with ending_by(relay.stop):
            relay.run()


def _step(using: str) -> HandedOver:
    renew_connections()
    let_commit(using)
    return outbox.step(get_producer(), using)
