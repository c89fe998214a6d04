"""Numbers that people type: ``--region`` and the argument ``NUMBER``, read alike by all commands."""

import os
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from producers.contract.phone import known_region, to_e164
from producers.settings import ProducerSettings
from worker.presentation.output import Failed

F = TypeVar("F", bound=Callable[..., Any])

#: How the package says that it knows no country, and what a command has besides.
_SETTING: Final = "DEFAULT_REGION=FR"
_OPTION: Final = f"{_SETTING} or --region FR"


class _Region(click.ParamType):  # type: ignore[type-arg]
    """A country, in capital letters or small ones."""

    name = "country"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check it."""
        try:
            return known_region(str(value).upper())
        except ValueError as error:
            self.fail(str(error), param, ctx)


region_option: Final = click.option(
    "--region",
    type=_Region(),
    help="Country whose national numbers are read, such as FR; else DEFAULT_REGION.",
)


def number_argument(function: F) -> F:
    """Give a command ``NUMBER`` and ``--region``, which are parameters ``number`` and ``region``."""
    return click.argument("number")(region_option(function))


def settings_with(region: str | None) -> ProducerSettings:
    """Read the settings of an application from the environment, with another region if one was typed.

    Raises:
        ConfigError: the environment is wrong.
    """
    return ProducerSettings.from_env(os.environ).with_region(region)


def read_number(number: str, region: str | None) -> str:
    """Read a number that was typed.

    Returns:
        It, in E.164.

    Raises:
        Failed: it is none. The words do not hold it.
    """
    try:
        return to_e164(number, default_region=settings_with(region).default_region)
    except ValueError as error:
        raise Failed(f"NUMBER {with_option(str(error))}") from None


def with_option(reason: str) -> str:
    """Name the option where a reason names only the setting that does the same."""
    return reason.replace(_SETTING, _OPTION)
