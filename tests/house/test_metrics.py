"""One table names all metrics: rules, dashboard and pages speak of these, and explain each."""

import json
import re
import shutil
import subprocess

import pytest
import yaml

from producers.contract.metric_table import METRICS
from tests.house.repository import ROOT, none_of, pages, text
from tests.house.test_pages import anchors

RULES, RULES_TEST = "deploy/prometheus/rules.yml", "deploy/prometheus/rules_test.yml"
DASHBOARD, SCALE = "deploy/grafana/dashboard.json", "deploy/kubernetes/scale.yaml"
#: What a histogram is called where it is asked for.
PARTS = re.compile(r"_(bucket|sum|count)$")
#: What else begins so: modules, and an example of somebody else's table.
NO_METRICS = {"worker", "producers", "pytest"}
ALERTS = [rule for group in yaml.safe_load(text(RULES))["groups"] for rule in group["rules"]]


def named(content):
    found = set(re.findall(r"\boctopush_([a-z_]+[a-z])\b", content))
    return {name if name in METRICS else PARTS.sub("", name) for name in found} - NO_METRICS


def promtool(*command):
    if shutil.which("promtool") is None:
        pytest.skip("no promtool here: Debian's package prometheus has it")
    done = subprocess.run(
        ["promtool", *command], cwd=ROOT / "deploy/prometheus", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def row(name):
    metric = METRICS[name]
    labels = ", ".join(f"`{label}`" for label in metric.labels) or "-"
    return f"| `octopush_{name}` | {metric.kind} | {labels} | {metric.about} |"


@pytest.mark.parametrize("path", [RULES, RULES_TEST, DASHBOARD, SCALE])
def test_each_metric_that_is_asked_for_exists(path):
    asked = named(text(path))

    assert asked
    assert asked <= METRICS.keys()


def test_each_metric_that_a_page_names_exists():
    none_of(
        f"{page.relative_to(ROOT)}: octopush_{name}"
        for page in pages()
        for name in named(page.read_text("utf-8")) - METRICS.keys()
    )


@pytest.mark.parametrize("name", METRICS)
def test_each_metric_has_its_line_in_the_page(name):
    assert row(name) in text("docs/metrics.md").splitlines()


def test_the_page_names_the_classes_of_each_histogram():
    for metric in METRICS.values():
        if metric.classes_ms:
            assert ", ".join(f"{ms / 1000:g}" for ms in metric.classes_ms) in text("docs/metrics.md")


@pytest.mark.parametrize("alert", ALERTS, ids=lambda rule: rule["alert"])
def test_each_alert_has_its_section_in_the_runbook(alert):
    anchor = alert["annotations"]["runbook_url"].partition("#")[2]

    assert anchor == alert["alert"].lower()
    assert anchor in anchors(ROOT / "docs/runbook.md")
    assert alert["labels"]["severity"] in {"page", "ticket"}
    section = text("docs/runbook.md").partition(f"### {alert['alert']}\n")[2].partition("\n### ")[0]
    assert [word for word in ("It means", "Look", "Do", "It ends") if f"**{word}" not in section] == []


def test_each_panel_says_what_it_shows_in_which_unit_from_the_chosen_source():
    board = json.loads(text(DASHBOARD))
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]

    sources = [each["name"] for each in board["templating"]["list"] if each["type"] == "datasource"]
    assert sources == ["datasource"]
    assert [panel["title"] for panel in board["panels"] if panel["type"] == "row"] == [
        *("Well?", "Hosts", "Sending", "Money", "Coming back", "Readers")
    ]
    for panel in panels:
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert {each["datasource"]["uid"] for each in panel["targets"]} == {"${datasource}"}
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_the_dashboard_shows_each_alert_and_those_of_nobody_else():
    asked = [target for each in json.loads(text(DASHBOARD))["panels"] for target in each.get("targets", ())]
    [asked] = [each for each in asked if "ALERTS" in each["expr"]]

    assert set(re.search(r'alertname=~"([^"]*)"', asked["expr"])[1].split("|")) == {
        each["alert"] for each in ALERTS
    }


def test_each_number_that_stands_alone_has_a_colour_for_good_and_one_for_bad():
    """Without colours of its own, Grafana shows each number in green below 80 and in red from there on."""
    numbers = [each for each in json.loads(text(DASHBOARD))["panels"] if each["type"] == "stat"]

    assert numbers
    for panel in numbers:
        steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        assert {each["color"] for each in steps} > {"green"}
        assert steps[0]["value"] is None


@pytest.mark.parametrize(
    "command", [["check", "config", "prometheus.yml"], ["test", "rules", "rules_test.yml"]]
)
def test_prometheus_reads_the_rules_and_each_fires(command):
    promtool(*command)


def test_prometheus_reads_what_the_dashboard_and_the_scaling_ask(tmp_path):
    panels = json.loads(text(DASHBOARD))["panels"]
    asked = [each["expr"] for panel in panels for each in panel.get("targets", ())]
    asked += [each["metadata"]["query"] for each in yaml.safe_load(text(SCALE))["spec"]["triggers"]]
    rules = [
        {"record": f"asked:{at}", "expr": each.replace("$__rate_interval", "5m")}
        for at, each in enumerate(asked)
    ]
    path = tmp_path / "asked.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": rules}]}))

    promtool("check", "rules", path)


def test_each_rule_is_tried_by_a_case_that_fires_and_one_that_is_calm():
    cases = yaml.safe_load(text(RULES_TEST))["tests"]
    tried = [each for case in cases for each in case["alert_rule_test"]]
    names = {alert["alert"] for alert in ALERTS}

    assert {each["alertname"] for each in tried if each["exp_alerts"]} == names
    assert {each["alertname"] for each in tried if not each["exp_alerts"]} == names
