"""docs/tracing.md lists every attribute of a span and every field that Sentry gets, and no other."""

import re

from producers.contract.span_names import ATTRIBUTES
from tests.house.repository import rows, text
from worker.process.sentry import TOLD


def test_the_table_of_attributes_has_the_names_and_words_of_the_code():
    table = {cells[0].strip("`"): cells[1] for cells in rows("docs/tracing.md", "Attributes")}
    assert table == ATTRIBUTES


def test_the_page_names_the_fields_of_a_line_that_sentry_gets():
    section = text("docs/tracing.md").split("\n## Sentry\n")[1]
    named = section.split("words and figures:")[1].split(". All else")[0]
    assert set(re.findall(r"`(\w+)`", named)) == TOLD


def test_only_one_module_has_names_of_attributes():
    for path in ("producers/contract/tracing.py", "producers/queueing/traced.py", "worker/sending/spans.py"):
        assert not [name for name in ATTRIBUTES if name in text(path)], path
