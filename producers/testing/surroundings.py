"""What the application of a test finds around it: its environment, and no trace of other tests."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Final

from ..settings import ProducerSettings

#: Marketing leaves at any hour where the application does not say otherwise: no test depends on the hour.
_ANY_HOUR: Final = {"MARKETING_HOURS_FR": "off", "MARKETING_HOURS_OTHER": "off"}
#: Keeps a producer, settings and an outage for the process; loaded by an application of Django only.
_KEPT_BY: Final = f"{__name__.rpartition('.testing')[0]}.django.sending"
#: Names the Redis of the process; the module above loads it.
_NAMED_BY: Final = f"{__name__.rpartition('.testing')[0]}.django.settings"
#: Grows and shrinks with the blocks that are under way.
_open: Final[list[object]] = []


def is_open() -> bool:
    """Say whether an outbox or a sandbox is open in this process."""
    return bool(_open)


@contextmanager
def surroundings(variables: Mapping[str, str], *, in_memory: bool = False) -> Iterator[None]:
    """Set variables of the environment, and keys of Django's ``OCTOPUSH``, until the end of the block.

    Args:
        variables: beside those by which marketing leaves at any hour, unless these are set.
        in_memory: whether no Redis is asked, whatever the project names.
    """
    lacking = {name: value for name, value in _ANY_HOUR.items() if not os.environ.get(name)}
    with ExitStack() as until_then:
        _open.append(variables)
        until_then.callback(_open.pop)
        until_then.enter_context(_environment({**lacking, **variables}))
        if (sending := sys.modules.get(_KEPT_BY)) is not None:
            until_then.callback(sending.begin_anew)
            if in_memory:
                named = sys.modules[_NAMED_BY].instead_of_redis("the memory of SmsOutbox")
                until_then.enter_context(named)
            if variables:
                until_then.enter_context(_octopush(variables))
            sending.begin_anew()
        yield


def region_of_the_application() -> str:
    """Say whose national numbers it reads, by Django's ``OCTOPUSH`` or the environment; empty for nobody's.

    Raises:
        ConfigError: its settings are wrong.
    """
    if (sending := sys.modules.get(_KEPT_BY)) is not None and _given() is not None:
        region: str = sending.producer_settings().default_region
        return region
    return ProducerSettings.from_env(os.environ).default_region


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _octopush(variables: Mapping[str, str]) -> Iterator[None]:
    """Set what a project of Django names in ``OCTOPUSH``, which it reads before the environment."""
    from django.test.utils import override_settings  # noqa: PLC0415 - whoever loads the other module has it

    if (given := _given()) is None:
        yield
        return
    with override_settings(OCTOPUSH={**given, **variables}):
        yield


def _given() -> Mapping[str, object] | None:
    """Return ``OCTOPUSH`` of the project; None if it has none."""
    from django.conf import settings  # noqa: PLC0415 - whoever loads the other module has loaded it
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415

    try:
        given = getattr(settings, "OCTOPUSH", None)
    except ImproperlyConfigured:  # somebody has imported it without a project
        return None
    return given if isinstance(given, Mapping) else None
