"""Rules chosen by the content of a call or message; faults, fates and automatic answers use them."""

import itertools
import random
from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

import msgspec


class Match(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """Conditions that must all hold; without any, everything matches.

    Attributes:
        number: One of the recipients, exactly.
        number_prefix: How one of the recipients begins.
        text_contains: A part of the text.
        request_id: The call's request_id, exactly.
        endpoint: ``send``, ``balance``, ``cancel``, ``parameters``, ``edit`` or ``any``; only
            faults look at it.
        every_nth: Only every n-th call for which all of the above holds; 0: each one.
        probability: Share, 0 to 1, of the calls that meet all of the above, drawn from the seeded generator.
    """

    number: str | None = None
    number_prefix: str | None = None
    text_contains: str | None = None
    request_id: str | None = None
    endpoint: str = "send"
    every_nth: int = 0
    probability: float | None = None

    @property
    def needs_body(self) -> bool:
        """Whether the request's body must be read to decide."""
        return any((self.number, self.number_prefix, self.text_contains, self.request_id))


class Subject(msgspec.Struct, kw_only=True, frozen=True):
    """What a rule is compared with: one call with all its recipients, or one message.

    `post` says which POST of its request_id a call is, from 1; always 1 without a request_id.
    """

    numbers: Sequence[str] = ()
    text: str = ""
    request_id: str | None = None
    endpoint: str = "send"
    post: int = 1


class Rule(Protocol):
    """Anything with a condition and a limit on its use."""

    @property
    def match(self) -> Match:
        """The condition."""

    @property
    def times(self) -> int:
        """How often the rule may be used; 0 for no limit."""


R = TypeVar("R", bound=Rule)


class _AddedRule(Generic[R]):
    def __init__(self, rule_id: int, rule: R) -> None:
        self.id = rule_id
        self.rule = rule
        self.seen = 0
        self.used = 0

    @property
    def is_spent(self) -> bool:
        return bool(self.rule.times) and self.used >= self.rule.times


class RuleBook(Generic[R]):
    """Rules in the order they were added; the first that applies wins."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._ids = itertools.count(1)
        self._added: list[_AddedRule[R]] = []

    @property
    def is_empty(self) -> bool:
        """Whether there are no rules."""
        return not self._added

    def add(self, rule: R) -> int:
        """Append a rule and return its id."""
        added = _AddedRule(next(self._ids), rule)
        self._added.append(added)
        return added.id

    def clear(self) -> None:
        """Forget all rules."""
        self._added.clear()

    def listing(self) -> list[dict[str, Any]]:
        """Describe the rules: ``id``, ``rule``; how often it matched (``seen``) and applied (``used``)."""
        return [{"id": e.id, "rule": e.rule, "seen": e.seen, "used": e.used} for e in self._added]

    def pick(self, subject: Subject, among: Callable[[R], bool] = lambda _: True) -> R | None:
        """Choose the rule for a subject and count its use.

        Args:
            subject: What arrived.
            among: Restricts the choice to some rules; the others are not even counted.
        """
        for added in self._added:
            if among(added.rule) and not added.is_spent and self._applies(added, subject):
                added.used += 1
                return added.rule
        return None

    def _applies(self, added: _AddedRule[R], subject: Subject) -> bool:
        match = added.rule.match
        if not holds(match, subject):
            return False
        added.seen += 1
        if match.every_nth and added.seen % match.every_nth:
            return False
        return match.probability is None or self._rng.random() < match.probability


def holds(match: Match, subject: Subject) -> bool:
    """Tell whether the conditions on content hold; `every_nth` and `probability` are not looked at."""
    return (
        match.endpoint in (subject.endpoint, "any")
        and (match.number is None or match.number in subject.numbers)
        and (match.number_prefix is None or any(n.startswith(match.number_prefix) for n in subject.numbers))
        and (match.text_contains is None or match.text_contains in subject.text)
        and (match.request_id is None or match.request_id == subject.request_id)
    )
