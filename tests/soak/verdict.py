"""The verdict on a soak: by what the gateway got and the handsets show, held against the streams. Pure.

The records of the ledger are asked only for reasons, and for what a race may excuse: a call that may
have been at the gateway before somebody refused is repeated to all of its recipients.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tests.soak.crowd import CAP, CAPPED, Text
from tests.soak.days import Leaps, NoLeaps, may_post

#: Longest that a POST may come after its claim.
_ATTEMPT_S: Final = 25.0
#: Reasons that may end a text of each kind that no handset shows, by state.
_OFTEN: Final = {"cancelled suppressed", "unknown suppressed_in_doubt", "unknown quiet_hours"}
_REASONS: Final = {
    "alert": set[str](),
    "capped": {"cancelled number_cap"},
    "once": _OFTEN,
    "hurried": {*_OFTEN, "expired quiet_hours", "expired over_budget", "expired "},
    "campaign": _OFTEN,
    "refused": {"refused "},
}
#: States that promise that no handset shows the text.
_NEVER_SHOWN: Final = ("cancelled", "expired", "rejected", "failed", "refused")


class Post(NamedTuple):
    """A POST that came to the gateway.

    Attributes:
        at: true time at which it came.
        request_id, sha256: the name and the hash of its bytes.
        numbers: its recipients.
    """

    at: float
    request_id: str
    sha256: str
    numbers: Sequence[str]


class Record(NamedTuple):
    """What the ledger says of a message.

    Attributes:
        state, code: with which it ended; ``queued`` or ``sending`` of one that has not.
        first: leaping time of its first claim, or None.
        raced: whether it went on in doubt although a recipient wants no more.
    """

    state: str
    code: str = ""
    first: float | None = None
    raced: bool = False


@dataclass
class Seen:
    """All that a soak has left behind.

    Attributes:
        texts: what was sent.
        shown: how often each handset shows which text.
        posts: to the gateway, in their order.
        stopped: by number, the leaping time of the first entry on ``optouts``.
        answered: numbers whose STOP was answered 200.
        records: by request_id.
        racing: numbers of shared calls that went on in doubt.
        leaps: what the clock showed when.
        reserved: micro-euros that are reserved still.
        spent: euros that marketing cost, by day.
        forgotten: request_ids of POSTs that a Redis which was replaced may have forgotten: what becomes of
            the message afterwards may deny them.
    """

    texts: Sequence[Text]
    shown: Mapping[tuple[str, str], int]
    posts: Sequence[Post]
    stopped: Mapping[str, float]
    answered: Collection[str]
    records: Mapping[str, Record]
    leaps: Leaps
    racing: Collection[str] = field(default_factory=set)
    reserved: int = 0
    spent: Mapping[str, float] = field(default_factory=dict)
    forgotten: Collection[str] = field(default_factory=set)


def verdict(seen: Seen, budget: float = math.inf) -> dict[str, list[str]]:
    """Name all that may never be, by what it is; each list must be empty.

    Args:
        seen: what the soak has left behind.
        budget: euros that marketing might cost in a day.
    """
    return {
        "lost": list(_lost(seen)),
        "twice": [f"{number} {times}" for (number, _), times in seen.shown.items() if times > 1],
        "shown, and told otherwise": list(_denied(seen)),
        "not sent": [f"{number} {text}" for number, text in seen.shown.keys() - _sent(seen)],
        "POSTs outside hours": list(_outside_hours(seen)),
        "POSTs after a STOP": list(_after_stop(seen)),
        "STOPs forgotten": sorted(set(seen.answered) - seen.stopped.keys()),
        "beyond the cap": list(_beyond_cap(seen)),
        "beyond the budget": [f"{day} {cost:.2f}" for day, cost in seen.spent.items() if cost > budget],
        "reserved still": [f"{seen.reserved} micro-euros"] if seen.reserved else [],
    }


def reasons(seen: Seen) -> Counter[str]:
    """Count why texts were not shown."""
    return Counter(_reason(seen, each) for each in seen.texts if not seen.shown.get((each.number, each.text)))


def _sent(seen: Seen) -> set[tuple[str, str]]:
    return {(each.number, each.text) for each in seen.texts}


def _reason(seen: Seen, text: Text) -> str:
    record = seen.records.get(text.request_id, Record("refused" if text.kind == "refused" else "missing"))
    taken = record.state == "accepted" or (record.state == "unknown" and text.request_id in seen.forgotten)
    if taken and text.kind == "campaign" and text.number in seen.stopped:
        return "left out, suppressed"
    return f"{record.state} {record.code}"


def _lost(seen: Seen) -> Iterable[str]:
    """Texts that no handset shows, without a reason that there may be for it."""
    for text in seen.texts:
        if seen.shown.get((text.number, text.text)):
            continue
        reason = _reason(seen, text)
        refuses = text.number in seen.stopped
        # Nobody can say of what is in doubt when its time to live is over whether it was sent.
        doubtful = text.kind == "hurried" and reason.startswith("unknown ")
        excused = doubtful or reason in _REASONS[text.kind] or (refuses and reason.startswith("left out"))
        if not excused or ("suppressed" in reason and text.kind != "campaign" and not refuses):
            yield f"{text.request_id} {text.kind} {reason}"


def _denied(seen: Seen) -> Iterable[str]:
    for text in seen.texts:
        record = seen.records.get(text.request_id, Record("refused" if text.kind == "refused" else ""))
        if text.request_id in seen.forgotten:
            continue
        if record.state in _NEVER_SHOWN and seen.shown.get((text.number, text.text)):
            yield f"{text.request_id} {record.state} {record.code}"


def _marketing(seen: Seen) -> Iterable[Post]:
    """POSTs of marketing. Who gets alerts under one id only has a number that marketing never goes to."""
    numbers = {each.number for each in seen.texts if each.is_marketing}
    for post in seen.posts:
        if not post.request_id.startswith("alert-") and not numbers.isdisjoint(post.numbers):
            yield post


def _outside_hours(seen: Seen) -> Iterable[str]:
    if isinstance(seen.leaps, NoLeaps):
        return
    for post in _marketing(seen):
        # One moment for all: the clock either had leapt when it left, or had not.
        if not any(all(may_post(each, at) for each in post.numbers) for at in seen.leaps.shown(post.at)):
            yield f"{post.request_id} at {post.at:.1f}"


def _after_stop(seen: Seen) -> Iterable[str]:
    """First POSTs of some bytes to somebody whose STOP was published before their claim."""
    ids = {each.number: each.request_id for each in seen.texts if each.is_marketing}
    known, names = set[tuple[str, str]](), set[str]()
    for post in _marketing(seen):
        is_first = post.request_id not in names
        if (post.request_id, post.sha256) not in known:
            for number in post.numbers:
                if number in seen.stopped and _is_late(seen, post, number, ids[number], is_first=is_first):
                    yield f"{post.request_id} to {number}"
        known.add((post.request_id, post.sha256))
        names.add(post.request_id)


def _is_late(seen: Seen, post: Post, number: str, request_id: str, *, is_first: bool) -> bool:
    said, record = seen.stopped[number], seen.records.get(request_id)
    first = record.first if record and is_first else None
    if first is not None and said < first:
        return True
    raced = number in seen.racing or (record is not None and record.raced and len(post.numbers) > 1)
    if raced and first is not None:
        return False
    # A claim that nobody knows was not long before its POST.
    return post.at - seen.leaps.true(said) > _ATTEMPT_S


def _beyond_cap(seen: Seen) -> Iterable[str]:
    shown = Counter(
        each.number
        for each in seen.texts
        if each.kind == "capped" and seen.shown.get((each.number, each.text))
    )
    sent = Counter(each.number for each in seen.texts if each.kind == "capped")
    for number in sent:
        if shown[number] != CAP or sent[number] != CAPPED:
            yield f"{number} {shown[number]}"
