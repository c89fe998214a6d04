"""docs/operating.md speaks of what there is: log lines and keys by their names."""

import re

import pytest

from producers.contract import key_table
from tests.house.repository import modules, text

PAGE = text("docs/operating.md")
#: What is in code spans, without quotes around keys.
SPANS = re.findall(r"`([^`\n]+)`", PAGE)


def error_lines() -> set[str]:
    """Return the names of log lines at level error that the worker's code spells out."""
    calls = (re.findall(r'\.error\(\s*"([a-z]+\.[a-z_]+)"', text(path)) for path in modules("worker"))
    return {line for found in calls for line in found}


@pytest.mark.parametrize("line", sorted(error_lines()))
def test_every_log_line_that_somebody_has_to_look_at_is_explained(line):
    assert line in SPANS


def test_every_key_that_is_named_exists():
    """A key is named with an example for what stands in angle brackets in the table of keys."""
    rows = re.findall(r"``([^`]+)``", key_table.__doc__)
    patterns = [re.sub(r"<[^>]+>", "[^:]+", row) for row in rows]
    named = {key for span in SPANS for key in re.findall(r"\{sms\}:([\w:-]+)", span)}

    assert named
    assert [key for key in named if not any(re.fullmatch(pattern, key) for pattern in patterns)] == []
