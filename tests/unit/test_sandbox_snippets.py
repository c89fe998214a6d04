"""What `octopush-worker sandbox` prints can be pasted as it stands."""

import re
from datetime import UTC, datetime

from producers.rules.hours import Hours
from producers.settings import ProducerSettings
from worker.api.settings import ApiSettings, read_token
from worker.sandbox.environments import ANY_HOUR
from worker.sandbox.printed import instructions

TOKEN = "0123456789-abcdefghijklmnopqrstuvwxyz"
PRINTED = instructions(
    "unix:///tmp/x/redis.sock",
    "http://127.0.0.1:1",
    "http://127.0.0.1:2/callbacks/x",
    "http://127.0.0.1:4/v1/public",
    "http://127.0.0.1:3",
    "secret",
    TOKEN,
)


def test_the_python_snippets_are_python_as_they_are_printed():
    snippets = re.findall(r"^ *from producers.*?(?=\n\n)", PRINTED, re.MULTILINE | re.DOTALL)

    assert len(snippets) == 2
    for snippet in snippets:
        compile(snippet, "<pasted>", "exec")


def test_the_phone_comes_first():
    first = re.search(r"\S+://\S+", PRINTED)

    assert first
    assert first[0] == "http://127.0.0.1:1/"


def test_what_other_terminals_need_is_one_block_that_can_be_pasted():
    block = """
export REDIS_URL=unix:///tmp/x/redis.sock
export ADMIN=http://127.0.0.1:1
export MARKETING_HOURS_FR=off MARKETING_HOURS_OTHER=off
"""
    assert f"\n{block}\n" in PRINTED


def test_the_http_api_and_the_examples_need_one_more_block_whose_token_the_api_takes():
    block = f"""
export OCTOPUSH_URL=http://127.0.0.1:{ApiSettings.port} OCTOPUSH_TOKEN={TOKEN}
export API_TOKENS=shop:send+read+campaign:{TOKEN}
"""
    assert f"\n{block}\n" in PRINTED
    assert read_token(block.split("API_TOKENS=")[1].strip())


def test_who_pastes_the_block_sends_marketing_at_the_hours_of_the_sandboxs_worker():
    pasted = dict(re.findall(r"(MARKETING_\w+)=(\S+)", PRINTED))

    assert pasted == ANY_HOUR
    sunday_night = datetime(2026, 3, 1, 3, tzinfo=UTC)
    assert Hours(ProducerSettings.from_env({})).common_opening(["FR"], sunday_night) > sunday_night
    assert Hours(ProducerSettings.from_env(pasted)).common_opening(["FR"], sunday_night) == sunday_night


def test_a_worker_of_ones_own_is_told_where_the_gateway_is():
    assert "A worker of your own calls:  OCTOPUSH_BASE_URL=http://127.0.0.1:4/v1/public" in PRINTED
