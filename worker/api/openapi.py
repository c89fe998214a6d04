"""The OpenAPI 3.1 document, made from the table of operations."""

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec

from producers.contract.kinds import TYPES
from worker.api.call import Answer, Call, Operation, Parameter
from worker.api.problems import KINDS, MEDIA_TYPE, Problem
from worker.api.shapes import DocumentAnswer

#: What any call with a token may run into, and any call with a body.
_WITH_TOKEN: Final = (
    *("unauthenticated", "scope-missing", "rate-limited", "invalid", "internal", "queue-unavailable"),
)
_WITH_BODY: Final = (
    *("malformed-json", "body-too-slow", "body-too-large", "unsupported-media-type", "overloaded"),
)
_SCHEMA_REF: Final = "#/components/schemas/{name}"
_ABOUT: Final = (
    "Sends and receives SMS. The id of a message makes every call safe to repeat. Repeat after a lost "
    "connection, 408, 429, 500, 502, 503 and 504: the same bytes, the same id."
)
#: What stands in paths.
_IN_PATH: Final[Mapping[str, Any]] = {
    "id": {"type": "string", "minLength": 1},
    "stream": {"type": "string", "enum": list(TYPES)},
    "group": {"type": "string", "minLength": 1},
    "n": {"type": "integer", "minimum": 0, "maximum": 99_999},
}
#: Of the contract, not of the program: it changes when something is removed.
_VERSION: Final = "1"


def with_document(operations: Sequence[Operation]) -> tuple[Operation, ...]:
    """Add the operation that hands out the document of all of them, itself included."""

    async def get_document(_: Call) -> Answer:
        return Answer(msgspec.Raw(text))

    own = Operation(
        *("GET", "/v1/openapi.json", frozenset(), get_document), "Hand out this document.", DocumentAnswer
    )
    every = (*operations, own)
    text = msgspec.json.encode(document(every))
    return every


def document(operations: Iterable[Operation]) -> dict[str, Any]:
    """Describe operations as OpenAPI 3.1."""
    found = list(operations)
    types: list[type] = list(
        dict.fromkeys(kind for each in found for kind in (each.body, each.answer) if kind)
    )
    schemas, components = msgspec.json.schema_components([*types, Problem], ref_template=_SCHEMA_REF)
    refs = dict(zip([*types, Problem], schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for each in found:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, refs)
    return {
        "openapi": "3.1.0",
        "info": {"title": "octopush-worker", "version": _VERSION, "description": _ABOUT},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(operation: Operation, refs: Mapping[type, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": _name(operation),
        "summary": operation.about,
        "security": [{"token": []}] if operation.scopes else [],
        "parameters": [*_in_path(operation.path), *map(_in_query, operation.query)],
        "responses": {**_successes(operation, refs), **_problems(operation, refs)},
    }
    if operation.scopes:
        described["description"] = f"Needs a token with one of: {', '.join(sorted(operation.scopes))}."
    if operation.takes_key:
        described["parameters"].append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "The request_id, bare or in double quotes; equal to that in the body, if any.",
                "schema": {"type": "string"},
            }
        )
    if operation.body:
        content = {"application/json": {"schema": refs[operation.body]}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _name(operation: Operation) -> str:
    """Name an operation by its handler, which generated clients name their method after."""
    return str(getattr(operation.handler, "__name__", operation.path))


def _in_path(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _IN_PATH[name]}
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _in_query(parameter: Parameter) -> dict[str, Any]:
    if parameter.is_integer:
        schema = {"type": "integer", "minimum": parameter.low, "maximum": parameter.high}
    else:
        schema = {"type": "string", "pattern": f"^(?:{parameter.pattern})$"}
    if parameter.default is not None:
        schema["default"] = parameter.default
    return {
        "name": parameter.name,
        "in": "query",
        "required": parameter.required,
        "description": parameter.about,
        "schema": schema,
    }


def _successes(operation: Operation, refs: Mapping[type, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for status in operation.statuses:
        answer: dict[str, Any] = {"description": HTTPStatus(status).phrase}
        if operation.answer:
            answer["content"] = {"application/json": {"schema": refs[operation.answer]}}
        if operation.leads_to:
            named = {"id": "$response.body#/request_id"}
            answer["links"] = {
                each: {"operationId": each, "parameters": named} for each in operation.leads_to
            }
        found[str(status)] = answer
    return found


def _problems(operation: Operation, refs: Mapping[type, Any]) -> dict[str, Any]:
    codes = [*operation.problems, *(_WITH_TOKEN if operation.scopes else ("invalid", "internal"))]
    codes += _WITH_BODY if operation.body else ()
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        by_status.setdefault(KINDS[code].status, []).append(code)
    return {
        str(status): {
            "description": f"Problem: {', '.join(sorted(named))}",
            "content": {MEDIA_TYPE: {"schema": refs[Problem]}},
        }
        for status, named in sorted(by_status.items())
    }
