"""A night in small: times are divided, alerts held against what happened, panels drawn."""

import pytest
import yaml

from tests.soak.night.alerts import Fired, wrong
from tests.soak.night.board import Line, Panel
from tests.soak.night.drawing import draw
from tests.soak.night.place import RULES
from tests.soak.night.scale import FACTOR, shorter, shorter_query, shorter_rules
from tests.soak.night.story import Mark
from tests.soak.night.units import steps, written


def test_each_time_of_the_rules_is_divided_and_nothing_else():
    shipped = yaml.safe_load(RULES.read_text("utf-8"))
    small = shorter_rules(shipped)
    before, after = (
        [rule for group in each["groups"] for rule in group["rules"]] for each in (shipped, small)
    )
    assert [each["for"] for each in after if "for" in each] == [
        shorter(each["for"]) for each in before if "for" in each
    ]
    for old, new in zip(before, after, strict=True):
        rest = {"for", "expr"}
        assert {name: old[name] for name in old.keys() - rest} == {
            name: new[name] for name in new.keys() - rest
        }
        assert new["expr"] == shorter_query(old["expr"])


def test_a_time_is_divided_in_a_wait_in_a_range_and_in_a_resolution_and_nowhere_else():
    assert FACTOR == 12
    assert shorter("5m") == "25000ms"
    asked = "max_over_time(octopush_workers_5m{queue='1h'}[1h:1m]) > 3"
    assert shorter_query(asked) == "max_over_time(octopush_workers_5m{queue='1h'}[300000ms:5000ms]) > 3"
    assert shorter_query("rate(x[$__rate_interval])") == "rate(x[$__rate_interval])"
    assert shorter_query("x - (x offset 1h)") == "x - (x offset 300000ms)"


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ([Fired("A", 10, 20)], []),
        ([], ["A never fired"]),
        ([Fired("A", 4, 20)], ["A fired before there was reason to"]),
        ([Fired("A", 10, 99)], ["A still fires"]),
        ([Fired("A", 10, 20), Fired("A", 30, 40)], ["A fired 2 times"]),
        ([Fired("A", 10, 20), Fired("B", 30, 40)], ["B fired, and nothing was wrong"]),
        ([Fired("A", 10, 20), Fired("C", 30, 40)], []),
    ],
)
def test_an_alert_that_does_not_fit_to_what_happened_is_named(found, told):
    assert wrong(found, {"A": 5.0}, {"C"}, 100.0) == told


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0123, "s", "12.3 ms"),
        (90, "s", "1.5 min"),
        (0, "s", "0 s"),
        (1_230, "short", "1.23 K"),
        (1_230, "none", "1230"),
        (9.5, "mps", "9.5 msg/s"),
        (4_820, "currencyEUR", "€4.82 K"),
    ],
)
def test_values_are_written_in_their_unit(value, unit, text):
    assert written(value, unit) == text


def test_an_axis_has_round_values_around_all_that_is_shown():
    assert steps(0, 2, whole=True) == [0, 1, 2]
    assert steps(0, 0.37) == [0, 0.1, 0.2, 0.3, 0.4]
    assert steps(0, 0) == [0, 0.5]


def test_all_panels_are_drawn_with_marks_and_a_line_is_cut_where_points_are_missing():
    def panel(kind, lines, colours=()):
        return Panel(kind, f"{kind} <1>", 0, 0, 6, 7, "none", 0, 0, colours, lines)

    line = Line("a & b", [(0.0, 1.0), (2.0, 1.0), (4.0, 2.0), (60.0, 2.0), (62.0, 1.0)])
    colours = [(float("-inf"), "green"), (1.5, "red")]
    shown = [
        panel("timeseries", [line]),
        panel("state-timeline", [line], colours),
        panel("stat", [line], colours),
    ]
    drawn = draw([*shown, panel("timeseries", [])], [Mark(30.0, "killed")], 0.0, 90.0)
    assert drawn.count("<polyline") == 2
    # Green until its value is another one, red until points are missing, red and green after that.
    assert drawn.count("fill-opacity") == 4
    assert drawn.count("stroke-dasharray") == 3
    assert drawn.count("No data") == 1
    assert "0:30  killed" in drawn
    assert "a &amp; b" in drawn
    assert "timeseries &lt;1&gt;" in drawn
    assert '"s w"' in drawn
