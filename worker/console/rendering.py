"""Pages as text: templates whose every value is harmless, whoever wrote it.

Each value that a template writes passes `visible` and is escaped, without anybody asking for it. So no
template can forget to; what it may add is ``ui.foreign``, which keeps the direction of a text to itself.
"""

import re
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from producers.contract.phone import mask
from worker.inquiry.attempt_words import in_words
from worker.presentation.amounts import amount
from worker.presentation.counts import counted
from worker.presentation.visible import visible

#: Where times on pages are read: as the gateway's own dates, and as dates in filters.
ZONE: Final = ZoneInfo("Europe/Paris")
#: Characters of an id that is shown whole.
_ID_MAX: Final = 24
#: An id that a machine has drawn, and what may stand before it: eight of its digits tell it from others.
_DRAWN: Final = re.compile(r"(.{0,15}?[0-9a-f]{8})-?[0-9a-f][0-9a-f-]{15,}", re.ASCII)


def templates() -> Environment:
    """Make the environment of all templates."""
    made = Environment(
        loader=PackageLoader("worker.console"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "when": when,
        "ago": ago,
        "count": count,
        "counted": counted,
        "short": short,
        "mask": mask,
        "visible": visible,
        "amount": amount,
        "in_words": in_words,
    }
    return made


def when(at: datetime | float | None) -> Markup:
    """Write a time in Paris: ``<time>12 Nov 2026 14:03:22</time>``.

    Args:
        at: an aware time, or milliseconds since the epoch; None is written as a dash, and a number that is no
            time as ``no time``.
    """
    if at is None:
        return Markup("–")  # noqa: RUF001 - a dash that stands for nothing
    try:
        moment = (at if isinstance(at, datetime) else datetime.fromtimestamp(at / 1000, UTC)).astimezone(ZONE)
    except (OverflowError, ValueError, OSError):
        return Markup("no time")
    shown = moment.strftime("%-d %b %Y %H:%M:%S")
    return Markup('<time datetime="{}">{}</time>').format(moment.astimezone(UTC).isoformat(), shown)


def ago(seconds: float | None) -> str:
    """Write how long something has taken, in its largest unit: ``3 min``. None is written as a dash."""
    if seconds is None:
        return "–"  # noqa: RUF001 - as above
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{max(0, int(seconds))} s"


def count(number: float) -> str:
    """Write a number with its thousands apart."""
    return f"{number:,}"


def short(written: str) -> str:
    """Write an id for the eye: ``0ac4a843…`` of a UUID; of another long one its beginning and its end."""
    if len(written) <= _ID_MAX:
        return written
    drawn = _DRAWN.fullmatch(written)
    return f"{drawn[1]}…" if drawn else f"{written[:12]}…{written[-10:]}"


def _harmless(value: Any) -> Any:
    return visible(value, lines=True) if isinstance(value, str) and not isinstance(value, Markup) else value
