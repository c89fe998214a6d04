"""What a log line may say of an event whose handling failed: where, and how the database calls it."""

from collections.abc import Callable
from pathlib import Path
from sysconfig import get_path
from traceback import extract_tb
from typing import Any, Final

import django

#: Where nobody looks for a mistake of a handler: Django, this package, Python, and what is installed.
_FOREIGN: Final = (Path(django.__file__).parent, Path(__file__).parents[1], Path(get_path("stdlib")))
_INSTALLED: Final = {"site-packages", "dist-packages"}
#: Where drivers keep their name of an error: `sqlite3`, psycopg, psycopg2. It never holds what was written.
_CODES: Final = ("sqlite_errorname", "sqlstate", "pgcode")
#: What some of these names mean.
_WORDS: Final = {
    "SQLITE_BUSY": "database is locked",
    "SQLITE_LOCKED": "database table is locked",
    "40001": "could not serialize",
    "40P01": "deadlock",
    "55P03": "lock not available",
}


def described(error: Exception, handler: Callable[..., object], *, within: bool) -> str:
    """Name an error, and the line of the project's own code that it came through; never its text.

    Args:
        error: what was raised.
        handler: of the event.
        within: whether the handler was called and had not returned. Else its own lines are not to be found,
            since the transaction around it has failed.
    """
    lines = extract_tb(error.__traceback__)
    own = [line for line in lines if _is_own(Path(line.filename))]
    last = (own or lines)[-1]
    around = "" if own or within else f" in the transaction around {_name(handler)},"
    return f"{type(error).__name__}{_code(error)}{around} at {last.filename}:{last.lineno}"


def _code(error: Exception) -> str:
    """Say how the database calls the error, in brackets; nothing if it does not."""
    # Django raises an error of its own from that of the driver.
    cause: Any = error.__cause__
    code = next((found for name in _CODES if (found := getattr(cause, name, None))), None)
    if not isinstance(code, str):
        return ""
    # SQLite has narrower names, such as SQLITE_BUSY_SNAPSHOT.
    words = next((words for known, words in _WORDS.items() if code.startswith(known)), "")
    return f" ({code}: {words})" if words else f" ({code})"


def _name(handler: Callable[..., object]) -> str:
    module, name = (getattr(handler, each, "") for each in ("__module__", "__qualname__"))
    return f"{module}.{name}" if module and name else type(handler).__name__


def _is_own(file: Path) -> bool:
    return not _INSTALLED & {*file.parts} and not any(map(file.is_relative_to, _FOREIGN))
