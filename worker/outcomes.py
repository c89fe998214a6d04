"""What one POST to the gateway can come to. Exactly five, plus the duplicate that the ledger resolves."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Accepted:
    """The gateway took the call.

    Attributes:
        ticket: its ticket, or None where the answer held none (simulation) or was lost.
        cost: total cost as the gateway wrote it, or None.
        segments: its segment count, or None.
        contacts: recipients it will serve, or None.
    """

    ticket: str | None
    cost: str | None = None
    segments: int | None = None
    contacts: int | None = None


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The gateway has seen this request_id before: an acceptance if an earlier POST of ours was left open."""

    code: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """Surely not taken, and never will be as it is.

    Attributes:
        code: the gateway's code, or our word.
        message: the gateway's text for people; may quote the message, so never logged.
        known: False for a code that the table does not have; somebody should look.
    """

    code: str
    message: str = ""
    known: bool = True


@dataclass(frozen=True, slots=True)
class Deferred:
    """Surely not taken now; the same call may be taken later.

    Attributes:
        code: the gateway's code, or our word.
        message: the gateway's text for people; never logged.
        retry_after_s: seconds the gateway asked us to wait, or None.
        account: True when the account is the cause, not the message.
    """

    code: str
    message: str = ""
    retry_after_s: float | None = None
    account: bool = False


@dataclass(frozen=True, slots=True)
class Unexplained:
    """Refused in words that nobody knows: never repeated, and a person has to look.

    Attributes:
        code: the gateway's code.
        message: the gateway's text for people; never logged.
    """

    code: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Perhaps taken: the call left us and no answer tells."""

    code: str
    message: str = ""
    retry_after_s: float | None = None


Outcome = Accepted | Duplicate | Refused | Deferred | Unexplained | Unknown
