"""The reasons why a message that is under way has not left, the weightiest first. Pure.

Most are gates of admission, with their names and words (`producers.contract.admission`). The others are no
gates: nobody is there to send, the message is behind others. Several may hold; the first is the verdict.

An attempt that runs comes first, since it has passed all gates. What holds everybody comes before what
concerns one message. That no worker lives comes before what only a worker could change.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from typing import Any, Final

from producers.contract.admission import ADMISSION, BUDGET, CREDIT, Gate, describe
from producers.contract.jobs import RECORD_VERSION
from producers.rules.hours import Hours
from worker.inquiry.held_reasons import differing, held
from worker.inquiry.reason import Reason, clock, instant
from worker.inquiry.send_facts import LOOKED_AT, Send
from worker.presentation.counts import counted

#: The words of gates. (Fields of records are named where they are read; these are none.)
_NEWER: Final = ADMISSION["newer"]
_BREAKER: Final = ADMISSION["breaker"]


def reasons(send: Send, hours: Hours) -> Iterator[Reason]:
    """Name all reasons that hold, in their order; at least one. The hours say why it is closed."""
    found = False
    of_hours: Callable[[Send], Reason | None] = partial(held, hours=hours)
    for ask in (*_BEFORE, of_hours, *_AFTER):
        reason = ask(send)
        if reason is not None:
            found = True
            yield reason
            if reason.word in _ALONE:
                return
    if not found:
        yield _in_line(send)


#: Reasons that leave no room for others: an attempt has passed the gates.
_ALONE: Final = {"attempt"}


def _newer(send: Send) -> Reason | None:
    version = int(send.waits.get("v", 0))
    return Reason("newer", f"It waits: {_NEWER}.") if version > RECORD_VERSION else None


def _attempt(send: Send) -> Reason | None:
    if "running" not in send.waits:
        return None
    since, until = send.place.attempt_since_ms, send.place.attempt_until_ms
    details = {"since": instant(since) if since else None, "call": send.call}
    begun = f" since {clock(since)}" if since else ""
    if until is not None and until > send.facts.now_ms:
        return Reason("attempt", f"An attempt runs{begun}{_in_call(send)}.", details)
    sentence = (
        f"An attempt ran{begun}{_in_call(send)}, and its worker has died. The message is in doubt, and is "
        "taken up again within seconds, if a worker is there."
    )
    return Reason("attempt", sentence, details | {"worker_lost": True})


def _hold(send: Send) -> Reason | None:
    hold = send.facts.hold
    if hold is None:
        return None
    ends = (
        "Only an operator ends it."
        if hold.by_person
        else f"It ends by itself once the account is well again{_next_look(hold.look_ms)}."
    )
    way_out = "To end it now: octopush-worker release."
    why = _code(hold.code, hold.meaning)
    sentence = f"All sending is held since {clock(hold.since_ms)}: {why}. {ends} {way_out}"
    details = {
        "code": hold.code,
        "since": instant(hold.since_ms),
        "by_person": hold.by_person,
        "next_look": instant(hold.look_ms) if hold.look_ms else None,
    }
    return Reason("hold", sentence, details, way_out)


def _pause(send: Send) -> Reason | None:
    pause = send.facts.pause
    if pause is None or pause.until_ms is None:
        return None
    why = _code(pause.code, pause.meaning)
    sentence = f"All sending pauses until {clock(pause.until_ms)}, as the gateway asked: {why}."
    return Reason("pause", sentence, {"code": pause.code, "until": instant(pause.until_ms)})


def _campaign(send: Send) -> Reason | None:
    name, listed = send.record.get("campaign"), send.place.in_campaign_list
    if name is None or send.in_doubt or not (send.halt or listed):
        return None
    details = {"campaign": name, "halt": send.halt}
    if send.halt == "stopped":
        sentence = f"Its campaign {name} was cancelled: it ends when it is next looked at."
        return Reason("campaign", sentence, details)
    if send.halt == "uploading":
        sentence = f"Its campaign {name} is being uploaded, and waits until all of its parts are there."
        return Reason("campaign", sentence, details)
    cause = "is paused" if send.halt == "paused" else "was resumed, but not to the end"
    way_out = f"To go on: octopush-worker campaign resume {name}."
    return Reason("campaign", f"Its campaign {name} {cause}. {way_out}", details, way_out)


def _due(send: Send) -> Reason | None:
    due = int(send.record.get("due", 0))
    if due <= send.facts.now_ms:
        return None
    return Reason("due", f"It is scheduled for {clock(due)}.", {"at": instant(due)})


def _lifetime(send: Send) -> Reason | None:
    expires = send.waits.get("expires")
    if expires is None or float(expires) > send.facts.now_ms:
        return None
    sentence = (
        f"Its time to live was over at {clock(float(expires))}: it ends when a worker next looks at it."
    )
    return Reason("lifetime", sentence, {"expired": instant(float(expires))})


def _aside(send: Send) -> Reason | None:
    name = send.waits.get("aside")
    # What a budget keeps is held until a time, which says more.
    if name is None or name == BUDGET or send.in_doubt:
        return None
    price = Decimal(send.waits["price"]) if "price" in send.waits else None
    why = describe(name, send.facts.gates.get(name, Gate()), price)
    if name == CREDIT:
        look_ms = send.facts.credit_look_ms
        look = instant(look_ms) if look_ms else None
        details: dict[str, Any] = {"gate": name, "price": price, "next_look": look}
        sentence = f"It waits aside, since {ADMISSION[CREDIT]}: {why}{_next_look(look_ms)}."
        return Reason(CREDIT, sentence, details)
    way_out = f"Once the reason is mended: octopush-worker release --breaker {name}."
    sentence = f"It waits aside, since {_BREAKER}: {why}. {way_out}"
    return Reason("breaker", sentence, {"gate": name, "price": price}, way_out)


def _retry(send: Send) -> Reason | None:
    at, due = send.place.delayed_until_ms, int(send.record.get("due", 0))
    if at is None or at <= send.facts.now_ms or at == due or {"aside", "held"} & send.waits.keys():
        return None
    attempts, code = int(send.waits.get("attempts", 0)), send.waits.get("code")
    made = f", after {counted(attempts, 'counted POST')}" if attempts else ""
    why = f", the last of which came to {_code(code)}" if code and attempts else ""
    doubt = ". It is in doubt: the gateway may have it" if send.in_doubt else ""
    details = {"at": instant(at), "attempts": attempts, "code": code, "in_doubt": send.in_doubt}
    return Reason("retry", f"It is tried again at {clock(at)}{made}{why}{doubt}.", details)


def _dead(send: Send) -> Reason | None:
    if not send.place.dead:
        return None
    return Reason("dead", "Its entry in the queue is dead: no worker could read it. The log has the reason.")


def _no_worker(send: Send) -> Reason | None:
    if send.facts.workers:
        return None
    silent = send.facts.silent_s
    said = "No worker is alive" if silent is None else f"No worker was seen for {silent} s"
    return Reason("no_worker", f"{said}: nothing leaves.", {"silent_s": silent})


def _gathering(send: Send) -> Reason | None:
    if send.call is not None:
        members = int(send.waits.get("members", 0))
        sentence = (
            f"It leaves with the shared call {send.call}, with {counted(members, 'message')} in one POST."
        )
        return Reason("shared", sentence, {"call": send.call, "members": members, "ahead": send.place.ahead})
    if send.place.gathered is None:
        return None
    ahead = send.place.gathered
    sentence = f"It gathers with messages of the same text, to leave in one call; {_are(ahead)} before it."
    return Reason("gathering", sentence, {"ahead": ahead})


def _rate(send: Send) -> Reason | None:
    wait = send.facts.rate_free_ms(send.queue)
    if not wait or not _is_in_line(send):
        return None
    at = send.facts.now_ms + wait
    return Reason("rate", f"The rate is used up: the next may leave at {clock(at)}.", {"at": instant(at)})


def _in_flight(send: Send) -> Reason | None:
    if send.facts.free_calls(send.queue) != 0 or not _is_in_line(send):
        return None
    strained, limit = send.facts.strained, send.facts.limit
    why = "the gateway shows strain" if strained is not None and strained == limit else "so the limit says"
    sentence = f"As many calls are in flight as may be: {limit}, since {why}."
    return Reason("in_flight", sentence, {"limit": limit, "strained": strained})


def _in_line(send: Send) -> Reason:
    ahead = send.place.ahead
    if ahead == 0:
        return Reason("next", "It is next in its queue.", {"queue": send.queue, "ahead": 0})
    if ahead is not None:
        sentence = f"It waits its turn in the queue {send.queue}: {_are(ahead)} before it."
        return Reason("behind", sentence, {"queue": send.queue, "ahead": ahead})
    if send.place.maybe_far:
        sentence = f"It waits its turn in the queue {send.queue}: more than {LOOKED_AT} are before it."
        return Reason("behind", sentence, {"queue": send.queue, "ahead": None, "more_than": LOOKED_AT})
    if send.place.delayed_until_ms is not None:
        return Reason(
            "next", "Its time has come: the next look at its queue takes it.", {"queue": send.queue}
        )
    return Reason(
        "fetched", "A worker has fetched it, and is about to begin an attempt.", {"queue": send.queue}
    )


def _behind(send: Send) -> Reason | None:
    return _in_line(send) if _is_in_line(send) or send.place.maybe_far else None


def _is_in_line(send: Send) -> bool:
    return send.place.ahead is not None


def _in_call(send: Send) -> str:
    return f" in the shared call {send.call}" if send.call else ""


def _are(ahead: int) -> str:
    return counted(ahead, "is", "are")


def _next_look(ms: int | None) -> str:
    return f"; the account is looked at again at {clock(ms)}" if ms else ""


def _code(code: str, meaning: str = "") -> str:
    return f"code {code}, {meaning}" if meaning else f"code {code}"


_BEFORE: Final[tuple[Callable[[Send], Reason | None], ...]] = (
    _attempt,
    _newer,
    _hold,
    _pause,
    _campaign,
    _due,
    _lifetime,
)
_AFTER: Final[tuple[Callable[[Send], Reason | None], ...]] = (
    differing,
    _aside,
    _retry,
    _dead,
    _no_worker,
    _gathering,
    _rate,
    _in_flight,
    _behind,
)
