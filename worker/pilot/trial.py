"""A trial from its first question to its last: plan, price, consent, calls, verdict."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from producers.contract.phone import mask
from producers.rules.clocks import clock
from producers.rules.zones import clocks_of, zone_of
from worker.gateway.profile import GatewayProfile
from worker.pilot.experiment import CutShortError, DeclinedError, Experiment, Lab, TooDearError
from worker.pilot.journal import Journal, Judged
from worker.pilot.questions import Question
from worker.pilot.seen import Verdict

#: Hours of the day between which people are texted without being woken.
_DAY: Final = range(8, 21)


@dataclass(frozen=True, slots=True)
class Desk:
    """What a trial is told by the person who runs it.

    Attributes:
        show: prints a line.
        agrees: asks whether a question shall be asked now.
        now: the time, in seconds since the epoch.
        at_night: whether the night is no reason to stop.
    """

    show: Callable[[str], None]
    agrees: Callable[[], bool]
    now: Callable[[], float]
    at_night: bool


def sleeps(numbers: Iterable[str], now: float) -> bool:
    """Say whether it is night, from 21:00 to 08:00, on a clock of one of these numbers."""
    at = datetime.fromtimestamp(now, UTC)
    names = {name for number in numbers for name in clocks_of(zone_of(number))}
    return any(at.astimezone(clock(name)).hour not in _DAY for name in names)


def carry_out(questions: Iterable[Question], lab: Lab, desk: Desk) -> list[str]:
    """Ask questions, each after consent. Made anew with the same journal, it goes on where it ended.

    Returns:
        The names of those that a person agreed to, or that were settled before.
    """
    asked: list[str] = []
    for question in questions:
        known = lab.journal.verdicts.get(question.name)
        if known is not None and known.answer:
            desk.show(f"{question.name}: {known.answer} (settled before)")
            asked.append(question.name)
            continue
        if not desk.at_night and sleeps(lab.numbers, desk.now()):
            desk.show(
                "it is night where one of the numbers is: nothing more is asked; --at-night asks all the same"
            )
            break
        _show_plan(question, lab, desk)
        cost = _left(question, lab)
        if not lab.purse.allows(cost):
            desk.show(
                f"  left out: with {lab.purse.spent:.2f} € spent, {cost:.2f} € more is above the budget"
            )
            continue
        try:
            verdict = _ask(question, lab, desk)
        except DeclinedError:
            desk.show("  left out")
            continue
        asked.append(question.name)
        lab.journal.write(Judged(question.name, verdict))
        desk.show(f"  {verdict.answer or 'not settled'}: {verdict.why}")
    return asked


def _show_plan(question: Question, lab: Lab, desk: Desk) -> None:
    to = ", ".join(map(mask, lab.numbers if question.to_all else lab.numbers[:1]))
    most, cost = question.most(len(lab.numbers)), _left(question, lab)
    desk.show(f"{question.name}: {question.asks}")
    desk.show(f"  plan     {question.plan}, to {to}")
    desk.show(f"  costs    at most {most} segments; {cost:.2f} € at most are still to be spent on it")
    desk.show(f"  assumed  {question.assumed}")
    desk.show(f"  changes  {question.changes}")


def _left(question: Question, lab: Lab) -> Decimal:
    """Say what a question may still cost: what its calls of before may have cost is spent already."""
    left = max(0, question.most(len(lab.numbers)) - lab.purse.paid(question.name))
    return lab.purse.worst(left, two_way=question.two_way)


def _ask(question: Question, lab: Lab, desk: Desk) -> Verdict:
    try:
        return question.ask(Experiment(lab, question.name, desk.agrees))
    except (CutShortError, TooDearError) as error:
        return Verdict(why=str(error))


def profile_of(journal: Journal, questions: Sequence[Question]) -> GatewayProfile:
    """Make of a trial what workers may go by.

    Another call of the trial that got another code for a duplicate contradicts the one that was settled.
    """
    settled = [journal.verdicts.get(each.name, Verdict()) for each in questions]
    codes = tuple(code for each in settled for code in each.duplicate_codes)
    named = {seen.code for _, seen in journal.answered() if seen and seen.kind == "duplicate"}
    others = named - {*map(str, codes)}
    assert journal.begin is not None  # noqa: S101 - what is answered was begun
    return GatewayProfile(
        account=journal.begin.account,
        duplicate_codes=() if others else codes,
        refusals_keep_ids=any(each.refusals_keep_ids for each in settled),
    )
