"""What the API refuses, and how it says so: ``application/problem+json`` as in RFC 9457.

The code is the contract; titles and details are for people and may change. Nothing here repeats a value that
was sent: problems travel into the logs of applications.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

#: Wrong places that one answer names.
ERRORS_MAX: Final = 100
MEDIA_TYPE: Final = "application/problem+json"
#: Names a kind of problem for programs that go by the type; nothing is found there.
_TYPE: Final = "urn:problem-type:octopush-worker:"
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")


class Kind(NamedTuple):
    """One kind of problem.

    Attributes:
        status: of the answer.
        title: in words.
    """

    status: int
    title: str


#: Every kind, by its code.
KINDS: Final[Mapping[str, Kind]] = {
    "malformed-json": Kind(400, "The body is no JSON."),
    "unauthenticated": Kind(401, "The call has no valid token."),
    "scope-missing": Kind(403, "The token does not allow this."),
    "no-route": Kind(404, "There is nothing at this path."),
    "unknown-message": Kind(404, "No message has this id, or it is forgotten."),
    "unknown-campaign": Kind(404, "No campaign has this id, or it is forgotten."),
    "unknown-group": Kind(404, "There is no such group."),
    "unknown-conversation": Kind(404, "There is no such conversation."),
    "method-not-allowed": Kind(405, "This path does not take this method."),
    "body-too-slow": Kind(408, "The body did not arrive in time."),
    "request-id-conflict": Kind(409, "This id names other content."),
    "too-late": Kind(409, "An attempt has begun, or the message has ended."),
    "campaign-conflict": Kind(409, "This id names another campaign. Give a new campaign a new id."),
    "campaign-cancelled": Kind(
        409, "The campaign was cancelled, for good. To send it after all, begin it with a new id."
    ),
    "campaign-complete": Kind(409, "The campaign is complete."),
    "part-out-of-order": Kind(409, "Earlier parts are missing."),
    "part-after-last": Kind(
        409, "A short part has ended the campaign. Whom it misses gets a campaign with a new id."
    ),
    "part-conflict": Kind(409, "This part was given with other content."),
    "parts-missing": Kind(409, "The campaign has not as many parts: more are missing, or fewer are there."),
    "over-budget": Kind(409, "The campaign would cost more than its budget."),
    "too-many-groups": Kind(409, "This application has too many groups on this stream."),
    "cursor-trimmed": Kind(410, "Entries behind the cursor are gone."),
    "body-too-large": Kind(413, "The body is too large."),
    "unsupported-media-type": Kind(415, "The body must be application/json, in UTF-8 and not compressed."),
    "invalid": Kind(422, "Something in the call is wrong; nothing was done."),
    "rate-limited": Kind(429, "The application calls too often."),
    "internal": Kind(500, "The API failed. Repeat the call with the same id."),
    "queue-unavailable": Kind(
        503, "Redis did not confirm: repeat with the same id. It may or may not be queued."
    ),
    "overloaded": Kind(503, "Too many bodies are on their way. Repeat the call with the same id."),
}


class WrongPlace(msgspec.Struct, frozen=True, omit_defaults=True):
    """One place that is wrong: exactly one of the first three says where.

    Attributes:
        pointer: a JSON pointer into the body, as a fragment: ``#/recipients/2/phone_number``.
        parameter: a parameter of the query.
        header: a header.
        detail: what is wrong, without the value.
    """

    detail: str
    pointer: str | None = None
    parameter: str | None = None
    header: str | None = None


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of every answer from 400 on.

    Attributes:
        type: names the kind of problem.
        title: the same in words.
        status: that of the answer.
        instance: names this call; it is the ``X-Call-Id`` of the answer.
        code: the kind of problem in a word: what programs go by.
        detail: more about this one.
        errors: each place that is wrong, at most 100.
        errors_total: how many there are, if there are more.
        request_ids: ids that name other content.
        next_part: the part that a campaign expects.
        first_entry_id: the oldest entry that is still there.
    """

    type: str
    title: str
    status: int
    instance: str
    code: str
    detail: str | None = None
    errors: list[WrongPlace] | None = None
    errors_total: int | None = None
    request_ids: list[str] | None = None
    next_part: int | None = None
    first_entry_id: str | None = None


class Refusal(Exception):
    """The call is refused.

    Args:
        code: one of `KINDS`.
        detail: more about it, without values that were sent.
        errors: the places that are wrong.
        headers: further headers of the answer.
        facts: further members of the problem.
    """

    def __init__(
        self,
        code: str,
        detail: str | None = None,
        *,
        errors: Sequence[WrongPlace] = (),
        headers: Mapping[str, str] | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(code)
        self.code, self.detail, self.errors = code, detail, errors
        self.headers = headers or {}
        self.facts = facts

    @property
    def status(self) -> int:
        """The status of the answer."""
        return KINDS[self.code].status

    def problem(self, call_id: str) -> Problem:
        """Write the body of the answer to one call."""
        kind, many = KINDS[self.code], len(self.errors)
        return Problem(
            type=_TYPE + self.code,
            title=kind.title,
            status=kind.status,
            instance=f"urn:uuid:{call_id}",
            code=self.code,
            detail=self.detail,
            errors=list(self.errors[:ERRORS_MAX]) or None,
            errors_total=many if many > ERRORS_MAX else None,
            **self.facts,
        )


class Wrong:
    """Collects the places of a call that are wrong; of each place the first that is said stands."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], str] = {}
        self._hints = iter(range(ERRORS_MAX))

    def apart(self) -> "Wrong":
        """Return another collection, for a part of the same call."""
        wrong = Wrong()
        wrong._hints = self._hints
        return wrong

    def likely(self, name: str, known: tuple[str, ...]) -> str | None:
        """Return what was probably meant by an unknown name; None if nothing is near.

        It takes long to compare names: of the names in one call as many are compared as an answer names.
        """
        if next(self._hints, None) is None:
            return None
        plain = {re.sub("[_-]", "", each).lower(): each for each in known}
        near = difflib.get_close_matches(re.sub("[_-]", "", name).lower(), plain, n=1)
        return plain[near[0]] if near else None

    def body(self, pointer: str, detail: str) -> None:
        """Note a place in the body."""
        self._found.setdefault(("pointer", pointer), detail)

    def parameter(self, name: str, detail: str) -> None:
        """Note a parameter of the query."""
        self._found.setdefault(("parameter", shown(name)), detail)

    def header(self, name: str, detail: str) -> None:
        """Note a header."""
        self._found.setdefault(("header", name), detail)

    def __len__(self) -> int:
        return len(self._found)

    def places(self) -> list[WrongPlace]:
        """List them, in the order in which they were noted."""
        return [WrongPlace(**{kind: name, "detail": detail}) for (kind, name), detail in self._found.items()]

    def refuse(self) -> None:
        """Refuse the call if anything was noted.

        Raises:
            Refusal: ``invalid``, with every place.
        """
        if self._found:
            raise Refusal("invalid", errors=self.places())


def shown(name: str) -> str:
    """Return a name that was sent, if it looks like one: anything else may be a value in a wrong place."""
    return name if _NAME.fullmatch(name) else "(not a name)"
