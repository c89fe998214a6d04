"""Attempts of a worker moved by hand that make real POSTs, while something happens before a repeat."""

import asyncio
import time
from collections.abc import Callable

from tests.support.hand_worker import KEYS, HandWorker
from tests.support.installation import API_KEY, API_LOGIN
from tests.support.simulator import SimulatorThread
from worker.account.gates import Gates
from worker.account.strain import Strain
from worker.gateway.client import Gateway
from worker.ledger.claims import Claim
from worker.sandbox.free_port import free_port
from worker.sending.attempt import Attempt
from worker.sending.engine import Engine
from worker.sending.outbound import Outbound
from worker.sending.recorder import Recorder
from worker.settings import WorkerSettings


def nothing() -> None:
    """Let nothing happen."""


class Posting:
    """A gateway, and the attempts of one worker: real POSTs, questions and records.

    Args:
        hand: the worker.
        refuses: whether nobody listens at the gateway until an attempt wants to repeat its first POST: that
            one was surely not taken. Else the gateway answers its first call with a 503 of a proxy, which
            leaves the call in doubt.
    """

    def __init__(self, hand: HandWorker, *, refuses: bool) -> None:
        self.hand = hand
        self._port = free_port()
        self._gateway: SimulatorThread | None = None
        if not refuses:
            self.gateway.admin.fault("503_before", times=1)

    @property
    def gateway(self) -> SimulatorThread:
        """The gateway, which listens from now on."""
        if self._gateway is None:
            self._gateway = SimulatorThread(port=self._port)
        return self._gateway

    def stop(self) -> None:
        """Stop the gateway."""
        if self._gateway is not None:
            self._gateway.stop()

    def attempt(
        self,
        claim: Claim,
        happens: Callable[[], None] = nothing,
        then: Callable[[], None] = nothing,
        *,
        waited_s: float = 0.0,
    ) -> None:
        """Make the POSTs of a claim and record what they came to; a next attempt is due at once.

        Args:
            claim: the right to them.
            happens: called once, after the first POST and before the question whether it may be repeated.
            then: called after the POSTs; the record may have been tried before.
            waited_s: seconds for which the claim has waited for a free call.
        """
        recorder = Recorder(
            self.hand.ledger,
            self.hand.throttle,
            Strain(self.hand.redis, KEYS, 0),
            Gates(self.hand.redis, KEYS),
        )
        recorder.start()
        asyncio.run(self._posts(claim, happens, recorder, waited_s))
        then()
        recorder.stop()
        self.hand.redis.zadd(self.hand.names.delayed, {claim.entry.id: 0}, xx=True)

    async def _posts(
        self, claim: Claim, happens: Callable[[], None], recorder: Recorder, waited_s: float
    ) -> None:
        due = [happens]

        async def wait(seconds: float) -> None:
            if due:
                due.pop()()
                assert self.gateway

        environ = {"OCTOPUSH_API_LOGIN": API_LOGIN, "OCTOPUSH_API_KEY": API_KEY}
        base_url = {"OCTOPUSH_BASE_URL": f"http://127.0.0.1:{self._port}/v1/public"}
        gateway = Gateway(WorkerSettings.from_env(environ | base_url))
        engine = Engine(gateway.close)
        outbound = Outbound(
            self.hand.ledger, gateway, self.hand.recheck, recorder, engine, {self.hand.queue: 1}
        )
        await outbound._send(Attempt(claim, self.hand.holder, time.monotonic() - waited_s, sleep=wait))
        await gateway.close()
        engine._loop.close()

    def posts(self) -> list[list[str]]:
        """The numbers of each call that the gateway has read."""
        return [sorted(each.numbers) for each in self.gateway.admin.requests()]

    def shown(self, number: str) -> int:
        """How many texts a handset shows."""
        return sum(count for (_, to), count in self.gateway.admin.delivered().items() if to == number)
