"""`SmsOutbox`: what tests of an application see of its SMS, and do in the place of gateway and persons."""

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self, TypeVar, Unpack

import redis

from ..aio import AsyncProducer
from ..contract.events import OptOut, Receipt, Reply
from ..contract.phone import to_e164
from ..errors import ProducerError, QueueUnavailable
from ..producer import Producer
from ..settings import ProducerSettings
from .coming_back import ComingBack
from .exchange import exchanged
from .journey import Duration, Journey, later
from .memory import Memory
from .memory_gateway import MemoryGateway
from .memory_worker import MemoryWorker
from .not_committed import what_waits
from .outage import AsyncFailing, Failing
from .queued import Queued
from .sent_sms import SentSms, Wanted, described
from .surroundings import surroundings

C = TypeVar("C", Reply, Receipt, OptOut)

#: Moments at which something falls due that one journey stops for, and how far apart they are at least.
_STOPS: Final = 10_000
_STEP: Final = timedelta(milliseconds=100)
#: SMS that a failure lists.
_LISTED: Final = 20


class SmsOutbox:
    """Takes all that an application sends, as long as it is open; a context manager.

    While it is open, every `Producer`, `AsyncProducer`, `Feed`, `AsyncFeed` and intake of callbacks speaks to
    a Redis in memory, whenever it was made. No SMS leaves this process. Checks, ids, conflicts, opt-outs,
    campaigns, conversations and events are the real ones.

    A message stays ``queued`` until a worker would have come to it. `run_worker` lets that happen, and so
    does whatever comes back, and `travel`. Marketing leaves at any hour, unless the environment or Django's
    ``OCTOPUSH`` has hours of its own: no test depends on the hour. An outage of an earlier test is over.

    Args:
        memory: what to take it into; one of its own if None.
    """

    def __init__(self, memory: Memory | None = None) -> None:
        self._memory = memory or Memory()
        self._queued = Queued(self._memory.client)
        self._back = ComingBack(self._memory.client)
        self._workers: dict[str, MemoryWorker] = {}
        self._default_region = ""
        self._gateway = MemoryGateway(self._queued)
        self._journey = Journey()
        self._failure: tuple[Exception, bool] | None = None
        self._exit = ExitStack()

    def __enter__(self) -> Self:
        self._exit.enter_context(surroundings({}, in_memory=True))
        exchange = exchanged(self._memory, self._client, self._async_client, self._queued.note)
        self._exit.enter_context(exchange)
        self._exit.callback(self._journey.home)
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    @property
    def sent(self) -> list[SentSms]:
        """What was queued, one object per person, in order; without what was cancelled or has expired."""
        return list(self._queued)

    def assert_sent(
        self,
        to: str | None = None,
        text: str | re.Pattern[str] | None = None,
        times: int = 1,
        purpose: str | None = None,
        context: Any = None,
    ) -> SentSms:
        """Make sure that an SMS was queued, exactly so many times. What is None does not matter.

        Args:
            to: number, in any spelling that a message takes.
            text: as the person reads it; or a compiled pattern, of which a part is enough.
            times: 1 or more.
            purpose: ``alert`` or ``wholesale``.
            context: the application's own value.

        Returns:
            The first that matches.

        Raises:
            AssertionError: it was not; the text lists near misses, with their numbers and texts, and says how
                many SMS of a project of Django wait for a commit, or for the relay.
            ValueError: ``to`` cannot be read, or ``times`` is below 1.
        """
        __tracebackhide__ = True
        if times < 1:
            raise ValueError("times: 1 or more; assert_nothing_sent says that there is none")
        given = {"to": to and self._e164(to), "text": text, "purpose": purpose, "context": context}
        wanted = Wanted({name: value for name, value in given.items() if value is not None})
        found = wanted.matching(sent := self.sent)
        if len(found) != times:
            waiting = what_waits() if len(found) < times else []
            raise AssertionError("\n".join([wanted.failure(sent, times), *waiting]))
        return found[0]

    def assert_nothing_sent(self) -> None:
        """Make sure that nothing was queued.

        Raises:
            AssertionError: something was; the text lists it, with numbers and texts.
        """
        __tracebackhide__ = True
        if sent := self.sent:
            listed = "\n".join(f"  {described(sms)}" for sms in sent[:_LISTED])
            raise AssertionError(f"wanted no SMS; there are {len(sent)}:\n{listed}")

    def run_worker(self) -> None:
        """Let a worker do all that is to be done by now: messages leave, callbacks are read."""
        for worker in self._all_workers():
            worker.send(self._gateway.post)
            worker.publish()

    def reply(self, number: str, text: str, *, times: int = 1) -> Reply:
        """Let a person answer the last message that can be answered, after it has left.

        Args:
            number: whose.
            text: what is written. A STOP opts out, as in reality.
            times: how often feeds get the entry. 2 is what every consumer must bear.

        Returns:
            The event that feeds of ``replies`` get.

        Raises:
            AssertionError: no phone could do that: all that it shows came from a name, not from a number.
        """
        shown = self._shown(number)
        answered = [sms for sms in shown if sms.with_replies]
        if shown and not answered:
            raise AssertionError("nobody can answer a name: send the message with_replies=True")
        return self._come_back(Reply, number, answered, times, text=text)

    def stop(self, number: str, *, times: int = 1) -> OptOut:
        """Let a person opt out, by a STOP to the number in the STOP mention; otherwise as `reply`.

        Returns:
            The event that feeds of ``optouts`` get.
        """
        return self._come_back(OptOut, number, self._shown(number), times, text="STOP")

    def receipt(self, number: str, status: str = "DELIVERED", *, times: int = 1) -> Receipt:
        """Let the network say what became of the last message to a number, after it has left.

        Args:
            number: whose.
            status: the gateway's word, such as ``DELIVERED`` or ``NOT_DELIVERED``: see docs/streams.md.
            times: how often feeds get the entry.

        Returns:
            The event that feeds of ``receipts`` get.

        Raises:
            AssertionError: there is no such message, or it was sent at low cost: of those no receipts come.
        """
        told = [sms for sms in self._shown(number) if sms.type == "sms_premium"]
        if not told:
            raise AssertionError("no message to this number that receipts come of")
        return self._come_back(Receipt, number, told, times, status=status)

    def fail_next(
        self, error: type[QueueUnavailable] | ProducerError = QueueUnavailable, *, queued: bool = False
    ) -> None:
        """Let the next call of a producer that asks Redis go wrong, once.

        Args:
            error: `QueueUnavailable`, which then carries the ids of the call; or an error that is ready.
            queued: whether the call is carried out, and only its answer is lost: whoever repeats it with the
                same request_id sends once.
        """
        failure: Exception = error if isinstance(error, ProducerError) else redis.ConnectionError("fail_next")
        self._failure = failure, queued

    @contextmanager
    def away(self) -> Iterator[None]:
        """Let the gateway be away until the end of the block: nothing leaves, and times to live run out."""
        self._gateway.is_away = True
        try:
            yield
        finally:
            self._gateway.is_away = False

    def travel(self, **duration: Unpack[Duration]) -> None:
        """Let time pass: ``travel(hours=25)``. What falls due on the way leaves when it is due.

        The clock of the whole process goes forward, also that of the application, until the end of the test.

        Raises:
            ValueError: it would not go forward.
        """
        arrival = later(duration)
        self.run_worker()
        for _ in range(_STOPS):
            due = [at for worker in self._all_workers() if (at := worker.next_due())]
            if not due or min(due) > arrival:
                break
            # What a gate keeps is due again and again, and no journey takes for ever.
            self._journey.to(max(min(due), datetime.now(UTC) + _STEP))
            self.run_worker()
        self._journey.to(arrival)
        self.run_worker()

    def _come_back(
        self,
        kind: type[C],
        number: str,
        about: list[SentSms],
        times: int,
        *,
        text: str = "",
        status: str = "",
    ) -> C:
        worker = self._worker_of(about[-1]) if about else self._all_workers()[0]
        ticket = self._queued.ticket(about[-1]) if about else None
        return self._back.post(worker, kind, self._e164(number), ticket, times, text=text, status=status)

    def _shown(self, number: str) -> list[SentSms]:
        """What a phone shows once a worker has done its work, the newest last."""
        self.run_worker()
        return [sms for sms in self.sent if sms.to == self._e164(number) and sms.state == "accepted"]

    def _e164(self, number: str) -> str:
        return to_e164(number, default_region=self._default_region)

    def _worker_of(self, sms: SentSms) -> MemoryWorker:
        prefix = self._queued.prefix_of(sms)
        return next(worker for worker in self._all_workers() if worker.keys.prefix == prefix)

    def _all_workers(self) -> list[MemoryWorker]:
        """One worker per namespace that the application has used; else one for that of the environment."""
        if not self._workers:
            self._employ(ProducerSettings.from_env(os.environ))
        return list(self._workers.values())

    def _employ(self, settings: ProducerSettings) -> None:
        self._default_region = settings.default_region
        if settings.namespace not in self._workers:
            self._workers[settings.namespace] = MemoryWorker(self._memory.client, settings)

    def _client(self, producer: Producer) -> redis.Redis:
        self._employ(producer._settings)  # noqa: SLF001 - both are of one package
        if self._failure is None:
            return self._memory.client
        error, queued = self._failure
        return Failing(error, self._memory.client if queued else None, self._failed)

    def _async_client(self, producer: AsyncProducer) -> redis.asyncio.Redis:
        self._employ(producer._settings)  # noqa: SLF001
        if self._failure is None:
            return self._memory.async_client()
        error, queued = self._failure
        return AsyncFailing(error, self._memory.async_client() if queued else None, self._failed)

    def _failed(self) -> None:
        self._failure = None
