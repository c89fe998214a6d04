"""The panels of the shipped dashboard, each with what Prometheus answers to its queries."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.soak.night.scale import shorter_query
from tests.support.prometheus import SCRAPE_S, Series

DASHBOARD: Final = Path(__file__).parents[3] / "deploy/grafana/dashboard.json"
#: What Grafana takes where scrapes are so far apart.
_RATE_INTERVAL: Final = f"{4 * SCRAPE_S}s"
_LABEL: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True)
class Line:
    """One series of a panel.

    Attributes:
        name: as its legend says.
        points: values by Unix time.
    """

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Panel:
    """What one panel shows.

    Attributes:
        kind: ``row``, ``stat``, ``timeseries`` or ``state-timeline``.
        title: above it.
        x, y, w, h: where it is, in Grafana's grid of 24 columns.
        unit: of its values.
        lowest: where its axis begins, or None where the values say.
        decimals: digits behind the point, or None where the values say.
        colours: from which value on which.
        lines: what was found.
    """

    kind: str
    title: str
    x: int
    y: int
    w: int
    h: int
    unit: str
    lowest: float | None
    decimals: int | None
    colours: Sequence[tuple[float, str]]
    lines: Sequence[Line]


def panels(ask: Callable[[str], list[Series]]) -> list[Panel]:
    """Ask what all panels ask."""
    return [_panel(each, ask) for each in json.loads(DASHBOARD.read_text("utf-8"))["panels"]]


def _panel(told: dict[str, Any], ask: Callable[[str], list[Series]]) -> Panel:
    defaults = told.get("fieldConfig", {}).get("defaults", {})
    fixed = {"color": defaults.get("color", {}).get("fixedColor", "green"), "value": None}
    thresholds = defaults.get("thresholds", {}).get("steps", [fixed])
    colours = [
        (float("-inf") if each["value"] is None else each["value"], each["color"]) for each in thresholds
    ]
    lines = [
        Line(_named(target["legendFormat"], labels), points)
        for target in told.get("targets", ())
        for labels, points in ask(shorter_query(target["expr"]).replace("$__rate_interval", _RATE_INTERVAL))
        if points
    ]
    place = (told["gridPos"][each] for each in "xywh")
    return Panel(
        told["type"],
        told["title"],
        *place,
        defaults.get("unit", ""),
        defaults.get("min"),
        defaults.get("decimals"),
        colours,
        lines,
    )


def _named(legend: str, labels: Any) -> str:
    return _LABEL.sub(lambda found: labels.get(found[1], ""), legend)
