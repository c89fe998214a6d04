"""Messages through the API: the vectors of its contract, and what Redis then holds."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from producers.producer import Producer
from tests.support.api_client import ONE, READER, ApiClient, api_settings
from worker.ledger.ledger import Ledger


@pytest.fixture
def api(api_url: str) -> Iterator[ApiClient]:
    """Call the API on an empty Redis, as its own user there."""
    with ApiClient(api_settings(api_url)) as client:
        yield client


def message(**changes: Any) -> dict[str, Any]:
    """Return a message with some members changed; None takes one away."""
    return {name: value for name, value in {**ONE, **changes}.items() if value is not None}


def places(answer: Any) -> list[str]:
    """Name the places that a problem names."""
    return [next(iter(set(each) - {"detail"})) + " " + _place(each) for each in answer.json()["errors"]]


def _place(each: dict[str, str]) -> str:
    return each.get("pointer") or each.get("parameter") or each["header"]


def test_a_message_is_queued_once_and_a_repeat_answers_with_it(api, redis_client):
    first = api.post("/v1/messages", ONE)
    again = api.post("/v1/messages", ONE)

    assert (first.status_code, first.json()["created"]) == (201, True)
    assert first.headers["location"] == "/v1/messages/v"
    assert (again.status_code, again.json()["created"], again.json()["state"]) == (200, False, "queued")
    assert redis_client.llen("{sms}:queue:alert") == 1
    assert redis_client.hget("{sms}:record:v", "app") == b"shop"


def test_the_same_id_with_other_content_is_a_conflict(api):
    api.post("/v1/messages", ONE)

    other = api.post("/v1/messages", message(text="Ho"))

    assert (other.status_code, other.json()["code"]) == (409, "request-id-conflict")
    assert other.json()["request_ids"] == ["v"]
    assert other.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({}, {"recipients": ["+33 6 12 34 56 78"]}),
        ({}, {"recipients": [{"phone_number": "+33612345678"}]}),
        ({"send_at": "2099-01-01T08:00:00Z"}, {"send_at": "2099-01-01T09:00:00+01:00"}),
        ({"context": {"a": 1, "b": [2]}}, {"context": {"b": [2], "a": 1}}),
    ],
)
def test_another_notation_of_the_same_content_is_the_same_message(api, first, then):
    assert api.post("/v1/messages", message(**first)).status_code == 201
    assert api.post("/v1/messages", message(**then)).status_code == 200


@pytest.mark.parametrize("key", ['"v"', "v"])
def test_the_idempotency_key_is_the_id(api, key):
    named = api.post("/v1/messages", message(request_id=None), headers={"Idempotency-Key": key})

    assert (named.status_code, named.json()["request_id"]) == (201, "v")
    assert api.post("/v1/messages", ONE, headers={"Idempotency-Key": key}).status_code == 200


@pytest.mark.parametrize(
    ("body", "headers", "wrong"),
    [
        (ONE, {"Idempotency-Key": "w"}, ["header Idempotency-Key"]),
        (message(request_id=None), {}, ["pointer #/request_id"]),
        (message(request_id=".."), {}, ["pointer #/request_id"]),
        ({**ONE, "request_id": None}, {}, ["pointer #/request_id"]),
        (message(sendAt="2030-01-31T09:00:00Z"), {}, ["pointer #/sendAt"]),
        (message(recipients={"0": "+33612345678", "2": "+33612345679"}), {}, ["pointer #/recipients"]),
        (message(recipients=[]), {}, ["pointer #/recipients"]),
        (message(recipients=["0612", 7, {"phone_number": "+3361", "x": 1}]), {}, ["*"]),
        (message(text="Hi {first_name}"), {}, ["pointer #/recipients/0"]),
        (message(ttl_s="60", send_at="tomorrow", with_replies=1), {}, ["*"]),
        (message(ttl_s=0), {}, ["pointer #/ttl_s"]),
        (message(sender="x", text="", purpose="other"), {}, ["*"]),
        ({**ONE, "auto_optimize_text": None}, {}, ["pointer #/auto_optimize_text"]),
    ],
)
def test_every_wrong_place_is_named_without_its_value(api, redis_client, body, headers, wrong):
    answer = api.post("/v1/messages", body, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert wrong == ["*"] or places(answer) == wrong
    assert "0612" not in answer.text
    assert not redis_client.keys("{sms}:record:*")


def test_all_wrong_places_of_a_message_are_named_at_once(api):
    body = message(recipients=["0612", 7, {"phone_number": "+33612345678", "phone": 1}], sender="x", sendAt=1)

    answer = api.post("/v1/messages?wait_s=99&x=1", body)

    assert set(places(answer)) == {
        *("parameter wait_s", "parameter x", "pointer #/sendAt", "pointer #/sender"),
        *("pointer #/recipients/0", "pointer #/recipients/1", "pointer #/recipients/2/phone"),
    }
    assert {"pointer": "#/sendAt", "detail": "unknown; did you mean send_at?"} in answer.json()["errors"]


def test_a_batch_is_queued_whole_or_not_at_all(api, redis_client):
    good, bad, worse = (message(request_id=each) for each in "abc")
    bad["sender"], worse["recipients"] = "x", ["06"]

    refused = api.post("/v1/batch", {"messages": [good, bad, worse]})
    conflict = api.post("/v1/batch", {"messages": [good, message(request_id="a", text="Ho")]})

    assert places(refused) == ["pointer #/messages/1/sender", "pointer #/messages/2/recipients/0"]
    assert (conflict.status_code, conflict.json()["request_ids"]) == (409, ["a"])
    assert api.get("/v1/messages/a").status_code == 404
    assert not redis_client.keys("{sms}:queue:*")

    api.post("/v1/messages", message(request_id="b", text="Ho"))
    assert api.post("/v1/batch", {"messages": [good, message(request_id="b")]}).status_code == 409
    assert api.get("/v1/messages/a").status_code == 404


def test_a_batch_may_leave_out_what_is_wrong(api):
    good, bad, worse = (message(request_id=each) for each in "abc")
    bad["sender"], worse["recipients"] = "x", ["06"]

    answer = api.post("/v1/batch", {"messages": [good, bad, worse], "on_invalid": "leave_out"}).json()

    assert (answer["created"], answer["existing"]) == (1, 0)
    assert [each["request_id"] for each in answer["messages"]] == ["a"]
    assert [(each["index"], each["request_id"]) for each in answer["left_out"]] == [(1, "b"), (2, "c")]
    assert answer["left_out"][0]["errors"][0]["pointer"] == "#/messages/1/sender"


def test_a_message_is_cancelled_and_stays_so(api):
    api.post("/v1/messages", ONE)

    assert [api.delete("/v1/messages/v").status_code for _ in range(2)] == [200, 200]
    assert api.get("/v1/messages/v").json()["state"] == "cancelled"
    assert api.delete("/v1/messages/w").json()["code"] == "unknown-message"


def test_a_message_that_has_ended_is_not_cancelled(api, parked: Callable[..., None]):
    parked("r", code="121")

    answer = api.delete("/v1/messages/r")

    assert (answer.status_code, answer.json()["code"]) == (409, "too-late")


def test_the_status_says_what_is_known(api, sms: Producer, ledger: Ledger):
    api.post("/v1/messages", message(context={"order": 1}, send_at="2099-01-01T08:00:00+01:00", ttl_s=60))

    known = api.get("/v1/messages/v", token=READER).json()

    assert {name: known[name] for name in ("state", "ended", "app", "recipients", "segments", "context")} == {
        "state": "queued",
        "ended": False,
        "app": "shop",
        "recipients": 1,
        "segments": 1,
        "context": {"order": 1},
    }
    assert (known["due_at"], known["expires_at"]) == ("2099-01-01T07:00:00.000Z", "2099-01-01T07:01:00.000Z")
    assert known["queued_at"].endswith("Z")
    assert api.get("/v1/messages/v/explain").json()["reason"] == "due"
    assert api.get("/v1/messages/v/explain").json()["until"] == "2099-01-01T07:00:00.000Z"


def test_several_are_asked_for_at_once(api):
    api.post("/v1/messages", ONE)

    answer = api.get("/v1/messages?ids=w,v,v,x").json()

    assert [each["request_id"] for each in answer["messages"]] == ["v"]
    assert answer["unknown_ids"] == ["w", "x"]
    assert places(api.get("/v1/messages?ids=")) == ["parameter ids"]
    assert places(api.get("/v1/messages")) == ["parameter ids"]


def test_whoever_waits_is_answered_as_soon_as_the_message_has_ended(api, sms: Producer):
    async def wait_and_cancel() -> tuple[Any, Any]:
        waiting = asyncio.create_task(api.acall("POST", "/v1/messages?wait_s=20", json=ONE))
        asking = asyncio.create_task(api.acall("GET", "/v1/messages/v?wait_s=20"))
        while (await api.acall("GET", "/v1/messages/v")).status_code == 404:
            pass
        await api.acall("DELETE", "/v1/messages/v")
        return await waiting, await asking

    sent, _ = api.run(asyncio.wait_for(wait_and_cancel(), 10))

    assert (sent.status_code, sent.json()["ended"]) == (201, True)
    assert sent.json()["status"]["state"] == "cancelled"


def test_a_rule_that_stops_a_message_is_no_error(api, sms: Producer, redis_url: str):
    with ApiClient(api_settings(redis_url, NUMBER_ALERTS_PER_HOUR="1")) as careful:
        careful.post("/v1/messages", ONE)
        stopped = careful.post("/v1/messages", message(request_id="w"))

    assert stopped.status_code == 201
    assert (stopped.json()["state"], stopped.json()["code"]) == ("cancelled", "number_cap")


def test_what_has_no_price_is_refused_where_that_is_wanted(api, redis_url: str):
    with ApiClient(api_settings(redis_url, PRICE_UNKNOWN="refuse")) as careful:
        one = careful.post("/v1/messages", ONE)
        many = careful.post("/v1/batch", {"messages": [ONE]})

    assert (places(one), places(many)) == (["pointer #/recipients"], ["pointer #/messages"])


def test_a_preview_counts_and_queues_nothing(api, redis_client):
    body = {
        "text": "Café {first_name} \u2026",
        "recipients": [{"phone_number": "+33612345678", "first_name": "Ève"}, "06"],
        "purpose": "alert",
    }

    seen = api.post("/v1/preview", body).json()

    assert (seen["recipients"], seen["rendered"]) == (1, ["Café Ève \u2026"])
    assert [each["index"] for each in seen["left_out"]] == [1]
    assert seen["left_out"][0]["errors"][0]["pointer"] == "#/recipients/1"
    assert float(seen["estimate"]["worst"]) >= float(seen["estimate"]["middle"]) > 0
    assert (seen["problems"], seen["held_until"]) == ([], None)
    assert not redis_client.keys("{sms}:record:*")


def test_a_preview_says_what_would_be_refused_and_until_when_it_is_held(api, redis_url: str):
    body = {"text": "Sale", "recipients": ["+33612345678"], "sender": "Bistro"}
    with ApiClient(api_settings(redis_url, MARKETING_HOURS="")) as client:
        seen = client.post("/v1/preview", body).json()

    assert [each["pointer"] for each in seen["problems"]] == ["#/text"]


def test_a_preview_shows_ten_texts_and_until_when_hours_hold_them(redis_url: str):
    people = [{"phone_number": f"+3361234567{n % 10}", "first_name": f"Zoë {n}"} for n in range(10)]
    people.append({"phone_number": "+33612345680", "first_name": "Max"})
    # A Sunday.
    body = {
        "text": "Hi {first_name}. STOP au 30101",
        "recipients": people,
        "send_at": "2030-01-06T12:00:00+01:00",
    }
    with ApiClient(api_settings(redis_url, MARKETING_HOURS_FR="08:00-20:00")) as client:
        seen = client.post("/v1/preview", body).json()

    assert seen["rendered"] == [f"Hi Zoë {n}. STOP au 30101" for n in range(10)]
    assert seen["held_until"] == "2030-01-07T07:00:00.000Z"


def test_the_state_of_sending_is_told(api, redis_client: redis.Redis):
    on = api.get("/v1/status", token=READER).json()
    redis_client.hset("{sms}:hold", mapping={"code": "121", "since": 1_700_000_000_000})

    held = api.get("/v1/status").json()

    assert (on["sending"], on["workers"], on["oldest_alert_s"]) == ("on", 0, None)
    assert (held["sending"], held["since"]) == ("held", "2023-11-14T22:13:20.000Z")


def test_what_the_documents_of_answers_promise_is_json(api):
    assert json.loads(api.get("/v1/openapi.json", token="").content)["openapi"] == "3.1.0"
