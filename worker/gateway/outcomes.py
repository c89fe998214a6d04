"""What one POST to the gateway can come to, and what that proves. The only model of evidence.

A request_id may be given up (for a fresh one, for a split, for the ends ``rejected``, ``expired``,
``cancelled`` and ``failed``) only with **proof that no POST under it was taken**. Two properties of an
outcome carry that:

- ``leaves_doubt``: the POST may have been taken. From then on the message is in doubt, whatever is answered
  later: it keeps its request_id and its bytes, and never ends as "not sent".
- ``may_use_up_id``: the gateway said no, and may have used up the request_id by that. Whether a refused call
  does is documented nowhere. A later duplicate then proves nothing.

| outcome | leaves doubt | then |
|---|---|---|
| `Accepted` | no | ``accepted`` |
| `Duplicate` | no | ``accepted`` after a POST in doubt if none may have used up the id; else ``unknown`` |
| `Refused` | no | ``rejected``, or the call is split; ``unknown`` in doubt |
| `Unexplained` | yes | ``unknown`` at once: a person decides |
| `Deferred` | unless ``proven`` | again later |
| `Unknown` | yes | again later |

`worker.gateway.answers` reads answers into outcomes, `finish.lua` turns outcomes into states.
"""

from dataclasses import dataclass
from typing import ClassVar, Final


@dataclass(frozen=True, slots=True)
class Accepted:
    """The gateway took the call.

    Attributes:
        ticket: its ticket, or None where the answer held none (simulation) or was lost.
        cost: total cost as the gateway wrote it, or None.
        segments: its segment count, or None.
        contacts: recipients it will serve, or None.
        credit: what it said is left on the account, as it wrote it, or None (Octopush docs, send page:
            ``residual_credit``).
    """

    ticket: str | None
    cost: str | None = None
    segments: int | None = None
    contacts: int | None = None
    credit: str | None = None

    leaves_doubt: ClassVar[bool] = False
    may_use_up_id: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The gateway has seen this request_id before. The answer does not say in which POST."""

    code: str
    message: str = ""

    leaves_doubt: ClassVar[bool] = False
    may_use_up_id: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Proof that the call was not taken; it never will be as it is.

    Attributes:
        code: the gateway's code.
        message: the gateway's text for people; may quote the message, so never logged.
    """

    code: str
    message: str = ""

    leaves_doubt: ClassVar[bool] = False
    may_use_up_id: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Unexplained:
    """The gateway said no in words that nobody knows. Not repeated: somebody should look.

    Attributes:
        code: the gateway's code, or ``http_`` and the status.
        message: the gateway's text for people; never logged.
    """

    code: str
    message: str = ""

    leaves_doubt: ClassVar[bool] = True
    may_use_up_id: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Deferred:
    """Not taken now, or so it says; the same call may be taken later.

    Attributes:
        code: the gateway's code, or our word.
        message: the gateway's text for people; never logged.
        retry_after_s: seconds to wait, or None.
        account: the account is the cause, not the message: all sending is held.
        proven: the POST was surely not taken.
        may_use_up_id: the gateway itself answered, not something on the way to it.
    """

    code: str
    message: str = ""
    retry_after_s: float | None = None
    account: bool = False
    proven: bool = True
    may_use_up_id: bool = False

    @property
    def leaves_doubt(self) -> bool:
        """Whether the answer proves nothing."""
        return not self.proven


@dataclass(frozen=True, slots=True)
class Unknown:
    """Perhaps taken: the POST has left, and no answer tells what became of it.

    Attributes:
        code: the gateway's code, or our word.
        message: the gateway's text for people; never logged.
        retry_after_s: seconds to wait, or None.
        may_use_up_id: the gateway answered, with a status below 500, in words that do not exclude acceptance.
    """

    code: str
    message: str = ""
    retry_after_s: float | None = None
    may_use_up_id: bool = False

    leaves_doubt: ClassVar[bool] = True


Outcome = Accepted | Duplicate | Refused | Unexplained | Deferred | Unknown

#: The outcome of a claim without a POST: the time of the message was over, or a wall stood in the way. The
#: next claim decides what becomes of the message.
NOT_TRIED: Final = Deferred("not_tried")
