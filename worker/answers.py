"""What an answer of the gateway means. Pure and total: any status with any body has an outcome."""

import email.utils
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from worker.codes import CODES, CodeClass
from worker.outcomes import Accepted, Deferred, Duplicate, Outcome, Refused, Unexplained, Unknown

#: Characters of the gateway's error text that we keep.
MESSAGE_MAX: Final = 200


def classify(status: int, headers: Mapping[str, str], content: bytes, *, simulated: bool = False) -> Outcome:
    """Say what an answer means. Total: any status with any body has an outcome.

    Success is any 2xx with a ticket; ``code`` 0 means success wherever it stands (seen on other endpoints);
    a known ``code`` decides whatever the status; 5xx without one leaves the call open.
    """
    answer = _object(content)
    code = _code(answer)
    retry_after_s = _retry_after(headers.get("retry-after"))
    if code:
        return _by_code(code, status, _text(answer), retry_after_s)
    if 200 <= status < 300:
        ticket = answer.get("sms_ticket")
        if isinstance(ticket, str) and 0 < len(ticket) <= 64:
            return _accepted(ticket, answer)
        return Accepted(None) if simulated and answer else Unknown("answer_without_ticket")
    return _by_status(status, retry_after_s)


def _by_code(code: int, status: int, message: str, retry_after_s: float | None) -> Outcome:
    word = str(code)
    known = CODES.get(code)
    if known is None:
        return Unknown(word, message) if status >= 500 else Unexplained(word, message)
    if known.kind is CodeClass.DUPLICATE:
        return Duplicate(word, message)
    if known.kind is CodeClass.PERMANENT:
        return Refused(word, message)
    return Deferred(word, message, retry_after_s, account=known.kind is CodeClass.ACCOUNT)


def _by_status(status: int, retry_after_s: float | None) -> Outcome:
    word = f"http_{status}"
    if status in {401, 402, 403}:
        return Deferred(word, account=True)
    if status in {408, 425, 429} or 300 <= status < 400 or status == 404:
        # Not taken: asked to wait, or not the gateway at all (wrong address, a portal in between).
        return Deferred(word, retry_after_s=retry_after_s)
    if status >= 500 or status < 200:
        return Unknown(word, retry_after_s=retry_after_s)
    return Refused(word, known=False)


def _accepted(ticket: str, answer: dict[str, Any]) -> Accepted:
    return Accepted(
        ticket=ticket,
        cost=_number(answer.get("total_cost")),
        segments=_count(answer.get("number_of_sms_needed")),
        contacts=_count(answer.get("number_of_contacts")),
    )


def _object(content: bytes) -> dict[str, Any]:
    try:
        answer = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _code(answer: dict[str, Any]) -> int:
    """The error code, 0 when there is none; numbers and digit strings (``"000"``) are both in use."""
    code = answer.get("code")
    if isinstance(code, str) and code.isascii() and code.isdigit():
        return int(code)
    return code if isinstance(code, int) and not isinstance(code, bool) else 0


def _text(answer: dict[str, Any]) -> str:
    message = answer.get("message")
    return message[:MESSAGE_MAX] if isinstance(message, str) else ""


def _number(value: object) -> str | None:
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _retry_after(value: str | None) -> float | None:
    """Seconds to wait from a Retry-After header: a number of seconds or an HTTP date."""
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return float(value)
    try:
        at = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def balance(status: int, content: bytes) -> float | None:
    """Read the answer to a balance request; None when it names no amount (Octopush docs, check balance)."""
    amount = _object(content).get("amount")
    if not 200 <= status < 300 or isinstance(amount, bool) or not isinstance(amount, int | float):
        return None
    return float(amount)
