"""What the calls of one application are answered with: its settings, its commands, Redis."""

import asyncio
import copy
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, Self, TypeVar

import redis
import redis.asyncio

from producers.contract.clients import Timeouts
from producers.contract.scripts import Command, Script
from producers.contract.steps import Step, Steps, adrive
from producers.queueing.campaign_steps import Campaigns
from producers.queueing.conversations import Conversations
from producers.queueing.records import Records
from producers.queueing.uploads import Uploads
from worker.api.lookout import Lookout
from worker.api.settings import ApiSettings
from worker.api.turns import Turns

T = TypeVar("T")

#: Whoever calls repeats the call; so Redis has no long time to answer.
TIMEOUTS: Final = Timeouts(connect_s=1.0, answer_s=3.0, retries=1, repeat_on=(redis.ConnectionError,))

_TAKE: Final = Script(__package__, "take_rate", when_full=True)
#: Calls that ask Redis at a time, fewer than there are connections: it answers one after the other anyway.
ASKING: Final = 24
#: Seconds of calls that an application may make at once.
BURST_S: Final = 10


@dataclasses.dataclass(frozen=True, slots=True)
class Room:
    """What is left of the rate of an application.

    Attributes:
        left: calls that may follow at once.
        wait_ms: until the next call may come; 0 for now.
    """

    left: int
    wait_ms: int


class Desk:
    """Asks Redis for one application.

    Args:
        settings: of the process.
        app: whose calls these are.
        client: of the process.
        lookout: of the process.
        turns: of the process.
        checking: of the process.

    Attributes:
        settings: those of the application: its own name for budgets and opt-outs.
        app: its name.
        keys: key names.
        records: commands of messages.
        campaigns: commands of campaigns.
        uploads: steps of campaigns that come in parts.
        conversations: steps that read conversations.
        lookout: who waits.
        checking: held while a batch is checked: one of the process at a time.
        hangs: whether its call has waited for Redis in vain.
    """

    def __init__(
        self,
        settings: ApiSettings,
        app: str,
        client: redis.asyncio.Redis,
        lookout: Lookout,
        turns: Turns,
        checking: asyncio.Lock,
    ) -> None:
        self.settings = dataclasses.replace(settings, app=app)
        self.app = app
        self.records = Records(self.settings)
        self.campaigns = Campaigns(self.records, self.settings)
        self.uploads = Uploads(self.records, self.campaigns, settings.retention_ms)
        self.keys, self.pseudonyms, self.hours = (
            self.records.keys,
            self.records.pseudonyms,
            self.records.hours,
        )
        self.conversations = Conversations(self.keys, self.pseudonyms, settings.default_region)
        self.lookout, self.checking = lookout, checking
        self._redis, self._turns = client, turns
        self.hangs = False

    def hanging(self) -> Self:
        """Give a desk for a call that has waited for Redis in vain: it asks nothing, and says so at once."""
        desk = copy.copy(self)
        desk.hangs = True
        return desk

    async def ask(self, steps: Steps[T]) -> T:
        """Carry steps out.

        Raises:
            redis.RedisError: Redis did not answer; or another of `REDIS_ERRORS`.
        """
        async with self._turn():
            return await adrive(steps, self._redis)

    async def do(self, step: Step) -> Any:
        """Carry one step out; raises as `ask`."""
        async with self._turn():
            return await step.arun(self._redis)

    async def charge(self, calls: int, *, always: bool = False) -> Room | None:
        """Take calls from the rate of the application; None if there is none.

        Args:
            calls: how many messages are handed over or asked about.
            always: take them although there is no room: they are about to be handled, and later calls wait.
        """
        rate = self.settings.rate_per_s
        if not rate:
            return None
        given = {"app": self.app, "calls": calls, "rate": rate, "burst": rate * BURST_S, "always": always}
        taken: Room = await self.do(
            Command(_TAKE, self.keys.prefix, given, lambda reply: Room(*map(int, reply)))
        )
        return taken

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        """Wait for a turn to look into a group, and have it within the block; raises as `ask`."""
        self._give_up_if_it_hangs()
        async with self.lookout.looks.one():
            yield

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        self._give_up_if_it_hangs()
        async with self._turns.one():
            yield

    def _give_up_if_it_hangs(self) -> None:
        if self.hangs:
            raise redis.TimeoutError("did not answer this call a moment ago")
