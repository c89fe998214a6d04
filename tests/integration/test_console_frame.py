"""What all pages of the console share: freshness, errors, notices, small files; and the first page."""

import re
from importlib.resources import files

import pytest
import redis

from producers.contract.keys import Keys
from tests.support.console_client import OPERATOR, ConsoleClient, console_settings
from tests.support.html import Html
from tests.support.reply_events import publish_replies
from tests.support.waiting import until
from worker.account.throttle import Throttle
from worker.console.page import Page
from worker.console.pages import PAGES
from worker.console.rendering import templates

KEYS = Keys("sms")


def test_a_page_that_has_not_changed_is_not_sent_again(operator, redis_client):
    publish_replies(redis_client, "one")
    first = operator.get("/replies")
    same = operator.get("/replies", if_none_match=first.headers["etag"], x_live="1")
    publish_replies(redis_client, "two", number="+32470123456")
    changed = operator.get("/replies", if_none_match=first.headers["etag"], x_live="1")

    assert (same.status_code, same.content) == (304, b"")
    assert changed.status_code == 200
    assert "two" in changed.text


def test_what_an_action_did_is_told_once_and_not_to_the_refresh(operator):
    operator.post("/limits", {"rate": "7"})

    assert "The limits hold from now on." in operator.get("/", x_live="1").text
    assert "The limits hold from now on." in operator.get("/").text
    assert "The limits hold from now on." not in operator.get("/").text


def test_redis_away_is_said_and_no_figure_is_shown(own_redis_server):
    with ConsoleClient(console_settings(own_redis_server.url)) as console:
        console.log_in(OPERATOR)
        assert console.get("/").status_code == 200
        own_redis_server.kill()
        for answer in (console.get("/"), console.get("/replies"), console.log_in(OPERATOR)):
            assert answer.status_code == 503
            assert "Redis does not answer; nothing is known." in answer.text
            assert "<dl" not in answer.text
        assert console.get("/healthz").status_code == 200


def test_a_redis_that_refuses_writes_for_a_while_is_away(own_redis_server):
    """As while a primary is replaced: the console notes who looks, and cannot."""
    with (
        ConsoleClient(console_settings(own_redis_server.url)) as console,
        redis.Redis(port=own_redis_server.port) as client,
    ):
        console.log_in(OPERATOR)
        client.config_set("min-replicas-to-write", 1)
        for answer in (console.get("/"), console.get("/replies"), console.log_in(OPERATOR)):
            assert answer.status_code == 503
            assert "Redis does not answer; nothing is known." in answer.text
        client.config_set("min-replicas-to-write", 0)
        assert console.get("/replies").status_code == 200


def test_each_page_that_is_not_there_says_so(operator):
    for path in ("/nowhere", "/replies/", "/static/other.css", "/static/../app.py"):
        assert operator.get(path).status_code == 404


# The overview.


def test_the_overview_shows_a_hold_and_an_operator_ends_it(operator, viewer, redis_client):
    Throttle(redis_client, KEYS).hold("102")

    assert "held" in viewer.get("/").text
    assert "/release" not in Html(viewer.get("/").text).values("action")
    assert "/release" in Html(operator.get("/").text).values("action")
    assert operator.post("/release").status_code == 303
    assert "Sending goes on." in operator.get("/").text
    assert not redis_client.exists(KEYS.hold)
    assert redis_client.xrevrange(KEYS.audit, count=1)[0][1][b"by"] == b"ben@console"


def test_a_release_of_nothing_says_so(operator):
    operator.post("/release")

    assert "Sending was not held; nothing was changed." in operator.get("/").text
    assert operator.post("/release-breaker", {"name": "999"}).status_code == 404
    assert operator.post("/release-breaker", {"name": "credit"}).status_code == 404


def test_limits_are_changed_for_all_workers(operator, redis_client):
    operator.post("/limits", {"rate": "2.5", "in_flight": ""})
    operator.post("/limits", {"rate": "", "in_flight": "12"})

    assert redis_client.hgetall(KEYS.limits) == {b"rate": b"2.5", b"in_flight": b"12"}


def test_a_limit_goes_back_to_the_workers_own_setting(operator, redis_client):
    way_back = 'value="default"'
    assert way_back not in operator.get("/").text
    operator.post("/limits", {"rate": "0", "in_flight": "12"})
    assert way_back in operator.get("/").text

    operator.post("/limits", {"rate": "default", "in_flight": ""})
    assert redis_client.hgetall(KEYS.limits) == {b"in_flight": b"12"}
    operator.post("/limits", {"rate": "default", "in_flight": "default"})

    assert not redis_client.exists(KEYS.limits)
    assert (
        operator.get("/").text.count("Now: as the workers are set. Type a number, 0 (no limit) or “default”")
        == 2
    )


def test_a_limit_that_is_set_is_shown_and_what_an_action_did_has_the_focus(operator):
    operator.post("/limits", {"rate": "7", "in_flight": ""})
    page = operator.get("/").text

    assert "Now: 7. Type a number" in page
    assert 'role="status" tabindex="-1" autofocus>The limits hold from now on.</p>' in page
    assert "autofocus" not in operator.get("/").text


def test_states_and_what_stands_beside_them_are_written_alike(viewer, redis_client):
    redis_client.hset(KEYS.counts, mapping={"enqueued": 9, "accepted": 8})
    shown = re.findall(r"<dt>(?:<span[^>]*>)?([^<]*)", viewer.get("/").text.partition('id="ends"')[2])

    assert {"Queued", "Not ended", "Accepted", "Rejected"} <= set(shown)
    assert [word for word in shown if not word[0].isupper()] == []


def test_every_way_out_says_whole_what_it_does(viewer):
    assert re.search(r'name="everywhere" value="1">Log out everywhere</button>', viewer.get("/").text)


def test_one_that_goes_on_is_told_as_one(operator, redis_client):
    redis_client.hset(KEYS.strain, mapping={"limit": "1"})
    assert "1 call at most" in operator.get("/").text


@pytest.mark.parametrize(
    ("name", "value"), [("rate", "x"), ("rate", "-1"), ("in_flight", "1.5"), ("rate", "nan")]
)
def test_a_limit_that_is_none_changes_nothing(operator, redis_client, name, value):
    answer = operator.post("/limits", {name: value})

    assert answer.status_code == 422
    assert f'href="#f-{name}"' in answer.text
    assert not redis_client.exists(KEYS.limits)


def test_the_overview_costs_few_commands(operator, redis_client):
    before = redis_client.info("commandstats")
    operator.get("/")
    after = redis_client.info("commandstats")
    calls = {
        name: stats["calls"] - before.get(name, {"calls": 0})["calls"]
        for name, stats in after.items()
        if name != "cmdstat_info"
    }

    assert sum(calls.values()) <= 60, calls


# What is served.


def test_style_and_script_are_small_and_the_pages_have_none_of_their_own():
    static = files("worker.console") / "static"
    assert len((static / "console.css").read_bytes()) <= 12_000
    assert len((static / "console.js").read_bytes()) <= 4_000
    for name in templates().list_templates():
        page = (files("worker.console") / "templates" / name).read_text("utf-8")
        assert not re.search(r"<style|style=|\son\w+=|<script(?! src=\"/static/console\.js\")", page), name
        assert "|safe" not in page, name


def test_static_files_are_asked_about_and_not_sent_twice(console):
    first = console.get("/static/console.css")

    assert first.headers["content-type"] == "text/css; charset=utf-8"
    assert console.get("/static/console.css", if_none_match=first.headers["etag"]).status_code == 304


def test_every_action_is_an_operators_or_harmless():
    # They look something up by a number, which must not stand in an address.
    harmless = {"/conversations", "/optouts/people"}

    acting: list[Page] = [page for page in PAGES if page.method == "POST" and page.path not in harmless]
    assert [page.path for page in acting if page.role != "operator"] == []


def test_the_consoles_user_of_redis_cannot_look_at_everything(console_url):
    client = redis.Redis.from_url(console_url)
    forbidden = [
        ["KEYS", "*"],
        ["SCAN", "0"],
        ["SMEMBERS", "x"],
        ["CONFIG", "GET", "*"],
        ["FLUSHALL"],
        ["FLUSHDB"],
    ]
    for command in forbidden:
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.execute_command(*command)
    client.close()


def test_the_console_comes_back_with_redis(own_redis_server):
    with ConsoleClient(console_settings(own_redis_server.url)) as console:
        console.log_in(OPERATOR)
        own_redis_server.kill()
        assert console.get("/").status_code == 503
        own_redis_server.start()
        until(lambda: console.get("/").status_code in {200, 303})
