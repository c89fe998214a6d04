"""What people may write behind options: lengths of time, dates, titles of columns."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import click

from worker.account.throttle import DEFAULT

F = TypeVar("F", bound=Callable[..., Any])

_UNITS: Final = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}


class Duration(click.ParamType):  # type: ignore[type-arg]
    """A number and a unit, such as ``90m``."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Read it."""
        match = re.fullmatch(r"([1-9][0-9]{0,4})([smhd])", str(value))
        if match is None:
            self.fail("must be a number and s, m, h or d, such as 90m, 12h or 2d", param, ctx)
        return int(match[1]) * _UNITS[match[2]]


class OrDefault(click.ParamType):  # type: ignore[type-arg]
    """A number, or the word ``default``.

    Args:
        number: what reads a number.
    """

    def __init__(self, number: click.ParamType[Any]) -> None:
        self._number, self.name = number, f"{number.name}|{DEFAULT}"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it."""
        return DEFAULT if value == DEFAULT else self._number.convert(value, param, ctx)


class Mapped(click.ParamType):  # type: ignore[type-arg]
    """A name and the title of its column, such as ``first_name=Rufname``.

    Args:
        names: that there are.
    """

    name = "name=title"

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Read it."""
        name, _, title = str(value).partition("=")
        if name not in self._names or not title.strip():
            known = ", ".join(self._names)
            self.fail(f"must be a name, = and the title of a column; names are {known}", param, ctx)
        return name, title


class Date(click.ParamType):  # type: ignore[type-arg]
    """A day or a time.

    Args:
        read: makes an instant of it, or raises ValueError with advice.
    """

    name = "date"

    def __init__(self, read: Callable[[str], datetime]) -> None:
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it, and keep what was typed for `in_order`."""
        try:
            read = self._read(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if param is not None and ctx is not None:
            ctx.meta[f"{__name__}.{param.name}"] = str(value).strip()
        return read


def product_option(about: str) -> Callable[[F], F]:
    """Give a command ``--type``, one of the gateway's products, which is its parameter ``kind``.

    Args:
        about: its line in the help.
    """
    return click.option(
        "--type",
        "kind",
        type=click.Choice(["sms_premium", "sms_low_cost"]),
        default="sms_premium",
        show_default=True,
        help=about,
    )


def in_order(since: datetime | None, until: datetime | None) -> None:
    """Refuse a span of ``--since`` and ``--until`` that holds nothing, in the words that were typed.

    Raises:
        click.UsageError: it ends before it begins.
    """
    if since is not None and until is not None and since >= until:
        typed = click.get_current_context().meta
        first, last = typed[f"{__name__}.since"], typed[f"{__name__}.until"]
        raise click.UsageError(f"--since {first} is not before --until {last}")
