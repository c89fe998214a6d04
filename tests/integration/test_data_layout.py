"""The data in Redis have a layout: who does not serve it touches nothing, and says what to do."""

import dataclasses
import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from producers import Producer
from producers.contract.heartbeats import Rules, layouts_of, name_worker
from producers.contract.jobs import LAYOUT
from producers.contract.keys import Keys
from producers.contract.steps import drive
from producers.errors import QueueRefused, UnservedLayout
from producers.feeds import Feed
from producers.settings import ProducerSettings
from tests.support.installation import TOKEN, bare_environment
from worker.cli import main
from worker.inquiry.layouts import read_layouts
from worker.operator.layout_decision import raising_layout

KEYS = Keys()
NEXT = LAYOUT + 1
WORDS = (
    f"refuses this release: the data have layout {NEXT}, and it serves layouts up to {LAYOUT}. "
    f"Install a release that serves layout {NEXT}: see docs/upgrades.md"
)
RULES = Rules("1", "2026a", "0123456789abcdef")


def everything(client):
    return {key: client.dump(key) for key in sorted(client.keys("*"))}


@pytest.fixture
def sms(redis_url, redis_client):
    with Producer(redis_url) as producer:
        yield producer


def send(sms):
    return sms.send("+33612345678", "Hello", sender="Bistro", purpose="alert", request_id="one")


def raise_it(client, layout=NEXT):
    return raising_layout(KEYS, "ben", layout).run(client)


def test_the_first_process_of_an_installation_notes_the_newest_layout(sms, redis_client):
    send(sms)
    assert redis_client.get(KEYS.layout) == str(LAYOUT).encode()


def test_data_without_a_version_are_of_the_first_and_stay_so(sms, redis_client):
    send(sms)
    redis_client.delete(KEYS.layout)
    with Producer(str(sms._settings.redis_url)) as other:
        assert other.status("one").state == "queued"
        assert not send(other).created
    assert redis_client.get(KEYS.layout) is None
    assert drive(read_layouts(KEYS), redis_client).data == 1


def test_raised_data_are_left_alone_by_a_producer_that_knew_them_before(sms, redis_client):
    send(sms)
    raise_it(redis_client)
    before = everything(redis_client)

    for call in (lambda: send(sms), lambda: sms.status("one"), lambda: sms.cancel("one")):
        with pytest.raises(UnservedLayout, match=WORDS) as caught:
            call()
        assert isinstance(caught.value, QueueRefused)
        assert caught.value.request_ids == ("one",)

    with pytest.raises(UnservedLayout, match=WORDS):
        next(iter(Feed("replies", group="a", redis_url=str(sms._settings.redis_url))))
    assert everything(redis_client) == before


def test_a_command_and_the_start_of_a_worker_say_in_one_line_what_is_needed(sms, redis_client, redis_url):
    send(sms)
    raise_it(redis_client)
    before = everything(redis_client)

    told = CliRunner().invoke(main, ["status"], env={"REDIS_URL": redis_url})
    assert (told.exit_code, told.stderr) == (1, f"Error: Redis at {redis_url} {WORDS}\n")

    environ = {
        **bare_environment(),
        "REDIS_URL": redis_url,
        "OCTOPUSH_API_LOGIN": "a@example.com",
        "OCTOPUSH_API_KEY": "k",
        "CALLBACK_TOKENS": TOKEN,
    }
    line = [sys.executable, "-c", "from worker.main import setup; setup()"]
    ended = subprocess.run(line, env=environ, capture_output=True, text=True, timeout=60, check=False)
    said = [json.loads(each) for each in (ended.stdout + ended.stderr).splitlines() if "refused_to" in each]
    assert ended.returncode == 1
    assert [each["problem"] for each in said] == [f"Redis at {redis_url} {WORDS}"]
    assert everything(redis_client) == before


def test_the_layout_is_shown_also_where_it_is_not_served(sms, redis_client, redis_url):
    send(sms)
    raise_it(redis_client)

    told = CliRunner().invoke(main, ["layout", "show", "--json"], env={"REDIS_URL": redis_url})

    assert json.loads(told.stdout) == {"v": 1, "layout": NEXT, "serves": LAYOUT, "workers": {}}


def test_a_layout_is_raised_once_and_by_a_person_who_is_noted(redis_client):
    assert raise_it(redis_client) == (NEXT, 0)
    [(_, noted)] = redis_client.xrange(KEYS.audit)
    assert (noted[b"action"], noted[b"by"], noted[b"from"], noted[b"to"]) == (
        b"raise_layout",
        b"ben",
        str(LAYOUT).encode(),
        str(NEXT).encode(),
    )


def test_raising_again_or_lower_changes_nothing(redis_client, redis_url):
    for _ in range(2):
        told = CliRunner().invoke(main, ["layout", "raise"], env={"REDIS_URL": redis_url})
        assert (told.exit_code, told.stdout) == (0, f"the data have layout {LAYOUT}\n")
    assert raise_it(redis_client, LAYOUT - 1) == (LAYOUT, 0)
    assert redis_client.xlen(KEYS.audit) == 0


@pytest.mark.parametrize("name", [name_worker("host:1:ab", RULES, LAYOUT), " ".join(("host:1:ab", *RULES))])
def test_nobody_raises_a_layout_while_a_worker_lives_that_does_not_serve_it(redis_client, name):
    seconds, _ = redis_client.time()
    newer = name_worker("host:2:cd", RULES, NEXT)
    redis_client.zadd(KEYS.workers, {name: seconds * 1000, newer: seconds * 1000})
    before = everything(redis_client)

    assert raise_it(redis_client) == (LAYOUT, 1)
    assert everything(redis_client) == before
    assert layouts_of([name, newer]) == {LAYOUT: 1, NEXT: 1}

    redis_client.zadd(KEYS.workers, {name: seconds * 1000 - 60_000})
    assert raise_it(redis_client) == (NEXT, 0)


def test_each_namespace_has_a_layout_of_its_own(sms, redis_client):
    other = dataclasses.replace(ProducerSettings().at(str(sms._settings.redis_url)), namespace="other")
    raise_it(redis_client)
    with Producer(settings=other) as apart:
        assert send(apart).created
