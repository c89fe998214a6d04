"""Replies in the console: by country, date, text and match; numbers masked; exports; nothing that harms."""

import contextlib
import csv
import io
import json
import re
from collections.abc import Callable

import msgspec
import pytest
from click.testing import CliRunner

from producers.contract.keys import Keys
from producers.contract.phone import mask
from tests.support.console_client import OPERATOR
from tests.support.csv_cells import without_apostrophe
from tests.support.hostile_texts import HOSTILE_TEXTS
from tests.support.html import Html
from tests.support.pseudonyms import pseudonyms
from tests.support.reply_events import publish_replies
from worker.cli import main
from worker.console.pages import exports
from worker.presentation.visible import visible

KEYS = Keys("sms")
NUMBER, BELGIAN = "+33612345678", "+32470123456"
#: What the skeleton of the page consists of; nothing that somebody writes may add to it.
EVENTS = re.compile(r"^on|^style$")


def audited(client, action: str) -> list[dict[str, str]]:
    entries = [
        {name.decode(): value.decode() for name, value in fields.items()}
        for _, fields in client.xrange(KEYS.audit)
    ]
    return [entry for entry in entries if entry["action"] == action]


def shown(answer) -> list[str]:
    """The texts of the replies on a page."""
    return re.findall(r'<bdi dir="auto" class="foreign">(.*?)</bdi>', answer.text, re.DOTALL)


def older(answer) -> str | None:
    found = re.search(r'<a href="([^"]*)" rel="next"', answer.text)
    return found and found[1].replace("&amp;", "&")


# What is shown.


def test_without_replies_the_page_says_what_to_look_at(viewer):
    assert "No replies yet. Is the callback URL set at Octopush?" in viewer.get("/replies").text


def test_the_newest_come_first_and_older_ones_page_by_page(viewer, redis_client):
    publish_replies(redis_client, *(f"text {n}" for n in range(120)))
    first = viewer.get("/replies")
    second = viewer.get(older(first))
    third = viewer.get(older(second))

    assert [shown(page)[0] for page in (first, second, third)] == ["text 119", "text 69", "text 19"]
    assert [len(shown(page)) for page in (first, second, third)] == [50, 50, 20]
    assert older(third) is None


def test_a_page_that_was_turned_stays_where_it_is_when_more_comes(viewer, redis_client):
    publish_replies(redis_client, *(f"text {n}" for n in range(60)))
    second = older(viewer.get("/replies"))
    publish_replies(redis_client, "later", number=BELGIAN)

    assert shown(viewer.get(second))[0] == "text 9"


def test_filters_find_by_country_text_and_match(viewer, redis_client):
    publish_replies(redis_client, "Été", "Non", request_id="a", match="ticket")
    publish_replies(redis_client, "Peut-être", number=BELGIAN, match="none")

    assert shown(viewer.get("/replies?country=BE")) == ["Peut-être"]
    assert shown(viewer.get("/replies?q=ete")) == ["Été"]
    assert shown(viewer.get("/replies?match=none")) == ["Peut-être"]
    assert shown(viewer.get("/replies?match=ticket&country=FR")) == ["Non", "Été"]
    assert "No such replies." in viewer.get("/replies?country=DE").text


def test_a_match_is_called_by_its_words(viewer, redis_client):
    publish_replies(redis_client, "Oui", match="none")
    page = viewer.get("/replies?match=none").text

    assert re.findall(r'<option value="\w*"[^>]*>(\w[^<(]*)</option>', page.partition('name="match"')[2]) == [
        *("All", "by ticket", "by number", "none")
    ]
    assert '<span class="state plain">none</span>' in page


def test_filters_find_by_date(viewer, redis_client):
    publish_replies(redis_client, "today")

    assert shown(viewer.get("/replies?from=2020-01-01&to=2090-12-31")) == ["today"]
    assert shown(viewer.get("/replies?from=2090-01-01")) == []
    assert shown(viewer.get("/replies?to=2020-01-01")) == []


def test_a_filter_keeps_its_place_in_form_links_and_exports(viewer, redis_client):
    publish_replies(redis_client, *(f"oui {n}" for n in range(60)))
    page = viewer.get("/replies?country=FR&q=oui")

    assert older(page).startswith("/replies?country=FR&q=oui&before=")
    assert "/replies.csv?country=FR&amp;q=oui" in page.text
    assert '<option value="FR" selected>FR (60)</option>' in page.text


@pytest.mark.parametrize(
    "query", ["from=yesterday", "to=x", "match=maybe", "country=France", "q=%2B33612345678"]
)
def test_what_cannot_be_looked_for_is_said_at_its_field(viewer, query):
    name = query.partition("=")[0]
    answer = viewer.get(f"/replies?{query}")

    assert answer.status_code == 422
    assert f'href="#f-{name}"' in answer.text
    assert f'id="f-{name}"' in answer.text
    assert "33612345678" not in answer.text
    assert viewer.get("/replies.csv?" + query).status_code == 400


@pytest.mark.parametrize("before", ["x", "99999999999999999999-1", "1-99999999999999999999"])
@pytest.mark.parametrize("path", ["/replies", "/replies?to=2026-11-01", "/optouts", "/quarantine", "/audit"])
def test_an_address_that_was_tampered_with_is_refused(viewer, path, before):
    answer = viewer.get(path + ("&" if "?" in path else "?") + f"before={before}")

    assert answer.status_code == 400


@pytest.mark.parametrize("query", ["from=1950-01-01", "to=0001-01-01", "from=1950-01-01&to=1960-01-01"])
@pytest.mark.parametrize("country", ["", "&country=FR"])
def test_a_day_before_there_were_streams_is_a_day(viewer, redis_client, query, country):
    publish_replies(redis_client, "now")

    assert shown(viewer.get(f"/replies?{query}{country}")) == ([] if "to=" in query else ["now"])


def test_an_entry_that_nobody_can_read_leaves_the_others_readable(viewer, redis_client):
    publish_replies(redis_client, "before")
    redis_client.xadd(KEYS.stream("replies"), {"v": "99", "text": "of another version"})
    publish_replies(redis_client, "after", number=BELGIAN)
    page = viewer.get("/replies")

    assert shown(page) == ["after", "before"]
    assert "unreadable" in page.text


# Numbers.


def test_numbers_are_masked_until_an_operator_reveals_one(operator, viewer, redis_client):
    publish_replies(redis_client, "Oui", "Non")
    publish_replies(redis_client, "Ja", number=BELGIAN)
    page = operator.get("/replies")
    assert NUMBER not in page.text
    assert mask(NUMBER) in page.text
    [reference] = set(re.findall(r'name="of" value="([^"]*)"[^>]*>Reveal', page.text)[:1])

    answer = operator.post("/reveal", {"of": reference, "back": "/replies?country=BE"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/replies?country=BE")
    after = operator.get("/replies").text
    assert BELGIAN in after
    assert NUMBER not in after
    assert BELGIAN not in viewer.get("/replies").text
    assert "Reveal" not in viewer.get("/replies").text

    [entry] = audited(redis_client, "reveal")
    assert entry["by"] == "ben@console"
    assert entry["number"] == mask(BELGIAN)
    assert BELGIAN not in str(entry)


def test_a_number_is_shown_in_full_for_ten_minutes(operator, redis_client):
    publish_replies(redis_client, "Oui")
    [(entry, _)] = redis_client.xrange(KEYS.stream("replies"))
    operator.post("/reveal", {"of": f"reply:{entry.decode()}"})
    [key] = redis_client.keys(KEYS.console_revealed("*"))
    [(member, since)] = redis_client.zrange(key, 0, -1, withscores=True)

    assert NUMBER in operator.get("/replies").text
    assert NUMBER.encode() not in member
    assert 0 < redis_client.ttl(key) <= 600
    redis_client.zadd(key, {member: since - 601})
    assert NUMBER not in operator.get("/replies").text


@pytest.mark.parametrize(
    "reference",
    ["", "reply:", "reply:x", "reply:1-0", f"reply:{9**21}-0", "other:1", "talk:x", "talk:" + "a" * 40],
)
def test_what_names_no_number_reveals_none(operator, redis_client, reference):
    assert operator.post("/reveal", {"of": reference}).status_code in {400, 404}
    assert audited(redis_client, "reveal") == []


def test_no_address_carries_a_number(operator, redis_client):
    publish_replies(redis_client, "Oui")
    operator.post("/reveal", {"of": f"reply:{redis_client.xrange(KEYS.stream('replies'))[0][0].decode()}"})
    page = Html(operator.get("/replies").text)
    addresses = page.values("href") + page.values("action") + page.values("value")

    assert addresses
    assert not any(NUMBER in each or NUMBER[1:] in each for each in addresses)


# Exports.


def test_an_operators_export_is_complete_and_says_so_to_the_audit(operator, redis_client):
    texts = [f"oui {n}" for n in range(1203)]
    publish_replies(redis_client, *texts, "non")
    answer = operator.get("/replies.csv?q=oui&country=FR")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))

    assert answer.headers["content-disposition"] == 'attachment; filename="replies.csv"'
    assert [row["text"] for row in rows] == texts[::-1]
    assert {row["number"] for row in rows} == {NUMBER}
    [begun], [ended] = audited(redis_client, "export"), audited(redis_client, "exported")
    assert (begun["by"], begun["format"], begun["country"], begun["q"]) == ("ben@console", "csv", "FR", "yes")
    assert ended["rows"] == "1203"
    assert "oui" not in str(begun)


def test_a_viewers_export_is_masked(viewer, redis_client):
    publish_replies(redis_client, "Oui")

    for path in ("/replies.csv", "/replies.jsonl"):
        text = viewer.get(path).text
        assert NUMBER not in text
        assert mask(NUMBER) in text


def test_a_viewers_export_holds_nothing_from_which_a_number_can_be_found(viewer, operator, redis_client):
    context = {"phone": NUMBER, "digits": [NUMBER[1:], int(NUMBER)], NUMBER: 1, "booking": 12345678}
    publish_replies(redis_client, "Oui", context=context, event_id="e" * 32)
    name = pseudonyms(redis_client).seal("e" * 32)

    for path in ("/replies.csv", "/replies.jsonl"):
        text = viewer.get(path).text
        assert NUMBER[1:] not in text
        assert "12345678" in text
        assert name not in text  # made of number, text and date: with the key a million tries tell
        assert name in operator.get(path).text


@pytest.mark.parametrize("hint", [True, False])
def test_what_may_be_an_opt_out_is_said_wherever_replies_are_read(operator, redis_client, redis_url, hint):
    publish_replies(redis_client, "Don't stop", optout_hint=hint)
    env = {"REDIS_URL": redis_url}

    assert ("an opt-out?" in operator.get("/replies").text) is hint
    assert json.loads(operator.get("/replies.jsonl").text.splitlines()[0])["optout_hint"] is hint
    assert ("(an opt-out?)" in CliRunner().invoke(main, ["replies"], env=env).output) is hint
    told = CliRunner().invoke(main, ["replies", "--json"], env=env).output
    assert json.loads(told)["replies"][0]["optout_hint"] is hint


def test_an_export_and_the_command_write_the_same_columns_and_objects(operator, redis_client, redis_url):
    publish_replies(redis_client, "Oui", context={"booking": 42}, match="ticket", ticket="sms_1")
    redis_client.xadd(KEYS.stream("replies"), {"v": "99", "text": "of another version"})

    def told(*options: str) -> str:
        command = ["replies", "--reveal", *options]
        return CliRunner().invoke(main, command, env={"REDIS_URL": redis_url}).stdout_bytes.decode()

    assert operator.get("/replies.csv").text == told("--csv")
    lines = [json.loads(line) for line in operator.get("/replies.jsonl").text.splitlines()]
    assert [{**each, "v": 1} for each in json.loads(told("--json"))["replies"]] == lines
    assert [line.get("unreadable") for line in lines] == [True, None]


def test_an_export_of_nothing_is_a_header_only(viewer):
    assert viewer.get("/replies.csv").text.count("\r\n") == 1
    assert viewer.get("/replies.jsonl").text == ""


def test_an_export_ends_at_its_largest_size(viewer, redis_client, monkeypatch):
    monkeypatch.setattr(exports, "ROWS_MAX", 700)
    publish_replies(redis_client, *map(str, range(800)))

    assert len(viewer.get("/replies.jsonl").text.splitlines()) == 700


def test_one_person_exports_one_thing_at_a_time(viewer, operator, redis_client):
    redis_client.set(KEYS.console_export("anna"), "running", ex=60)

    assert viewer.get("/replies.csv").status_code == 429
    assert operator.get("/replies.csv").status_code == 200
    assert redis_client.get(KEYS.console_export("anna")) == b"running"
    assert redis_client.get(KEYS.console_export("ben")) is None


def test_an_export_that_breaks_is_no_complete_file(viewer, redis_client):
    publish_replies(redis_client, *map(str, range(800)))
    redis_client.acl_setuser("console", enabled=True, commands=["-xrevrange"])

    with pytest.raises(RuntimeError, match="ended early"):
        viewer.get("/replies.csv")
    assert audited(redis_client, "exported")[0]["rows"] == "0"
    assert redis_client.get(KEYS.console_export("anna")) is None


@pytest.fixture
def stalled(monkeypatch):
    """Let something happen between the first and the second block of an export."""
    meanwhile: list[Callable[[], object]] = []
    find = exports.replies.find

    def found(keys, asked, cursor, *, most):
        if cursor is not None and meanwhile:
            meanwhile.pop()()
        return find(keys, asked, cursor, most=most)

    monkeypatch.setattr(exports.replies, "find", found)
    return meanwhile


def test_an_export_that_stood_still_is_complete(viewer, redis_client, stalled):
    publish_replies(redis_client, *map(str, range(800)))
    stalled.append(lambda: redis_client.delete(KEYS.console_export("anna")))  # as its end of life does

    assert len(viewer.get("/replies.jsonl").text.splitlines()) == 800
    assert redis_client.get(KEYS.console_export("anna")) is None


def test_an_export_that_another_one_has_overtaken_is_no_complete_file(viewer, redis_client, stalled):
    publish_replies(redis_client, *map(str, range(800)))
    stalled.append(lambda: redis_client.set(KEYS.console_export("anna"), "another"))

    with pytest.raises(RuntimeError, match="ended early"):
        viewer.get("/replies.jsonl")
    assert redis_client.get(KEYS.console_export("anna")) == b"another"


# Nothing that somebody writes does harm.


@pytest.fixture
def attacked(redis_client) -> list[str]:
    """Publish the corpus, and return the texts as Redis holds them, oldest first."""
    for place, text in enumerate(HOSTILE_TEXTS.values()):
        # Half surrogates reach no Redis.
        with contextlib.suppress(UnicodeEncodeError):
            publish_replies(redis_client, text, event_id=f"event-{place}")
    return [fields[b"text"].decode() for _, fields in redis_client.xrange(KEYS.stream("replies"))]


def test_the_page_shows_hostile_texts_and_does_what_none_of_them_says(operator, redis_client, attacked):
    publish_replies(redis_client, "harmless", event_id="harmless", number=BELGIAN)
    seen, harmless, path = [], set(), "/replies"
    while path:
        answer = operator.get(path)
        page = Html(answer.text)
        assert not {"img", "style", "iframe", "svg"} & page.names()
        assert [a.get("src") for name, a in page.elements if name == "script"] == ["/static/console.js"]
        assert not [name for _, attributes in page.elements for name in attributes if EVENTS.match(name)]
        assert not any(link.startswith(("http", "javascript", "//")) for link in page.values("href"))
        seen += [Html(text).text for text in shown(answer)]
        harmless |= page.names()
        path = older(answer)

    expected = [visible(text, lines=True) for text in attacked[::-1] if text]
    assert seen == ["harmless", *expected]
    assert "h1" in harmless


def test_csv_executes_nothing_and_loses_nothing(operator, attacked):
    answer = operator.get("/replies.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"), newline="")))

    assert [without_apostrophe(row["text"]) for row in rows] == attacked[::-1]
    assert not any(row["text"].startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows)


def test_json_lines_are_raw_and_one_object_each(operator, attacked):
    lines = operator.get("/replies.jsonl").content.splitlines()

    assert [msgspec.json.decode(line)["text"] for line in lines] == attacked[::-1]
    assert [json.loads(line)["text"] for line in lines] == attacked[::-1]


def test_no_page_writes_texts_numbers_or_tokens_into_a_log(redis_client, console, capfd, caplog):
    """Not even one that fails on them: the words of an error may quote what it could not read."""
    publish_replies(redis_client, "a secret text")
    console.log_in(OPERATOR)
    console.get("/replies?q=secret")
    redis_client.hset(KEYS.campaign("spring"), mapping={"started": "a secret text of +33612345678"})
    assert console.get("/campaigns/spring").status_code == 500

    written = "".join([*capfd.readouterr(), caplog.text])
    assert "a page failed with ValueError" in caplog.text
    for secret in ("secret", NUMBER, OPERATOR):
        assert secret not in written


def test_the_countries_fail_alone(viewer, redis_client):
    publish_replies(redis_client, "Oui")
    redis_client.hset(KEYS.stream("replies:countries"), "FR", "many")

    assert shown(viewer.get("/replies")) == ["Oui"]


def test_dates_the_wrong_way_round_are_said_at_their_field(viewer, redis_client):
    publish_replies(redis_client, "Oui")

    page = viewer.get("/replies?from=2026-11-05&to=2026-11-01")

    assert page.status_code == 422
    assert page.text.count("To 2026-11-01 is before From 2026-11-05: nothing lies between them.") == 1
    assert "This filter finds nothing:" in page.text
    assert "left out" not in page.text
    assert 'id="n-to"' in page.text
    assert 'aria-invalid="true" aria-describedby="n-to"' in page.text
    assert viewer.get("/replies.csv?from=2026-11-05&to=2026-11-01").status_code == 400
    assert viewer.get("/replies?from=2026-11-05&to=2026-11-05").status_code == 200


@pytest.mark.parametrize("query", ["", "&country=FR", "&q=oui"])
def test_dates_the_wrong_way_round_find_nothing(viewer, redis_client, query):
    """Neither half of the filter is left out: each alone finds the reply."""
    publish_replies(redis_client, "Oui")

    assert shown(viewer.get("/replies?from=2020-01-01&to=2090-01-01" + query)) == ["Oui"]
    assert shown(viewer.get("/replies?from=2090-01-01&to=2089-12-31" + query)) == []
    assert shown(viewer.get("/replies?from=2020-01-01&to=2019-12-31" + query)) == []
