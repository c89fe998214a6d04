"""Whether callers give scripts exactly what the scripts' heads list."""

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from producers.contract.scripts import Command, Script
from tests.support import lua_scripts


@contextmanager
def watched() -> Iterator[list[str]]:
    """Look at every call that this process makes; yield a list of those that give something else.

    Such a call fails, too.
    """
    faults: list[str] = []
    plain = Command.arguments

    def arguments(command: Command) -> tuple[Any, ...]:
        if isinstance(command.given, Mapping) and (found := _faults(command.script, command.given)):
            faults.extend(found)
            raise AssertionError("; ".join(found))
        return plain.fget(command)

    Command.arguments = property(arguments)
    try:
        yield faults
    finally:
        Command.arguments = plain


@functools.cache
def _listed(package: str, name: str) -> Mapping[str, frozenset[str]]:
    return lua_scripts.given(Path(str(files(package))) / f"{name}.lua")


def _faults(script: Script, given: Mapping[str, Any]) -> list[str]:
    listed, name = _listed(script.package, script.name), f"{script.package}.{script.name}"
    faults = [f"{name} is given {each} and does not list it" for each in given if each not in listed]
    faults += [f"{name} lists {each} and is not given it" for each in listed if each not in given]
    for field, parts in listed.items():
        for entry in given.get(field, ()) if parts else ():
            faults += [f"{name}, {field}: {fault}" for fault in _faults_of_entry(entry, parts)]
    return faults


def _faults_of_entry(entry: Any, listed: frozenset[str]) -> list[str]:
    """Compare an entry of a list. A map may leave out what it does not know; of an object, Lua reads some."""
    if isinstance(entry, Mapping):
        return [f"{part} is given and not listed" for part in sorted(entry.keys() - listed)]
    has = {each.name for each in dataclasses.fields(entry)}
    return [f"{part} is listed and not given" for part in sorted(listed - has)]
