"""An upload that nobody completes is told on the first page and by ``status``, until somebody ends it."""

import json
from collections.abc import Iterator

import pytest
import redis
from click.testing import CliRunner

from tests.support.api_client import ApiClient, api_settings
from tests.support.hand_worker import KEYS
from worker.cli import main

DAY_MS = 24 * 3_600_000
TOLD = "spring</a> was begun"


@pytest.fixture
def late(api_url: str, redis_client: redis.Redis) -> Iterator[ApiClient]:
    """Begin an upload of two recipients, which began 25 hours ago, and another one now."""
    sale = {"text": "Sale", "sender": "Bistro", "purpose": "alert"}
    with ApiClient(api_settings(api_url)) as api:
        for name in ("spring", "today"):
            assert api.put(f"/v1/campaigns/{name}", sale).status_code == 201
        people = {"recipients": ["+33612345678", "+33612345679"]}
        assert api.put("/v1/campaigns/spring/parts/0", people).status_code == 201
        redis_client.zincrby(KEYS.open_uploads, -DAY_MS - 3_600_000, "spring")
        redis_client.hincrby(KEYS.campaign("spring"), "started", -DAY_MS - 3_600_000)
        yield api


def status(redis_url: str, *options: str) -> str:
    done = CliRunner().invoke(main, ["status", *options], env={"REDIS_URL": redis_url})
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize("end", ["complete", "cancel"])
def test_an_upload_that_is_older_than_a_day_is_told_until_it_is_completed_or_cancelled(
    late, redis_url, redis_client, operator, end
):
    [told] = json.loads(status(redis_url, "--json"))["uploads"]
    assert (told["campaign_id"], told["recipients"]) == ("spring", 2)
    assert "was never completed: 2 wait. Complete it, or octopush-worker campaign cancel spring" in status(
        redis_url
    )
    assert TOLD in operator.get("/").text
    assert "uploading" in operator.get("/campaigns").text

    assert in_list(redis_url) == {"spring", "today"}

    body = {"parts": 1} if end == "complete" else None
    assert late.call("POST", f"/v1/campaigns/spring/{end}", json=body).status_code == 200

    assert json.loads(status(redis_url, "--json"))["uploads"] == []
    assert TOLD not in operator.get("/").text
    assert in_list(redis_url) == {"today"}
    # What has ended is not counted either.
    assert redis_client.zrange(KEYS.open_uploads, 0, -1) == [b"today"]


def test_uploads_that_are_not_named_are_counted_and_listed_whatever_began_after_them(
    late, redis_url, redis_client, operator
):
    """Once there were more campaigns since than anybody looks at."""
    sale = {"text": "Sale", "sender": "Bistro", "purpose": "alert"}
    others = [f"other-{n}" for n in range(60)]
    for name in others:
        assert late.put(f"/v1/campaigns/{name}", sale).status_code == 201
        if name >= "other-3":
            assert late.call("POST", f"/v1/campaigns/{name}/cancel").status_code == 200
        redis_client.zincrby(KEYS.campaigns, -DAY_MS - 60_000, name)
        redis_client.zadd(KEYS.open_uploads, {name: -DAY_MS - 60_000}, xx=True, incr=True)
    left = {name for name in others if name < "other-3"}
    named = json.loads(status(redis_url, "--json"))
    assert len(named["uploads"]) == 20
    assert named["uploads_more"] == len(left) + 1 - 20
    assert f"and {named['uploads_more']} more that began earlier" in status(redis_url)
    assert f"{named['uploads_more']} more campaigns that began earlier" in operator.get("/").text
    assert in_list(redis_url) == left | {"spring", "today"}


def test_an_upload_that_is_forgotten_leaves_the_list_with_a_later_one(late, redis_url, redis_client):
    redis_client.delete(KEYS.campaign("spring"))
    assert in_list(redis_url) == {"today"}
    assert late.put("/v1/campaigns/new", {"text": "Sale", "sender": "Bistro"}).status_code == 201

    assert redis_client.zrange(KEYS.open_uploads, 0, -1) == [b"today", b"new"]


def in_list(redis_url: str) -> set[str]:
    arguments = ["campaign", "list", "--uploading", "--limit", "100", "--json"]
    done = CliRunner().invoke(main, arguments, env={"REDIS_URL": redis_url})
    assert done.exit_code == 0, done.output
    return {each["campaign_id"] for each in json.loads(done.stdout)["campaigns"]}
