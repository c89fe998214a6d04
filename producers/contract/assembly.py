"""Putting a Lua script together, so that Redis has little to make before it runs one.

Redis keeps no function from one run of a script to the next: whatever a script declares is made anew each
time, and thrown away. So a script gets no function that it does not come to, and what it gets lies in layers.

The library is read here as the house writes it: an outermost statement begins in the first column, and what
begins there with ``end``, ``else`` or a bracket belongs to the statement before. A name is taken for a use of
what is called so wherever it stands, also as the key of a table: no function of the library has the name of
such a key. A test compares what is left with what a parser of Lua finds.
"""

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from itertools import accumulate, pairwise
from operator import or_
from typing import Final, TypeAlias

from .admission import ADMISSION

_Names: TypeAlias = frozenset[str]

#: The line with which a script, or a file of the library, names the subjects that it needs, if any.
_USES: Final = re.compile(r"^-- uses:(.*)$", re.MULTILINE)
#: The parts of the library that ask the gates, and the function of a gate that each calls.
_ASKING: Final = {"admit_queue": "room", "admit_send": "keep", "admit_post": "is_shut"}

#: Names that a layer may take from outside: Lua allows 60, and tests add some of their own.
_MOST_FROM_OUTSIDE: Final = 57
#: Names after which a layer ends. More of them make walks longer, and more layers hand on more.
_ENOUGH_NAMES: Final = 25

_BEGINS: Final = re.compile(r"^(?![\s)\]}]|--|(?:end|else|elseif|until)\b)(?=.)", re.MULTILINE)
_STRING_OR_COMMENT: Final = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|--.*")
_NAME: Final = re.compile(r"(?<![\w.:])[A-Za-z_]\w*")
_CALLED: Final = re.compile(r"[.:](\w+)\(")
_FUNCTION: Final = re.compile(r"local function (\w+)")
_METHOD: Final = re.compile(r"function \w+\.(\w+)\(")
_LOCALS: Final = re.compile(r"local (?!function\b)(\w+(?:, \w+)*)")


@dataclass(frozen=True, slots=True)
class _Statement:
    """One outermost statement.

    Attributes:
        text: from the line on which it begins to the one on which the next does.
        declares: the names that it declares.
        method: the field of a table that it makes a function, or ''.
        acts: whether it does more than to declare, so that no script may lack it.
        names: all names in it.
        called: the fields of tables that it calls.
    """

    text: str
    declares: _Names
    method: str
    acts: bool
    names: _Names
    called: _Names

    def is_needed(self, names: _Names, called: _Names) -> bool:
        """Say whether what has these names and calls comes to it."""
        return self.acts or self.method in called or not self.declares.isdisjoint(names)


def with_library(script: str, body: str) -> dict[str, str]:
    """Collect what a script needs.

    A script names the parts that it uses in a line ``-- uses: clock queue``; they lie in
    ``producers/contract/lua`` and name what they need themselves. A part that asks the gates is followed by
    those that can answer, in the order of `ADMISSION`.

    Args:
        script: its name.
        body: its text.

    Returns:
        Texts by their names: the head, which reads what the script is given; each part once and after what it
        uses itself; and the script.
    """
    parts: dict[str, str] = {}

    def collect(name: str) -> None:
        if name in parts:
            return
        text = _part(name)
        for needed in _used(text):
            collect(needed)
        parts[name] = text
        for gate in ADMISSION if name in _ASKING else ():
            if f"{gate}_gate.{_ASKING[name]}(" in _part(f"gates/{gate}"):
                collect(f"gates/{gate}")

    for name in ("head", *_used(body)):
        collect(name)
    return {**parts, script: body}


def joined(texts: Mapping[str, str]) -> str:
    """Put parts of the library one after the other, and a script behind them; all lines keep their numbers.

    What the script does not come to is left out. The rest lies in layers, each a function within the one
    before. In its own layer Lua finds what a function uses by a walk over all names that came later, for each
    function and each name; what lies further outside is handed on without one. A layer may have 200 names.

    A gate is known by what it adds to the list of gates, so its names end with it.

    Args:
        texts: texts by their names, in order; the last one is the script, which stays whole.
    """
    left = _without_the_unused(texts)
    used = [_union(each.names for each in _statements(text)) for text in left.values()]
    used_from_here_on = [*accumulate(reversed(used), or_)][::-1]
    pieces: list[str] = []
    layers, before, here = 0, _Names(), _Names()
    for (name, text), still_used in zip(left.items(), used_from_here_on, strict=True):
        if len(here) >= _ENOUGH_NAMES and len((before | here) & still_used) <= _MOST_FROM_OUTSIDE:
            pieces.append("return (function() ")
            layers, before, here = layers + 1, before | here, _Names()
        if name.startswith("gates/"):
            pieces += ["do ", text, "end "]
        else:
            pieces.append(text)
            here |= _union(each.declares for each in _statements(text))
    return "".join([*pieces, "end)() " * layers])


def _without_the_unused(texts: Mapping[str, str]) -> dict[str, str]:
    """Leave lines empty where the script, which stands last, never comes."""
    *parts, script = texts
    waiting = [each for part in parts for each in _statements(texts[part])]
    names, called, new = _Names(), _Names(), list(_statements(texts[script]))
    while new:
        names |= _union(each.names for each in new)
        called |= _union(each.called for each in new)
        new = [each for each in waiting if each.is_needed(names, called)]
        waiting = [each for each in waiting if each not in new]
    return {
        name: text
        if name == script
        else "".join(
            each.text if each.is_needed(names, called) else "\n" * each.text.count("\n")
            for each in _statements(text)
        )
        for name, text in texts.items()
    }


@functools.cache
def _statements(text: str) -> tuple[_Statement, ...]:
    starts = [0, *(found.start() for found in _BEGINS.finditer(text)), len(text)]
    return tuple(_statement(text[start:end]) for start, end in pairwise(starts) if start < end)


def _statement(text: str) -> _Statement:
    code = _STRING_OR_COMMENT.sub("''", text).replace("..", " ")
    function, method, several = _FUNCTION.match(code), _METHOD.match(code), _LOCALS.match(code)
    return _Statement(
        text,
        declares=_Names(several[1].split(", ") if several else [function[1]] if function else []),
        method=method[1] if method else "",
        # What a call gives may be needed for what the call does.
        acts=not (function or method or (several and "(" not in code)),
        names=_Names(_NAME.findall(code)),
        called=_Names(_CALLED.findall(code)),
    )


def _union(sets: Iterable[_Names]) -> _Names:
    return _Names().union(*sets)


@functools.cache
def _part(name: str) -> str:
    return (files(__package__) / "lua" / f"{name}.lua").read_text("utf-8")


def _used(text: str) -> list[str]:
    found = _USES.search(text)
    return found[1].split() if found else []
