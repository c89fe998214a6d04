"""Injected faults: what is done with a call, and the shape its answer takes."""

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from worker.sandbox.simulator.matching import Match, RuleBook, Subject

Answer = Literal[
    "normal",
    "silence",
    "reset",
    "close",
    "reset_unread",
    "refusal",
    "html",
    "empty",
    "truncated",
    "not_json",
    "garbage",
    "no_ticket",
    "json",
    "raw",
]


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """One way a call can go wrong. What is done and what is answered are independent.

    Attributes:
        processing: ``full``: the call is handled as usual, so a good one is accepted. ``none``: it has no
            effect. ``claim_only``: its request_id is used up but nothing is sent.
        before_ms: Real milliseconds before processing. Processing goes on when the client has gone.
        after_ms: Real milliseconds between processing and answer.
        answer: ``normal``; ``silence`` (never); ``reset`` (RST) or ``close`` (FIN) instead of an answer;
            ``reset_unread`` (RST on the head of the request, no processing); ``refusal`` (JSON with
            `status`, `code`, `message`); ``html`` (error page with `status`); ``empty`` (no body);
            ``truncated`` (half of the normal body, then FIN); ``not_json``; ``garbage`` (no HTTP at all);
            ``no_ticket`` (success without ticket); ``json`` (`status` with any `body`) and ``raw`` (`status`
            with any `content`), which are sent as given, whether or not the call was taken.
        status: HTTP status; None: 400 for a refusal, 503 for a page, 500 for ``json`` and ``raw``, 200 for an
            empty or wrong body, the usual one for a truncated body or a missing ticket. With 204 and 304 no
            body is sent.
        code: Code of a refusal, number or digit string.
        message: Message of a refusal.
        body: The value that ``json`` answers. With ``normal``: fields that are added to the usual answer.
        content: Bytes that ``raw`` answers; in JSON as base64.
        content_type: In place of the usual ``Content-Type``.
        headers: Sent unchanged, in addition to the usual ones.
        label: Name of this fault in the journal; empty: its answer is the name.
        first_posts: How many POSTs of each request_id meet this fault, counted from the first, however often
            its rule is used; 0: all of them. Rules with 1, 2 and 3, in this order, give the first three POSTs
            a fault each.
        serves: Which recipients of an accepted call get the text. A share from 0 to 1: this share of the
            recipients, from the first on, rounded up. A list: exactly these numbers. The answer does not name
            the others.
        tells_contacts: True: ``number_of_contacts`` counts only recipients who get the text. False: all.
        retry_after_s: Sent as ``Retry-After`` when given.
        retry_after_form: Seconds, or an HTTP date.
        drip_ms: Real milliseconds between single bytes of the body; 0: all at once.
        on_reuse: ``close`` or ``reset``: the connection is cut as soon as the next request arrives on it.
    """

    processing: Literal["full", "none", "claim_only"] = "full"
    before_ms: int = 0
    after_ms: int = 0
    answer: Answer = "normal"
    status: int | None = None
    code: int | str = 125
    message: str = ""
    body: Any = None
    content: bytes = b""
    content_type: str | None = None
    headers: dict[str, str] = {}
    label: str = ""
    first_posts: int = 0
    serves: float | tuple[str, ...] = 1.0
    tells_contacts: bool = True
    retry_after_s: float | None = None
    retry_after_form: Literal["seconds", "date"] = "seconds"
    drip_ms: int = 0
    on_reuse: Literal["keep", "close", "reset"] = "keep"

    @property
    def answered_status(self) -> int | None:
        """The HTTP status where the fault decides it; None: the usual one, or no answer."""
        usual = {"refusal": 400, "html": 503, "json": 500, "raw": 500, "empty": 200, "not_json": 200}
        return (self.status or usual[self.answer]) if self.answer in usual else None

    def is_met_by(self, post: int) -> bool:
        """Whether the POST with number `post` under its request_id, from 1, meets this fault."""
        return not self.first_posts or post <= self.first_posts

    def served(self, numbers: Sequence[str]) -> Sequence[str]:
        """Choose the numbers of an accepted call that get the text."""
        if isinstance(self.serves, tuple):
            return [number for number in numbers if number in self.serves]
        return numbers[: math.ceil(self.serves * len(numbers))]


class FaultRule(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """A fault for the calls that match, `times` of them (0: all)."""

    fault: Fault
    match: Match = Match()
    times: int = 0


def _accept_then(status: int, code: object) -> Fault:
    return Fault(answer="json", status=status, body={"code": code, "message": "Injected answer"})


#: Faults by name. An admin call may name one and change its fields.
PRESETS: Mapping[str, Fault] = {
    "accept_then_silence": Fault(answer="silence"),
    "accept_then_late": Fault(after_ms=1000),
    "late_then_accept": Fault(before_ms=1000),
    "accept_then_reset": Fault(answer="reset"),
    "accept_then_close": Fault(answer="close"),
    "accept_then_502": Fault(answer="html", status=502),
    "accept_then_503": Fault(answer="html", status=503),
    "accept_then_504": Fault(answer="html", status=504),
    "accept_then_empty": Fault(answer="empty"),
    "accept_then_truncated": Fault(answer="truncated"),
    "accept_then_not_json": Fault(answer="not_json"),
    "accept_then_garbage": Fault(answer="garbage"),
    "accept_without_ticket": Fault(answer="no_ticket"),
    "accept_with_code": Fault(answer="refusal", status=200),
    "accept_with_ticket_and_code": Fault(body={"code": 153}),
    "accept_then_500_json": _accept_then(500, 500),
    "accept_then_503_json": _accept_then(503, 117),
    "accept_then_125": _accept_then(400, 125),
    "accept_then_127": _accept_then(400, 127),
    "accept_then_129": _accept_then(400, 129),
    "accept_then_130": _accept_then(400, 130),
    "accept_then_132": _accept_then(400, 132),
    "accept_then_133": _accept_then(400, 133),
    "accept_then_153": _accept_then(400, 153),
    "accept_then_438": _accept_then(400, 438),
    "accept_then_unknown_code": _accept_then(400, 9999),
    "accept_then_409": Fault(answer="empty", status=409),
    "accept_then_499": Fault(answer="empty", status=499),
    "accept_some": Fault(serves=0.5),
    "accept_some_and_count_all": Fault(serves=0.5, tells_contacts=False),
    "accept_dripping": Fault(drip_ms=20),
    "accept_then_cut_reuse": Fault(on_reuse="close"),
    "reset_unread": Fault(processing="none", answer="reset_unread"),
    "reset_before": Fault(processing="none", answer="reset"),
    "close_before": Fault(processing="none", answer="close"),
    "silence_before": Fault(processing="none", answer="silence"),
    "502_before": Fault(processing="none", answer="html", status=502),
    "503_before": Fault(processing="none", answer="html", status=503),
    "504_before": Fault(processing="none", answer="html", status=504),
    "429": Fault(processing="none", answer="html", status=429),
    "429_retry_after": Fault(processing="none", answer="html", status=429, retry_after_s=1),
    "429_retry_after_date": Fault(
        processing="none", answer="html", status=429, retry_after_s=1, retry_after_form="date"
    ),
    "empty_before": Fault(processing="none", answer="empty"),
    "not_json_before": Fault(processing="none", answer="not_json"),
    "code_with_200": Fault(processing="none", answer="refusal", status=200),
    "refuse": Fault(processing="none", answer="refusal"),
    "claim_then_503": Fault(processing="claim_only", answer="html", status=503),
    "claim_then_reset": Fault(processing="claim_only", answer="reset"),
}

#: Nothing goes wrong.
NO_FAULT = Fault()


def fault_from(fields: Mapping[str, Any]) -> Fault:
    """Build a fault from JSON: its fields, on top of a ``preset`` if named.

    Raises:
        msgspec.ValidationError: The preset, a field or a value is unknown.
    """
    own = dict(fields)
    preset = own.pop("preset", None)
    if preset is not None and preset not in PRESETS:
        raise msgspec.ValidationError(f"Unknown preset; known: {', '.join(sorted(PRESETS))}")
    start = msgspec.to_builtins(PRESETS[preset]) if preset is not None else {}
    return msgspec.convert(start | own, Fault)


class Faults:
    """The fault rules, and the fault of calls that no rule matches."""

    def __init__(self, rng: random.Random) -> None:
        self.rules: RuleBook[FaultRule] = RuleBook(rng)
        self.default = NO_FAULT

    def for_head(self, endpoint: str) -> Fault | None:
        """Choose a fault that strikes before the body is read, by a rule that needs no body."""
        rule = self.rules.pick(
            Subject(endpoint=endpoint), lambda r: r.fault.answer == "reset_unread" and not r.match.needs_body
        )
        if rule is not None:
            return rule.fault
        return self.default if endpoint == "send" and self.default.answer == "reset_unread" else None

    def for_call(self, subject: Subject) -> Fault:
        """Choose the fault of a request that was read; `NO_FAULT` when no fault applies."""
        rule = self.rules.pick(
            subject,
            lambda r: (
                (r.fault.answer != "reset_unread" or r.match.needs_body) and r.fault.is_met_by(subject.post)
            ),
        )
        if rule is not None:
            return rule.fault
        is_hit = subject.endpoint == "send" and self.default.is_met_by(subject.post)
        return self.default if is_hit else NO_FAULT

    def reset(self) -> None:
        """Drop all rules and the default."""
        self.rules.clear()
        self.default = NO_FAULT
