"""Questions about what a call contains: a number of nobody, a space in the sender, texts of several parts."""

from collections.abc import Sequence

from worker.pilot.experiment import NO_NUMBER, Experiment
from worker.pilot.seen import Verdict, not_settled


def ask_bad_number(experiment: Experiment) -> Verdict:
    """Send one call to a number that is right and to one that is nobody's."""
    seen = experiment.post(experiment.text(), to=[experiment.numbers[0], NO_NUMBER], segments=2)
    if seen.kind == "refused":
        return Verdict("whole call refused", f"the call {seen.words}")
    if seen.kind != "accepted" or seen.contacts not in {1, 2}:
        return not_settled("the call", seen)
    if seen.contacts == 1:
        return Verdict("left out and not counted", "the call was accepted, and counted one recipient of two")
    return Verdict("left out and counted", "the call was accepted, and counted both recipients")


def ask_sender_space(experiment: Experiment) -> Verdict:
    """Send with a space in the sender."""
    sender = f"{experiment.sender[:2]} {experiment.sender[2:10]}"
    seen = experiment.post(experiment.text(), sender=sender)
    if seen.kind == "accepted":
        return Verdict("allowed", "the call was accepted")
    return Verdict("refused", f"the call {seen.words}") if seen.kind == "refused" else not_settled("it", seen)


def ask_gsm7_part(experiment: Experiment) -> Verdict:
    """Send texts of the GSM alphabet that take two parts of one size, and three of a smaller one."""
    return _part_size(experiment, "", (153, 137))


def ask_ucs2_part(experiment: Experiment) -> Verdict:
    """The same with a letter that the GSM alphabet lacks."""
    return _part_size(experiment, "œ", (70, 67, 63))


def _part_size(experiment: Experiment, letter: str, sizes: Sequence[int]) -> Verdict:
    counted: list[str] = []
    for size in sizes:
        seen = experiment.post(_filled(experiment.text(letter), 2 * size), segments=3)
        if seen.kind != "accepted" or seen.segments is None:
            return not_settled(f"the text of {2 * size} characters", seen)
        counted.append(f"{2 * size} characters were counted as {seen.segments}")
        if seen.segments == 2:
            return Verdict(str(size), "; ".join(counted))
        if seen.segments != 3:
            break
    return Verdict(why="; ".join(counted) + ": no size that is known gives this")


def _filled(text: str, length: int) -> str:
    """Repeat a text until it has exactly so many characters."""
    return (f"{text} " * (length // len(text) + 1))[: length - 1] + "."
