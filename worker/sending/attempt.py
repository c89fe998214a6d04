"""The POSTs of one claim: how many, how long, and what they leave in doubt."""

import asyncio
import math
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import msgspec

from producers.contract.phone import calling_region
from producers.messages.body import BodyFacts, facts_of
from worker.account.gates import ASIDE_MS
from worker.account.observed import Observed
from worker.gateway.call_figures import CallFigures, figures_of
from worker.gateway.client import Gateway
from worker.gateway.codes import NOT_ALLOWED, STRAIN
from worker.gateway.demands import holds_all, is_unpaid
from worker.gateway.outcomes import NOT_TRIED, Deferred, Outcome, Refused, Unknown
from worker.ledger.claims import Claim, Result
from worker.queue.entries import Holder
from worker.sending.next_attempt import HELD_MS, next_attempt_ms, stopped_ms
from worker.sending.repeats import ATTEMPT_BUDGET_S, TRIES, WAIT_FIRST_S, further_posts, is_worth_repeating
from worker.sending.spans import span_of

#: Seconds for which the word of a claim lets a first POST leave. Claims are made ahead of free calls, and the
#: calls of a slow gateway take long.
FRESH_S: Final = 1.0


class _TooLateError(Exception):
    """The message's time to live, or the time of this attempt, is over."""


class _StoppedError(Exception):
    """A gate has closed since the claim, another worker has the send, or nobody could tell."""


class Attempt:
    """The POSTs of one claim. Knows how many left and whether one of them may have been accepted.

    Args:
        claim: the right to make them.
        holder: answers for the claim's entry.
        started: when the claim was asked for, by the same clock; a suspension since then counts.
        clock: monotonic seconds.
        sleep: takes seconds; replaced in tests.
    """

    def __init__(
        self,
        claim: Claim,
        holder: Holder,
        started: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.claim = claim
        self.holder = holder
        self.damage: msgspec.MsgspecError | None = None
        try:
            self.body = facts_of(claim.body)
        except msgspec.MsgspecError as error:
            self.body, self.damage = BodyFacts([]), error
        self._clock = clock
        self._sleep = sleep
        self.started = started
        self._lives_s = math.inf if claim.ttl_s is None else claim.ttl_s
        self.posts = 0
        self.post_s = 0.0
        self.calls: list[CallFigures] = []
        self.strained = False
        self.stopped = False
        self.span = span_of(claim, self.size)
        self.outcome: Outcome = NOT_TRIED
        self.in_doubt = claim.in_doubt
        self.id_used_up = False
        self.elapsed_s = 0.0

    async def make_posts(self, gateway: Gateway, may_post: "MayPost") -> None:
        """Make POSTs until one is answered for good, none may follow, or the time of the attempt is over.

        Args:
            gateway: makes them.
            may_post: asked before each POST but a first one that its claim let pass less than `FRESH_S` ago.

        Raises:
            msgspec.MsgspecError: somebody damaged the body; nothing was posted.
        """
        if self.damage is not None:
            raise self.damage
        last_start = self._clock() + ATTEMPT_BUDGET_S - gateway.post_max_s
        with suppress(_TooLateError, _StoppedError):
            if self._clock() - self.started >= FRESH_S:
                await self._ask(may_post)
            await self._post(gateway)
            # Most messages need no repeat: tenacity's loop takes longer than all else that an attempt does.
            if is_worth_repeating(self.outcome):
                await self._repeat(gateway, may_post, lambda: last_start - self._clock())
        self.elapsed_s = self._clock() - self.started

    async def _repeat(self, gateway: Gateway, may_post: "MayPost", left_s: Callable[[], float]) -> None:
        """Wait and POST again, as often as is worth it and allowed, while there is time for a whole POST."""
        wait_s = random.uniform(0, WAIT_FIRST_S)  # noqa: S311 - spreads load and guards nothing
        if wait_s >= left_s():
            return
        await self._sleep(wait_s)
        async for repeat in further_posts(left_s, self._sleep):
            with repeat:
                await self._ask(may_post)
                # Redis may have taken its time to answer.
                if left_s() <= 0:
                    raise _TooLateError
                await self._post(gateway)
            if not repeat.retry_state.outcome.failed:  # type: ignore[union-attr]
                repeat.retry_state.set_result(self.outcome)

    async def _ask(self, may_post: "MayPost") -> None:
        """Make sure that the gates are still open: the attempt ends otherwise."""
        if not await may_post(self):
            self.stopped = True
            raise _StoppedError

    async def _post(self, gateway: Gateway) -> None:
        """Make one POST unless time is up: the check stands right before the wire.

        A process that was suspended since its claim must not send on a right that others have taken over.
        """
        if self._clock() - self.started >= min(self._lives_s, ATTEMPT_BUDGET_S):
            raise _TooLateError
        # An outcome in doubt stays in doubt, whatever later POSTs of this claim come to.
        self.in_doubt = self.may_be_taken
        self.id_used_up = self.id_used_up or self.outcome.may_use_up_id
        if not gateway.may_text(each.phone_number for each in self.body.recipients):
            self.outcome = Refused(NOT_ALLOWED)
            return
        self.posts += 1
        # Whatever cuts this short, the POST may have left.
        self.outcome = Unknown("cut_short")
        left = self._clock()
        self.outcome = await self._submitted(gateway)
        self.post_s = self._clock() - left
        self.calls.append(figures_of(self.outcome, self.post_s))
        if isinstance(self.outcome, Deferred | Unknown) and self.outcome.code in STRAIN:
            self.strained = True

    async def _submitted(self, gateway: Gateway) -> Outcome:
        body, simulated = self.claim.body, self.body.simulation_mode
        if self.span is None:
            return await gateway.submit(body, simulated=simulated)
        return await self.span.post(gateway, body, simulated=simulated, repeat=self.posts - 1)

    def end(self, state: str) -> None:
        """Say what was recorded: the attempt is over."""
        if self.span is not None:
            self.span.end(state, self.posts, self.outcome)

    @property
    def size(self) -> int:
        """How many recipients each POST has."""
        return len(self.body.recipients)

    @property
    def number(self) -> str:
        """The first recipient's number, or an empty text."""
        to = self.body.recipients
        return to[0].phone_number if to else ""

    @property
    def result(self) -> Result:
        """What the ledger is told."""
        return Result(
            self.claim,
            self.outcome,
            self.posts,
            self.in_doubt,
            self.id_used_up,
            self.delay_ms,
            self.calls,
            Counter(calling_region(each.phone_number) for each in self.body.recipients),
        )

    @property
    def observed(self) -> Observed:
        """What the account is told."""
        return Observed(
            self.claim.entry.id,
            self.claim.queue,
            self.body.sender,
            self.body.type,
            self.number,
            self.size,
            self.outcome,
            self.posts,
            self.post_s,
            self.strained,
        )

    @property
    def delay_ms(self) -> int:
        """Milliseconds until the next attempt, if the message is not over."""
        outcome, ttl_s = self.outcome, self.claim.ttl_s
        if outcome is NOT_TRIED:
            return 0
        if holds_all(outcome):
            return HELD_MS
        if self.stopped and not self.may_be_taken:
            return stopped_ms(self._attempts_filled)
        aside = is_unpaid(outcome) and not self.may_be_taken
        delay_ms = ASIDE_MS if aside else next_attempt_ms(self._attempts_filled, outcome)
        if ttl_s is None:
            return delay_ms
        # A message whose time runs out before the next attempt ends when its time does.
        return min(delay_ms, max(0, math.ceil(1000 * (ttl_s - self.elapsed_s))))

    @property
    def may_be_taken(self) -> bool:
        """Whether a POST of this claim, or of an earlier one, may have been taken."""
        return self.in_doubt or self.outcome.leaves_doubt

    @property
    def _attempts_filled(self) -> int:
        """Attempts that the message's POSTs fill: claims without a POST, held or paused, do not count."""
        return max(1, -(-(self.claim.earlier_posts + self.posts) // TRIES))


#: Says whether an attempt may make its next POST.
MayPost = Callable[[Attempt], Awaitable[bool]]
