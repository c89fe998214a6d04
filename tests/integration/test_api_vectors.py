"""The vectors of the API's contract, as a table: what is called, and how it is answered."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from tests.support.api_client import ALL, READER, ApiClient, api_settings
from tests.support.reply_events import publish_replies
from tests.support.sends import claim_one, finish_one
from worker.gateway.outcomes import Accepted

M = {
    "request_id": "v",
    "recipients": ["+33612345678"],
    "text": "Hi",
    "sender": "Bistro",
    "purpose": "alert",
}
WITHOUT_ID = {name: value for name, value in M.items() if name != "request_id"}
JSON = {"Content-Type": "application/json"}
LOG = "/v1/events/log?stream=replies"
SALE = {"text": "Sale", "sender": "Bistro", "purpose": "alert"}
PART = {"recipients": [f"+336{n:08}" for n in range(500)]}
THREE = [
    {**M, "request_id": "one"},
    {**M, "request_id": "two", "sender": "x"},
    {**M, "request_id": "three", "recipients": ["06"]},
]


def call(method: str, path: str, body: object = None, **sent: Any) -> tuple[str, str, dict[str, Any]]:
    """Write down a call."""
    return method, path, {**({} if body is None else {"json": body}), **sent}


def post(**changes: Any) -> tuple[str, str, dict[str, Any]]:
    """Write down that M is posted, with some members changed."""
    return call("POST", "/v1/messages", {**M, **changes})


class Vector(NamedTuple):
    """One row: calls, of which the last is looked at, and what it is answered."""

    calls: list[tuple[str, str, dict[str, Any]]]
    status: int
    code: str | None = None
    places: tuple[str, ...] = ()
    members: dict[str, Any] = {}  # noqa: RUF012 - nobody changes it


VECTORS = {
    "a message": Vector([post()], 201, members={"created": True}),
    "again": Vector([post(), post()], 200, members={"created": False}),
    "with another text": Vector([post(), post(text="Ho")], 409, "request-id-conflict"),
    "with another notation": Vector([post(), post(recipients=["+33 6 12 34 56 78"])], 200),
    "with the id in a header": Vector(
        [call("POST", "/v1/messages", WITHOUT_ID, headers={"Idempotency-Key": '"v"'})],
        201,
        members={"request_id": "v"},
    ),
    "with another id in a header": Vector(
        [call("POST", "/v1/messages", M, headers={"Idempotency-Key": "w"})],
        422,
        "invalid",
        ("Idempotency-Key",),
    ),
    "without an id": Vector([call("POST", "/v1/messages", WITHOUT_ID)], 422, "invalid", ("#/request_id",)),
    "with a misspelt member": Vector([post(sendAt=None)], 422, "invalid", ("#/sendAt",)),
    "with a list that is none": Vector(
        [post(recipients={"0": "+33612345678", "2": "+33612345679"})], 422, "invalid", ("#/recipients",)
    ),
    "without a token": Vector(
        [call("POST", "/v1/messages", token="", content=b"x" * 5_000_000, headers=JSON)],
        401,
        "unauthenticated",
    ),
    "by who may only read": Vector([call("POST", "/v1/messages", M, token=READER)], 403, "scope-missing"),
    "not in UTF-8": Vector(
        [call("POST", "/v1/messages", content=b'{"text":"\xe9', headers=JSON)], 400, "malformed-json"
    ),
    "as text": Vector(
        [call("POST", "/v1/messages", content=b"{}", headers={"Content-Type": "text/plain"})],
        415,
        "unsupported-media-type",
    ),
    "a batch with two mistakes": Vector(
        [call("POST", "/v1/batch", {"messages": THREE})],
        422,
        "invalid",
        ("#/messages/1/sender", "#/messages/2/recipients/0"),
    ),
    "of which nothing is queued": Vector(
        [call("POST", "/v1/batch", {"messages": THREE}), call("GET", "/v1/messages/one")],
        404,
        "unknown-message",
    ),
    "a batch with a conflict": Vector(
        [post(), call("POST", "/v1/batch", {"messages": [THREE[0], {**M, "text": "Ho"}]})],
        409,
        "request-id-conflict",
    ),
    "of which the first is unknown afterwards": Vector(
        [
            post(),
            call("POST", "/v1/batch", {"messages": [THREE[0], {**M, "text": "Ho"}]}),
            call("GET", "/v1/messages/one"),
        ],
        404,
        "unknown-message",
    ),
    "a batch that leaves out": Vector(
        [call("POST", "/v1/batch", {"messages": THREE, "on_invalid": "leave_out"})],
        200,
        members={"created": 1},
    ),
    "a cancel": Vector([post(), call("DELETE", "/v1/messages/v")], 200),
    "again cancelled": Vector([post(), *[call("DELETE", "/v1/messages/v")] * 2], 200),
    "a part too early": Vector(
        [
            call("PUT", "/v1/campaigns/c", SALE),
            call("PUT", "/v1/campaigns/c/parts/0", PART),
            call("PUT", "/v1/campaigns/c/parts/2", PART),
        ],
        409,
        "part-out-of-order",
        members={"next_part": 1},
    ),
}


@pytest.fixture
def api(api_url: str) -> Iterator[ApiClient]:
    """Call the API on an empty Redis, as its own user there."""
    with ApiClient(api_settings(api_url)) as client:
        yield client


def answered(api: ApiClient, vector: Vector) -> httpx.Response:
    """Make the calls of a vector, and return the last answer."""
    return [api.call(method, path, **sent) for method, path, sent in vector.calls][-1]


@pytest.mark.parametrize("name", VECTORS)
def test_a_call_is_answered_as_the_contract_says(api, name):
    vector = VECTORS[name]

    answer = answered(api, vector)

    said = answer.json()
    assert (answer.status_code, said.get("code")) == (vector.status, vector.code)
    errors = said.get("errors", [])
    assert tuple(next(v for k, v in each.items() if k != "detail") for each in errors) == vector.places
    assert {member: said[member] for member in vector.members} == vector.members
    assert ALL not in answer.text


def test_a_message_that_was_accepted_is_not_cancelled(api, sms, ledger):
    sms.send("+33612345678", "Hi", sender="Bistro", purpose="alert", request_id="v")
    assert finish_one(ledger, claim_one(ledger, "v"), Accepted("ticket")) == "accepted"

    answer = api.delete("/v1/messages/v")

    assert (answer.status_code, answer.json()["code"]) == (409, "too-late")


def test_entries_that_were_trimmed_behind_a_cursor_are_told(api, redis_client):
    publish_replies(redis_client, "one", "two", "three")
    after = api.get(f"{LOG}&after=0&max=1").json()["next_after"]
    redis_client.xtrim("{sms}:replies", maxlen=1, approximate=False)

    answer = api.get(f"{LOG}&after={after}")

    assert (answer.status_code, answer.json()["code"]) == (410, "cursor-trimmed")
