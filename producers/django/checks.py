"""What ``manage.py check`` says about the settings of SMS. No line shows a value that was set."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.urls import get_resolver

from ..errors import ConfigError
from .in_tests import is_testing
from .settings import names_redis, producer_settings, said, takes_callbacks, web_settings

_HOW_TO_MAKE_ONE: Final = "python3 -c 'import secrets; print(secrets.token_hex(24))' makes one."


#: Whether the command at hand has to do with callbacks.
_callbacks_matter: Final = ContextVar("callbacks_matter", default=True)


@contextmanager
def without_callbacks() -> Iterator[None]:
    """Let `check_settings` say nothing of callbacks until the end of the block."""
    before = _callbacks_matter.set(False)
    try:
        yield
    finally:
        _callbacks_matter.reset(before)


def check_settings(**_: Any) -> list[CheckMessage]:
    """Check ``OCTOPUSH`` and the variables of the environment that stand in for its keys.

    An error ends every command, also one that builds an image, where nobody has the secrets. So only what
    keeps the application from sending is one. What keeps it from taking callbacks is a warning here, and an
    error of `check_callbacks`.
    """
    producer_settings.cache_clear()
    found: list[CheckMessage] = []
    try:
        address = producer_settings().redis_url
    except ConfigError as error:
        return [Error(problem, id="octopush.E001") for problem in said(error.problems)]
    # Tests that open `SmsOutbox` or `SmsSandbox` ask no Redis that the project names, and take no callbacks.
    if is_testing():
        return found
    if not names_redis():
        where = "neither OCTOPUSH['REDIS_URL'] nor the environment variable REDIS_URL is set"
        found.append(CheckWarning(f"{where}: {address} is taken", id="octopush.W001"))
    problems = _callback_problems() if _callbacks_matter.get() else []
    return found + [CheckWarning(each, _hint(each), id="octopush.W002") for each in problems]


def check_callbacks(**_: Any) -> list[CheckMessage]:
    """Check what the callback URLs need, with ``check --deploy``: there the secrets should be."""
    return [Error(each, _hint(each), id="octopush.E002") for each in _callback_problems()]


def _callback_problems() -> list[str]:
    """Say what keeps the callback URLs from taking callbacks; nothing where the settings are wrong anyway."""
    try:
        producer_settings()
    except ConfigError:
        return []
    try:
        if takes_callbacks():
            web_settings()
        elif _urls_are_included():
            return ["OCTOPUSH['CALLBACK_TOKENS']: is required by the callback URLs"]
    except ConfigError as error:
        return said(error.problems)
    return []


def _hint(problem: str) -> str | None:
    return _HOW_TO_MAKE_ONE if "CALLBACK_TOKENS" in problem and "token_hex" not in problem else None


def _urls_are_included() -> bool:
    if getattr(settings, "ROOT_URLCONF", None):
        # Django's own checks load them, too.
        _ = get_resolver().url_patterns
    return f"{__package__}.urls" in sys.modules
