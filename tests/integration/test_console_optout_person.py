"""One person: what holds for a number, who may look it up, and who blocks it or lifts that, with a reason."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from producers.contract.phone import mask
from producers.contract.settings import RedisSettings
from producers.contract.steps import drive
from tests.support.console_client import OPERATOR, ConsoleClient, console_settings
from tests.support.hand_worker import KEYS
from tests.support.harmless import faults_of
from tests.support.hostile_texts import HOSTILE_TEXTS
from tests.support.marketing import Marketing
from tests.support.template_sends import number
from worker.console.sessions import LOOKED_UP_MAX
from worker.inquiry import audit
from worker.operator.consents import Consent, Consents
from worker.operator.suppressions import Suppressions


def newest_entry(market: Marketing) -> str:
    [(entry, _)] = market.redis.xrevrange("{sms}:optouts", count=1)
    return entry.decode()


def look_up(browser: ConsoleClient, which: int, **fields: str):
    return browser.post("/optouts/people", {"number": number(which), **fields})


def audited(client) -> list[dict[str, str]]:
    return [{"action": row.action, **row.about} for row in drive(audit.newest(KEYS), client).rows]


def agree(market: Marketing, which: int, at: datetime, source: str = "shop") -> None:
    consent = Consent(at, at, source.encode("utf-8", "backslashreplace").decode(), "v3")
    drive(Consents(RedisSettings()).take_over([(number(which), consent)]), market.redis)


def test_an_opt_out_says_what_it_has_cancelled_and_what_holds_now(viewer, market):
    market.send(0, "first")
    market.send(0, "second")
    market.stop(0)

    page = viewer.get(f"/optouts/{newest_entry(market)}").text

    assert {"first", "second"} <= set(re.findall(r'href="/sends/([^"]+)"', page))
    assert "blocked</span> since" in page
    assert "STOP" in page
    assert number(0) not in page


def test_a_number_is_looked_up_by_a_form_and_stands_in_no_address(viewer, market):
    market.stop(0)

    page = look_up(viewer, 0)

    assert page.status_code == 200
    assert "blocked</span> since" in page.text
    assert number(0) not in page.text
    assert mask(number(0)) in page.text
    assert audited(market.redis)[0] == {"action": "lookup", "number": mask(number(0))}


def test_a_number_that_nobody_suppressed_is_told_so(viewer, market):
    assert "not blocked here" in look_up(viewer, 7).text


@pytest.mark.parametrize(
    ("fields", "words"), [({"number": "nonsense"}, "The number"), ({"scope": "month"}, "The scope:")]
)
def test_what_is_no_number_or_no_scope_is_refused_beside_the_list(viewer, fields, words):
    answer = look_up(viewer, 0, **fields)

    assert answer.status_code == 422
    assert words in answer.text


def test_a_scope_is_asked_for_if_opt_outs_of_late_or_the_visitor_name_it(viewer, market):
    decisions = Suppressions(RedisSettings(), "me")
    drive(decisions.add(number(0), "x", scope="sender:bistro"), market.redis)
    assert "(<bdi" in look_up(viewer, 0).text
    market.redis.delete("{sms}:optouts")

    assert "not blocked here" in look_up(viewer, 0).text
    assert "sender:bistro" in look_up(viewer, 0, scope="sender:Bistro").text


def test_a_viewer_cannot_try_numbers_out(viewer, market):
    for _ in range(LOOKED_UP_MAX):
        assert look_up(viewer, 0).status_code == 200

    assert look_up(viewer, 0).status_code == 429


@pytest.mark.parametrize("days", [0, 2000])
def test_a_consent_is_shown_with_its_source_and_whether_it_is_too_old(viewer, market, days):
    agree(market, 0, datetime.now(UTC) - timedelta(days=days))

    page = look_up(viewer, 0).text

    assert "shop" in page
    assert "v3" in page
    assert ("too old" in page) == bool(days)


def test_who_has_not_agreed_is_told_so_where_that_matters(console_url, redis_client):
    settings = console_settings(console_url, require_consent=True)
    with ConsoleClient(settings) as browser:
        browser.log_in(OPERATOR)
        assert "Nobody gets marketing without one." in look_up(browser, 0).text


def test_a_conversation_shows_both(viewer, market):
    market.write(0, "Hello")
    agree(market, 0, datetime.now(UTC))
    market.stop(0)

    page = viewer.get(f"/conversations/{market.sms.conversation(number(0)).key}").text

    assert "blocked</span> since" in page
    assert "shop" in page


def test_an_operator_blocks_a_number_with_a_reason_and_what_waits_is_cancelled(operator, market):
    market.send(0, "a")
    given = {"number": number(0), "scope_out": "account", "why_out": " asked  by phone "}

    assert operator.post("/optouts/suppress", given).headers["location"] == "/optouts"

    assert market.state("a") == ("cancelled", "suppressed")
    assert "1 message was cancelled" in operator.get("/optouts").text
    assert audited(market.redis)[0]["why"] == "asked by phone"


def test_an_operator_lifts_it_with_a_reason(operator, market):
    market.stop(0)
    entry = newest_entry(market)

    answer = operator.post("/optouts/lift", {"entry": entry, "scope_in": "account", "why_in": "asked again"})

    assert answer.headers["location"] == f"/optouts/{entry}"
    assert market.send(0, "a").state == "queued"
    assert audited(market.redis)[0] == {
        "action": "lift",
        "number": mask(number(0)),
        "scope": "account",
        "why": "asked again",
    }
    assert "an operator: lifted" in operator.get("/optouts").text
    again = {"entry": entry, "scope_in": "account", "why_in": "x"}
    assert operator.post("/optouts/lift", again).status_code == 409


@pytest.mark.parametrize("way", ["suppress", "lift"])
def test_without_a_reason_nothing_is_decided(operator, market, way):
    market.stop(0)
    ending = {"suppress": "out", "lift": "in"}[way]
    given = {"entry": newest_entry(market), f"scope_{ending}": "account", f"why_{ending}": "  "}

    answer = operator.post(f"/optouts/{way}", given)

    assert answer.status_code == 422
    assert "The reason: say why" in answer.text
    assert len(market.told) == 1
    assert audited(market.redis)[0]["action"] == "login"


def test_a_scope_that_is_none_is_refused_and_another_reads_as_messages_have_it(operator, market):
    given = {"number": number(0), "scope_out": "everything", "why_out": "x"}
    assert operator.post("/optouts/suppress", given).status_code == 422

    operator.post("/optouts/suppress", {**given, "scope_out": "sender:Bistro"})
    assert market.reasons() == {"sender:bistro": "operator"}


def test_a_number_in_a_reason_is_masked_since_viewers_read_the_audit(operator, viewer, market):
    reason = f"he called from {number(3)}"
    operator.post("/optouts/suppress", {"number": number(0), "why_out": reason})

    assert "he called from" in viewer.get("/audit").text
    assert number(3) not in viewer.get("/audit").text


def test_a_viewer_decides_nothing(viewer, market):
    market.stop(0)
    entry = newest_entry(market)
    page = viewer.get(f"/optouts/{entry}").text

    assert 'action="/optouts/' not in page
    given = {"entry": entry, "why_in": "x", "why_out": "x"}
    assert [viewer.post(f"/optouts/{way}", given).status_code for way in ("lift", "suppress")] == [403, 403]
    assert market.send(0, "a").state == "cancelled"


@pytest.mark.parametrize("entry", ["1-1", "nonsense", "people"])
def test_an_opt_out_that_is_forgotten_says_so(operator, entry):
    assert operator.get(f"/optouts/{entry}").status_code == 404
    assert operator.post("/optouts/lift", {"entry": entry, "why_in": "x"}).status_code == 404


def test_a_decision_about_nobody_is_refused(operator):
    assert operator.post("/optouts/suppress", {"why_out": "x"}).status_code == 400


def test_an_operator_reveals_the_number_of_an_opt_out(operator, market):
    market.stop(0)
    entry = newest_entry(market)
    operator.post("/reveal", {"of": f"optout:{entry}", "back": f"/optouts/{entry}"})

    assert number(0) in operator.get(f"/optouts/{entry}").text


def test_what_holds_for_a_number_fails_alone(viewer, market):
    market.stop(0)
    entry = newest_entry(market)
    market.redis.delete(KEYS.suppressed)
    market.redis.set(KEYS.suppressed, "no hash")

    page = viewer.get(f"/optouts/{entry}")

    assert page.status_code == 200
    assert "What holds for this number cannot be read now" in page.text
    assert "STOP" in page.text


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_hostile_text_stays_text(operator, market, text):
    market.stop(0)
    [(entry, fields)] = market.redis.xrange("{sms}:optouts")
    market.redis.delete("{sms}:optouts")
    foreign = text.encode("utf-8", "backslashreplace")
    named = dict.fromkeys((b"text", b"request_id", b"cancelled_ids", b"scope"), foreign)
    market.redis.xadd("{sms}:optouts", {**fields, **named}, id=entry)
    agree(market, 0, datetime.now(UTC), text.replace("|", "")[:100] or "shop")

    for path in (f"/optouts/{entry.decode()}", "/optouts"):
        page = operator.get(path)
        assert page.status_code == 200
        assert faults_of(page.text) == []
