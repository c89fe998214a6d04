"""No call to the API keeps the others waiting, however much of it is wrong or long."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.api_client import ONE, ApiClient, api_settings


@pytest.fixture
def api(api_url: str) -> Iterator[ApiClient]:
    """Call the API on an empty Redis, as its own user there."""
    with ApiClient(api_settings(api_url)) as client:
        yield client


def numbers(many: int) -> list[str]:
    return [f"+3361{place:07d}" for place in range(many)]


def test_of_thousands_of_unknown_members_no_more_are_looked_at_than_an_answer_names(api):
    answer = api.post("/v1/messages", {**ONE, **{f"m{place}": 0 for place in range(20_000)}})

    assert (answer.status_code, len(answer.json()["errors"])) == (422, 100)
    assert "errors_total" not in answer.json()


@pytest.mark.parametrize(
    ("method", "path", "body", "pointer"),
    [
        ("POST", "/v1/messages", {**ONE, "recipients": [0] * 501}, "#/recipients"),
        ("POST", "/v1/preview", {"text": "Hi", "recipients": [0] * 501}, "#/recipients"),
        ("PUT", "/v1/campaigns/c/parts/0", {"recipients": [0] * 501}, "#/recipients"),
        ("POST", "/v1/batch", {"messages": [0] * 501}, "#/messages"),
        ("POST", "/v1/batch", {"messages": [{"recipients": [0] * 501}] * 10}, "#/messages"),
        ("POST", "/v1/messages", {**ONE, "text": "{" * 50_000}, "#/text"),
        ("POST", "/v1/messages", {**ONE, "recipients": ["+" + "3" * 100_000]}, "#/recipients/0"),
    ],
)
def test_what_is_far_too_long_is_refused_before_it_is_looked_at(api, method, path, body, pointer):
    answer = api.call(method, path, json=body)

    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize("what", ["[],", "{},", '"",', "0,"])
def test_a_body_of_very_many_small_things_is_refused_before_it_is_taken_apart(api, what):
    body = '{"text":[' + what * 700_000 + "0]}"

    answer = api.call("POST", "/v1/preview", content=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")


def test_the_largest_batch_is_not_too_large(api):
    person = dict.fromkeys(("first_name", "last_name", *(f"param{n}" for n in range(1, 6))), "é" * 50)
    each = {**ONE, "recipients": [{"phone_number": "06", **person, "zone": None}] * 10}

    answer = api.post("/v1/batch", {"messages": [each] * 500})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


def test_names_that_were_probably_meant_are_looked_for_so_many_times_in_a_call(api):
    wrong = [{**ONE, "request_id": f"w{place}", "sendAt": None} for place in range(150)]

    answer = api.post("/v1/batch", {"messages": wrong, "on_invalid": "leave_out"})

    said = [each["errors"][0]["detail"] for each in answer.json()["left_out"]]
    assert said == ["unknown; did you mean send_at?"] * 100 + ["unknown"] * 50


def test_other_calls_go_on_while_hundreds_of_long_texts_are_counted(api):
    people = [{"phone_number": number, "first_name": "Zoë" * 10} for number in numbers(500)]
    body = {"text": "Hi {first_name} " + "é" * 900, "recipients": people}

    async def preview() -> tuple[Any, int]:
        turns, answer = 0, asyncio.create_task(api.acall("POST", "/v1/preview", json=body))
        while not answer.done():
            await asyncio.sleep(0.001)
            turns += 1
        return await answer, turns

    answer, turns = api.run(preview())

    assert answer.status_code == 200
    assert turns > 20
