"""The code blocks of the pages, as a reader of Markdown finds them: fenced or indented, in lists or not."""

import functools
from dataclasses import dataclass

from markdown_it import MarkdownIt

from tests.house.repository import name, pages, text


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code.

    Attributes:
        page: its page, from the root.
        line: where it begins.
        language: what the fence says; empty if it says nothing.
        code: what it holds.
    """

    page: str
    line: int
    language: str
    code: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@functools.cache
def code_blocks() -> tuple[Block, ...]:
    """Find those of the README and its neighbours, and of docs/."""
    return tuple(
        block
        for page in map(name, pages())
        if page.startswith("docs/") or "/" not in page
        for block in blocks_in(page, text(page))
    )


def blocks_in(page: str, source: str) -> list[Block]:
    """Find those of one page."""
    return [
        Block(page, token.map[0] + 1, token.info.strip(), token.content)
        for token in MarkdownIt("commonmark").parse(source)
        if token.type in {"fence", "code_block"} and token.map
    ]
