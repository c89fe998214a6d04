"""The page of opt-outs says what came and who is suppressed now, and leads to one person."""

import re

import pytest

from producers.contract.settings import RedisSettings
from producers.contract.steps import drive
from tests.support.hand_worker import KEYS
from tests.support.marketing import Marketing
from tests.support.template_sends import number
from worker.console.pages.optouts import PAGES
from worker.inquiry.paging import PAGE
from worker.operator.suppressions import Suppressions


def by_hand(market: Marketing, which: int, **about: str) -> None:
    drive(Suppressions(RedisSettings(), "me").add(number(which), "x", **about), market.redis)


def test_it_says_who_is_blocked_now_and_why(viewer, market):
    market.stop(0)
    market.write(1, "STOP", reception_date="2026-01-31 14:05:09")
    market.write(1, "START", reception_date="2026-01-31 14:06:09")

    page = viewer.get("/optouts").text

    assert page.count("blocked</span> since") == 1
    assert "an opt-out callback" in page
    assert "a START: lifted" in page
    assert page.count("not blocked") == 2
    assert number(0) not in page
    assert page.partition("<main")[2].count("<form") == 1  # that looks a number up


def test_it_says_how_many_messages_an_opt_out_has_cancelled(viewer, market):
    market.send(0, "first")
    market.send(0, "second")
    market.stop(0)

    assert 'data-label="Cancelled"><div>2</div>' in viewer.get("/optouts").text


def test_what_an_operator_decided_is_told_so(viewer, market):
    by_hand(market, 0)

    assert "an operator" in viewer.get("/optouts").text


def test_who_is_suppressed_now_is_listed_by_pseudonym_whoever_said_so(viewer, market):
    market.stop(0)
    by_hand(market, 1, scope="sender:bistro")
    [(entry, _)] = [e for e in market.redis.xrange("{sms}:optouts") if e[1][b"reason"] == b"operator"]
    # What came by a list has no entry among the opt-outs.
    market.redis.xdel("{sms}:optouts", entry)

    page = viewer.get("/optouts?tab=now").text

    assert 'Suppressed now <span class="muted">2</span>' in page
    assert "sender:bistro" in page
    assert "an opt-out callback" in page
    assert all(number(each) not in page for each in (0, 1))
    for field in market.redis.hkeys("{sms}:suppressed"):
        assert field.decode().partition("|")[2] in page


def test_nobody_is_suppressed_until_somebody_is(viewer):
    assert "Nobody." in viewer.get("/optouts?tab=now").text


def test_a_long_list_of_who_is_suppressed_is_read_page_by_page_and_to_its_end(viewer, redis_client):
    people = {f"account|{n:022}": "1767225600000|operator|import" for n in range(30 * PAGE)}
    redis_client.hset(KEYS.suppressed, mapping=people)
    seen, path, pages = set(), "/optouts?tab=now", 0
    while path:
        page = viewer.get(path).text
        seen |= set(re.findall(r"\d{22}", page))
        [path] = re.findall(r'href="([^"]+)" rel="next"', page.replace("&amp;", "&")) or [""]
        pages += 1

    assert len(seen) == 30 * PAGE
    assert pages > 10


@pytest.mark.parametrize("before", ["x", "-1", str(2**64), "1" * 40])
def test_a_place_that_is_none_is_refused(viewer, before):
    assert viewer.get(f"/optouts?tab=now&before={before}").status_code == 400


def test_it_leads_to_the_conversation_of_whoever_has_one(viewer, market):
    market.write(0, "Hello")
    market.stop(0)
    by_hand(market, 1)

    page = viewer.get("/optouts?tab=now").text

    [talk] = re.findall(r'href="(/conversations/[^"]+)"', page)
    assert viewer.get(talk).status_code == 200


def test_it_decides_nothing_itself():
    assert [page.method for page in PAGES] == ["GET"]
