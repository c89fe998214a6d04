"""What the head of a call says: the parameters of the query, the ``Idempotency-Key``, whether a body follows.

What is wrong is noted, and the call is refused when all is read.
"""

import re
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.requests import Request

from worker.api.call import Parameter
from worker.api.message_fields import is_request_id
from worker.api.problems import Wrong

_KEY: Final = "Idempotency-Key"


def has_body(headers: Headers) -> bool:
    """Say whether a body follows."""
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def read_query(request: Request, declared: tuple[Parameter, ...], wrong: Wrong) -> dict[str, Any]:
    """Read the parameters that an operation declares; others are wrong."""
    given: dict[str, str] = {}
    known = {each.name for each in declared}
    for name, value in request.query_params.multi_items():
        if name not in known:
            wrong.parameter(name, "unknown")
        elif name in given:
            wrong.parameter(name, "is given twice")
        given[name] = value
    return {each.name: _parameter(each, given.get(each.name), wrong) for each in declared}


def _parameter(declared: Parameter, value: str | None, wrong: Wrong) -> Any:
    if value is None:
        if declared.required:
            wrong.parameter(declared.name, "is required")
        return declared.default
    if not declared.is_integer:
        if not re.fullmatch(declared.pattern, value, re.ASCII):
            wrong.parameter(declared.name, f"must be {declared.takes}")
        return value
    low, high = declared.low or 0, declared.high or 0
    if not re.fullmatch(r"\d{1,9}", value, re.ASCII) or not low <= int(value) <= high:
        wrong.parameter(declared.name, f"must be an integer from {low} to {high}")
        return declared.default
    return int(value)


def read_key(headers: Headers, wrong: Wrong, *, wanted: bool) -> str | None:
    """Read the ``Idempotency-Key``; None without one. It is wrong where it is not wanted."""
    given = headers.getlist(_KEY)
    if not given:
        return None
    if not wanted:
        wrong.header(_KEY, "is for POST /v1/messages only")
        return None
    key = given[0][1:-1] if re.fullmatch('".*"', given[0]) else given[0]
    if len(given) > 1 or not is_request_id(key):
        wrong.header(_KEY, "must be 1 to 36 letters, digits or -_.:, bare or in double quotes")
        return None
    return key
