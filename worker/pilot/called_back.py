"""Questions about callbacks: what receipts and replies look like, and by which clock their dates are."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from worker.pilot.arrivals import Arrival, flat
from worker.pilot.experiment import Experiment
from worker.pilot.seen import Verdict, not_settled
from worker.pilot.shapes import shape

#: Names of the field that holds the date.
_RECEIPT_DATES: Final = ("delivery_date",)
_REPLY_DATES: Final = ("reception_date", "answer_date")
#: Clocks that dates may be by; they differ by an hour at least.
_CLOCKS: Final[Mapping[str, Any]] = {"Europe/Paris": ZoneInfo("Europe/Paris"), "UTC": UTC}
#: Seconds by which a date may lie after its arrival, and before it.
_EARLY_S: Final = 120.0
_LATE_S: Final = 1200.0
_OFFSET: Final = "with an offset"
_NONE_CAME: Final = (
    "within {:g} s: does the web process run, do workers, and does the account have this installation's "
    "callback URL?"
)


def ask_receipts(experiment: Experiment) -> Verdict:
    """Text all numbers and look at the receipts of all calls of the trial."""
    seen = experiment.post(experiment.text(), to=list(experiment.numbers), segments=len(experiment.numbers))
    if seen.kind != "accepted" or not seen.ticket:
        return not_settled("the call", seen)
    tickets = experiment.journal.tickets()
    fakes = experiment.journal.tickets(simulated=True)
    wanted = set(experiment.numbers)

    def are_final(found: list[Arrival]) -> bool:
        return wanted <= {each.number for each in found if each.final and each.ticket == seen.ticket}

    came = experiment.wait("receipts", lambda each: each.ticket in tickets | fakes, are_final)
    found = [each for each in came if each.ticket in tickets]
    if not found:
        return Verdict(why=f"no receipt came {_NONE_CAME.format(experiment.wait_s)}")
    own = [each for each in found if each.ticket == seen.ticket]
    notes = [*_shapes("receipt", found), *_courses(own), *_delays(own, seen.at)]
    if fakes:
        pretended = any(each.ticket in fakes for each in came)
        notes.append(f"{'receipts' if pretended else 'no receipt'} came for simulated calls")
    return _by_clock(found, _RECEIPT_DATES, notes)


def ask_reply(experiment: Experiment) -> Verdict:
    """Send an SMS that can be answered, and wait until somebody answers it."""
    seen = experiment.post(experiment.text() + " Please answer OK now.", two_way=True)
    if seen.kind != "accepted" or not seen.ticket:
        return not_settled("the call", seen)
    experiment.say(f"answer the SMS on its handset with OK; this waits for {experiment.wait_s:g} s")
    number = experiment.numbers[0]

    def is_answer(each: Arrival) -> bool:
        is_later = each.at > seen.at
        return each.ticket == seen.ticket or (not each.ticket and each.number == number and is_later)

    found = experiment.wait("replies", is_answer, bool)
    if not found:
        return Verdict(why=f"no reply came {_NONE_CAME.format(experiment.wait_s)}")
    fields = {name for each in found for name, _ in flat(each.raw)}
    dates = [name for name in _REPLY_DATES if name in fields]
    nested = {not {"number", "phone_number"} & {name.lower() for name in each.raw} for each in found}
    notes = [
        *_shapes("reply", found),
        f"the reply {'names' if all(each.ticket for each in found) else 'lacks'} the ticket",
        _clock_note(found, _REPLY_DATES),
    ]
    if len(dates) != 1 or len(nested) != 1:
        return Verdict(why="the replies contradict each other, or have no date", notes=tuple(notes))
    layout = "below another name" if nested == {True} else "at the root"
    return Verdict(f"{dates[0]}, number {layout}", f"{len(found)} came", tuple(notes))


def _by_clock(found: list[Arrival], names: tuple[str, ...], notes: list[str]) -> Verdict:
    clocks = _clocks(found, names)
    if len(clocks) != 1:
        why = "dates contradict each other" if clocks else "dates fit no clock that is known"
        return Verdict(why=f"{len(found)} receipts came; their {why}", notes=tuple(notes))
    return Verdict(clocks.pop(), f"{len(found)} receipts came, all dated so", tuple(notes))


def _clock_note(found: list[Arrival], names: tuple[str, ...]) -> str:
    clocks = _clocks(found, names)
    return f"dates are by {' or '.join(sorted(clocks))}" if clocks else "dates fit no clock that is known"


def _clocks(found: Iterable[Arrival], names: tuple[str, ...]) -> set[str]:
    """Name the clocks by which dates are; of a date that fits several, or none, nothing is said."""
    clocks: set[str] = set()
    for each in found:
        date = next((str(value) for name, value in flat(each.raw) if name in names), "")
        try:
            read = datetime.fromisoformat(date.strip())
        except ValueError:
            continue
        if read.tzinfo is not None:
            clocks.add(_OFFSET)
            continue
        fits = [
            name
            for name, zone in _CLOCKS.items()
            if -_LATE_S <= read.replace(tzinfo=zone).timestamp() - each.at <= _EARLY_S
        ]
        clocks.update(fits if len(fits) == 1 else ())
    return clocks


def _shapes(what: str, found: Iterable[Arrival]) -> list[str]:
    return [f"a {what}: `{each}`" for each in dict.fromkeys(shape(each.raw) for each in found)]


def _courses(found: Iterable[Arrival]) -> list[str]:
    """Tell in which order the statuses of each number came."""
    courses: dict[str, list[str]] = defaultdict(list)
    for each in found:
        courses[each.number].append(each.status if each.status.isidentifier() else "(no word)")
    return [f"statuses: {each}" for each in dict.fromkeys(", ".join(course) for course in courses.values())]


def _delays(found: list[Arrival], since: float) -> list[str]:
    if not found:
        return []
    first, last = found[0].at - since, found[-1].at - since
    return [f"the first came {first:.1f} s after the call, the last {last:.1f} s"]
