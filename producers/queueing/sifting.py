"""Who of a chunk of recipients can be texted, and what is wrong with the others."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, TypeVar

from ..errors import InvalidMessage
from .number_set import NumberSet

#: The one problem of a recipient whose number was met before.
REPEATED: Final = {"phone_number": "same number as an earlier recipient"}
_PLACE: Final = re.compile(r"recipients\[(\d+)\]\.?")
_SAME: Final = "same number as "


class _Made(Protocol):
    """What is made of recipients: it names their numbers, in the order of the recipients."""

    @property
    def numbers(self) -> list[str]: ...


M = TypeVar("M", bound=_Made)


def sift(
    chunk: list[Any], seen: NumberSet, check: Callable[[list[Any]], M]
) -> tuple[M | None, dict[int, Mapping[str, str]]]:
    """Check the recipients of a chunk without those that cannot be texted.

    Args:
        chunk: recipients as the caller gave them.
        seen: numbers that were met before the chunk.
        check: makes something of recipients, or raises what is wrong with them.

    Returns:
        What was made of those who are left, or None if nobody is; what is wrong with the others, by index.

    Raises:
        InvalidMessage: something else than a recipient is wrong.
    """
    kept, problems = list(range(len(chunk))), dict[int, Mapping[str, str]]()
    while kept:
        try:
            made = check([chunk[i] for i in kept])
        except InvalidMessage as error:
            bad = _by_recipient(error.fields)
        else:
            bad = {i: REPEATED for i, number in enumerate(made.numbers) if number in seen}
            if not bad:
                return made, problems
        problems |= {kept[i]: fields for i, fields in bad.items()}
        kept = [index for i, index in enumerate(kept) if i not in bad]
    return None, problems


def tell_left_out(
    problems: Mapping[int, Mapping[str, str]],
    chunk: list[Any],
    position: int,
    tell: Callable[[int, Any, InvalidMessage], object],
) -> None:
    """Tell of each recipient that is left out, in order: its position, the recipient as given, and why.

    Args:
        problems: what is wrong, by index in the chunk.
        chunk: recipients as the caller gave them.
        position: of the first of the chunk.
        tell: what to call.
    """
    for i, fields in sorted(problems.items()):
        named = {name or "recipient": reason for name, reason in fields.items()}
        tell(position + i, chunk[i], InvalidMessage(named))


def concerning_all(problems: Mapping[str, str]) -> dict[str, str]:
    """Keep the problems that are not those of one recipient."""
    return {name: reason for name, reason in problems.items() if not _PLACE.match(name)}


def _by_recipient(problems: Mapping[str, str]) -> dict[int, Mapping[str, str]]:
    """Sort problems by recipient. Repeats come last: the first of them may itself be left out.

    Raises:
        InvalidMessage: something else than a recipient is wrong.
    """
    found: dict[int, dict[str, str]] = {}
    repeated: dict[int, Mapping[str, str]] = {}
    for name, reason in problems.items():
        place = _PLACE.match(name)
        if place is None:
            raise InvalidMessage(problems)
        if reason.startswith(_SAME):
            repeated[int(place[1])] = REPEATED
        else:
            found.setdefault(int(place[1]), {})[name[place.end() :]] = reason
    return dict(found) or repeated
