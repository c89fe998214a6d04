"""Keeps the paths of callbacks out of the log: each has the token in it."""

import logging
from collections.abc import Iterable
from functools import cache
from typing import Final

from ..contract.settings import bound_token
from ..errors import ConfigError
from .settings import web_settings

#: Loggers that write lines with paths: Django's own, and those of servers.
LOGGERS: Final = (
    *("django.request", "django.server"),
    *("gunicorn.access", "uvicorn.access", "hypercorn.access"),
)


#: Places that are remembered: a prefix with parameters would make any number of them.
_MOUNTS_MAX: Final = 100


class HideCallbacks(logging.Filter):
    """Drops each line that has a callback token in it, or a path below the place of the callback URLs.

    The place is learned with the first request, before the server writes the line of that.

    Args:
        tokens: those that are valid.
    """

    def __init__(self, tokens: Iterable[str]) -> None:
        super().__init__()
        self._tokens = tuple(tokens)
        self._mounts: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether a line may be written."""
        try:
            line = record.getMessage()
        except Exception:  # noqa: BLE001 - a line that cannot be made is shown by nobody; its handler says so
            return True
        return not any(part in line for part in (*self._tokens, *self._mounts))

    def mounted_at(self, place: str) -> None:
        """Note where callback URLs begin."""
        # At the root every path begins like one: there only the tokens are hidden.
        if place.strip("/") and len(self._mounts) < _MOUNTS_MAX:
            self._mounts.add(place)


@cache
def _hiding() -> HideCallbacks:
    try:
        entries = web_settings().callback_tokens
    except ConfigError:  # as ``manage.py check`` says; without tokens no callback is taken
        entries = ()
    return HideCallbacks(bound_token(entry.reveal())[1] for entry in entries)


def hide_callbacks() -> None:
    """Put the filter before the loggers that write paths. Safe to repeat."""
    for name in LOGGERS:
        logging.getLogger(name).addFilter(_hiding())


def mounted_at(path: str, parts: int) -> None:
    """Note where a callback came to.

    Args:
        path: of its request.
        parts: how many parts at its end belong to the callback: token, or token and kind.
    """
    place = path.removesuffix("/").split("/")[:-parts]
    _hiding().mounted_at("/".join([*place, ""]))
