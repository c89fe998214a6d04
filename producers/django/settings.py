"""``OCTOPUSH = {…}`` in the settings of a project: the variables of docs/settings.md, as a dictionary.

What the dictionary does not name is read from the environment, where workers read the same variables.
"""

import dataclasses
import os
import typing
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from ..contract.secret import Secret
from ..contract.settings import FLAGS, Settings, WebSettings
from ..errors import ConfigError
from ..settings import ProducerSettings

#: Only the ready-made server looks at these.
_OF_THE_SERVER: Final = {"CALLBACK_ALLOWED_ADDRESSES", "METRICS_ALLOWED_ADDRESSES"}
#: What a variable may be given as, and how that is called.
_GIVEN_AS: Final[dict[Any, tuple[tuple[type, ...], str]]] = {
    bool: ((bool, str), "True or False"),
    bool | None: ((bool, str), "True or False"),
    int: ((int, str), "a whole number"),
    float: ((float, int, str), "a number"),
    tuple[Secret, ...]: ((str, list, tuple), "a list of texts"),
}
_TEXT: Final = ((str,), "a text")
#: What tests have put in the place of Redis; the last one counts.
_instead: Final[list[str]] = []


@cache
def producer_settings() -> ProducerSettings:
    """Read what sending and reading need, once.

    Raises:
        ConfigError: names every wrong key or variable, never a value.
    """
    return ProducerSettings.from_env(_environment())


def web_settings() -> WebSettings:
    """Read what taking callbacks needs.

    Raises:
        ConfigError: names every wrong or missing key or variable, never a value.
    """
    return WebSettings.from_env(_environment())


def takes_callbacks() -> bool:
    """Say whether callback tokens are set at all."""
    return bool(_environment().get("CALLBACK_TOKENS"))


def names_redis() -> bool:
    """Say whether an address of Redis is set at all."""
    return bool(_environment().get("REDIS_URL", "").strip())


def redis_name() -> str:
    """Name the Redis that this process speaks to, without user and password."""
    return _instead[-1] if _instead else str(producer_settings().redis_url)


@contextmanager
def instead_of_redis(name: str) -> Iterator[None]:
    """Let commands name something else, until the end of the block; for tests."""
    _instead.append(name)
    try:
        yield
    finally:
        _instead.remove(name)


def said(problems: Mapping[str, str]) -> list[str]:
    """Say of each wrong variable where it stands, and what is wrong.

    Args:
        problems: those of a `ConfigError`.
    """
    return [f"{_where(name)}: {problem}" for name, problem in problems.items()]


def _where(name: str) -> str:
    """Say where a variable stands: in ``OCTOPUSH``; else it comes from the environment, if at all."""
    if name == "OCTOPUSH":
        return name
    given = getattr(settings, "OCTOPUSH", {})
    is_given = isinstance(given, Mapping) and given.get(name) is not None
    return f"OCTOPUSH[{name!r}]" if is_given else f"environment variable {name}"


def _environment() -> dict[str, str]:
    """Write the dictionary as variables, in front of those of the process."""
    given = getattr(settings, "OCTOPUSH", {})
    if not isinstance(given, Mapping):
        raise ConfigError({"OCTOPUSH": "must be a dictionary"})
    kinds = dict(_kinds())
    written, problems = {}, {}
    for name, value in given.items():
        try:
            written[str(name)] = _written(name, value, kinds)
        except ValueError as error:
            problems[str(name)] = str(error)
    if problems:
        raise ConfigError(problems)
    return {**os.environ, **{name: value for name, value in written.items() if value is not None}}


def _kinds() -> Iterator[tuple[str, Any]]:
    """Say which variables there are, and as what each is read."""
    for each in (ProducerSettings, WebSettings):
        types = typing.get_type_hints(each)
        for field in dataclasses.fields(typing.cast("type[Settings]", each)):
            if (name := field.metadata["variable"]) not in _OF_THE_SERVER:
                yield name, types[field.name]


def _written(name: object, value: object, kinds: Mapping[str, Any]) -> str | None:
    """Write a value as the environment has it; None for one that is not set."""
    if name in _OF_THE_SERVER:
        raise ValueError("belongs to the ready-made callback server")
    if name not in kinds:
        # Which names workers read, no application knows.
        raise ValueError(
            "is no setting of an application: it belongs to the worker, or is misspelt (docs/settings.md)"
        )
    if value is None:
        return None
    if name == "CALLBACK_SPOOL_DIR" and isinstance(value, Path):
        return str(value)
    accepted, called = _GIVEN_AS.get(kinds[str(name)], _TEXT)
    is_flag = isinstance(value, bool)
    if not isinstance(value, accepted) or (is_flag and bool not in accepted):
        raise ValueError(f"must be {called}")
    if is_flag:
        return "1" if value else "0"
    if bool in accepted and str(value).strip().lower() not in {"", *FLAGS}:
        raise ValueError(f"must be {called}")
    if isinstance(value, list | tuple):
        if not all(isinstance(part, str) for part in value):
            raise ValueError(f"must be {called}")
        return ",".join(value)
    return str(value)
