"""Campaigns that are uploaded in parts: they resume, nobody is texted twice, and nothing leaves too early."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from producers.contract.settings import RedisSettings
from producers.contract.steps import Steps, drive
from producers.producer import Producer
from producers.queueing.campaign_steps import Campaigns
from producers.queueing.records import Records
from producers.queueing.uploads import Uploads
from producers.settings import ProducerSettings
from tests.support.api_client import ALL, READER, ApiClient, api_settings
from tests.support.pseudonyms import pseudonyms
from tests.support.sends import claim_one
from worker.ledger.claims import Claim
from worker.ledger.ledger import Ledger
from worker.person.erasing import Erasure
from worker.person.named import Person

SALE = {"text": "Sale", "sender": "Bistro", "purpose": "alert"}


@pytest.fixture
def api(api_url: str) -> Iterator[ApiClient]:
    """Call the API on an empty Redis, as its own user there."""
    with ApiClient(api_settings(api_url)) as client:
        yield client


def numbers(first: int, count: int = 500) -> list[str]:
    """Make numbers, each of which is of one person."""
    return [f"+336{first + n:08}" for n in range(count)]


def put(api: ApiClient, n: int, recipients: list[Any]) -> Any:
    return api.put(f"/v1/campaigns/spring/parts/{n}", {"recipients": recipients})


def begun(api: ApiClient, **changes: Any) -> ApiClient:
    assert api.put("/v1/campaigns/spring", {**SALE, **changes}).status_code == 201
    return api


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_a_campaign_is_begun_once_and_by_its_definition(api):
    assert code(put(api, 0, numbers(0))) == (404, "unknown-campaign")
    begun(api, send_at="2099-01-01T08:00:00Z")

    same = {**SALE, "send_at": "2099-01-01T09:00:00+01:00", "on_invalid": "refuse"}
    again = api.put("/v1/campaigns/spring", same)
    other = api.put("/v1/campaigns/spring", {**SALE, "text": "Other"})

    assert (again.status_code, again.json()["state"], again.json()["next_part"]) == (200, "uploading", 0)
    assert code(other) == (409, "campaign-conflict")


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("spring", {**SALE, "sender": "x"}, "#/sender"),
        ("spring", {**SALE, "text": "Hi {nick_name}"}, "#/text"),
        ("spring", {**SALE, "budget": "0"}, "#/budget"),
        ("spring", {**SALE, "recipients": []}, "#/recipients"),
        ("s" * 25, SALE, None),
    ],
)
def test_a_wrong_definition_is_refused_before_any_recipient_is_sent(api, path, body, pointer):
    answer = api.put(f"/v1/campaigns/{path}", body)

    assert code(answer) == (422, "invalid")
    assert [each.get("pointer") for each in answer.json()["errors"]] == [pointer]


def test_an_upload_resumes_where_it_was_cut(api, redis_client):
    begun(api)
    first = put(api, 0, numbers(0))

    assert (first.status_code, first.json()["request_ids"]) == (201, ["spring.0"])
    assert first.json()["next_part"] == 1
    assert put(api, 0, numbers(0)).json() == first.json()
    assert put(api, 0, numbers(0)).status_code == 200
    assert code(put(api, 0, numbers(1))) == (409, "part-conflict")
    assert code(put(api, 2, numbers(1000))) == (409, "part-out-of-order")
    assert put(api, 2, numbers(1000)).json()["next_part"] == 1
    assert api.get("/v1/campaigns/spring", token=READER).json()["next_part"] == 1
    assert redis_client.llen("{sms}:queue:alert") == 1


def test_an_application_adds_no_part_to_the_campaign_of_another(redis_url, redis_client):
    other = "erp-all-0123456789-abcdefghijklmnopq"
    tokens = f"shop:send+read+campaign:{ALL},erp:send+read+campaign:{other}"
    with ApiClient(api_settings(redis_url, API_TOKENS=tokens)) as api:
        begun(api)
        body = {"recipients": numbers(0)}

        assert code(api.put("/v1/campaigns/spring/parts/0", body, token=other)) == (409, "campaign-conflict")
        assert put(api, 0, numbers(0)).status_code == 201

    assert redis_client.hget("{sms}:record:spring.0", "app") == b"shop"


def test_a_text_that_a_part_would_be_refused_for_is_told_by_a_preview_and_the_part_says_that_it_stays(
    redis_url,
):
    definition = {"text": "Sale", "sender": "Bistro"}
    # A token of its own, that may send nothing else.
    settings = api_settings(redis_url, API_TOKENS=f"shop:campaign:{ALL}")
    with ApiClient(settings) as api:
        seen = api.post("/v1/preview", {**definition, "recipients": numbers(0, 2)}).json()
        api.put("/v1/campaigns/spring", definition)
        refused = api.put("/v1/campaigns/spring/parts/0", {"recipients": numbers(0, 2)}).json()

    assert [each["pointer"] for each in seen["problems"]] == ["#/text"]
    assert (refused["code"], refused["errors"][0]["detail"][:11]) == ("invalid", "text: must ")
    assert refused["detail"].endswith("cancel it, begin another")


def test_a_short_part_is_the_last_and_the_number_of_parts_must_be_right(api, redis_client):
    begun(api)
    put(api, 0, numbers(0))
    put(api, 1, numbers(500, 3))

    assert code(put(api, 2, numbers(600))) == (409, "part-after-last")
    assert code(api.post("/v1/campaigns/spring/complete", {"parts": 3})) == (409, "parts-missing")
    done = [api.post("/v1/campaigns/spring/complete", {"parts": 2}) for _ in range(2)]
    assert [(each.status_code, each.json()["state"], each.json()["recipients"]) for each in done] == [
        (200, "sending", 503)
    ] * 2
    assert code(put(api, 2, numbers(600))) == (409, "campaign-complete")
    assert put(api, 1, numbers(500, 3)).status_code == 200
    assert not redis_client.keys("{sms}:upload_numbers:*")


def test_nobody_is_texted_twice_across_parts_and_a_refused_part_takes_no_numbers(api, redis_client):
    begun(api)
    put(api, 0, numbers(0))

    twice = put(api, 1, [*numbers(500, 2), "06", *numbers(7, 1)])
    again = put(api, 1, numbers(500, 3))

    assert code(twice) == (422, "invalid")
    assert [each["pointer"] for each in twice.json()["errors"]] == ["#/recipients/2", "#/recipients/3"]
    assert (again.status_code, again.json()["recipients"]) == (201, 3)


def test_who_cannot_be_texted_may_be_left_out(api):
    begun(api, on_invalid="leave_out")
    put(api, 0, numbers(0))

    left = put(api, 1, [*numbers(499, 2), {"phone_number": "+33699999999", "phone": 1}]).json()

    assert (left["recipients"], [each["index"] for each in left["left_out"]]) == (1, [0, 2])
    assert left["left_out"][0]["errors"] == [
        {"pointer": "#/recipients/0", "detail": "same number as an earlier recipient"}
    ]


def test_a_part_in_which_nobody_is_left_counts_all_the_same(api):
    begun(api, on_invalid="leave_out")

    nobody = put(api, 0, ["06"])

    assert (nobody.status_code, nobody.json()["request_ids"], nobody.json()["next_part"]) == (201, [], 1)
    assert put(api, 0, ["06"]).status_code == 200


def test_processes_that_take_the_same_part_queue_it_once(redis_url: str, api, redis_client):
    begun(api)
    with ApiClient(api_settings(redis_url)) as other:

        async def both(client: ApiClient) -> list[int]:
            body = {"recipients": numbers(0)}
            calls = [client.acall("PUT", "/v1/campaigns/spring/parts/0", json=body) for _ in range(4)]
            return [each.status_code for each in await asyncio.gather(*calls)]

        statuses = sorted([*api.run(both(api)), *other.run(both(other))])

    assert statuses == [200] * 7 + [201]
    assert redis_client.hget("{sms}:campaign:spring", "recipients") == b"500"


def test_an_upload_that_was_forgotten_may_be_begun_again_and_texts_nobody_twice(api, redis_client):
    begun(api)
    put(api, 0, numbers(0))
    redis_client.delete("{sms}:upload:spring", *redis_client.keys("{sms}:upload_numbers:*"))
    begun(api)

    assert put(api, 0, numbers(0)).status_code == 201
    assert redis_client.llen("{sms}:queue:alert") == 1
    assert redis_client.hget("{sms}:campaign:spring", "recipients") == b"500"


def test_an_upload_forgets_all_of_its_numbers_when_it_ends_however_long_its_parts_take(api, redis_client):
    begun(api)
    put(api, 0, numbers(0))
    put(api, 1, numbers(500, 3))

    keys = ["{sms}:upload:spring", *redis_client.keys("{sms}:upload_numbers:*")]
    assert len(keys) > 500
    assert len({redis_client.pexpiretime(key) for key in keys}) == 1


def test_a_person_who_is_erased_between_two_parts_stays_so_and_the_upload_goes_on(api, redis_client):
    person, others = "+33612345678", numbers(20_000_000)
    begun(api, on_invalid="leave_out", purpose="wholesale", text="Sale STOP au 30101")
    first = [person, *others[1:]]
    answered = put(api, 0, first).json()

    erased = Erasure(
        *(redis_client, RedisSettings(), Person(person, pseudonyms(redis_client).all_of(person)), "ben", None)
    ).run()
    again, behind = put(api, 0, first), put(api, 1, [person, *numbers(1, 9)]).json()
    done = api.post("/v1/campaigns/spring/complete", {"parts": 2}).json()

    assert erased.done["uploads"] == 1
    assert (again.status_code, again.json()) == (200, answered)
    assert (behind["recipients"], done["recipients"], done["complete"]) == (10, 510, True)
    bodies = b"".join(redis_client.get(key) for key in redis_client.keys("{sms}:body:*"))
    assert person.encode() not in bodies


def test_a_part_that_was_overtaken_is_not_queued(api, redis_client):
    begun(api)
    put(api, 0, numbers(0, 2))
    api.post("/v1/campaigns/spring/complete", {"parts": 1})

    for number in (0, 1):
        late = uploads().queue("spring", number, [], [], b"{}", is_last=True, budget=None)
        assert drive(late, redis_client) == "moved"


def uploads() -> Uploads:
    """Make the steps of uploads, as a process makes them."""
    records = Records(ProducerSettings())
    return Uploads(records, Campaigns(records, ProducerSettings()), 1000)


def test_nothing_leaves_before_the_upload_is_complete(api, sms: Producer, ledger: Ledger):
    begun(api)
    put(api, 0, numbers(0, 2))

    assert not isinstance(claim_one(ledger, "spring.0"), Claim)
    assert sms.campaign_status("spring").paused
    assert api.get("/v1/messages/spring.0/explain").json()["reason"] == "campaign"
    api.post("/v1/campaigns/spring/resume")
    assert sms.campaign_status("spring").uploading

    api.post("/v1/campaigns/spring/complete", {"parts": 1})
    assert isinstance(claim_one(ledger, "spring.0"), Claim)


@pytest.mark.parametrize("commands", range(6))
def test_a_completion_that_is_cut_short_is_repeated(commands, api, ledger: Ledger, redis_client):
    begun(api)
    put(api, 0, numbers(0, 2))
    claim_one(ledger, "spring.0")
    redis_client.delete("{sms}:queue:alert")

    cut_short(uploads().complete("spring", 1), redis_client, commands)
    api.post("/v1/campaigns/spring/complete", {"parts": 1})

    assert redis_client.lrange("{sms}:queue:alert", 0, -1) == [b"spring.0"]
    assert isinstance(claim_one(ledger, "spring.0"), Claim)


def test_a_part_that_nobody_is_left_in_counts_when_the_upload_is_complete(api, sms: Producer, redis_client):
    begun(api)
    put(api, 0, numbers(0, 2))
    redis_client.hdel("{sms}:campaign:spring", "slices")

    drive(uploads().complete("spring", 1), redis_client)

    assert sms.campaign_status("spring").slices == 1


@pytest.mark.parametrize("commands", range(1, 6))
def test_a_completion_that_a_failover_takes_back_between_its_steps_is_done_again(
    commands, api, ledger: Ledger, redis_client
):
    begun(api)
    put(api, 0, numbers(0, 2))
    held = ("{sms}:upload:spring", "{sms}:campaign:spring")
    before = [redis_client.dump(key) for key in held]

    steps, reply = uploads().complete("spring", 1), None
    for _ in range(commands):
        reply = steps.send(reply).run(redis_client)
    for key, value in zip(held, before, strict=True):
        redis_client.restore(key, 0, value, replace=True)

    assert drive(the_rest_of(steps, reply), redis_client) == "complete"
    complete = redis_client.hget(held[0], "complete") is not None
    # Nobody is texted twice: the upload takes no part any more, or who is in it is known.
    assert complete or redis_client.keys("{sms}:upload_numbers:spring:*")
    api.post("/v1/campaigns/spring/complete", {"parts": 1})
    assert isinstance(claim_one(ledger, "spring.0"), Claim)


def the_rest_of(steps: Steps[Any], reply: Any) -> Steps[Any]:
    """Go on where somebody has begun."""
    try:
        while True:
            reply = yield steps.send(reply)
    except StopIteration as ended:
        return ended.value


def cut_short(steps: Steps[Any], client: redis.Redis, commands: int) -> None:
    """Carry out some commands, as of a process that is killed after them."""
    reply = None
    for _ in range(commands):
        reply = steps.send(reply).run(client)
    steps.close()


def test_a_campaign_may_leave_at_once_and_be_paused_and_cancelled(api, sms: Producer):
    begun(api, start="at_once")
    put(api, 0, numbers(0))

    assert not sms.campaign_status("spring").paused
    assert api.post("/v1/campaigns/spring/pause").status_code == 200
    assert sms.campaign_status("spring").paused
    assert api.post("/v1/campaigns/spring/resume").status_code == 200
    cancelled = api.post("/v1/campaigns/spring/cancel").json()

    assert (cancelled["state"], cancelled["cancelled"], cancelled["too_late"]) == ("cancelled", 1, 0)
    assert code(put(api, 1, numbers(500))) == (409, "campaign-cancelled")
    assert code(api.put("/v1/campaigns/spring", SALE)) == (409, "campaign-cancelled")
    assert code(api.post("/v1/campaigns/spring/complete", {"parts": 1})) == (409, "campaign-cancelled")
    assert code(api.post("/v1/campaigns/summer/cancel")) == (404, "unknown-campaign")
    assert code(api.get("/v1/campaigns/summer")) == (404, "unknown-campaign")
    assert code(api.post("/v1/campaigns/summer/complete", {"parts": 0})) == (404, "unknown-campaign")


def test_a_campaign_costs_no_more_than_its_budget(api):
    begun(api, budget="0.01")

    assert code(put(api, 0, numbers(0))) == (409, "over-budget")
    assert api.get("/v1/campaigns/spring").json()["next_part"] == 0


def test_a_loop_and_an_upload_do_not_share_a_campaign(api, sms: Producer):
    sms.send_campaign("Sale", numbers(0, 2), campaign_id="spring", sender="Bistro", purpose="alert")

    assert code(api.put("/v1/campaigns/spring", SALE)) == (409, "campaign-conflict")
    assert api.get("/v1/campaigns/spring").json()["next_part"] is None


def test_slices_of_several_zones_are_messages_of_one_part(api):
    begun(api, purpose="wholesale", text="Sale STOP au 30101")

    part = put(api, 0, ["+33612345678", "+262692123456"]).json()

    assert len(part["request_ids"]) == 2
    assert part["recipients"] == 2
