"""docs/streams.md is a contract: its tables list the fields that entries have, no more and no fewer."""

import re
from pathlib import Path

import pytest

from producers.contract.settings import RedisSettings
from producers.events import ENTRY_VERSION, TYPES
from producers.reading.membership import Membership

PAGE = (Path(__file__).parents[2] / "docs" / "streams.md").read_text("utf-8")


@pytest.mark.parametrize("stream", TYPES)
def test_the_table_of_a_stream_lists_its_fields_in_order(stream):
    section = PAGE.split(f"\n### {stream}\n")[1].split("\n#")[0]

    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == ["v", *TYPES[stream].__struct_fields__]


@pytest.mark.parametrize("stream", TYPES)
def test_only_what_may_be_absent_may_be_empty(stream):
    section = PAGE.split(f"\n### {stream}\n")[1].split("\n#")[0]
    may_be_empty = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", section, re.MULTILINE))
    hints = TYPES[stream].__annotations__

    for name, hint in hints.items():
        absent = name == "context" or type(None) in getattr(hint, "__args__", ())
        assert ("or empty" in may_be_empty[name]) == absent, name


def test_the_numbers_on_the_page_are_the_defaults():
    settings = RedisSettings()
    member = Membership(prefix="{sms}:", stream="s", group="g", consumer="c")

    assert f"(version {ENTRY_VERSION}" in PAGE or f"for version {ENTRY_VERSION} of the entries" in PAGE
    assert f"`STREAM_MAXLEN` entries ({settings.stream_maxlen:,} by default)" in PAGE
    assert f"`RECORD_RETENTION_DAYS` ({settings.retention_days} days by default)" in PAGE
    assert f"`idle_s` ({member.idle_s:g})" in PAGE
    assert f"delivered {['', 'one', 'two', 'three', 'four', 'five'][member.max_deliveries]} times" in PAGE
    assert f"About {member.poison_maxlen:,} entries are kept" in PAGE
