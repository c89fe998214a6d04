"""One call as its handler sees it, the answer that it gives, and how an operation is declared."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NoReturn

import msgspec

from producers.errors import InvalidMessage
from worker.api.caller import Caller
from worker.api.desk import Desk
from worker.api.json_body import LARGE_BYTES, SMALL_BYTES, Members
from worker.api.message_fields import note_fields
from worker.api.problems import Refusal, Wrong
from worker.api.settings import Scope

Method = Literal["GET", "POST", "PUT", "DELETE"]

#: Seconds that a call may wait for something to happen.
WAIT_MAX_S: Final = 25


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation answers.

    Attributes:
        body: becomes JSON; None for an empty answer.
        status: of the answer.
        headers: further ones.
    """

    body: object
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """One call that has passed the door.

    Attributes:
        desk: asks Redis for the application.
        path: what stands in the path, by name.
        query: the parameters, read as they are declared.
        body: the members of the body; empty if the operation has none.
        wrong: what is wrong so far; `refuse` is called when all is read.
        caller: who waits for the answer.
        key: the ``Idempotency-Key``, or None.
    """

    desk: Desk
    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Mapping[str, Any]
    wrong: Wrong
    caller: Caller
    key: str | None = None

    def members(self, *known: str) -> Members:
        """Look at the members of the body."""
        return Members(self.body, "#", known, self.wrong)

    def refuse(self) -> None:
        """Refuse the call if anything that was read is wrong.

        Raises:
            Refusal: ``invalid``.
        """
        self.wrong.refuse()

    def refuse_fields(self, error: InvalidMessage) -> NoReturn:
        """Refuse the call because of fields of its body, which `producers` has named.

        Raises:
            Refusal: ``invalid``.
        """
        note_fields(error.fields, self.body, "#", self.wrong)
        raise Refusal("invalid", errors=self.wrong.places()) from None


Handler = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query.

    Attributes:
        name: as it stands in the query.
        about: one sentence.
        default: what holds without it; None with ``required`` means that it must be there.
        low, high: bounds, if it is an integer.
        pattern: what it must match as a whole, if it is text.
        takes: the same in words.
        required: whether it must be there.
    """

    name: str
    about: str
    default: int | str | None = None
    low: int | None = None
    high: int | None = None
    pattern: str = ""
    takes: str = ""
    required: bool = False

    @property
    def is_integer(self) -> bool:
        """Whether it is read as an integer."""
        return self.low is not None


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be called.

    Attributes:
        method, path: where; what stands in braces is handed over by name.
        scopes: any of these allows it; empty: it needs no token.
        handler: answers it.
        about: one sentence, for the document.
        answer: type of the answer; None if it is empty.
        statuses: of answers that are no problem.
        body: type of the body, for the document; None without one.
        query: parameters.
        problems: codes of its own problems.
        large: whether the body may be large.
        takes_key: whether an ``Idempotency-Key`` is its request_id.
        leads_to: names of operations whose ``id`` is the ``request_id`` of the answer.
    """

    method: Method
    path: str
    scopes: frozenset[Scope]
    handler: Handler
    about: str
    answer: type[msgspec.Struct] | None
    statuses: tuple[int, ...] = (200,)
    body: type[msgspec.Struct] | None = None
    query: tuple[Parameter, ...] = ()
    problems: tuple[str, ...] = ()
    large: bool = False
    takes_key: bool = False
    leads_to: tuple[str, ...] = ()

    @property
    def body_bytes(self) -> int:
        """Bytes that the body may have."""
        return LARGE_BYTES if self.large else SMALL_BYTES


WAIT: Final = Parameter(
    "wait_s",
    "Seconds to wait for an end of the message; the status code does not depend on it.",
    0,
    0,
    WAIT_MAX_S,
)
