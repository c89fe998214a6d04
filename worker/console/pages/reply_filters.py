"""What a page of replies is asked for: the same in its form, its links and its exports."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from producers.contract.phone import looks_like_number
from worker.console.page import Visit
from worker.inquiry.dates import read_since, read_until
from worker.inquiry.replies import MATCHES, ReplyFilter

_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
#: Parameters of a filter, as they stand in an address.
NAMES: Final = ("country", "from", "to", "q", "match")


@dataclass(frozen=True, slots=True)
class Asked:
    """A filter as it was written, and as it was understood.

    Attributes:
        written: the parameters that are not empty.
        filter: what they mean; where one cannot be read, as if it were absent.
        problems: what is wrong, by parameter; it is left out.
        nothing: why the filter finds nothing whatever is kept, or ``""``.
    """

    written: dict[str, str]
    filter: ReplyFilter
    problems: dict[str, str]
    nothing: str = ""

    def query(self, **more: str) -> str:
        """Write the filter as a query of an address, with more parameters."""
        return urlencode({**self.written, **more})

    def kind(self, name: str) -> str:
        """Say as what a date is entered: a day from a calendar, or the time that was written."""
        written = self.written.get(name, "")
        return "date" if not written or _DAY.fullmatch(written) else "text"

    @property
    def about(self) -> dict[str, str]:
        """Describe the filter for the audit stream: without the text that was looked for."""
        return {name: "yes" if name == "q" else value for name, value in self.written.items()}


def read_filter(visit: Visit) -> Asked:
    """Read the filter that an address asks for."""
    written = {name: value for name in NAMES if (value := visit.asked(name))}
    problems: dict[str, str] = {}
    nothing = ""
    if looks_like_number(written.get("q", "")):
        # It would stand in the history of the browser, and in the log of a proxy.
        del written["q"]
        problems["q"] = "A number has no place in an address. Look for its conversation below."
    since, until = (_date(written, name, problems) for name in ("from", "to"))
    if since is not None and until is not None and since >= until:
        nothing = f"To {written['to']} is before From {written['from']}: nothing lies between them."
    match = written.get("match")
    if match is not None and match not in MATCHES:
        problems["match"] = "There is no such match."
    try:
        country = ReplyFilter(country=written.get("country")).country
    except ValueError:
        problems["country"], country = "There is no such country.", None
    known = None if "match" in problems else match
    found = ReplyFilter(country=country, since=since, until=until, match=known, text=written.get("q"))
    return Asked(written, found, problems, nothing)


def _date(written: dict[str, str], name: str, problems: dict[str, str]) -> datetime | None:
    if name not in written:
        return None
    try:
        return (read_since if name == "from" else read_until)(written[name])
    except ValueError as error:
        problems[name] = f"{name.capitalize()} {error}."
        return None
