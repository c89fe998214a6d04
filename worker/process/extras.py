"""Which extra of this package brings what a command needs. Imports nothing of what the extras bring."""

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from importlib.util import find_spec
from typing import Final

_PACKAGE: Final = "octopush-worker"
#: The extra of commands; all others need the worker's.
_EXTRAS: Final = {
    "web": "web",
    "api": "api",
    "metrics": "metrics",
    "console": "console",
    "sandbox": "sandbox",
    "demo": "sandbox",
}
_NAME: Final = re.compile(r"([\w.-]+)(?:\[([\w,-]+)\])?")
_EXTRA: Final = re.compile(r"""extra == ['"]([\w-]+)['"]""")


def missing(command: str, *, only_help: bool = False) -> str | None:
    """Say in one line which extra a command lacks, and how to install it; None if it lacks none.

    Args:
        command: a command of ``octopush-worker``, or what stands in its place.
        only_help: whether somebody only wants to read its help, for which the worker's extra is enough.
    """
    if only_help and lacking(_PACKAGE, "worker") is None:
        return None
    asked = f"{_PACKAGE} {command}" if command and not command.startswith("-") else _PACKAGE
    return lacking(asked, _EXTRAS.get(command, "worker"))


def brought_by(command: str) -> str:
    """Say, for the end of a command's help, which extra brings what it needs."""
    return f"Needs: {_install(_EXTRAS[command])}"


def lacking(asked: str, extra: str) -> str | None:
    """Say in one line that something lacks an extra, and how to install it; None if it lacks nothing.

    Args:
        asked: what somebody wants to use, as people call it.
        extra: what brings all that it needs.
    """
    modules = [module for module in _modules(extra) if find_spec(module) is None]
    if not modules:
        return None
    return f"{asked} needs {modules[0]}, which an extra brings: {_install(extra)}"


def _install(extra: str) -> str:
    # No registry has the package before its first release.
    return f'pip install ".[{extra}]" in a checkout (nothing is released yet)'


def _modules(extra: str) -> Iterator[str]:
    """List the modules that an extra brings on every platform; none where this package is not installed."""
    try:
        lines = requires(_PACKAGE) or []
    except PackageNotFoundError:
        return
    for line in lines:
        wanted, name = _EXTRA.search(line), _NAME.match(line)
        if wanted is None or name is None or wanted[1] != extra or "sys_platform" in line:
            continue
        if name[1] == _PACKAGE:
            for other in (name[2] or "").split(","):
                yield from _modules(other)
        else:
            yield name[1].replace("-", "_")
