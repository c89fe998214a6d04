"""What a look has found: how bad it is, what is wrong, what to do, and where to read on."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Level(StrEnum):
    """How bad a finding is. ``advice`` may stay as it is; an ``error`` loses or keeps messages."""

    OK = "ok"
    ADVICE = "advice"
    WARNING = "warning"
    ERROR = "error"


#: From harmless to bad.
ORDER: Final = tuple(Level)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        check: what was looked at: a section and a word, such as ``redis.policy``.
        level: how bad it is.
        finding: one sentence: what is so. Never the value of a secret, nor a number in full.
        remedy: one sentence: what to do; empty where nothing is to be done.
        page: where to read on, below docs/; empty where nothing is to be done.
    """

    check: str
    level: Level
    finding: str
    remedy: str = ""
    page: str = ""


def ok(check: str, finding: str) -> Finding:
    """Say that something is well."""
    return Finding(check, Level.OK, finding)


def advice(check: str, finding: str, remedy: str, page: str) -> Finding:
    """Say what could be better, and may stay as it is."""
    return Finding(check, Level.ADVICE, finding, remedy, page)


def warning(check: str, finding: str, remedy: str, page: str) -> Finding:
    """Say what somebody should mend soon."""
    return Finding(check, Level.WARNING, finding, remedy, page)


def error(check: str, finding: str, remedy: str, page: str) -> Finding:
    """Say what loses or keeps messages now, or would tonight."""
    return Finding(check, Level.ERROR, finding, remedy, page)


def worst(findings: Iterable[Finding]) -> Level:
    """Name the worst level among findings; ok if there is none."""
    return max((each.level for each in findings), key=ORDER.index, default=Level.OK)
