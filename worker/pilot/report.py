"""The report of a trial: Markdown that can be pasted into an issue. No number, no text, no id, no ticket."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from worker.gateway.profile import GatewayProfile
from worker.pilot.journal import Begin, Journal
from worker.pilot.questions import QUESTIONS, Question
from worker.pilot.seen import Seen, Verdict

_HEAD: Final = (
    "| call | id | HTTP | outcome | code | ticket | recipients | segments | cost | answered after |",
    "|---|---|---|---|---|---|---|---|---|---|",
)


def report(journal: Journal, begin: Begin, spent: Decimal, profile: GatewayProfile, now: float) -> str:
    """Write the report of all that a journal holds.

    Args:
        journal: of the trial.
        begin: how it began.
        spent: euros that are gone, or may be.
        profile: what workers are told.
        now: seconds since the epoch.
    """
    pseudonyms = _Pseudonyms()
    lines = [
        "# What the gateway answered",
        "",
        f"- octopush-worker {begin.version}, `octopush-worker pilot`",
        f"- gateway: {begin.gateway}",
        f"- from {_at(begin.at)} to {_at(now)}",
        f"- numbers: {', '.join(begin.numbers)}",
        f"- spent: {spent:.4f} € at most",
        f"- profile: {_profile(profile)}",
        "",
        "| question | answer |",
        "|---|---|",
        *(f"| {each.name}: {each.asks} | {_short(journal.verdicts.get(each.name))} |" for each in QUESTIONS),
    ]
    for question in QUESTIONS:
        if question.name in journal.verdicts or journal.calls[question.name]:
            lines += ["", *_section(question, journal, pseudonyms)]
    return "\n".join(lines) + "\n"


class _Pseudonyms:
    """Names ids and tickets by the order in which they are met."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, str]] = {"R": {}, "T": {}}

    def of(self, kind: str, name: str | None) -> str:
        if not name:
            return ""
        known = self._known[kind]
        return known.setdefault(name, f"{kind}{len(known) + 1}")


def _section(question: Question, journal: Journal, pseudonyms: _Pseudonyms) -> Iterator[str]:
    verdict = journal.verdicts.get(question.name, Verdict(why="it was cut short"))
    yield f"## {question.name}"
    yield ""
    yield f"{question.asks} **{_short(verdict)}**: {verdict.why}."
    yield f"Until it is settled, workers assume: {question.assumed}. What it changes: {question.changes}."
    yield ""
    yield from _HEAD
    calls, answers = journal.calls[question.name], journal.answers[question.name]
    for number, call in sorted(calls.items()):
        cells = [f"{number}{', simulated' if call.simulated else ''}", pseudonyms.of("R", call.request_id)]
        seen = answers.get(number)
        cells += _cells(seen, pseudonyms) if seen else ["", "cut short", *[""] * 6]
        yield f"| {' | '.join(cells)} |"
    shapes = dict.fromkeys(answers[number].shape for number in sorted(answers) if answers[number].shape)
    if shapes or verdict.notes:
        yield ""
    yield from (f"- a body: `{each}`" for each in shapes)
    yield from (f"- {each}" for each in verdict.notes)


def _cells(seen: Seen, pseudonyms: _Pseudonyms) -> list[str]:
    facts: list[object] = [
        seen.status if seen.status is not None else "none",
        seen.kind,
        seen.code,
        pseudonyms.of("T", seen.ticket),
        *(seen.contacts, seen.segments, seen.cost),
        f"{seen.took_s:.2f} s",
    ]
    return ["" if each is None else str(each) for each in facts]


def _short(verdict: Verdict | None) -> str:
    return "not asked" if verdict is None else verdict.answer or "not settled"


def _profile(profile: GatewayProfile) -> str:
    told: Mapping[str, object] = {
        "duplicate_codes": list(profile.duplicate_codes),
        "refusals_keep_ids": profile.refusals_keep_ids,
    }
    return (
        ", ".join(f"{name} {value}" for name, value in told.items() if value) or "none, nothing was settled"
    )


def _at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
