"""What ``manage.py check`` says about the settings of SMS. No line shows a value that was set."""

import sys
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core import mail
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.urls import get_resolver

from ..errors import ConfigError
from .settings import is_given, names_redis, producer_settings, takes_callbacks, web_settings


def check_settings(**_: Any) -> list[CheckMessage]:
    """Check ``OCTOPUSH`` and the variables of the environment that stand in for its keys."""
    producer_settings.cache_clear()
    found: list[CheckMessage] = []
    try:
        address = producer_settings().redis_url
        # Tests that open `SmsOutbox` or `SmsSandbox` ask no Redis that the project names.
        if not names_redis() and not _is_testing():
            where = "neither OCTOPUSH['REDIS_URL'] nor the environment variable REDIS_URL is set"
            found.append(CheckWarning(f"{where}: {address} is taken", id="octopush.W001"))
        if takes_callbacks():
            web_settings()
        elif _urls_are_included():
            hint = "python3 -c 'import secrets; print(secrets.token_hex(24))' makes one."
            found.append(
                Error(
                    "OCTOPUSH['CALLBACK_TOKENS']: is required by the callback URLs", hint, id="octopush.E002"
                )
            )
    except ConfigError as error:
        found += _errors(error.problems)
    return found


def _errors(problems: Mapping[str, str]) -> list[Error]:
    return [Error(f"{_where(name)}: {problem}", id="octopush.E001") for name, problem in problems.items()]


def _where(name: str) -> str:
    if name == "OCTOPUSH":
        return name
    return f"OCTOPUSH[{name!r}]" if is_given(name) else f"environment variable {name}"


def _is_testing() -> bool:
    """Say whether Django's test runner, or that of pytest-django, has set up this process."""
    return hasattr(mail, "outbox")


def _urls_are_included() -> bool:
    if getattr(settings, "ROOT_URLCONF", None):
        # Django's own checks load them, too.
        _ = get_resolver().url_patterns
    return f"{__package__}.urls" in sys.modules
