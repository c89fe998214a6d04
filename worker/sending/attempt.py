"""The POSTs of one claim: how many, how long, and what they leave open."""

import math
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Final

import msgspec

from worker.account.gates import Observed
from worker.gateway import retrying
from worker.gateway.codes import STRAIN
from worker.gateway.outcomes import NOT_TRIED, Deferred, Outcome, Unknown
from worker.ledger.claims import Claim, Result
from worker.queue.entries import Holder


class _To(msgspec.Struct):
    phone_number: str


class _Body(msgspec.Struct):
    """The parts of a frozen body that the worker looks at."""

    recipients: list[_To]
    sender: str = ""
    type: str = ""
    simulation_mode: bool = False


_BODY: Final = msgspec.json.Decoder(_Body)


class _TooLateError(Exception):
    """The message's time to live, or the time of this run, is over."""


class Attempt:
    """The POSTs of one claim. Knows how many left and whether one of them may have been accepted.

    Args:
        claim: the right to make them.
        holder: answers for the claim's entry.
        started: when the claim was asked for, by the same clock; a freeze since then counts.
        clock: monotonic seconds.
    """

    def __init__(
        self, claim: Claim, holder: Holder, started: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.claim = claim
        self.holder = holder
        self.damage: msgspec.MsgspecError | None = None
        try:
            self.body = _BODY.decode(claim.body)
        except msgspec.MsgspecError as error:
            self.body, self.damage = _Body([]), error
        self._clock = clock
        self.started = started
        self._lives_s = math.inf if claim.ttl_s is None else claim.ttl_s
        self.posts = 0
        self.post_s = 0.0
        self.strained = False
        self.outcome: Outcome = NOT_TRIED
        self.in_doubt = claim.in_doubt
        self.id_used_up = False
        self.elapsed_s = 0.0

    async def run(self, submit: Callable[[bytes], Awaitable[Outcome]], post_max_s: float) -> None:
        """Make POSTs until one is answered for good or the time of the run is over.

        Raises:
            msgspec.MsgspecError: somebody damaged the body; nothing was posted.
        """
        if self.damage is not None:
            raise self.damage
        with suppress(_TooLateError):
            await retrying.submit_with_tries(partial(self._post, submit), post_max_s)
        self.elapsed_s = self._clock() - self.started

    async def _post(self, submit: Callable[[bytes], Awaitable[Outcome]]) -> Outcome:
        """Make one POST unless time is up: the check stands right before the wire.

        A process that was frozen since its claim must not send on a right that others have taken over.
        """
        if self._clock() - self.started >= min(self._lives_s, retrying.RUN_BUDGET_S):
            raise _TooLateError
        self.posts += 1
        # An outcome that is open stays open, whatever later POSTs of this claim come to.
        self.in_doubt = self.in_doubt or self.outcome.leaves_open
        self.id_used_up = self.id_used_up or self.outcome.may_use_up_id
        # Whatever cuts this short, the POST may have left.
        self.outcome = Unknown("cut_short")
        left = self._clock()
        self.outcome = await submit(self.claim.body)
        self.post_s = self._clock() - left
        strains = isinstance(self.outcome, Deferred | Unknown) and self.outcome.code in STRAIN
        self.strained = self.strained or strains
        return self.outcome

    @property
    def result(self) -> Result:
        """What the ledger is told."""
        return Result(self.claim, self.outcome, self.posts, self.in_doubt, self.id_used_up, self.delay_ms)

    @property
    def answer(self) -> Observed:
        """What the gates are told."""
        entry, body, to = self.claim.entry, self.body, self.body.recipients
        number = to[0].phone_number if to else ""
        return Observed(entry.id, self.claim.queue, body.sender, body.type, number, self.outcome)

    @property
    def size(self) -> int:
        """How many recipients each POST has."""
        return len(self.body.recipients)

    @property
    def _runs(self) -> int:
        """As many runs as its POSTs fill: claims that made none, being held or paused, are not its fault."""
        return max(1, -(-(self.claim.attempts + self.posts) // retrying.TRIES))

    @property
    def delay_ms(self) -> int:
        """Milliseconds until the next run, if the message is not over."""
        outcome, claim = self.outcome, self.claim
        if outcome is NOT_TRIED:
            return 0
        if retrying.holds_all(outcome):
            # Back into the queue, which nobody fetches from while sending is held.
            return retrying.HELD_MS
        aside = retrying.unpaid(outcome) and not (self.in_doubt or outcome.leaves_open)
        delay_ms = retrying.ASIDE_MS if aside else retrying.next_run_ms(self._runs, outcome)
        if claim.ttl_s is None:
            return delay_ms
        # A message whose time runs out before the next run ends when its time does.
        return min(delay_ms, max(0, math.ceil(1000 * (claim.ttl_s - self.elapsed_s))))
