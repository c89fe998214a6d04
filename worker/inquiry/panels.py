"""Questions that fail alone: several of them in the same round trips, each with its own answer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import msgspec
import redis

from producers.contract.steps import Commands, Step, Steps
from producers.errors import WrongPseudonymKeys

T = TypeVar("T")

#: What a question raises if Redis, or what Redis holds, gives no answer that can be read; or none that can be
#: read without a key of pseudonyms that this process lacks. An OSError is what Python raises for a time in
#: some year beyond two billion; those of connections are Redis's own by here.
UNREADABLE: Final = (
    *(redis.RedisError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, OSError),
    *(msgspec.MsgspecError, WrongPseudonymKeys),
)
#: What concerns all questions: Redis is away.
AWAY: Final = (redis.ConnectionError, redis.TimeoutError)


@dataclass(frozen=True, slots=True)
class Panel(Generic[T]):
    """The answer to a question that may fail while others have theirs.

    Attributes:
        value: what was found; None if it failed.
        error: why nothing was found that can be read. Its text may quote a value: show it to nobody.
    """

    value: T | None
    error: Exception | None = None

    @property
    def failed(self) -> bool:
        """Whether there is no answer."""
        return self.error is not None

    def get(self) -> T:
        """Return the answer, for whoever needs all of them.

        Raises:
            Exception: why there is none.
        """
        if self.error is not None:
            raise self.error
        return self.value  # type: ignore[return-value]


def side_by_side(questions: Mapping[str, Steps[Any]]) -> Steps[dict[str, Panel[Any]]]:
    """Ask several questions in as many round trips as the longest of them needs.

    What several of them ask in one round trip is asked once.

    Args:
        questions: by name; each yields plain `Commands` only.

    Returns:
        The answers by name, in the order of the questions.

    Raises:
        redis.ConnectionError, redis.TimeoutError: Redis is away, whatever is asked.
    """
    found: dict[str, Panel[Any]] = dict.fromkeys(questions, Panel(None))
    asking: dict[str, Commands] = {}
    for name, steps in questions.items():
        _go_on(name, steps, None, found, asking)
    while asking:
        commands = list(dict.fromkeys(tuple(each) for step in asking.values() for each in step.commands))
        replies = dict(zip(commands, (yield Commands(commands, raises=False)), strict=True))
        for error in _errors(replies.values()):
            if isinstance(error, AWAY):
                raise error
        asked, asking = asking, {}
        for name, step in asked.items():
            _go_on(name, questions[name], [replies[tuple(each)] for each in step.commands], found, asking)
    return found


def _go_on(
    name: str,
    steps: Steps[Any],
    replies: list[Any] | None,
    found: dict[str, Panel[Any]],
    asking: dict[str, Commands],
) -> None:
    """Let one question go on to its next round trip, or to its answer."""
    error = next(_errors(replies or ()), None)
    try:
        step: Step = steps.throw(error) if error is not None else steps.send(replies)
    except StopIteration as end:
        found[name] = Panel(end.value)
    except UNREADABLE as failure:
        found[name] = Panel(None, failure)
    else:
        if not isinstance(step, Commands):
            raise AssertionError(f"{name} asks by other than plain commands")
        asking[name] = step


def _errors(replies: Any) -> Iterator[Exception]:
    return (reply for reply in replies if isinstance(reply, Exception))
