"""Which fields of which hashes Lua reads, writes and removes, found in the syntax trees of its files."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tree_sitter import Node

from tests.support.lua_names import Names, Variable, text_of, walk
from tests.support.lua_scripts import LIBRARY

Mode = Literal["read", "write", "remove"]

#: What stands for a part of a name that only the run knows.
ANY: Final = "<>"
_MODES: Final[dict[str, Mode]] = {
    "HGET": "read",
    "HMGET": "read",
    "HEXISTS": "read",
    "HGETALL": "read",
    "HVALS": "read",
    "HSET": "write",
    "HSETNX": "write",
    "HINCRBY": "write",
    "HINCRBYFLOAT": "write",
    "HDEL": "remove",
}
_ONE_FIELD: Final = {"HGET", "HEXISTS", "HSETNX", "HINCRBY", "HINCRBYFLOAT"}


@dataclass(frozen=True)
class Access:
    """One access to one field.

    Attributes:
        key: name of the hash: what its key begins with; of a queue's hash what its key ends with.
        field: name of the field, with `ANY` for what is not written there.
        mode: what is done to it.
        by: name of the script; of the library the function, with ``()`` behind it.
        line: line in its file.
    """

    key: str
    field: str
    mode: Mode
    by: str
    line: int


class Fields:
    """What one file does with hashes.

    Args:
        path: a script, or a file of the library.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        names = Names(path.read_bytes())
        self._root = names.root
        self._of = {node.id: each for each in names.variables for node in (*each.reads, *each.writes)}

    def accesses(self) -> Iterator[Access]:
        """Find every access, in the order of the file."""
        for node in walk(self._root):
            if node.type != "function_call":
                continue
            called, arguments = text_of(node.child_by_field_name("name")), _arguments(node)
            if called == "read" and arguments:
                yield from self._access(node, "HMGET", arguments)
            elif called in {"redis.call", "redis.pcall"} and (command := _literal(arguments[0])) in _MODES:
                yield from self._access(node, command, arguments[1:])

    def calls(self) -> Iterator[tuple[str, str]]:
        """Find who calls which function: pairs of caller and called."""
        for node in walk(self._root):
            if node.type == "function_call" and node.child_by_field_name("name").type == "identifier":
                yield self._by(node), text_of(node.child_by_field_name("name"))

    def _access(self, node: Node, command: str, arguments: list[Node]) -> Iterator[Access]:
        key, *rest = arguments
        if command in _ONE_FIELD:
            rest = rest[:1]
        names = self._names(rest, step=2 if command == "HSET" else 1) if rest else [ANY]
        for name in names:
            line = node.start_point[0] + 1
            for each in self._keys(key):
                yield Access(each, name, _MODES[command], self._by(node), line)

    def _by(self, node: Node) -> str:
        """Name the script, or the function of the library around a node."""
        if LIBRARY not in self._path.parents:
            return self._path.stem
        found = self._path.stem
        while node.parent is not None:
            node = node.parent
            if node.type == "function_declaration":
                found = text_of(node.child_by_field_name("name")) + "()"
        return found

    def _names(self, nodes: list[Node], step: int) -> Iterator[str]:
        """Name the fields among arguments, of which every so manieth is one."""
        for node in nodes[::step]:
            if node.type == "function_call" and text_of(node).startswith("unpack("):
                yield from self._unpacked(_arguments(node)[0], step)
            else:
                yield from self._values(node)
        last = nodes[-1] if nodes else None
        if step == 2 and len(nodes) % 2 == 0 and last is not None and text_of(last).startswith("unpack("):
            yield from self._unpacked(_arguments(last)[0], step)

    def _values(self, node: Node) -> Iterator[str]:
        """Find the strings that an expression can be; a loop over a list in the file stands for all of it."""
        if (
            node.type == "identifier"
            and (variable := self._of.get(node.id))
            and (loop := _loop(variable.node))
        ):
            yield from (_literal(each) or ANY for each in loop)
        else:
            yield self._pattern(node)

    def _pattern(self, node: Node) -> str:
        """Write out what is known of a name."""
        if (text := _literal(node)) is not None:
            return text
        if node.type == "binary_expression" and text_of(node.children[1]) == "..":
            return "".join(self._pattern(each) for each in node.named_children)
        if node.type == "identifier" and (variable := self._of.get(node.id)):
            value = _value(variable)
            return self._pattern(value) if value is not None else ANY
        if node.type == "dot_index_expression" and (variable := self._of.get(node.named_children[0].id)):
            for entry in _value(variable).named_children if _value(variable) is not None else ():
                if entry.type == "field" and text_of(entry.named_children[0]) == text_of(
                    node.named_children[1]
                ):
                    return self._pattern(entry.child_by_field_name("value"))
        return ANY

    def _unpacked(self, table: Node, step: int) -> Iterator[str]:
        """Find the fields in a list: in its constructor, in assignments, in calls of `add`."""
        if table.type == "table_constructor":
            yield from self._names(_entries(table), step)
            return
        variable = self._of.get(table.id)
        if variable is None:
            yield ANY
            return
        yield from list(self._listed(variable, step)) or [ANY]

    def _listed(self, variable: Variable, step: int) -> Iterator[str]:
        value = _value(variable)
        if value is not None and value.type == "table_constructor":
            yield from self._names(_entries(value), step)
        for use in (*variable.reads, *variable.writes):
            index = use.parent
            if index.type == "bracket_index_expression" and index.parent.type == "variable_list":
                yield from self._assigned(index, step)
            elif index.type == "arguments" and text_of(index.parent.child_by_field_name("name")) == "add":
                yield from self._values(index.named_children[1])

    def _assigned(self, index: Node, step: int) -> Iterator[str]:
        targets, values = index.parent.parent.named_children
        at = [each.id for each in targets.named_children].index(index.id)
        value = values.named_children[at] if at < len(values.named_children) else None
        if value is not None and (step == 1 or not self._is_value(value)):
            yield from self._values(value)

    def _is_value(self, node: Node) -> bool:
        """Whether what is appended to a list of names and values is a value: nothing that is written out."""
        return _literal(node) is None and not (
            node.type == "identifier" and (variable := self._of.get(node.id)) and _loop(variable.node)
        )

    def _keys(self, node: Node) -> list[str]:
        """Name the hashes that an expression can be the key of."""
        if node.type == "identifier" and (variable := self._of.get(node.id)):
            node = _value(variable) or node
        if node.type == "binary_expression" and (
            given := re.fullmatch(r"prefix \.\. given\.(\w+)", text_of(node))
        ):
            # The head of the script says what it can be: name ('one' or 'other').
            listed = re.search(rf"\b{given[1]} \(([^)]*)\)", self._path.read_text("utf-8"))
            return re.findall(r"'(\w+)'", listed[1]) if listed else []
        return [self._key(node) or ANY]

    def _key(self, node: Node) -> str | None:
        """Name the hash that an expression is the key of, by its text or by the name of the variable."""
        return getattr(self, f"_key_of_{node.type}", lambda _: None)(node)

    def _key_of_binary_expression(self, node: Node) -> str | None:
        left, right = node.named_children
        if text_of(node.children[1]) != "..":
            return self._key(right) or self._key(left)
        literals = [text for each in walk(node) if (text := _literal(each)) is not None]
        return literals[0].partition(":")[0] if literals else None

    def _key_of_dot_index_expression(self, node: Node) -> str | None:
        return text_of(node.child_by_field_name("field"))

    def _key_of_function_call(self, node: Node) -> str | None:
        return text_of(node.child_by_field_name("name")).removesuffix("_key")

    def _key_of_bracket_index_expression(self, node: Node) -> str | None:
        return (self._key(node.child_by_field_name("table")) or ANY).removesuffix("s")

    def _key_of_identifier(self, node: Node) -> str | None:
        variable = self._of.get(node.id)
        value = _value(variable) if variable else None
        return (self._key(value) if value is not None else None) or text_of(node).removesuffix("_key")


def _arguments(call: Node) -> list[Node]:
    return call.child_by_field_name("arguments").named_children


def _literal(node: Node) -> str | None:
    return text_of(node)[1:-1] if node.type == "string" else None


def _entries(table: Node) -> list[Node]:
    return [each.child_by_field_name("value") for each in table.named_children if each.type == "field"]


def _loop(declared: Node) -> list[Node] | None:
    """Return the entries of the list that a loop's variable goes through, if it is written there."""
    clause = declared.parent.parent
    if clause.type != "for_generic_clause":
        return None
    values = clause.named_children[1].named_children
    if not values or not text_of(values[0]).startswith("ipairs({"):
        return None
    return _entries(_arguments(values[0])[0])


def _value(variable: Variable) -> Node | None:
    """Return the expression that a variable is declared with."""
    names = variable.node.parent
    if names.type != "variable_list" or names.parent.type != "assignment_statement":
        return None
    values = names.parent.named_children[1].named_children
    at = [each.id for each in names.named_children].index(variable.node.id)
    return values[at] if at < len(values) else None
