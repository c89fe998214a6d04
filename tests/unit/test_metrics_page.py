"""The metrics page: well-formed, and honest when Redis is away."""

import re

from producers.contract.forwarder_figures import RESULTS, ForwarderFigures
from producers.contract.kinds import TYPES
from producers.contract.settings import RedisSettings
from producers.metrics import Found, Gauges

#: One number of each queue, state and gate, and two of each stream that is read; workers, missing receipts.
COUNTS = list(range(29 + 2 * len(TYPES)))
FORWARDERS = [
    ForwarderFigures(name, 1, 2, 3, 4, is_held=True, tried=dict.fromkeys(RESULTS, 5))
    for name in ("bookings", "shop-2")
]
FOUND = Found(COUNTS, FORWARDERS)
LINE = re.compile(r'octopush_[a-z_]+(\{[a-z]+="[\w-]+"(,[a-z]+="\w+")?\})? \d+')


def test_every_line_is_a_sample_or_describes_one():
    page = Gauges(RedisSettings()).render(FOUND, {200: 3, 404: 1})

    assert page.endswith("\n")
    for line in page.splitlines():
        assert line.startswith(("# HELP octopush_", "# TYPE octopush_")) or LINE.fullmatch(line), line
    assert len(re.findall("^octopush_", page, re.MULTILINE)) == len(COUNTS) + 1 + 3 + 2 * (5 + len(RESULTS))


def test_each_metric_is_described_once_before_its_samples():
    page = Gauges(RedisSettings()).render(FOUND, {200: 3})

    for name in set(re.findall(r"^(octopush_\w+)", page, re.MULTILINE)):
        described = [page.index(f"# HELP {name} "), page.index(f"# TYPE {name} "), page.index(f"\n{name}")]
        assert described == sorted(described)
        assert page.count(f"# TYPE {name} ") == 1


def test_where_no_forwarder_ever_ran_none_is_named():
    assert "forward" not in Gauges(RedisSettings()).render(Found(COUNTS), {})


def test_without_redis_its_gauges_are_absent_rather_than_zero():
    page = Gauges(RedisSettings()).render(None, {503: 2})

    assert "octopush_redis_up 0\n" in page
    assert "queue" not in page
    assert 'octopush_callbacks_total{status="503"} 2\n' in page
