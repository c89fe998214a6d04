"""Which programs a block of shell calls, and with what."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

#: What stands in a line for the output of another command.
OUTPUT = "OUTPUT"

_COMMENT = re.compile(r"(?:^|(?<=\s))# .*$|^#!.*$", re.MULTILINE)
#: ``$(…)`` with brackets in it, two deep.
_INNER = re.compile(r"\$\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)")
#: A quoted sign that would divide commands without its quotes.
_QUOTED = re.compile(r"(['\"])([;&|<>]+)\1")
_KEPT = "\0"
_VARIABLE = re.compile(r"[A-Z_]+=")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a program.

    Attributes:
        program: its name, without the directory.
        arguments: as the shell hands them over; variables are not filled in.
        variables: what is set for it alone; all of an ``export``.
    """

    program: str
    arguments: list[str] = field(default_factory=list)
    variables: list[str] = field(default_factory=list)


def calls(code: str) -> Iterator[Call]:
    """Find all calls, those first whose output is part of another."""
    code = _COMMENT.sub("", code).replace("\\\n", " ")
    for inner in _INNER.findall(code):
        yield from calls(inner)
    for words in _commands(_INNER.sub(OUTPUT, code)):
        count = next((n for n, word in enumerate(words) if not _VARIABLE.match(word)), len(words))
        variables, rest = words[:count], words[count:]
        if not rest:
            yield Call("export", [], variables)
        elif rest[0] == "export":
            yield Call("export", [], rest[1:])
        else:
            yield Call(rest[0].rpartition("/")[2] or rest[0], rest[1:], variables)


def _commands(code: str) -> Iterator[list[str]]:
    code = _QUOTED.sub(rf"\1{_KEPT}\2\1", code)
    lexer = shlex.shlex(code, posix=True, punctuation_chars=";&|<>\n")
    lexer.whitespace, lexer.commenters = " \t", ""
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if set(word) <= set(";&|\n"):
            if words:
                yield words
            words = []
        elif set(word) <= set("<>"):
            # What is read or written by another way than the command line.
            lexer.get_token()
        else:
            words.append(word.removeprefix(_KEPT))
    if words:
        yield words
