"""``manage.py sms_consume``: lets a function of the project handle what comes back."""

import inspect
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any, Final

from django.core.management.base import CommandError
from django.utils.module_loading import import_string

from ....contract.kinds import TYPES, StreamName
from ...consuming import Consumer
from ...in_tests import refuse_in_tests
from ...models import GROUP_MAX, HandledEvent
from ..sending_command import SendingCommand
from ..signals import ending_by
from ..tables import need_table

#: Fewer seconds would hand an event out again while it is handled; more than a day nobody waits.
_IDLE_S: Final = (1.0, 86_400.0)


class Command(SendingCommand):
    """Calls a function with each event of a stream, within a transaction, until SIGTERM or SIGINT."""

    help = "Calls a function with each event of a stream, within a transaction, until SIGTERM or SIGINT."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("stream", choices=list(TYPES))
        parser.add_argument("--handler", required=True, help="path.to.function, which is given each event")
        parser.add_argument("--group", help="name of the reader; that of the handler if absent")
        parser.add_argument("--database", help="alias of the database that the handler writes to")
        parser.add_argument(
            "--idle-s",
            type=float,
            default=60.0,
            help="seconds after which an event that was not handled comes again; longer than a handler takes",
        )

    def handle(
        self,
        stream: StreamName,
        *,
        handler: str,
        group: str | None,
        database: str | None,
        idle_s: float,
        verbosity: int,
        **_: Any,
    ) -> None:
        """Read until the end."""
        refuse_in_tests()
        group = group or handler
        if len(group) > GROUP_MAX:
            raise CommandError(f"--group: at most {GROUP_MAX} characters")
        if not _IDLE_S[0] <= idle_s <= _IDLE_S[1]:
            raise CommandError("--idle-s: {:g} to {:g}".format(*_IDLE_S))
        consumer = Consumer(stream, group, database, idle_s)
        # The handler's modules may take long to load: a signal is to be heard meanwhile.
        with ending_by(consumer.stop):
            function = _function(handler)
            need_table(HandledEvent, consumer.using)
            if verbosity:
                where = f"at {consumer.server} as group {group}, database {consumer.using}"
                self.stdout.write(f"reads {stream} {where}")
                self.stdout.flush()
            consumer.run(function)


def _function(path: str) -> Callable[[Any], object]:
    try:
        found = import_string(path)
    except ImportError as error:
        raise CommandError(f"--handler {path}: {error}") from None
    if not callable(found):
        raise CommandError(f"--handler {path} is no function")
    if inspect.iscoroutinefunction(found):
        raise CommandError(f"--handler {path} is asynchronous: nobody would await it")
    if not _takes_an_event(found):
        raise CommandError(f"--handler {path} cannot be called with an event alone")
    return found


def _takes_an_event(function: Callable[..., object]) -> bool:
    try:
        signature = inspect.signature(function)
    except ValueError:
        # Some of what is written in C has none.
        return True
    try:
        signature.bind(object())
    except TypeError:
        return False
    return True
