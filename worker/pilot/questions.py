"""What a trial asks: each question, its price, what workers assume until it is settled, what that changes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from worker.pilot.called_back import ask_receipts, ask_reply
from worker.pilot.contents import ask_bad_number, ask_gsm7_part, ask_sender_space, ask_ucs2_part
from worker.pilot.experiment import Experiment
from worker.pilot.same_id import ask_duplicate, ask_refused_id, ask_simulation
from worker.pilot.seen import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question.

    Attributes:
        name: how a person chooses it.
        asks: the question.
        plan: what is done.
        segments: that are paid at most.
        answers: that are possible; it may also stay open.
        assumed: what workers assume.
        changes: what an answer changes.
        ask: does it.
        to_all: whether all numbers are texted, and paid for, and not the first one only.
        two_way: whether its SMS can be answered, which costs more.
    """

    name: str
    asks: str
    plan: str
    segments: int
    answers: Sequence[str]
    assumed: str
    changes: str
    ask: Callable[[Experiment], Verdict]
    to_all: bool = False
    two_way: bool = False

    def most(self, numbers: int) -> int:
        """Say how many segments it costs at most."""
        return self.segments * (numbers if self.to_all else 1)


#: All questions, in the order in which they are asked: what the first one settles helps the others.
QUESTIONS: Final[Sequence[Question]] = (
    Question(
        name="duplicate",
        asks="Which code does a call get whose request_id was taken before?",
        plan="a call, the same call again, twice if its code is in no table, and its text under a fresh id",
        segments=4,
        answers=("a code, such as 120 or 182", "the first ticket", "taken twice"),
        assumed="120 and 182, both",
        changes="profile: workers know this code, and no other, for a duplicate",
        ask=ask_duplicate,
    ),
    Question(
        name="refused-id",
        asks="Does a refused call use up its request_id?",
        plan="two calls that must be refused, for a sender of one sign and a number of nobody; "
        "each mended under its id",
        segments=4,
        answers=("kept", "used up"),
        assumed="it may: a duplicate proves nothing after a refusal",
        changes="profile: if kept, a duplicate proves acceptance after a refusal, too",
        ask=ask_refused_id,
    ),
    Question(
        name="bad-number",
        asks="What becomes of a call of which one number is nobody's?",
        plan="one call to a number of yours and to a number of nobody",
        segments=2,
        answers=("whole call refused", "left out and not counted", "left out and counted"),
        assumed="the whole call is refused, or the count tells",
        changes="nothing by itself: a wrong answer would let a call be split that was taken",
        ask=ask_bad_number,
    ),
    Question(
        name="sender-space",
        asks="May a sender hold a space?",
        plan="one call with a space in the sender",
        segments=1,
        answers=("allowed", "refused"),
        assumed="no",
        changes="tells whether SENDER_ALLOW_SPACES=1 works on this account",
        ask=ask_sender_space,
    ),
    Question(
        name="gsm7-part",
        asks="How many characters has a part of a longer text?",
        plan="texts of 306 and, if that takes three parts, 274 characters",
        segments=6,
        answers=("153", "137"),
        assumed="153",
        changes="nothing by itself: applications count, and answers decide what is booked",
        ask=ask_gsm7_part,
    ),
    Question(
        name="ucs2-part",
        asks="How many characters has a part of a longer text with letters beyond the GSM alphabet?",
        plan="texts of 140 characters and, as long as that takes three parts, 134 and 126",
        segments=9,
        answers=("70", "67", "63"),
        assumed="67",
        changes="nothing by itself, as above",
        ask=ask_ucs2_part,
    ),
    Question(
        name="simulation",
        asks="Does a simulated call use up its request_id, and has it a ticket?",
        plan="a simulated call twice, and a real one under its id",
        segments=3,
        answers=("kept", "used up", "a memory of its own"),
        assumed="kept",
        changes="nothing by itself: an application tries simulation_mode under an id of its own",
        ask=ask_simulation,
    ),
    Question(
        name="receipts",
        asks="What do receipts look like, when do they come, and by which clock are their dates?",
        plan="one call to all your numbers; then it waits for receipts",
        segments=1,
        answers=("Europe/Paris", "UTC", "with an offset"),
        assumed="Europe/Paris; all shapes are read",
        changes="nothing by itself: a clock that differs is worth an issue",
        ask=ask_receipts,
        to_all=True,
    ),
    Question(
        name="reply",
        asks="What does a reply look like?",
        plan="one call that can be answered; then it waits until you answer it",
        segments=1,
        answers=("a name of the date field, and where the number stands",),
        assumed="all shapes are read",
        changes="nothing by itself: a field that is not read is worth an issue",
        ask=ask_reply,
        two_way=True,
    ),
)
BY_NAME: Final = {each.name: each for each in QUESTIONS}
