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
        status: of the answer.
    """

    name: str
    path: Callable[[ExampleDay], str]
    picture: bool = True
    status: int = 200


PAGES: Final = (
    BrowserPage("overview", lambda _: "/"),
    BrowserPage("replies", lambda _: "/replies?country=FR"),
    BrowserPage("replies-filtered", lambda _: "/replies?country=FR&q=oui&match=ticket", picture=False),
    BrowserPage(
        "replies-reversed", lambda _: "/replies?from=2026-11-05&to=2026-11-01", picture=False, status=422
    ),
    BrowserPage("replies-misread", lambda _: "/replies?from=yesterday", picture=False, status=422),
    BrowserPage("conversation", lambda day: day.conversation),
    BrowserPage("conversation-opted-out", lambda day: day.opted_out, picture=False),
    BrowserPage("conversation-hostile", lambda day: day.attack, picture=False),
    BrowserPage("sends", lambda _: "/sends?tab=ended"),
    BrowserPage("sends-running", lambda _: "/sends", picture=False),
    BrowserPage("sends-scheduled", lambda _: "/sends?tab=scheduled", picture=False),
    BrowserPage("send", lambda _: "/sends/booking-42"),
    BrowserPage("send-unknown", lambda _: "/sends/asked-0", picture=False),
    BrowserPage("send-held", lambda _: "/sends/mussels.0", picture=False),
    BrowserPage("failures", lambda _: "/failures"),
    BrowserPage("job", lambda day: day.job, picture=False),
    BrowserPage("campaigns", lambda _: "/campaigns"),
    BrowserPage("campaign", lambda _: "/campaigns/mussels"),
    BrowserPage("campaign-done", lambda _: "/campaigns/oysters", picture=False),
    BrowserPage("optouts", lambda _: "/optouts"),
    BrowserPage("optouts-now", lambda _: "/optouts?tab=now", picture=False),
    BrowserPage("optout", lambda day: day.opt_out),
    BrowserPage("money", lambda _: "/money"),
    BrowserPage("feeds", lambda _: "/feeds"),
    BrowserPage("poison", lambda _: "/feeds/replies/poison?group=bookings", picture=False),
    BrowserPage("forward", lambda _: "/forward", picture=False),
    BrowserPage("forwarder", lambda _: "/forward/bookings"),
    BrowserPage("quarantine", lambda _: "/quarantine"),
    BrowserPage("audit", lambda _: "/audit"),
    BrowserPage("nowhere", lambda _: "/nowhere", picture=False, status=404),
)
