"""Which fields of which hashes Python reads and writes, found in the syntax trees of its modules."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.support.lua_fields import ANY, Access, Mode

#: Functions that read a hash which a script or a caller has handed over: module, function, hash.
HANDED_OVER: Final = {
    ("producers/queueing/message_status.py", "read_status"): "record",
    ("producers/queueing/message_status.py", "_read_held"): "record",
    ("producers/queueing/campaign_status.py", "read_campaign"): "campaign",
    ("worker/inquiry/explain.py", "_ended"): "record",
    ("worker/inquiry/overview.py", "_credit"): "credit_seen",
    ("worker/inquiry/reasons.py", "_aside"): "record",
    ("worker/inquiry/reasons.py", "_campaign"): "record",
    ("worker/inquiry/reasons.py", "_due"): "record",
    ("worker/inquiry/reasons.py", "_gathering"): "record",
    ("worker/inquiry/reasons.py", "_held"): "record",
    ("worker/inquiry/reasons.py", "_lifetime"): "record",
    ("worker/inquiry/reasons.py", "_newer"): "record",
    ("worker/inquiry/reasons.py", "_retry"): "record",
    ("worker/inquiry/send_facts.py", "in_doubt"): "record",
    ("worker/inquiry/send_facts.py", "_place"): "record",
    ("worker/inquiry/state_of_sending.py", "_debts"): "rate",
    ("worker/inquiry/state_of_sending.py", "_hold"): "hold",
    ("worker/inquiry/state_of_sending.py", "_limits"): "limits",
    ("worker/inquiry/state_of_sending.py", "_pause"): "pause",
    ("worker/inquiry/state_of_sending.py", "_strained"): "strain",
}
#: Members of `Keys` whose hashes are called otherwise.
NAMED: Final = {"receipts_awaited": "receipts", "reply_countries": "replies", "optout_effects": "optouts"}
_READS: Final = {"hget", "hmget", "hgetall", "hexists", "hvals", "hkeys"}
_WRITES: Final = {"hset", "hsetnx", "hincrby", "hdel"}


def accesses(path: Path, name: str) -> Iterator[Access]:
    """Find every access of a module, named from the root, to a field that is written there."""
    for function in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for key, field, mode, line in _of(function, HANDED_OVER.get((name, function.name))):
                yield Access(key, field, mode, path.name, line)


def _of(function: ast.AST, handed_over: str | None) -> Iterator[tuple[str, str, Mode, int]]:
    if handed_over:
        yield from ((handed_over, field, "read", line) for field, line in _used(function))
    for node in ast.walk(function):
        command, arguments = _command(node)
        if command not in _READS | _WRITES or not arguments:
            continue
        key = _key(arguments[0], function)
        if command in {"hgetall", "hset"}:
            mode: Mode = "read" if command == "hgetall" else "write"
            fields = list(_used(function) if command == "hgetall" else _written(function))
            yield from ((key, field, mode, line) for field, line in fields or [(ANY, node.lineno)])
        else:
            mode = "read" if command in _READS else "write"
            names = [name for argument in arguments[1:] for name in _strings(argument, function)]
            yield from ((key, name, mode, node.lineno) for name in names or [ANY])


def _command(node: ast.AST) -> tuple[str, list[ast.expr]]:
    """Return a command and its arguments: of a client's method, or of a tuple for `Commands`."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr, list(node.args)
    if isinstance(node, ast.Tuple) and node.elts and isinstance(node.elts[0], ast.Constant):
        return str(node.elts[0].value).lower(), node.elts[1:]
    return "", []


def _key(node: ast.expr, function: ast.AST) -> str:
    """Name the hash of a key: `keys.record(…)`, or a variable that holds that."""
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return NAMED.get(node.attr, node.attr)
    if isinstance(node, ast.Name):
        value = _assigned(function, node.id)
        return _key(value, function) if value is not None else node.id
    return ""


def _assigned(function: ast.AST, name: str) -> ast.expr | None:
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and any(
            isinstance(each, ast.Name) and each.id == name for each in node.targets
        ):
            return node.value
    return None


def _strings(node: ast.expr, function: ast.AST) -> list[str]:
    if isinstance(node, ast.Name) and (value := _assigned(function, node.id)) is not None:
        node = value
    nodes = node.elts if isinstance(node, ast.List | ast.Tuple) else [node]
    return [each.value for each in nodes if isinstance(each, ast.Constant) and isinstance(each.value, str)]


def _used(function: ast.AST) -> Iterator[tuple[str, int]]:
    """Find the names by which a function reads a mapping."""
    for node in ast.walk(function):
        found: list[ast.expr] = []
        if isinstance(node, ast.Subscript):
            found = [node.slice]
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In):
            found = [node.left]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            found = node.args[:1]
        for each in found:
            if isinstance(each, ast.BinOp):
                each = each.left  # noqa: PLW2901 - such as "price:" + name
                suffix = ANY
            else:
                suffix = ""
            if isinstance(each, ast.Constant) and isinstance(each.value, str | bytes):
                text = each.value.decode() if isinstance(each.value, bytes) else each.value
                if re.fullmatch(r"\w+:?", text):
                    yield text + suffix, each.lineno


def _written(function: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(function):
        if isinstance(node, ast.Dict):
            yield from (
                (key.value, key.lineno)
                for key in node.keys
                if isinstance(key, ast.Constant) and isinstance(key.value, str)
            )
