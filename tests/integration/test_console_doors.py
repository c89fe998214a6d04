"""Who gets into the console, and what a browser may do there: each rule has a test that fails without it."""

import asyncio
import subprocess
import sys

import pytest

from producers.contract.clients import SENDING, connect_async
from producers.contract.keys import Keys
from producers.contract.secret import Secret
from producers.errors import ConfigError
from tests.support.console_client import OPERATOR, TOKENS, VIEWER, ConsoleClient, console_settings
from worker.console.doors import POLICY
from worker.console.sessions import FAILURES_MAX, Sessions
from worker.console.settings import ConsoleSettings

KEYS = Keys("sms")


def sessions(client) -> list[bytes]:
    return client.keys(KEYS.console_session("*"))


# Closed until configured.


def test_without_tokens_the_process_says_so_in_one_line_and_ends():
    program = "from worker.console.app import create_app; create_app(environ={})"
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 78
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "the console stays closed: CONSOLE_TOKENS names nobody who may log in"
    ]


@pytest.mark.parametrize(
    "tokens",
    [
        "operator:ben:short",
        "operator:ben:" + "ab" * 20,
        f"boss:ben:{OPERATOR}",
        f"ben:{OPERATOR}",
        f"operator::{OPERATOR}",
        f"operator:ben:{OPERATOR},viewer:ben:{VIEWER}",
    ],
)
def test_tokens_that_are_weak_or_unclear_are_refused_without_being_shown(tokens):
    with pytest.raises(ConfigError) as caught:
        ConsoleSettings.from_env({"CONSOLE_TOKENS": tokens})

    assert list(caught.value.problems) == ["CONSOLE_TOKENS"]
    assert tokens.rpartition(":")[2] not in str(caught.value)


def test_settings_do_not_show_the_tokens():
    settings = ConsoleSettings.from_env({"CONSOLE_TOKENS": TOKENS})

    assert [token.name for token in settings.people] == ["anna", "ben"]
    assert OPERATOR not in repr(settings) + repr(settings.people)


# Log-in.


def test_nothing_is_shown_to_who_is_not_logged_in(console):
    for path in ("/", "/replies", "/replies.csv", "/conversations/" + "a" * 40):
        answer = console.get(path)
        assert (answer.status_code, answer.headers["location"]) == (
            303,
            "/login" if path == "/" else f"/login?next={path}",
        )
    assert console.post("/reveal", {"of": "reply:1-0"}).status_code == 401
    assert console.post("/limits", {"rate": "1"}).status_code == 401


@pytest.mark.parametrize("token", [VIEWER, OPERATOR])
def test_a_token_opens_the_console(console, token):
    answer = console.log_in(token)

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert console.get("/").status_code == 200


def test_a_wrong_token_opens_nothing(console):
    assert console.log_in("x" * 40).status_code == 401
    assert console.get("/").status_code == 303


def test_the_log_in_page_says_where_a_token_comes_from_and_promises_nothing_else(console):
    page = console.get("/login").text
    assert "make sandbox" in page
    assert "Times are those of Paris" not in page
    console.log_in(OPERATOR)
    assert "Times are those of Paris" in console.get("/").text


def test_the_page_before_is_shown_after_the_login_but_never_another_site(console):
    for further, led_to in {
        "/replies?country=FR": "/replies?country=FR",
        "//evil.example/": "/",
        "/\\evil.example/": "/",
        "https://evil.example/": "/",
        "/\r\nSet-Cookie: a=b": "/",
    }.items():
        answer = console.post("/login", {"token": OPERATOR, "next": further})
        assert answer.headers["location"] == led_to


def test_five_failures_in_a_minute_close_the_door_to_one_address_only(console, console_url, redis_client):
    for _ in range(FAILURES_MAX):
        assert console.log_in("wrong").status_code == 401
    refused = console.log_in(OPERATOR)
    with ConsoleClient(console_settings(console_url), address="192.0.2.2") as other:
        assert other.log_in(OPERATOR).status_code == 303

    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "60"
    [key] = redis_client.keys(KEYS.console_failed("*"))
    assert 0 < redis_client.ttl(key) <= 60
    assert b"192.0.2.1" not in key


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", 429),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", 303),
        ("192.0.2.3", "::ffff:192.0.2.3", 429),
        ("proxy", "proxy", 429),
    ],
)
def test_a_line_with_many_addresses_of_ipv6_is_one(console_url, first, second, status):
    with ConsoleClient(console_settings(console_url), address=first) as one:
        for _ in range(FAILURES_MAX):
            assert one.log_in("wrong").status_code == 401
    with ConsoleClient(console_settings(console_url), address=second) as other:
        assert other.log_in(OPERATOR).status_code == status


def test_many_people_of_one_office_log_in_at_once(redis_url):
    async def log_in_all():
        async with connect_async(redis_url, SENDING) as client:
            people = console_settings(redis_url).people
            sessions = Sessions(client, KEYS, people)
            return await asyncio.gather(*(sessions.log_in("192.0.2.9", OPERATOR) for _ in range(30)))

    assert None not in asyncio.run(log_in_all())


def test_a_right_token_does_not_open_the_door_to_further_tries(console):
    for _ in range(FAILURES_MAX - 1):
        console.log_in("wrong")
    assert console.log_in(OPERATOR).status_code == 303
    assert console.log_in("wrong").status_code == 401

    assert console.log_in(OPERATOR).status_code == 429


def test_the_door_opens_again_after_a_minute(console, redis_client):
    for _ in range(FAILURES_MAX + 1):
        console.log_in("wrong")
    [key] = redis_client.keys(KEYS.console_failed("*"))
    redis_client.delete(key)  # as its end of life does

    assert console.log_in(OPERATOR).status_code == 303


# Sessions.


def test_redis_keeps_neither_session_nor_token(console, redis_client):
    cookie = console.log_in(OPERATOR).cookies["octopush"]
    dump = b" ".join(
        part for key in redis_client.scan_iter() for part in (key, redis_client.dump(key) or b"")
    )

    assert len(cookie) == 43
    assert cookie.encode() not in dump
    assert OPERATOR.encode() not in dump


def test_a_session_ends_after_twelve_hours(console, redis_client):
    console.log_in(OPERATOR)
    [key] = sessions(redis_client)

    assert 12 * 3600 - 5 < redis_client.ttl(key) <= 12 * 3600


def test_logging_out_ends_the_session_itself(console, redis_client):
    cookie = console.log_in(OPERATOR).cookies["octopush"]
    console.post("/logout")

    assert sessions(redis_client) == []
    console.http.cookies.set("octopush", cookie)
    assert console.get("/").status_code == 303


def test_logging_out_everywhere_ends_the_sessions_of_one_person_on_all_machines(console, console_url):
    with (
        ConsoleClient(console_settings(console_url)) as elsewhere,
        ConsoleClient(console_settings(console_url)) as anna,
    ):
        console.log_in(OPERATOR)
        elsewhere.log_in(OPERATOR)
        anna.log_in(VIEWER)
        console.post("/logout", {"everywhere": "1"})

        assert elsewhere.get("/").status_code == 303
        assert anna.get("/").status_code == 200


def test_after_log_out_everywhere_one_can_log_in_within_the_same_second(console):
    console.log_in(OPERATOR)
    console.post("/logout", {"everywhere": "1"})
    console.log_in(OPERATOR)

    assert console.get("/").status_code == 200


def test_a_clock_that_went_back_keeps_no_session_alive(console, redis_client):
    """What says that sessions have ended, and which, is no time."""
    console.log_in(OPERATOR)
    console.post("/logout", {"everywhere": "1"})
    console.log_in(OPERATOR)
    [key] = sessions(redis_client)

    assert redis_client.get(key).rpartition(b" ")[2] == b"1"
    assert redis_client.get(KEYS.console_revoked("ben")) == b"1"


def test_a_token_that_leaves_the_settings_takes_its_sessions_with_it(console, console_url):
    cookie = console.log_in(OPERATOR).cookies["octopush"]
    changed = (Secret(f"operator:ben:{OPERATOR}x"), Secret(f"viewer:anna:{VIEWER}"))
    with ConsoleClient(console_settings(console_url, tokens=changed)) as later:
        later.http.cookies.set("octopush", cookie)
        assert later.get("/").status_code == 303


def test_a_made_up_session_is_none(console):
    for cookie in ("", "x", "x" * 43, "x" * 5000, "\u00e9" * 43):
        console.http.cookies.clear()
        assert console.get("/", cookie=f"octopush={cookie}").status_code == 303


def test_the_cookie_stays_in_the_browser_and_on_this_site(console, console_url):
    plain = console.log_in(OPERATOR).headers["set-cookie"]
    with ConsoleClient(
        console_settings(console_url, hosts="console.example"), "https://console.example"
    ) as secure:
        prefixed = secure.log_in(OPERATOR).headers["set-cookie"]
        assert secure.get("/").status_code == 200

    assert plain.startswith("octopush=")
    assert prefixed.startswith("__Host-octopush=")
    for word in ("HttpOnly", "SameSite=strict", "Path=/"):
        assert word in plain
        assert word in prefixed
    assert "Secure" in prefixed
    assert "Domain" not in prefixed


def test_behind_a_proxy_that_takes_tls_off_the_cookie_is_still_secure(console_url):
    settings = console_settings(console_url, hosts="console.example")
    with ConsoleClient(settings, "http://console.example") as behind:
        answer = behind.post("/login", {"token": OPERATOR}, origin="https://console.example")

    assert answer.headers["set-cookie"].startswith("__Host-octopush=")


def test_no_token_is_taken_that_came_in_clear_from_another_machine(console_url, redis_client):
    with ConsoleClient(
        console_settings(console_url, hosts="console.example"), "http://console.example"
    ) as clear:
        answer = clear.log_in(OPERATOR)

    assert answer.status_code == 400
    assert sessions(redis_client) == []


def test_a_link_in_a_mail_leads_to_its_page_although_the_cookie_is_strict(console):
    """Browsers send a strict cookie only if a page of this site asks: so one of ours asks once more."""
    answer = console.get("/replies", sec_fetch_site="cross-site", sec_fetch_mode="navigate")

    assert answer.status_code == 200
    assert '<meta http-equiv="refresh" content="0">' in answer.text
    assert '<a href="/replies">' in answer.text


# Other sites.


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "none"},
        {"sec_fetch_site": "", "origin": "https://evil.example"},
        {"sec_fetch_site": "", "origin": "http://127.0.0.1:9999"},
        {"sec_fetch_site": "", "origin": "null"},
        {"sec_fetch_site": "", "origin": ""},
        {"sec_fetch_site": "", "origin": "http://["},
    ],
)
@pytest.mark.parametrize("path", ["/login", "/logout", "/reveal", "/limits", "/conversations", "/nowhere"])
def test_no_other_site_acts_here(console, redis_client, headers, path):
    console.log_in(OPERATOR)

    assert console.post(path, {"token": OPERATOR, "rate": "7"}, **headers).status_code == 403
    assert redis_client.hget(KEYS.limits, "rate") is None
    assert len(sessions(redis_client)) == 1


def test_without_fetch_metadata_the_origin_says_where_a_form_comes_from(console):
    console.log_in(OPERATOR)

    assert console.post("/limits", {"rate": "7"}, sec_fetch_site="").status_code == 303


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "127.0.0.1.evil.example", "192.0.2.7:8001", "localhost@evil.example"),
        *("[::1]evil.example", "[::1", "localhost:8001:evil", ""),
    ],
)
def test_no_foreign_name_leads_here(console, host):
    console.log_in(OPERATOR)

    assert console.get("/", host=host).status_code == 421
    assert console.get("/static/console.js", host=host).status_code == 421


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8001", "localhost", "LOCALHOST:1", "[::1]:8001", "console.example"]
)
def test_names_of_this_machine_and_those_of_the_settings_lead_here(console_url, host):
    with ConsoleClient(console_settings(console_url, hosts="console.example")) as console:
        assert console.get("/login", host=host).status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/login", "/static/console.css", "/healthz", "/nowhere", "/replies?from=x"]
)
def test_every_answer_tells_the_browser_what_it_may_not_do(console, path):
    for answer in (console.get(path), console.post(path, sec_fetch_site="cross-site")):
        headers = answer.headers
        assert headers["content-security-policy"] == POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cache-control"] in {"no-store", "no-cache"}
        assert headers["cache-control"] == "no-store" or path.startswith("/static")
    assert "unsafe" not in POLICY
    assert POLICY.startswith("default-src 'none'; script-src 'self'; style-src 'self'")


# Roles and forms.


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/reveal", {"of": "reply:1-0"}),
        ("/limits", {"rate": "7"}),
        ("/release", {}),
        ("/release-breaker", {"name": "x"}),
        (f"/conversations/{'a' * 40}/answer", {"text": "Hi", "do": "send"}),
    ],
)
def test_a_viewer_acts_nowhere(console, redis_client, path, form):
    console.log_in(VIEWER)
    before = redis_client.xlen(KEYS.audit)
    answer = console.post(path, form)

    assert answer.status_code == 403
    assert "Nothing was done" in answer.text
    assert redis_client.xlen(KEYS.audit) == before
    assert redis_client.hget(KEYS.limits, "rate") is None


def test_a_form_is_small_and_a_form(console):
    console.log_in(OPERATOR)

    assert console.post("/limits", {"rate": "1" * 20_000}).status_code == 413
    assert console.post("/limits", {"rate": "1"}, content_type="application/json").status_code == 415
    assert console.post("/limits", {f"f{n}": "" for n in range(200)}).status_code == 400


def test_nothing_is_done_by_looking(console):
    console.log_in(OPERATOR)

    for path in ("/logout", "/reveal", "/limits", "/release", f"/conversations/{'a' * 40}/answer"):
        assert console.get(path).status_code == 405
