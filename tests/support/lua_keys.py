"""The keys that Lua makes of the prefix, found in the syntax trees of its files."""

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tree_sitter import Node

from tests.support.lua_names import Names, parse, text_of, walk
from tests.support.lua_scripts import parts, script_files

#: What stands for a part of a key that only the run knows.
ANY: Final = "<>"


def keys() -> dict[str, set[str]]:
    """Return every key without the prefix, with `ANY` in it, and the files that make it."""
    found: dict[str, set[str]] = {}
    for path in [*parts(), *script_files()]:
        for key in keys_of(path):
            found.setdefault(key, set()).add(path.name)
    return found


@functools.cache
def keys_of(path: Path) -> frozenset[str]:
    """Return the keys that one file makes, as `keys` writes them."""
    return frozenset(_Keys(path).all())


class _Keys:
    """The keys that one file makes."""

    def __init__(self, path: Path) -> None:
        names = Names(path.read_bytes())
        self._root = names.root
        self._of = {node.id: each for each in names.variables for node in each.reads}

    def all(self) -> Iterator[str]:
        for node in walk(self._root):
            if _is_joined(node) and not _is_joined(node.parent) and (key := self._key(node)) is not None:
                yield key

    def _key(self, node: Node) -> str | None:
        """Write out a key; None for what does not begin with the prefix."""
        first, *rest = _joined(node)
        begin = self._begin(first)
        if begin is None:
            return None
        return begin + "".join(text_of(each)[1:-1] if each.type == "string" else ANY for each in rest)

    def _begin(self, node: Node) -> str | None:
        if text_of(node) == "prefix":
            return ""
        if node.type == "identifier":
            variable = self._of.get(node.id)
            values = variable.node.parent.parent if variable else None
            if values is not None and values.type == "assignment_statement":
                at = [each.id for each in variable.node.parent.named_children].index(variable.node.id)
                expressions = values.named_children[1].named_children
                return self._begin(expressions[at]) if at < len(expressions) else None
            return _LIBRARY.get(text_of(node) + "_key")
        if node.type == "function_call":
            return _LIBRARY.get(text_of(node.child_by_field_name("name")))
        return self._key(node) if _is_joined(node) else None


def _is_joined(node: Node) -> bool:
    return node.type == "binary_expression" and text_of(node.children[1]) == ".."


def _joined(node: Node) -> list[Node]:
    """Return the operands of a chain of joins, whichever way it is nested."""
    if not _is_joined(node):
        return [node]
    return [each for side in node.named_children for each in _joined(side)]


def _functions() -> dict[str, str]:
    """Find the functions of the library that return a key: what they return."""
    found = {}
    for path in parts():
        for node in walk(parse(path.read_bytes())):
            if node.type == "function_declaration":
                name = text_of(node.child_by_field_name("name"))
                returned = [
                    each for each in walk(node) if _is_joined(each) and text_of(each).startswith("prefix ..")
                ]
                if name.endswith("_key") and returned:
                    first = _joined(returned[0])[1:]
                    found[name] = "".join(
                        text_of(each)[1:-1] if each.type == "string" else ANY for each in first
                    )
    return found


_LIBRARY: Final = _functions()
