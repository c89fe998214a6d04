"""Every page of the console, with the path under which the example day shows it.

A page that is listed here is tested in the browser, and is on the screenshots.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.browser.example import ExampleDay


@dataclass(frozen=True, slots=True)
class BrowserPage:
    """One page.

    Attributes:
        name: also that of its screenshot.
        path: where it lies, if an id is part of that.
        picture: whether docs/console.md shows it.
    """

    name: str
    path: Callable[[ExampleDay], str]
    picture: bool = True


PAGES: Final = (
    BrowserPage("overview", lambda _: "/"),
    BrowserPage("replies", lambda _: "/replies"),
    BrowserPage("replies-filtered", lambda _: "/replies?country=FR&q=oui&match=ticket", picture=False),
    BrowserPage("replies-misread", lambda _: "/replies?from=yesterday", picture=False),
    BrowserPage("conversation", lambda day: day.conversation),
    BrowserPage("conversation-hostile", lambda day: day.attack, picture=False),
    BrowserPage("nowhere", lambda _: "/nowhere", picture=False),
)
