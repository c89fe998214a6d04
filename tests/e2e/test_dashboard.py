"""Each query of the dashboard finds something, in a real Prometheus that scrapes real processes."""

import json
from pathlib import Path

import pytest

from tests.support.installation import IMPATIENT, Installation, new_number
from tests.support.prometheus import Prometheus, find_prometheus
from tests.support.web_server import MetricsServer

pytestmark = pytest.mark.skipif(find_prometheus() is None, reason="Debian's prometheus is not installed")

BOARD = json.loads((Path(__file__).parents[2] / "deploy/grafana/dashboard.json").read_text("utf-8"))
#: What the panels ask, as Grafana asks it where a scrape takes a second. That of alerts finds nothing while
#: all is well: `make night` lets them fire.
ASKED = [
    (panel["title"], target["expr"].replace("$__rate_interval", "1m"))
    for panel in BOARD["panels"]
    for target in panel.get("targets", ())
    if "ALERTS" not in target["expr"]
]


def happens(installation: Installation) -> None:
    """Let something of all happen that a panel shows."""
    bad, stops, answers = new_number(), new_number(), new_number()
    installation.gateway.fault("refuse", code=181, match={"number": bad})
    installation.settled(installation.send(to=bad))
    sale = installation.send("Sale. STOP au 30101", to=stops, purpose="wholesale", sender="Bistro")
    asked = installation.send(to=answers, with_replies=True)
    installation.all_settled([sale, asked])
    installation.gateway.reply(answers, "Oui")
    installation.gateway.reply(stops, "STOP")
    installation.wait_for(lambda: installation.entries("replies") and installation.entries("optouts"))
    installation.wait_for(lambda: len(installation.entries("receipts")) >= 2)


def test_each_query_of_the_dashboard_finds_something(install, tmp_path):
    installation = install(web=True, **IMPATIENT)
    keys = installation.keys
    with (
        MetricsServer(tmp_path / "log", installation.environ) as metrics,
        Prometheus(tmp_path, metrics.port, installation.web.port) as prometheus,
    ):
        installation.redis.xgroup_create(keys.stream("replies"), "shop", "0", mkstream=True)
        installation.redis.zadd(keys.forwarders, {"shop": 1})
        # What was counted first is no growth: the counts of a first time must have been scraped.
        happens(installation)
        before = prometheus.scrapes()
        installation.wait_for(lambda: prometheus.scrapes() > before + 1)
        happens(installation)
        silent = set(ASKED)

        def answered() -> bool:
            silent.difference_update([each for each in silent if prometheus.query(each[1])])
            return not silent

        try:
            installation.wait_for(answered)
        except AssertionError:
            pytest.fail(f"nothing is found by {sorted(silent)}")
