"""The calls of one question: each is written down before it is made, and made once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from producers.messages.body import Body, encode
from producers.messages.recipient import Recipient
from worker.gateway.client import Tried
from worker.pilot.arrivals import Arrival, Arrivals
from worker.pilot.journal import Answer, Call, Journal
from worker.pilot.purse import Purse
from worker.pilot.seen import Seen, seen_of

#: The beginning of a country's numbers, and nobody's number.
NO_NUMBER: Final = "+33"
#: Seconds for which the gateway surely remembers an id; its documents say 24 h.
_REMEMBERED_S: Final = 20 * 3600


class CutShortError(Exception):
    """A call was begun and nobody knows what came of it: it is not made again."""


class TooDearError(Exception):
    """The budget has no room for the next call."""


class DeclinedError(Exception):
    """The person who was asked said no: no further call of the question is made."""


@dataclass(frozen=True)
class Lab:
    """What all questions of a trial work with.

    Attributes:
        post: makes one call; is told whether it is a simulated one.
        journal: what was done.
        purse: what may be spent.
        arrivals: what came back.
        numbers: who is texted.
        sender: of all messages.
        wait_s: seconds for which a callback is waited for.
        say: tells a person what to do.
    """

    post: Callable[[bytes, bool], Tried]
    journal: Journal
    purse: Purse
    arrivals: Arrivals
    numbers: Sequence[str]
    sender: str
    wait_s: float
    say: Callable[[str], None]


class Experiment:
    """The calls of one question, in their order. Made anew, it finds again what was answered before.

    Args:
        lab: of the trial.
        question: its name.
        agrees: asks whether calls may be made. It is asked once, before the first call that was not made
            before, whatever that may cost.
    """

    def __init__(self, lab: Lab, question: str, agrees: Callable[[], bool]) -> None:
        self._lab = lab
        self._question = question
        self._agrees = agrees
        self._may_call = False
        self._made = 0

    @property
    def numbers(self) -> Sequence[str]:
        """Who is texted; the first of them where one is enough."""
        return self._lab.numbers

    @property
    def sender(self) -> str:
        """Whose name the messages bear."""
        return self._lab.sender

    @property
    def wait_s(self) -> float:
        """Seconds for which a callback is waited for."""
        return self._lab.wait_s

    @property
    def journal(self) -> Journal:
        """What was done so far, by this question and by others."""
        return self._lab.journal

    def text(self, mark: str = "") -> str:
        """Write a text that says what it is."""
        what = f"{self._question} {mark}".strip()
        return f"Technical test by octopush-worker pilot ({what}). You know of it; nothing is to be done."

    def post(
        self,
        text: str,
        *,
        again: int | None = None,
        to: Sequence[str] = (),
        sender: str = "",
        two_way: bool = False,
        simulated: bool = False,
        segments: int = 1,
    ) -> Seen:
        """Make the next call of this question, or find what came of it before.

        Args:
            text: what is sent.
            again: the call whose request_id it has, counted from 1; None for a fresh one.
            to: who gets it; empty for the first number of the trial.
            sender: empty for that of the trial.
            two_way: whether it can be answered.
            simulated: whether it asks for simulation_mode.
            segments: that it may cost at most.

        Raises:
            CutShortError: it was begun before, and never answered; or the gateway may have forgotten its id.
            TooDearError: the budget has no room for it; nothing was done.
            DeclinedError: a person does not agree; nothing was done.
        """
        self._made += 1
        journal, number = self.journal, self._made
        if number in journal.answers[self._question]:
            return journal.answers[self._question][number]
        if number in journal.calls[self._question]:
            raise CutShortError(f"call {number} was cut short, and may have been taken")
        request_id = str(uuid4()) if again is None else self._id_of(again)
        worst = self._lab.purse.worst(segments, two_way=two_way)
        if not self._lab.purse.allows(worst):
            raise TooDearError("the budget has no room for its next call")
        self._may_call = self._may_call or self._agrees()
        if not self._may_call:
            raise DeclinedError
        body = Body(
            recipients=[Recipient(each) for each in to or self.numbers[:1]],
            text=text,
            sender=sender or self.sender,
            type="sms_premium",
            purpose="alert",
            request_id=request_id,
            auto_optimize_text=False,
            with_replies=two_way,
            simulation_mode=simulated,
        )
        at = self._lab.arrivals.now()
        journal.write(Call(self._question, number, request_id, f"{worst:f}", segments, simulated))
        seen = seen_of(self._lab.post(encode(body), simulated), at)
        journal.write(Answer(self._question, number, seen))
        return seen

    def _id_of(self, number: int) -> str:
        """Name the id of a call that was answered, to use it again.

        Raises:
            CutShortError: that was too long ago: whatever came of it, it would tell nothing about the id.
        """
        at = self.journal.answers[self._question][number].at
        if self._lab.arrivals.now() - at > _REMEMBERED_S:
            raise CutShortError(
                f"call {number} was made so long ago that the gateway may have forgotten its id: "
                "begin anew with another --report"
            )
        return self.journal.calls[self._question][number].request_id

    def is_duplicate(self, seen: Seen) -> bool:
        """Say whether an answer calls the request_id a duplicate, as far as this trial knows."""
        settled = self.journal.verdicts.get("duplicate")
        if settled and settled.duplicate_codes:
            return seen.code in map(str, settled.duplicate_codes)
        return seen.kind == "duplicate"

    def wait(
        self, stream: str, wanted: Callable[[Arrival], bool], enough: Callable[[list[Arrival]], bool]
    ) -> list[Arrival]:
        """Wait for callbacks, as long as the trial waits for them."""
        return self._lab.arrivals.wait(stream, wanted, enough, self.wait_s)

    def say(self, line: str) -> None:
        """Tell a person what to do."""
        self._lab.say(line)
