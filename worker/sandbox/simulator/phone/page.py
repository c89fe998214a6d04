"""The page as HTML: complete for browsers without scripts, the frame for all others."""

import functools
from collections.abc import Iterable
from importlib.resources import files
from itertools import islice
from typing import TYPE_CHECKING, Final

from worker.sandbox.simulator.listener import Listener
from worker.sandbox.simulator.phone.situation import situation
from worker.sandbox.simulator.phone.wording import EntryInWords, in_words, spaced, why_nothing
from worker.sandbox.simulator.simulator import Simulator
from worker.sandbox.simulator.threads import Entry

if TYPE_CHECKING:
    import jinja2

#: Words of the admin interface, and how the page names them.
WEATHERS: Final = (
    ("normal", "Normal"),
    ("lost_answer", "Lost answer"),
    ("refused", "Refuse 121"),
    ("no_credit", "No credit"),
    ("away", "Away 5 s"),
    ("slow", "Slow"),
    ("callbacks_twice", "Callbacks twice"),
)
#: Handsets that the list shows; a campaign reaches more, and searching finds them.
LISTED: Final = 100
#: What the box for writing is called, by what the person with the handset can do.
LABELS: Final = {"answer": "Answer as this person", "first": "Write first as this person", "nothing": ""}
RECEIPTS: Final = (
    ("usual", "delivered"),
    ("not_delivered", "not delivered"),
    ("never", "never come"),
    ("before_answer", "before the answer"),
)


def page(simulator: Simulator, listener: Listener, number: str | None) -> str:
    """Write the page.

    Args:
        simulator: What to show.
        listener: The gateway's port.
        number: The handset to open; None opens the one where something happened last.
    """
    every, handsets = simulator.threads.entries(), simulator.network.handsets
    newest: dict[str, Entry] = {}
    for entry in reversed(every):
        newest.setdefault(entry.number, entry)
    opened = number or next(iter(newest), None)
    is_wired = bool(simulator.settings.redis_url)

    def told(entries: Iterable[Entry]) -> list[EntryInWords]:
        return [in_words(entry, handsets) for entry in entries]

    return _template().render(
        asked=number is not None,
        number=opened,
        name=spaced(opened or ""),
        entries=told(entry for entry in every if entry.number == opened),
        handsets=told(islice(newest.values(), LISTED)),
        more=max(len(newest) - LISTED, 0),
        listed=LISTED,
        pen=handsets.pen(opened or ""),
        labels=LABELS,
        why=why_nothing(opened or "", handsets),
        now=situation(simulator, listener),
        weathers=WEATHERS,
        receipts=RECEIPTS,
        paste="Paste this into a Python shell." if is_wired else "Paste this into a terminal.",
        snippet=snippet(simulator, listener),
    )


def snippet(simulator: Simulator, listener: Listener) -> str:
    """Write a snippet that sends: through the queue where a Redis is known, else straight to the gateway."""
    settings = simulator.settings
    if settings.redis_url:
        return (
            "from producers import Producer\n\n"
            f'sms = Producer("{settings.redis_url}")\n'
            'sms.send("+33612345678", "Your table is ready. Reply YES.",\n'
            '         sender="Bistro", purpose="alert", with_replies=True,\n'
            '         context={"booking": 42})'
        )
    return (
        f"curl {listener.url}/v1/public/sms-campaign/send \\\n"
        f"  -H 'api-login: {settings.api_login}' -H 'api-key: {settings.api_key}' \\\n"
        """  -d '{"recipients": [{"phone_number": "+33612345678"}], "text": "Hello!",\n"""
        """       "sender": "Bistro", "purpose": "alert", "with_replies": true}'"""
    )


@functools.cache
def _template() -> "jinja2.Template":
    import jinja2  # noqa: PLC0415 - the simulator starts faster, and most never show the page

    source = files(__package__).joinpath("page.html").read_text("utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(source)
