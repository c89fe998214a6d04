"""docs/operating.md speaks of what there is: log lines, metrics and keys by their names."""

import re

import pytest

from producers import exposition, metrics
from producers.contract import key_table, money_figures
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


def test_every_metric_that_is_named_exists():
    named = {name for span in SPANS for name in re.findall(r"octopush_(\w+)", span)}

    written = "".join(text(each.__file__) for each in (metrics, exposition, money_figures))
    assert named
    assert {name for name in named if f'"{name}"' not in written and f"'{name}{{" not in written} == set()


def test_every_key_that_is_named_exists():
    """A key is named with an example for what stands in angle brackets in the table of keys."""
    rows = re.findall(r"``([^`]+)``", key_table.__doc__)
    patterns = [re.sub(r"<[^>]+>", "[^:]+", row) for row in rows]
    named = {key for span in SPANS for key in re.findall(r"\{sms\}:([\w:-]+)", span)}

    assert named
    assert [key for key in named if not any(re.fullmatch(pattern, key) for pattern in patterns)] == []
