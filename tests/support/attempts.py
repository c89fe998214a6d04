"""Attempts without a gateway: scripted ones, and ones that have ended."""

import asyncio
import json
from collections.abc import Iterable

from tests.support.observed import Clock
from tests.support.sends import NoHolder
from worker.gateway.outcomes import NOT_TRIED, Outcome
from worker.ledger.claims import Claim
from worker.queue.entries import Entry
from worker.sending.attempt import Attempt

BODY = b'{"recipients":[{"phone_number":"+33612345678"}],"text":"Hi"}'


class Scripted:
    """An attempt, and a gateway whose answers are given; an exception among them is raised.

    Attributes:
        took_s: seconds that each POST takes from now on.
        bodies: what was posted.
        sleeps: seconds between POSTs.
        allowed: who may be texted; nobody for everybody.
        may_post: what is answered to the question before a repeat.
        asked: of each such question whether a POST may have been taken.
    """

    def __init__(
        self,
        *outcomes: Outcome | BaseException,
        ttl_s: float | None = None,
        in_doubt: bool = False,
        body: bytes = BODY,
        earlier_posts: int = 0,
        post_max_s: float = 1.0,
        took_s: float = 0.0,
        ask_s: float = 0.0,
    ) -> None:
        self.clock, self.took_s, self.post_max_s = Clock(), took_s, post_max_s
        self._outcomes = list(outcomes)
        self.bodies: list[bytes] = []
        self.allowed: frozenset[str] = frozenset()
        self.sleeps: list[float] = []
        self.may_post, self._ask_s = True, ask_s
        self.asked: list[bool] = []
        claim = Claim(Entry("a", "p.1:a"), "alert", 1, body, in_doubt, ttl_s, earlier_posts=earlier_posts)
        self.attempt = Attempt(claim, NoHolder(), self.clock(), self.clock, self._sleep)

    async def submit(self, body: bytes, *, simulated: bool) -> Outcome:
        """Answer as the script says."""
        self.bodies.append(body)
        self.clock.now += self.took_s
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def may_text(self, numbers: Iterable[str]) -> bool:
        """Let everybody be texted, or those who are listed."""
        return not self.allowed or self.allowed.issuperset(numbers)

    async def _may_post(self, attempt: Attempt) -> bool:
        self.asked.append(attempt.may_be_taken)
        self.clock.now += self._ask_s
        return self.may_post

    async def _sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.clock.now += seconds

    def post(self) -> None:
        """Make one POST."""
        asyncio.run(self.attempt._post(self))

    def make_posts(self) -> None:
        """Make as many POSTs as an attempt does."""
        asyncio.run(self.attempt.make_posts(self, self._may_post))


def ended(
    outcome: Outcome = NOT_TRIED,
    *,
    request_id: str = "m",
    started: float = 0.0,
    size: int = 1,
    queue: str = "alert",
    sender: str = "",
    type: str = "",  # noqa: A002 - as in the body
) -> Attempt:
    """Make an attempt that came to an outcome."""
    to = [{"phone_number": "+33612345678"}] * size
    body = json.dumps({"recipients": to, "sender": sender, "type": type}).encode()
    claim = Claim(Entry(request_id, f"p.1:{request_id}"), queue, 1, body, False, None)
    attempt = Attempt(claim, NoHolder(), started)
    attempt.outcome = outcome
    return attempt
