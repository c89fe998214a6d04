"""What a panel shows over the time: curves or bands, and a line for each thing that happened."""

from collections.abc import Callable, Sequence
from html import escape
from itertools import pairwise
from typing import Final, NamedTuple

from tests.soak.night.board import Panel
from tests.soak.night.story import Mark
from tests.soak.night.units import steps, written

#: Points that are further apart are not connected.
_APART_S: Final = 5.0
GRID, MARK = "#e4e6e8", "#8250df"
_NAMED: Final = {"green": "#37872d", "red": "#c4162a", "orange": "#e0752d"}
#: Of the lines of a panel, in their order.
COLOURS: Final = (
    *("#1f78c1", "#e0752d", "#3f9142", "#a352cc", "#c4162a"),
    *("#0a8a8a", "#b58900", "#6b6b6b", "#d683ce", "#5c6bc0"),
)


#: Unix time and value.
Point = tuple[float, float]


class Box(NamedTuple):
    """Where a plot is, in pixels."""

    left: float
    top: float
    right: float
    foot: float


class Plots:
    """All plots over one time.

    Args:
        marks: what happened.
        begins: of the time, as Unix time.
        ends: likewise.
    """

    def __init__(self, marks: Sequence[Mark], begins: float, ends: float) -> None:
        self._marks, self._begins, self._ends = marks, begins, ends

    def draw(self, panel: Panel, box: Box) -> str:
        """Draw what a panel shows."""
        shown = self._bands if panel.kind == "state-timeline" else self._curves
        return "\n".join([*self._minutes(box), *shown(panel, box), *self._marked(box)])

    def _x(self, at: float, box: Box) -> float:
        return round(box.left + (box.right - box.left) * (at - self._begins) / (self._ends - self._begins), 1)

    def _minutes(self, box: Box) -> list[str]:
        parts = []
        for minute in range(int((self._ends - self._begins) // 60) + 1):
            x = self._x(self._begins + 60 * minute, box)
            parts.append(f'<path d="M{x} {box.top}V{box.foot}" stroke="{GRID}"/>')
            parts.append(
                f'<text class="f" x="{x}" y="{box.foot + 13}" text-anchor="middle">{minute} min</text>'
            )
        return parts

    def _marked(self, box: Box) -> list[str]:
        """Draw a line for each mark, and its number above it."""
        parts = []
        for number, mark in enumerate(self._marks, 1):
            x = self._x(mark.at, box)
            parts.append(f'<path d="M{x} {box.top}V{box.foot}" stroke="{MARK}" stroke-dasharray="2 3"/>')
            parts.append(f'<text class="m" x="{x}" y="{box.top - 1}" text-anchor="middle">{number}</text>')
        return parts

    def _curves(self, panel: Panel, box: Box) -> list[str]:
        values = [value for line in panel.lines for _, value in line.points]
        if not values:
            return []
        lowest = min(values) if panel.lowest is None else min(panel.lowest, *values)
        ticks = steps(lowest, max(values), whole=panel.decimals == 0)
        low, high = ticks[0], ticks[-1]

        def y(value: float) -> float:
            return round(box.foot - (box.foot - box.top) * (value - low) / (high - low), 1)

        parts = []
        for each in ticks:
            text, at = escape(written(each, panel.unit)), y(each)
            parts.append(f'<path d="M{box.left} {at}H{box.right}" stroke="{GRID}"/>')
            parts.append(f'<text class="f" x="{box.left - 5}" y="{at + 4}" text-anchor="end">{text}</text>')
        for number, line in enumerate(panel.lines):
            colour = COLOURS[number % len(COLOURS)]
            for part in _whole(line.points):
                points = " ".join(f"{self._x(at, box)},{y(value)}" for at, value in _needed(part))
                parts.append(f'<polyline points="{points}" stroke="{colour}" class="l"/>')
        return parts

    def _bands(self, panel: Panel, box: Box) -> list[str]:
        """Draw a row for each line, filled in the colour of its value where it has one."""
        parts = []
        height = (box.foot - box.top) / max(1, len(panel.lines))
        for row, line in enumerate(panel.lines):
            top = box.top + row * height
            for part in _whole(line.points, by=lambda value: coloured(panel, value)):
                left, right = self._x(part[0][0], box), self._x(part[-1][0], box)
                parts.append(
                    f'<rect x="{left}" y="{top + height * 0.15:.1f}" width="{max(1.5, right - left):.1f}" '
                    f'height="{height * 0.7:.1f}" fill="{coloured(panel, part[0][1])}" fill-opacity="0.75"/>'
                )
            place = f'x="{box.left - 6}" y="{top + height / 2 + 4:.1f}"'
            parts.append(f'<text {place} text-anchor="end">{escape(line.name)}</text>')
        return parts


def coloured(panel: Panel, value: float) -> str:
    """Say which colour a value has by the thresholds of its panel."""
    return _NAMED[[colour for begins, colour in panel.colours if value >= begins][-1]]


def _whole(points: Sequence[Point], by: Callable[[float], object] = lambda _: None) -> list[list[Point]]:
    """Cut a line where points are missing, and where what is made of its values is another."""
    parts = [[points[0]]]
    for before, point in pairwise(points):
        if by(before[1]) != by(point[1]):
            parts[-1].append((point[0], before[1]))
            parts.append([])
        elif point[0] - before[0] > _APART_S:
            parts.append([])
        parts[-1].append(point)
    return parts


def _needed(points: Sequence[Point]) -> list[Point]:
    """Leave out what lies between two points of the same value."""
    return [
        point
        for place, point in enumerate(points)
        if place in (0, len(points) - 1) or not points[place - 1][1] == point[1] == points[place + 1][1]
    ]
