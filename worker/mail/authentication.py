"""Whether the receiving mail server says that a mail comes from the domain it names. Pure.

Anybody can write any ``From``. A mail server that checks DMARC says what it found in a header
``Authentication-Results`` (RFC 8601). Anybody can write that header, too: only one that names the server
itself counts, and the server has to take such headers out of what comes from outside.
"""

import re
from typing import Final

_COMMENT: Final = re.compile(r"\([^()]*\)")
_RESULT: Final = re.compile(r"dmarc\s*=\s*([a-z]+)\b")
_FROM: Final = re.compile(r"header\.from\s*=\s*\"?([a-z0-9.-]+)\"?")
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
        for verdict in _verdicts(_without_comments(header[:_LENGTH_MAX].lower()), trusted.lower())
    ]
    return bool(found) and all(verdict == ("pass", domain.lower()) for verdict in found)


def _verdicts(header: str, trusted: str) -> list[tuple[str, str]]:
    """List what a header says about DMARC: result and domain."""
    named, *methods = header.split(";")
    # A version may stand behind the name.
    if named.split()[:1] != [trusted]:
        return []
    verdicts = []
    for method in methods:
        result, about = _RESULT.match(method.strip()), _FROM.search(method)
        if result:
            verdicts.append((result[1], about[1] if about else ""))
    return verdicts


def _without_comments(text: str) -> str:
    """Take comments away, from the inside out; a few levels, as nobody nests more."""
    for _ in range(5):
        text = _COMMENT.sub(" ", text)
    return text
