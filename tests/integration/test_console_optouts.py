"""The page of opt-outs says who is blocked now and why, and lets an operator lift it."""

import re
from collections.abc import Iterator

import pytest

from producers.contract.steps import drive
from tests.support.hand_worker import KEYS
from tests.support.marketing import Marketing
from tests.support.template_sends import number
from worker.inquiry import audit


@pytest.fixture
def market(redis_client, redis_url) -> Iterator[Marketing]:
    made = Marketing(redis_client, redis_url)
    yield made
    made.sms.close()


def lifts(page: str) -> list[str]:
    return re.findall(r'action="(/optouts/[^"]+/lift)"', page)


def test_it_says_who_is_blocked_now_and_why(viewer, market):
    market.stop(0)
    market.write(1, "STOP", reception_date="2026-01-31 14:05:09")
    market.write(1, "START", reception_date="2026-01-31 14:06:09")

    page = viewer.get("/optouts").text

    assert page.count("blocked</span> since") == 1
    assert "callback" in page
    assert "a START: lifted" in page
    assert page.count("not blocked") == 2
    assert number(0) not in page


def test_an_operator_lifts_it_behind_a_question(operator, redis_client, market):
    market.stop(0)
    [lift] = lifts(operator.get("/optouts").text)

    assert operator.post(lift, {}).headers["location"] == "/optouts"

    assert market.send(0, "a").state == "queued"
    assert "an operator: lifted" in operator.get("/optouts").text
    assert next(row.action for row in drive(audit.newest(KEYS), redis_client).rows) == "lift"
    assert operator.post(lift, {}).status_code == 409


def test_a_viewer_lifts_nothing(viewer, market):
    market.stop(0)

    assert lifts(viewer.get("/optouts").text) == []
    [(entry, _)] = market.redis.xrange("{sms}:optouts")
    assert viewer.post(f"/optouts/{entry.decode()}/lift", {}).status_code == 403
    assert market.send(0, "a").state == "cancelled"


@pytest.mark.parametrize("entry", ["1-1", "nonsense"])
def test_an_opt_out_that_is_forgotten_cannot_be_lifted_here(operator, entry):
    assert operator.post(f"/optouts/{entry}/lift", {}).status_code == 404


def test_what_an_operator_decided_is_told_so(viewer, market):
    from producers.contract.settings import RedisSettings
    from worker.operator.suppressions import Suppressions

    drive(Suppressions(RedisSettings(), "me").add(number(0), "x"), market.redis)

    assert "an operator" in viewer.get("/optouts").text
