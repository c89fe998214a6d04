"""Handling events of a stream so that each has its effect exactly once, in Django's database."""

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, Final

from django.db import (
    IntegrityError,
    InterfaceError,
    OperationalError,
    connections,
    router,
    transaction,
)
from django.utils import timezone

from ..contract.events import Event
from ..contract.kinds import StreamName
from ..feeds import Feed
from .database import let_commit, renew_connections
from .failures import described
from .models import HandledEvent
from .settings import producer_settings, redis_name

_log = logging.getLogger("producers.django")

#: Seconds between two tries to reach a database that is away.
_RETRY_S: Final = 1.0
#: How long a handled event is remembered. No stream holds its entries for longer, unless somebody says so.
_REMEMBERED: Final = timedelta(days=366)
#: Seconds between two looks for what can be forgotten, and how much one look forgets.
_FORGET_EVERY_S: Final = 3600.0
_FORGET_ROWS: Final = 10_000


class Consumer:
    """Reads one stream with one handler, until `stop`.

    Args:
        stream: which.
        group: names the reader: every group gets every event.
        using: alias of the database of each transaction; by the routers if None.
        idle_s: seconds after which an event that was not handled comes again.

    Attributes:
        using: that alias.
        server: address of Redis without user and password.
    """

    def __init__(
        self, stream: StreamName, group: str, using: str | None = None, idle_s: float = 60.0
    ) -> None:
        self._feed: Feed[Any] = Feed(stream, group, settings=producer_settings(), idle_s=idle_s)
        self._group = group
        self.using: str = using or router.db_for_write(HandledEvent)
        self.server = redis_name()
        self._stopping = False
        self._forget_due_s = 0.0

    def run(self, handler: Callable[[Any], object]) -> None:
        """Handle events until `stop`, through outages of Redis and of the database.

        Args:
            handler: called with each event, within a transaction.
        """
        self._wait_for_database()
        let_commit(self.using)
        # Without its table each event would fail, and be given up in the end.
        HandledEvent.objects.using(self.using).exists()
        with self._feed:
            self._feed.run(partial(self._handle, handler))
        renew_connections()

    def stop(self) -> None:
        """End after the event at hand; from any thread or signal handler."""
        self._stopping = True
        self._feed.stop()

    def _handle(self, handler: Callable[[Any], object], event: Event) -> None:
        """Handle one event, unless that was done.

        If the handler raises, all is rolled back, and the feed brings the event again.
        """
        renew_connections()
        self._wait_for_database()
        let_commit(self.using)
        within = False
        try:
            with transaction.atomic(using=self.using):
                if self._is_new(event):
                    within = True
                    handler(event)
                    within = False
        except Exception as error:
            # Where it happened, and not what was said: that may hold a number or a text.
            _log.error("%s", described(error, handler, within=within))
            raise
        self._forget()
        renew_connections()

    def _is_new(self, event: Event) -> bool:
        """Remember an event; False if it was remembered before.

        The first statement of the transaction writes: whoever handles the same event meanwhile is waited for.
        """
        entry = self._feed.current
        event_id = getattr(event, "event_id", None) or (entry.entry_id if entry else "")
        try:
            with transaction.atomic(using=self.using):
                HandledEvent.objects.using(self.using).create(
                    group=self._group, event_id=event_id, handled_at=timezone.now()
                )
        except IntegrityError:
            return False
        return True

    def _wait_for_database(self) -> None:
        """Wait while the database is away: an outage costs an event no delivery.

        Raises:
            OperationalError: the consumer is to stop meanwhile; the event comes again.
        """
        while True:
            try:
                connections[self.using].ensure_connection()
            except (OperationalError, InterfaceError):
                if self._stopping:
                    raise
                time.sleep(_RETRY_S)
            else:
                return

    def _forget(self) -> None:
        """Forget now and then what is old enough."""
        if time.monotonic() < self._forget_due_s:
            return
        self._forget_due_s = time.monotonic() + _FORGET_EVERY_S
        handled = HandledEvent.objects.using(self.using)
        old = handled.filter(handled_at__lt=timezone.now() - _REMEMBERED)
        handled.filter(pk__in=list(old.values_list("pk", flat=True)[:_FORGET_ROWS])).delete()
