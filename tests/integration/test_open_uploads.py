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
        redis_client.zincrby(KEYS.campaigns, -DAY_MS - 3_600_000, "spring")
        redis_client.hincrby(KEYS.campaign("spring"), "started", -DAY_MS - 3_600_000)
        yield api


def status(redis_url: str, *options: str) -> str:
    done = CliRunner().invoke(main, ["status", *options], env={"REDIS_URL": redis_url})
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize("end", ["complete", "cancel"])
def test_an_upload_that_is_older_than_a_day_is_told_until_it_is_completed_or_cancelled(
    late, redis_url, operator, end
):
    [told] = json.loads(status(redis_url, "--json"))["uploads"]
    assert (told["campaign_id"], told["recipients"]) == ("spring", 2)
    assert "was never completed: 2 wait. Complete it, or octopush-worker campaign cancel spring" in status(
        redis_url
    )
    assert TOLD in operator.get("/").text
    assert "uploading" in operator.get("/campaigns").text

    body = {"parts": 1} if end == "complete" else None
    assert late.call("POST", f"/v1/campaigns/spring/{end}", json=body).status_code == 200

    assert json.loads(status(redis_url, "--json"))["uploads"] == []
    assert TOLD not in operator.get("/").text
