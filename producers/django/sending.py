"""Sending from a Django project: at once, after a commit, or as part of a transaction."""

import logging
import time
from collections import deque
from functools import partial
from typing import Any, Final, Unpack
from weakref import WeakKeyDictionary

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from ..contract.connections import within
from ..messages.frozen import FrozenMessage
from ..messages.message import Message, MessageOptions, Recipients
from ..producer import Producer
from ..queueing.batches import freeze_one
from .in_tests import refuse_in_tests
from .per_process import OnePerProcess, forget_all
from .settings import producer_settings, redis_name

_log = logging.getLogger("producers.django")

#: Seconds that Redis has after the commit of a request, which waits meanwhile. The relay takes what is left.
_KICK_S: Final = 0.5
#: Seconds without a kick after one that failed: no request of an outage waits again and again.
_REST_S: Final = 5.0
#: Rows of one transaction that a kick hands over; the relay takes the others.
_KICK_ROWS: Final = 500


class _ProducerOfProject(Producer):
    """Asks Redis as any producer does; in a test only where an outbox or a sandbox is open."""

    def _run(self, *given: Any, **named: Any) -> Any:
        refuse_in_tests()
        return super()._run(*given, **named)

    def _start(self, *given: Any, **named: Any) -> Any:
        refuse_in_tests()
        return super()._start(*given, **named)

    def _drive(self, *given: Any, **named: Any) -> Any:
        refuse_in_tests()
        return super()._drive(*given, **named)


def _producer() -> Producer:
    return _ProducerOfProject(settings=producer_settings())


_the_producer: Final = OnePerProcess(_producer)


def get_producer() -> Producer:
    """Give the producer of this process, made by ``OCTOPUSH``; made when first asked for, closed at the end.

    A server may fork before or after that: each process gets its own.

    Raises:
        ConfigError: lists every wrong key.
    """
    return _the_producer()


def send_on_commit(
    recipients: Recipients, text: str, *, using: str | None = None, **options: Unpack[MessageOptions]
) -> str:
    """Queue one SMS after the transaction that is under way has committed; at once without one.

    **It may be lost**: if the process dies after the commit, or Redis does not answer then. That is an error
    line with the request_id, and no exception, since the transaction has committed. `send_in_transaction`
    loses nothing.

    Args:
        recipients: as for `Producer.send`.
        text: as for `Producer.send`.
        using: alias of the database whose transaction it is; the default one if None.
        **options: the other fields of `Message`, by name; ``sender`` is required.

    Returns:
        The request_id. What is probably a mistake in the SMS, `Producer.preview` says.

    Raises:
        InvalidMessage: lists every bad field; nothing will be queued.
    """
    frozen = freeze_one(Message(recipients, text, **options), producer_settings())
    transaction.on_commit(_Queueing(frozen), using=using)
    return frozen.request_id


def send_in_transaction(
    recipients: Recipients, text: str, *, using: str | None = None, **options: Unpack[MessageOptions]
) -> str:
    """Let one SMS belong to the transaction that is under way: it is sent if that commits, and only then.

    It is written into the outbox, a table of the same database. After the commit this process hands it over,
    if Redis answers within half a second; whatever happens then, ``manage.py sms_outbox_relay`` does. Safe to
    repeat with the same request_id: the same content is written once. Nothing is asked of Redis before the
    commit.

    Args:
        recipients: as for `Producer.send`.
        text: as for `Producer.send`.
        using: alias of the database whose transaction it is; by the routers if None.
        **options: the other fields of `Message`, by name; ``sender`` is required.

    Returns:
        The request_id. What is probably a mistake in the SMS, `Producer.preview` says.

    Raises:
        InvalidMessage: lists every bad field; nothing was written.
        RequestIdConflict: a row that waits has this id and other content; nothing was written.
    """
    from . import outbox  # noqa: PLC0415 - models can be imported only after Django has loaded its applications

    alias = using or outbox.alias()
    is_new = options.get("request_id") is None
    request_id = outbox.write(Message(recipients, text, **options), producer_settings(), alias, is_new=is_new)
    _kick.expect(request_id, alias)
    return request_id


def settings_changed(*, setting: str, **_: Any) -> None:
    """Begin anew when a test changes ``OCTOPUSH``."""
    if setting == "OCTOPUSH":
        begin_anew()


def begin_anew() -> None:
    """Forget what this process has made by its settings, and that Redis was away; for tests."""
    producer_settings.cache_clear()
    forget_all()
    _kick.forget_outage()


def waiting_for_commit(connection: BaseDatabaseWrapper) -> tuple[set[str], set[str]]:
    """Say what the end of the transaction that is under way would hand over; for tests.

    Args:
        connection: whose transaction.

    Returns:
        The request_ids of `send_on_commit`, and those of `send_in_transaction`: some of these may have been
        rolled back.
    """
    hooks = [hook for _, hook, *_ in connection.run_on_commit]
    on_commit = {each.frozen.request_id for each in hooks if isinstance(each, _Queueing) and not each.done}
    kicks = (each.args[0] for each in hooks if isinstance(each, partial) and each.func == _kick.hand_over)
    return on_commit, set().union(*kicks)


class _Queueing:
    """Queues one message, once its transaction has committed."""

    def __init__(self, frozen: FrozenMessage) -> None:
        self.frozen = frozen
        self.done = False

    def __call__(self) -> None:
        refuse_in_tests()
        self.done = True
        try:
            get_producer().send_many([self.frozen])
        except Exception as error:  # noqa: BLE001 - the transaction has committed: nobody could roll back
            _log.error("SMS %s was not queued after its commit: %s", self.frozen.request_id, _named(error))


def _named(error: Exception) -> str:
    """Name an error and the Redis that it is about. Texts of other errors may hold what was sent."""
    name = type(error).__name__
    # In tests something else was asked in its place.
    return f"{name} at {redis_name()}" if getattr(error, "server", "") else name


class _Kick:
    """Hands rows over right after their commit, unless a kick has just failed."""

    def __init__(self) -> None:
        self._not_before_s = 0.0
        #: What each connection has written. Some of it may have been rolled back, and is not found then.
        self._written: WeakKeyDictionary[Any, deque[str]] = WeakKeyDictionary()

    def forget_outage(self) -> None:
        """Let the next commit hand over, whatever became of the last one."""
        self._not_before_s = 0.0

    def expect(self, request_id: str, alias: str) -> None:
        """Hand a row over with all others of the transaction that is under way, once that has committed.

        Who commits by hand, with autocommit off, is told of no commit by Django: the relay takes the row.
        """
        connection = connections[alias]
        if not connection.in_atomic_block and not connection.get_autocommit():
            return
        written = self._written.setdefault(connection, deque(maxlen=_KICK_ROWS))
        written.append(request_id)
        transaction.on_commit(partial(self.hand_over, written, alias), using=alias)

    def hand_over(self, written: deque[str], alias: str) -> None:
        """Hand rows over. Raises in a test without an outbox only: the relay takes what is left."""
        ids = list(written)
        written.clear()
        if not ids:
            return
        refuse_in_tests()
        if time.monotonic() < self._not_before_s:
            return
        from . import outbox  # noqa: PLC0415 - as above

        try:
            with within(_KICK_S):
                handed = outbox.step(get_producer(), alias, only=ids)
            handed.log_refused()
        except Exception as error:  # noqa: BLE001 - the transaction has committed: nobody could roll back
            self._not_before_s = time.monotonic() + _REST_S
            _log.warning("the outbox waits for its relay: %s", _named(error))


_kick: Final = _Kick()
