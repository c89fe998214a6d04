"""Whether the receiving mail server says that a mail comes from the domain it names. Pure.

Anybody can write any ``From``. A mail server that checks DMARC says what it found in a header
``Authentication-Results`` (RFC 8601). Anybody can write that header, too: only one that names the server
itself counts, and the server has to take such headers out of what comes from outside.
"""

import re
from typing import Final

_RESULT: Final = re.compile(r"dmarc\s*=\s*([a-z]+)\b")
_FROM: Final = re.compile(r"header\.from\s*=\s*([a-z0-9.-]+)")
#: What is not plain in a header: marks of quoted strings, of comments, of parts, and escaped characters.
_SPECIAL: Final = re.compile(r"\\.|[\"();\\]", re.DOTALL)
#: Headers of that kind that are read, and characters of each.
_HEADERS_MAX: Final = 20
_LENGTH_MAX: Final = 4_000


def passes_dmarc(headers: list[str], trusted: str, domain: str) -> bool:
    """Say whether DMARC has passed for a domain, and nothing trusted says otherwise.

    Args:
        headers: values of all headers ``Authentication-Results``.
        trusted: name under which the receiving server writes such headers.
        domain: of the address in ``From``.
    """
    found = [
        verdict
        for header in headers[:_HEADERS_MAX]
        for verdict in _verdicts(_parts(header[:_LENGTH_MAX].lower()), trusted.lower())
    ]
    return bool(found) and all(verdict == ("pass", domain.lower()) for verdict in found)


def _verdicts(parts: list[str], trusted: str) -> list[tuple[str, str]]:
    """List what the parts of a header say about DMARC: result and domain."""
    named, *methods = parts
    # A version may stand behind the name.
    if named.split()[:1] != [trusted]:
        return []
    verdicts = []
    for method in methods:
        result, about = _RESULT.match(method.strip()), _FROM.search(method)
        if result:
            verdicts.append((result[1], about[1] if about else ""))
    return verdicts


def _parts(header: str) -> list[str]:
    """Part a header at its semicolons, without comments and quoted strings: strangers choose those."""
    parts, depth, is_quoted, place = [""], 0, False, 0
    for special in _SPECIAL.finditer(header):
        mark = special[0]
        if not depth and not is_quoted:
            parts[-1] += header[place : special.start()]
        place = special.end()
        if mark == '"' and not depth:
            is_quoted = not is_quoted
        elif mark in "()" and not is_quoted:
            depth = max(0, depth + (1 if mark == "(" else -1))
        elif mark == ";" and not is_quoted and not depth:
            parts.append("")
    if not depth and not is_quoted:
        parts[-1] += header[place:]
    return parts
