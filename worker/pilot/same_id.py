"""Questions about a request_id that is used again: after an acceptance, a refusal, a simulation."""

from typing import Any, Final

from worker.gateway.codes import CODES
from worker.gateway.profile import may_be_duplicate
from worker.pilot.experiment import NO_NUMBER, Experiment
from worker.pilot.seen import Seen, Verdict, not_settled

#: What is wrong with a call that shall be refused, in words and as `Experiment.post` is told.
_FAULTS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("a sender of one sign", {"sender": "!"}),
    ("a number of nobody", {"to": [NO_NUMBER]}),
)


def ask_duplicate(experiment: Experiment) -> Verdict:
    """Send a call twice under one id, and its text once more under another.

    Only the last call shows that the second was refused for its id, and not for its text. A code that no page
    of the gateway has must be told twice: it might be a trouble that passes.
    """
    text = experiment.text()
    first = experiment.post(text)
    if first.kind != "accepted" or not first.ticket:
        return not_settled("the first call", first)
    again = experiment.post(text, again=1)
    if again.kind == "accepted":
        if again.ticket == first.ticket:
            return Verdict("the first ticket", "the same call got the same ticket again")
        return Verdict("taken twice", "the same call got a second ticket: here an id prevents no second SMS")
    code = _code_of(again)
    once_more = experiment.post(text, again=1) if code and code not in CODES else again
    if not code or (once_more.kind, once_more.code) != (again.kind, again.code):
        return not_settled("the same call", once_more)
    control = experiment.post(text)
    if control.kind != "accepted":
        return not_settled("the same text under a fresh id", control)
    why = f"the same call {again.words}; the same text under a fresh id was accepted"
    return Verdict(str(code), why, duplicate_codes=(code,))


def _code_of(again: Seen) -> int:
    """The code of a refusal that may be about the id; 0 if it has another meaning, or there is none."""
    if again.kind not in {"duplicate", "unexplained"} or not again.code.isdecimal():
        return 0
    is_clear = again.kind == "duplicate" or (again.status is not None and again.status < 500)
    return int(again.code) if is_clear and may_be_duplicate(int(again.code)) else 0


def ask_refused_id(experiment: Experiment) -> Verdict:
    """Let two calls be refused for what is wrong with them, and send each mended under its id."""
    kept: dict[str, bool] = {}
    for place, (fault, wrong) in enumerate(_FAULTS):
        text = experiment.text(str(place + 1))
        refused = experiment.post(text, **wrong)
        if refused.kind != "refused":
            return not_settled(f"the call with {fault}", refused)
        mended = experiment.post(text, again=2 * place + 1)
        if mended.kind != "accepted" and not experiment.is_duplicate(mended):
            return not_settled(f"the call without {fault}", mended)
        kept[f"code {refused.code} ({fault})"] = mended.kind == "accepted"
    if len(set(kept.values())) > 1:
        told = " and ".join(f"{name} {'kept' if each else 'used up'} the id" for name, each in kept.items())
        return Verdict(why=f"the answers contradict each other: {told}")
    names = " and ".join(kept)
    if all(kept.values()):
        return Verdict("kept", f"the id was taken after {names}", refusals_keep_ids=True)
    return Verdict("used up", f"the id was called a duplicate after {names}")


def ask_simulation(experiment: Experiment) -> Verdict:
    """Simulate a call twice under one id, then make it."""
    text = experiment.text()
    simulated = experiment.post(text, simulated=True)
    if simulated.kind != "accepted":
        return not_settled("the simulated call", simulated)
    repeated = experiment.post(text, again=1, simulated=True)
    real = experiment.post(text, again=1)
    notes = (f"a simulated call is answered {'with' if simulated.ticket else 'without'} a ticket",)
    if repeated.kind != "accepted" and not experiment.is_duplicate(repeated):
        return not_settled("the repeated simulated call", repeated)
    if real.kind != "accepted" and not experiment.is_duplicate(real):
        return not_settled("the real call", real)
    if real.kind != "accepted":
        return Verdict("used up", "the real call under the id of a simulated one was a duplicate", notes)
    if repeated.kind != "accepted":
        why = "a repeated simulated call was a duplicate, and the real call under its id was taken"
        return Verdict("a memory of its own", why, notes)
    return Verdict("kept", "the real call under the id of a simulated one was taken", notes)
