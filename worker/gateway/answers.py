"""What an answer of the gateway means. Pure and total: any status with any body has an outcome.

An error answer is no proof by itself: the gateway says such things after taking the call, too. Proof that it
was not taken is a status 429, 401 or 403, or a status below 500 with a code whose official meaning excludes
acceptance (`worker.gateway.codes`). Everything else leaves the call in doubt; `worker.gateway.outcomes` says
what follows.
"""

import email.utils
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from producers.contract.decoding import decode
from worker.gateway.codes import CODES, CodeClass
from worker.gateway.outcomes import Accepted, Deferred, Duplicate, Outcome, Refused, Unexplained, Unknown
from worker.gateway.profile import UNSETTLED, GatewayProfile

#: Bytes of an answer that we read; the documented ones have a few hundred.
ANSWER_MAX_BYTES: Final = 64 * 1024
#: How a body in gzip begins; no JSON does.
_GZIP: Final = b"\x1f\x8b"
#: Characters of the gateway's error text that we keep.
MESSAGE_MAX: Final = 200
#: Seconds for which nobody sends while a transfer of credit runs, unless the answer says for how long.
BUSY_S: Final = 30.0
#: Our word for an answer that is none of the gateway.
NO_OBJECT: Final = "answer_is_no_object"
#: Statuses that prove by themselves that nothing was taken, whatever the body says.
PROOFS: Final = frozenset({401, 403, 429})
#: A code as a number, or as digits in text, with zeros or a letter in front: ``120``, ``"120"``, ``"E120"``.
_CODE: Final = re.compile(r"\s*[A-Za-z]?0*([0-9]{1,9})\s*")
#: An amount of money or a number of seconds as text.
_AMOUNT: Final = re.compile(r"\s*(-?[0-9]{1,15}(?:[.,][0-9]{1,15})?)\s*")
#: Every amount is smaller. What is no number at all is not smaller either.
_AMOUNT_MAX: Final = 10**15
#: No call of 500 recipients has so many segments, nor costs so many euros: no segment costs one.
_CALL_MAX: Final = 10_000
#: Stands for a code that cannot be read: it is in no table, and is not 0, which means no code.
_ILLEGIBLE: Final = -1


def classify(
    status: int,
    headers: Mapping[str, str],
    content: bytes,
    *,
    simulated: bool = False,
    profile: GatewayProfile = UNSETTLED,
) -> Outcome:
    """Say what an answer means. Total: any status with any body has an outcome.

    Args:
        status: the HTTP status.
        headers: of the answer; only ``retry-after`` is read.
        content: the body; JSON, or what a proxy puts in its place.
        simulated: the call asked for simulation_mode, whose success may lack a ticket.
        profile: what is known of this account's gateway.
    """
    answer = read_object(content)
    code, message = _code(answer or {}), _text(answer or {})
    retry_after_s = _retry_after(headers.get("retry-after"))
    if profile.is_duplicate(code, status):
        return Duplicate(str(code), message)
    # This account has another code for a duplicate. Whatever this one means, it proves nothing.
    is_strange = code in CODES and CODES[code].kind is CodeClass.DUPLICATE
    if is_strange or not 200 <= status < 500:
        return Unknown(_word(code, status), message, retry_after_s, may_use_up_id=is_strange)
    if status >= 300 and _ticket(answer or {}):
        # A refusal that names a ticket contradicts itself.
        return Unknown(_word(code, status), message, retry_after_s, may_use_up_id=True)
    if status < 300:
        return _success(status, code, message, answer, simulated=simulated, profile=profile)
    if status in PROOFS or code in {0, status} - CODES.keys():
        return _by_status(status, _word(code, status), message, retry_after_s, is_json=answer is not None)
    return _by_code(code, message, retry_after_s, profile)


def _success(
    status: int,
    code: int,
    message: str,
    answer: dict[str, Any] | None,
    *,
    simulated: bool,
    profile: GatewayProfile,
) -> Outcome:
    ticket = _ticket(answer or {})
    well = not code or 200 <= code < 300 or code == status
    if ticket and well:
        return _accepted(ticket, answer or {}, simulated=simulated)
    if ticket or not (well or code in CODES):
        return Unknown(_word(code, status), message, may_use_up_id=True)
    if not well:
        return _by_code(code, message, None, profile)
    if simulated and answer:
        return Accepted(None)
    # A code such as 206 may repeat the status, or may be a refusal out of the table.
    return Unknown("answer_without_ticket", message, may_use_up_id=code in CODES)


def _by_code(code: int, message: str, retry_after_s: float | None, profile: GatewayProfile) -> Outcome:
    word = _word(code)
    kind = CODES[code].kind if code in CODES else None
    if kind is None:
        return Unexplained(word, message)
    if kind is CodeClass.PERMANENT:
        return Refused(word, message)
    if kind is CodeClass.DOUBT:
        return Unknown(word, message, retry_after_s, may_use_up_id=True)
    if kind is CodeClass.BUSY and retry_after_s is None:
        retry_after_s = BUSY_S
    proven = kind in {CodeClass.ACCOUNT, CodeClass.BUSY}
    return Deferred(
        word,
        message,
        retry_after_s,
        account=kind in {CodeClass.ACCOUNT, CodeClass.APPROVAL},
        proven=proven,
        may_use_up_id=not (proven and profile.refusals_keep_ids),
    )


def _by_status(
    status: int, word: str, message: str, retry_after_s: float | None, *, is_json: bool
) -> Outcome:
    """Judge by the status: there is no code, or it only repeats the status, or the status outweighs it."""
    if status == 429:
        return Deferred("http_429", message, retry_after_s)
    if status in {401, 402, 403}:
        return Deferred(word, message, account=True, proven=status in PROOFS)
    if status in {409, 499}:
        return Unknown(word, message, retry_after_s, may_use_up_id=True)
    if status in {404, 408, 425} or status < 400 or (status == 400 and not is_json):
        # The answer asks to wait, or is not the gateway's: a wrong address, a proxy or a portal in between.
        return Deferred(word, message, retry_after_s, proven=False)
    return Unexplained(word, message)


def _accepted(ticket: str, answer: dict[str, Any], *, simulated: bool) -> Accepted:
    return Accepted(
        ticket=ticket,
        cost=_cost(answer.get("total_cost")),
        segments=_segments(answer.get("number_of_sms_needed")),
        contacts=_count(answer.get("number_of_contacts")),
        # What a simulated call leaves on the account is made up, too.
        credit=None if simulated else read_amount(answer.get("residual_credit")),
    )


def read_object(content: bytes) -> dict[str, Any] | None:
    """Read a JSON object, however its bytes are encoded; None for anything else."""
    content = _unpacked(content)
    try:
        try:
            answer = msgspec.json.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            answer = msgspec.json.decode(decode(content))
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError):
        return None
    return answer if isinstance(answer, dict) else None


def _unpacked(content: bytes) -> bytes:
    """Undo gzip, as far as an answer may be long. We ask for none; what stands in between may not care."""
    if not content.startswith(_GZIP):
        return content
    try:
        return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(content, ANSWER_MAX_BYTES)
    except zlib.error:
        return b""


def _code(answer: dict[str, Any]) -> int:
    """The error code, 0 when there is none: ``code``, ``error_code``, or that of the first of ``errors``."""
    errors = answer.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    for value in (answer.get("code"), answer.get("error_code"), first.get("code")):
        if code := _read_code(value):
            return code
    return 0


def _read_code(value: object) -> int:
    """One code; 0 for none, `_ILLEGIBLE` for one that no table can have."""
    if isinstance(value, bool) or not isinstance(value, int | float | str) or value in {"", " "}:
        return 0
    if isinstance(value, float):
        return int(value) if value.is_integer() and 0 <= value < 10**9 else _ILLEGIBLE
    if isinstance(value, int):
        return value if 0 <= value < 10**9 else _ILLEGIBLE
    read = _CODE.fullmatch(value)
    return int(read[1]) if read else _ILLEGIBLE


def _word(code: int, status: int = 0) -> str:
    """Name an answer for the record and the log: by its code, or by its status where it has no code."""
    if code == _ILLEGIBLE:
        return "illegible"
    return str(code) if code and code != status else f"http_{status}"


def _ticket(answer: dict[str, Any]) -> str:
    ticket = answer.get("sms_ticket")
    return ticket if isinstance(ticket, str) and 0 < len(ticket) <= 64 else ""


def _text(answer: dict[str, Any]) -> str:
    message = answer.get("message")
    return message[:MESSAGE_MAX] if isinstance(message, str) else ""


def read_amount(value: object) -> str | None:
    """An amount as digits, whether it was written as a number or as text; None for anything else."""
    if isinstance(value, str):
        read = _AMOUNT.fullmatch(value)
        return read[1].replace(",", ".") if read else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _AMOUNT_MAX:
        return None
    return str(value)


def _count(value: object) -> int | None:
    amount = read_amount(value)
    count = float(amount) if amount else -1.0
    return int(count) if count.is_integer() and 0 <= count < 10**9 else None


def _cost(value: object) -> str | None:
    """What a call cost; None for what none can: it would be booked as spent, or not be booked at all."""
    amount = read_amount(value)
    return amount if amount and 0 <= float(amount) < _CALL_MAX else None


def _segments(value: object) -> int | None:
    """How many segments a call has; None for none or too many: what it cost is shared out by them."""
    count = _count(value)
    return count if count and count < _CALL_MAX else None


def _retry_after(value: str | None) -> float | None:
    """Seconds to wait from a Retry-After header: a number of seconds or an HTTP date."""
    if value is None:
        return None
    if amount := read_amount(value):
        return max(0.0, float(amount))
    try:
        at = email.utils.parsedate_to_datetime(value)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return max(0.0, (at - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


@dataclass(frozen=True, slots=True)
class NotTold:
    """The gateway does not say what was asked.

    Attributes:
        code: the gateway's code, or our word.
        message: the gateway's text for people; empty if there is none.
    """

    code: str
    message: str = ""


def told(status: int, content: bytes) -> dict[str, Any] | NotTold:
    """Read the answer to a question about the account: its object, or why there is none."""
    answer = read_object(content)
    code = _code(answer or {})
    if 200 <= status < 300 and code in {0, status}:
        # What is no object is a page of a proxy or a portal in between, and says nothing of the account.
        return NotTold(NO_OBJECT) if answer is None else answer
    return NotTold(_word(code, status), _text(answer or {}))
