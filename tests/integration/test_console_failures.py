"""What waits for a person, in the console: counted, listed, sent again one by one or all that match."""

import asyncio
import re
from datetime import timedelta

import pytest
import redis.asyncio

from producers.contract.settings import RedisSettings
from producers.contract.steps import drive
from tests.support.harmless import faults_of
from tests.support.hostile_texts import HOSTILE_TEXTS
from tests.support.keys import AllKeys
from worker.console.bulk_runner import run_jobs
from worker.inquiry import audit
from worker.operator.bulk import Bulk
from worker.presentation.counts import counted

KEYS = AllKeys()
SETTINGS = RedisSettings()
READY = KEYS.queue("alert").ready


def planned(operator, **form: str) -> str:
    """Ask for a preview and return its address."""
    answer = operator.post("/failures/replay", {"state": "rejected", "code": "121", **form})
    assert answer.status_code == 303
    address: str = answer.headers["location"]
    assert re.fullmatch(r"/failures/jobs/[0-9a-f]{32}", address)
    return address


def carry_out(url: str) -> None:
    """Let a console work until no job is left."""

    async def run() -> None:
        async with redis.asyncio.from_url(url) as client:
            jobs = asyncio.create_task(run_jobs(Bulk(SETTINGS), client))
            async with asyncio.timeout(20):
                while await client.exists(KEYS.bulks_running):  # noqa: ASYNC110 - the event lies in Redis
                    await asyncio.sleep(0.01)
            jobs.cancel()

    asyncio.run(run())


def actions(client) -> list[tuple[str, str]]:
    rows = drive(audit.newest(KEYS), client).rows
    return [(row.action, row.by) for row in rows if row.action not in {"login", "logout"}]


def test_without_failures_nothing_waits_for_a_person(viewer):
    assert "Nothing waits for a person." in viewer.get("/failures").text


def test_failures_are_counted_by_state_and_code_and_listed(viewer, parked):
    parked("a", "b")
    parked("c", code="122")
    parked("d", state="unknown", code="120")

    page = viewer.get("/failures")

    for state, code, count in (("rejected", "121", 2), ("rejected", "122", 1), ("unknown", "120", 1)):
        assert f'href="/failures?state={state}&amp;code={code}"' in page.text
        assert f"Show the {counted(count, 'message')}: {state} {code}" in page.text
    for name in "abcd":
        assert f'href="/sends/{name}"' in page.text


def test_one_state_and_code_can_be_chosen(viewer, parked):
    parked("a")
    parked("c", code="122")

    page = viewer.get("/failures?state=rejected&code=122")

    assert 'href="/sends/c"' in page.text
    assert 'href="/sends/a"' not in page.text


def test_the_newest_of_many_come_first(viewer, parked):
    parked(*(f"a{n:02}" for n in range(51)))

    first = viewer.get("/failures").text
    older = re.search(r'<a href="([^"]+)" rel="next"', first)
    second = viewer.get(older[1].replace("&amp;", "&")).text

    assert "/sends/a50" in first
    assert "/sends/a00" not in first
    assert "/sends/a00" in second


def test_one_is_sent_again_from_the_list_and_leads_back_to_it(operator, redis_client, parked):
    parked("a")
    here = "/failures?state=rejected&code=121"
    assert f'name="back" value="{here.replace("&", "&amp;")}"' in operator.get(here).text

    answer = operator.post("/sends/a/replay", {"back": here})

    assert answer.headers["location"] == here
    assert redis_client.lrange(READY, 0, -1) == [b"a"]


def test_a_preview_says_how_many_what_they_cost_and_how_many_are_too_late(operator, redis_client, parked):
    parked(*(f"a{n}" for n in range(10)))
    parked("late", ttl=timedelta(hours=1))
    redis_client.hincrby(KEYS.record("late"), "expires", -3_601_000)
    redis_client.hset(KEYS.prices, "sms_premium:33", "0.049")

    page = operator.get(planned(operator)).text

    assert "11 messages, about 0.49, 1 expired" in page
    assert "Send 11 again" in page
    assert redis_client.llen(READY) == 0
    assert actions(redis_client) == []


def test_one_message_is_not_many(operator, parked):
    parked("a")
    assert "1 message. Nothing is sent" in operator.get("/failures").text
    assert "1 message, price unknown" in operator.get(planned(operator)).text


def test_a_preview_of_very_many_says_more_than(operator, redis_client, parked):
    parked("a")
    ended = redis_client.zscore(KEYS.parked, "a")
    ids = {f"x{n}": ended for n in range(10_001)}
    redis_client.zadd(KEYS.parked_group("rejected", "121"), ids)

    page = operator.get(planned(operator)).text

    assert "10,002 messages, more than" in page
    assert "Only the first 10,000 were looked at" in page


def test_all_that_match_are_sent_again_after_a_second_yes(operator, console_url, redis_client, parked):
    parked("a", "b")
    parked("other", code="122")
    address = planned(operator)

    answer = operator.post(f"{address}/begin")

    assert (answer.status_code, answer.headers["location"]) == (303, address)
    assert redis_client.llen(READY) == 0, "nothing is sent within the request"
    assert "Stop" in operator.get(address).text
    carry_out(console_url)
    assert redis_client.lrange(READY, 0, -1) == [b"a", b"b"]
    page = operator.get(address).text
    assert "2 queued again" in page
    assert address in operator.get("/failures").text
    assert actions(redis_client) == [("replay_all_done", "ben@console"), ("replay_all", "ben@console")]


def test_a_job_tells_of_what_could_not_be_sent_again(operator, console_url, redis_client, parked):
    parked("a", "b")
    redis_client.set(KEYS.body("b"), "{")
    address = planned(operator)
    operator.post(f"{address}/begin")
    carry_out(console_url)

    assert (
        "1 queued again, 1 not replayable, since their text is gone or damaged." in operator.get(address).text
    )


def test_all_rejected_and_failed_are_previewed_together(operator, parked):
    parked("a")
    parked("b", code="122")
    parked("c", state="unknown", code="120")
    assert "Preview: send all rejected and failed again" in operator.get("/failures").text

    answer = operator.post("/failures/replay", {"x": ""})

    assert "2 messages" in operator.get(answer.headers["location"]).text


def test_a_job_is_begun_once(operator, parked):
    parked("a")
    address = planned(operator)
    operator.post(f"{address}/begin")

    again = operator.post(f"{address}/begin")

    assert again.status_code == 409
    assert "running" in again.text


def test_a_job_is_stopped_once(operator, redis_client, console_url, parked):
    parked("a")
    address = planned(operator)
    assert operator.post(f"{address}/stop").status_code == 409, "it has not begun"
    operator.post(f"{address}/begin")

    assert operator.post(f"{address}/stop").status_code == 303

    carry_out(console_url)
    assert redis_client.llen(READY) == 0
    assert operator.post(f"{address}/stop").status_code == 409
    assert actions(redis_client)[0] == ("replay_all_stopped", "ben@console")


@pytest.mark.parametrize("action", ["begin", "stop"])
def test_a_preview_that_is_forgotten_is_carried_out_by_nobody(operator, redis_client, parked, action):
    parked("a")
    address = planned(operator)
    redis_client.delete(KEYS.bulk(address.rpartition("/")[2]))

    assert operator.post(f"{address}/{action}").status_code == 404
    assert operator.get(address).status_code == 404


def test_what_nobody_knows_is_not_sent_again_together(operator, parked):
    parked("a", state="unknown", code="120")

    assert operator.post("/failures/replay", {"state": "unknown", "code": "120"}).status_code == 400


def test_a_viewer_previews_and_begins_nothing(viewer, operator, redis_client, parked):
    parked("a")
    address = planned(operator)

    assert viewer.post("/failures/replay", {"state": "rejected", "code": "121"}).status_code == 403
    assert viewer.post(f"{address}/begin").status_code == 403
    assert viewer.post(f"{address}/stop").status_code == 403
    assert "<button" not in viewer.get(address).text.partition("<main")[2]
    assert "Preview" not in viewer.get("/failures").text


def test_another_site_previews_and_begins_nothing(operator, parked):
    parked("a")
    address = planned(operator)

    for path in ("/failures/replay", f"{address}/begin", f"{address}/stop"):
        assert operator.post(path, sec_fetch_site="cross-site").status_code == 403


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_hostile_codes_stay_text(operator, redis_client, parked, text):
    parked("a")
    code = text.encode("utf-8", "backslashreplace")
    redis_client.hset(KEYS.record("a"), "code", code)
    group = b"{sms}:parked:rejected:" + code
    redis_client.zadd(KEYS.parked_groups, {b"rejected:" + code: redis_client.zscore(KEYS.parked, "a")})
    redis_client.zadd(group, {"a": redis_client.zscore(KEYS.parked, "a")})

    page = operator.get("/failures")

    assert page.status_code == 200
    assert faults_of(page.text) == []
    assert faults_of(operator.get(planned(operator, code=code.decode())).text) == []


def test_a_job_contradicts_itself_nowhere_once_it_is_done(operator, console_url, parked):
    parked("a", "b")
    path = planned(operator)
    operator.post(f"{path}/begin")
    begun = operator.get(path).text
    carry_out(console_url)
    done = operator.get(path, x_live="1").text

    assert "The job has begun." in begun
    assert "<h1>Send again together</h1>" in begun
    assert "<h1>Send again together</h1>" in done
    row = begun[begun.index('data-live="actions"') :]
    assert f"{path}/stop" in row[: row.index("<p><a")]
    assert f"{path}/stop" not in done


def test_one_is_sent_again_after_a_second_question_only(operator, parked):
    parked("a")
    for page in ("/failures", "/sends/a"):
        text = operator.get(page).text
        question = text[text.index('<details class="ask">') : text.index("</details>")]
        assert 'action="/sends/a/replay"' in question
        assert text.count('action="/sends/a/replay"') == 1
