"""Who declares and who uses each name of a Lua text: the scopes of Lua 5.1 over a syntax tree."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import tree_sitter_lua
from tree_sitter import Language, Node, Parser

_PARSER = Parser(Language(tree_sitter_lua.language()))


@dataclass(eq=False)
class Variable:
    """A local variable, parameter or local function.

    Attributes:
        name: its name.
        node: where it is declared.
        shadows: the variable of the same name that it hides.
        is_top: whether it is declared outside all functions and blocks.
        reads: where it is read.
        writes: where it is written after its declaration.
    """

    name: str
    node: Node
    shadows: "Variable | None"
    is_top: bool
    reads: list[Node] = field(default_factory=list)
    writes: list[Node] = field(default_factory=list)

    @property
    def uses(self) -> list[Node]:
        """Where it is read or written."""
        return self.reads + self.writes

    @property
    def is_used(self) -> bool:
        """Whether somebody reads it; a function that calls itself does not count."""
        own = self.node.parent
        if own.type != "function_declaration":
            return bool(self.reads)
        return any(not own.start_byte <= read.start_byte < own.end_byte for read in self.reads)


Scope = dict[str, Variable]


class Names:
    """The names of one text.

    Args:
        text: Lua source.

    Attributes:
        root: the syntax tree.
        variables: all that are declared, in order.
        globals_read: identifiers that nobody declares, where they are read.
        globals_written: the same, where they are written.
    """

    def __init__(self, text: bytes) -> None:
        self.root = parse(text)
        self.variables: list[Variable] = []
        self.globals_read: list[Node] = []
        self.globals_written: list[Node] = []
        self._scopes: list[Scope] = [{}]
        self._all(self.root)

    def _declare(self, node: Node) -> None:
        name = text_of(node)
        variable = Variable(name, node, self._find(name), is_top=len(self._scopes) == 1)
        self._scopes[-1][name] = variable
        self.variables.append(variable)

    def _find(self, name: str) -> Variable | None:
        return next((scope[name] for scope in reversed(self._scopes) if name in scope), None)

    def _all(self, node: Node | None) -> None:
        for child in node.named_children if node is not None else ():
            self._visit(child)

    def _inside(self, node: Node | None) -> None:
        self._scopes.append({})
        self._all(node)
        self._scopes.pop()

    def _visit(self, node: Node) -> None:
        visit = getattr(self, f"_{node.type}", None)
        if visit is not None:
            visit(node)
        elif node.type != "comment":
            self._all(node)

    def _identifier(self, node: Node) -> None:
        variable = self._find(text_of(node))
        (variable.reads if variable else self.globals_read).append(node)

    def _block(self, node: Node) -> None:
        self._inside(node)

    def _variable_declaration(self, node: Node) -> None:
        """`local a, b = ...`: the values do not see the names."""
        inner = node.named_children[0]
        names = inner
        if inner.type == "assignment_statement":
            names, values = inner.named_children
            self._visit(values)
        for name in names.children_by_field_name("name"):
            self._declare(name)

    def _assignment_statement(self, node: Node) -> None:
        targets, values = node.named_children
        self._visit(values)
        for target in targets.children_by_field_name("name"):
            if target.type != "identifier":
                self._visit(target)
                continue
            variable = self._find(text_of(target))
            (variable.writes if variable else self.globals_written).append(target)

    def _function_declaration(self, node: Node) -> None:
        name = node.child_by_field_name("name")
        if node.children[0].type == "local":
            self._declare(name)
        elif name.type == "identifier":
            variable = self._find(text_of(name))
            (variable.writes if variable else self.globals_written).append(name)
        else:
            self._visit(name)
        self._function_definition(node)

    def _function_definition(self, node: Node) -> None:
        self._scopes.append({})
        for parameter in node.child_by_field_name("parameters").children_by_field_name("name"):
            self._declare(parameter)
        # Lua lets a function's own variables hide its parameters; here that counts as one scope more.
        self._inside(node.child_by_field_name("body"))
        self._scopes.pop()

    def _for_statement(self, node: Node) -> None:
        clause = node.child_by_field_name("clause")
        self._scopes.append({})
        if clause.type == "for_generic_clause":
            names, values = clause.named_children
            self._visit(values)
            declared = names.children_by_field_name("name")
        else:
            declared, *values = clause.named_children
            declared = [declared]
            for value in values:
                self._visit(value)
        for name in declared:
            self._declare(name)
        self._inside(node.child_by_field_name("body"))
        self._scopes.pop()

    def _repeat_statement(self, node: Node) -> None:
        """The condition sees what the block declares."""
        self._scopes.append({})
        self._all(node.child_by_field_name("body"))
        self._visit(node.child_by_field_name("condition"))
        self._scopes.pop()

    def _dot_index_expression(self, node: Node) -> None:
        self._visit(node.child_by_field_name("table"))

    def _method_index_expression(self, node: Node) -> None:
        self._visit(node.child_by_field_name("table"))

    def _field(self, node: Node) -> None:
        """An entry of a table: the name before `=` is no variable, unless it stands in brackets."""
        name = node.child_by_field_name("name")
        if name is not None and node.children[0].type == "[":
            self._visit(name)
        self._visit(node.child_by_field_name("value"))


def parse(text: bytes) -> Node:
    """Return the root of a syntax tree."""
    return _PARSER.parse(text).root_node


def text_of(node: Node) -> str:
    """Return the source of a node."""
    return node.text.decode()


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all below it."""
    yield node
    for child in node.named_children:
        yield from walk(child)
