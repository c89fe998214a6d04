"""Whether a page of the console does nothing but show, whatever somebody has written into it."""

import re
import unicodedata
from typing import Final

from tests.support.html import Html

#: What pages are made of. Nothing that somebody writes may add to it.
_ELEMENTS: Final = (
    {"html", "head", "meta", "title", "link", "script", "body", "header", "nav", "main", "section", "footer"}
    | {"a", "p", "br", "div", "span", "small", "strong", "code", "bdi", "time", "h1", "h2", "h3"}
    | {"ul", "ol", "li", "dl", "dt", "dd", "table", "caption", "thead", "tbody", "tr", "th", "td"}
    | {"form", "input", "label", "select", "option", "textarea", "button", "progress", "details", "summary"}
)
_ACTS: Final = re.compile(r"^on|^style$|^srcdoc$")
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_HONEST: Final = frozenset("\n\u200c\u200d")


def faults_of(page: str) -> list[str]:
    """Say what is wrong with a page; nothing if it is harmless."""
    html = Html(page)
    faults = [f"element {name}" for name in html.names() - _ELEMENTS]
    faults += [f"attribute {each}" for _, given in html.elements for each in given if _ACTS.match(each)]
    faults += ["a script of somebody else"] * (sum(name == "script" for name, _ in html.elements) - 1)
    faults += [f"address {each}" for each in html.values("href") if not each.startswith(("/", "#"))]
    faults += [f"address {each}" for each in html.values("action") if not each.startswith("/")]
    faults += [
        f"character {ord(character):04X}"
        for character in set(page) - _HONEST
        if unicodedata.category(character) in _HIDDEN
    ]
    return faults
