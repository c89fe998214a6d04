"""What a whole Lua text needs: which parts of the library, and what of that which it is given."""

import functools
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tree_sitter import Node

from tests.support.lua_names import Names, Variable, text_of, walk
from tests.support.lua_scripts import HEAD, Text, part_name


class Reading:
    """A text with its names.

    Args:
        source: the text.
    """

    def __init__(self, source: Text) -> None:
        self.source = source
        self.names = Names(source.text)

    def place(self, node: Node) -> str:
        """Name a place as ``file:line``."""
        return self.source.place(node.start_byte)

    def file(self, node: Node) -> Path:
        """Return the file that holds a place."""
        return self.source.file(node.start_byte)

    @functools.cached_property
    def reached(self) -> frozenset[int]:
        """The outermost statements that a script comes to: its own, what acts, and what these need."""
        needed, found = self._needed(), set()
        waiting = [
            node.start_byte
            for node in self.names.root.named_children
            if acts(node) or self.file(node) == self.source.script
        ]
        while waiting:
            here = waiting.pop()
            if here not in found:
                found.add(here)
                waiting += needed[here]
        return frozenset(found)

    def _needed(self) -> defaultdict[int, set[int]]:
        """Return what each outermost statement needs: what declares its names, what defines its methods."""
        found: defaultdict[int, set[int]] = defaultdict(set)
        for variable in self.names.variables:
            for use in variable.uses if variable.is_top else ():
                found[outermost(use)].add(outermost(variable.node))
        users: defaultdict[str, set[int]] = defaultdict(set)
        for node in walk(self.names.root):
            if node.type == "dot_index_expression" and is_called(node):
                users[text_of(node.child_by_field_name("field"))].add(outermost(node))
        for method in self.names.root.named_children:
            if method.type == "function_declaration" and method.children[0].type != "local":
                for user in users[text_of(method.child_by_field_name("name").child_by_field_name("field"))]:
                    found[user].add(method.start_byte)
        return found

    def is_reached(self, node: Node) -> bool:
        """Say whether a script comes to the statement that holds a place."""
        return outermost(node) in self.reached

    def reads_of_given(self) -> Iterator[Node]:
        """Yield where a script, or what it calls, reads what it is given."""
        (given,) = (v for v in self.names.variables if v.name == "given" and self.file(v.node) == HEAD)
        return filter(self.is_reached, given.reads)

    def fields_of_entries(self, name: str) -> Iterator[Node]:
        """Yield the fields that a script reads of the entries of a list that it is given.

        An entry is the variable of a loop over the list, and any other variable of that name in the script.
        """
        own = [each for each in self.names.variables if self.file(each.node) == self.source.script]
        entries = {
            name_of_entry for each in own if (name_of_entry := _loop_over(each, f"ipairs(given.{name})"))
        }
        for variable in own:
            if variable.name in entries:
                yield from (
                    read.parent.child_by_field_name("field") for read in variable.reads if is_table(read)
                )

    def needed_parts(self, path: Path) -> dict[str, str]:
        """Return the parts of the library whose names a file uses, each with a place where it does."""
        found: dict[str, str] = {}
        for variable in self.names.variables:
            part = self.file(variable.node)
            for use in variable.uses if variable.is_top and part not in {HEAD, path} else ():
                if self.file(use) == path:
                    found.setdefault(part_name(part), self.place(use))
        return found


def outermost(node: Node) -> int:
    """Return where the outermost statement begins that holds a place."""
    while node.parent.parent is not None:
        node = node.parent
    return node.start_byte


def acts(node: Node) -> bool:
    """Say whether an outermost statement does more than to declare something."""
    if node.type == "variable_declaration":
        return any(each.type == "function_call" for each in walk(node))
    return node.type != "function_declaration"


def is_called(node: Node) -> bool:
    """Say whether arguments follow a name or a field."""
    return node.parent.type == "function_call" and node.parent.child_by_field_name("name") == node


def is_table(node: Node) -> bool:
    """Say whether a dot and a field follow a name."""
    return node.parent.type == "dot_index_expression" and node.parent.child_by_field_name("table") == node


def _loop_over(variable: Variable, values: str) -> str:
    clause = variable.node.parent.parent
    if clause.type != "for_generic_clause" or text_of(clause.named_children[1]) != values:
        return ""
    return text_of(clause.named_children[0].named_children[1])
