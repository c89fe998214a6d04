"""The dashboard as an SVG written by hand: panels where Grafana puts them, marks where things happened."""

from collections.abc import Sequence
from html import escape
from typing import Final

from tests.soak.night.board import Line, Panel
from tests.soak.night.plots import COLOURS, GRID, MARK, Box, Plots, coloured
from tests.soak.night.story import Mark
from tests.soak.night.units import written

#: Pixels of a column and of a row of Grafana's grid, between two panels, and above all of them.
COLUMN, ROW, GAP, HEAD = 54, 28, 6, 30
#: Pixels of one line of words, and about of one letter.
WORDS, LETTER = 14, 5.9
#: Pixels left of a plot, where its values are, and above it.
_VALUES, _TITLE = 60, 34
#: In how many columns it is told what happened.
_TOLD_COLUMNS: Final = 2
_PAGE, _PAPER, _INK, _FAINT = "#f4f5f5", "#ffffff", "#24292e", "#6a737d"
_STYLE: Final = (
    f"text{{font:11px system-ui,sans-serif;fill:{_INK}}}.h{{font-size:14px;font-weight:600}}"
    f".t{{font-weight:600}}.f{{fill:{_FAINT};font-size:10px}}.m{{fill:{MARK};font-size:9px}}"
    f".k{{fill:{MARK};font-size:12px}}.s{{font-size:26px;font-weight:600}}.w{{fill:{_PAPER}}}"
    ".l{fill:none;stroke-width:1.4}"
)
_HEADING: Final = (
    "A night in small: the panels of deploy/grafana/dashboard.json, drawn by make night from what Prometheus "
    "answered, and not by Grafana"
)


def draw(panels: Sequence[Panel], marks: Sequence[Mark], begins: float, ends: float) -> str:
    """Draw all.

    Args:
        panels: of the dashboard.
        marks: what happened.
        begins: of the time that is shown, as Unix time.
        ends: likewise.
    """
    plots = Plots(marks, begins, ends)
    top = HEAD + WORDS * -(-len(marks) // _TOLD_COLUMNS) + 10
    width, height = 24 * COLUMN, round(top + ROW * max(each.y + each.h for each in panels) + GAP)
    parts = [
        f'<rect width="{width}" height="{height}" fill="{_PAGE}"/>',
        f'<text class="h" x="6" y="19">{escape(_HEADING)}</text>',
    ]
    for place, mark in enumerate(marks):
        x = 6 + place % _TOLD_COLUMNS * width // _TOLD_COLUMNS
        y = HEAD + WORDS * (place // _TOLD_COLUMNS + 1) - 3
        told = f"{place + 1}  {_clock(mark.at - begins)}  {mark.what}"
        parts.append(f'<text class="k" x="{x}" y="{y}">{escape(told)}</text>')
    parts += [_panel(each, plots, top) for each in panels]
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    label = "The dashboard in a night in which either host is lost and comes back"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{label}">'
        f"<style>{_STYLE}</style>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def _panel(panel: Panel, plots: Plots, top: float) -> str:
    x, y = panel.x * COLUMN + GAP / 2, top + panel.y * ROW + GAP / 2
    width, height = panel.w * COLUMN - GAP, panel.h * ROW - GAP
    if panel.kind == "row":
        return f'<text class="h" x="{x + 2}" y="{y + 16}">{escape(panel.title)}</text>'
    place = f'x="{x}" y="{y}" width="{width}" height="{height}" rx="3"'
    parts = [
        f'<rect {place} fill="{_PAPER}" stroke="{GRID}"/>',
        f'<text class="t" x="{x + 8}" y="{y + 16}">{escape(panel.title)}</text>',
    ]
    if panel.kind == "stat":
        return "\n".join([*parts, _stat(panel, x, y, width, height)])
    named = panel.kind == "state-timeline"
    rows = [] if named else _legend_rows(panel.lines, width - 16)
    left = max((_takes(line.name) for line in panel.lines), default=0) if named else _VALUES
    box = Box(x + left, y + _TITLE, x + width - 10, y + height - 20 - WORDS * len(rows))
    parts.append(plots.draw(panel, box))
    for number, row in enumerate(rows, 1):
        parts.append(_legend_row(row, x + 8, box.foot + 15 + WORDS * number))
    if not panel.lines:
        middle = f'x="{(box.left + box.right) / 2}" y="{(box.top + box.foot) / 2}"'
        parts.append(f'<text class="f" {middle} text-anchor="middle">No data</text>')
    return "\n".join(parts)


def _stat(panel: Panel, x: float, y: float, width: float, height: float) -> str:
    """Write the last value, on its colour where it has one."""
    value = panel.lines[0].points[-1][1] if panel.lines else None
    text = "No data" if value is None else written(value, panel.unit)
    ground, style = "", "s"
    if value is not None and panel.colours:
        colour = coloured(panel, value)
        place = f'x="{x + 6}" y="{y + 24}" width="{width - 12}" height="{height - 30}" rx="3"'
        ground, style = f'<rect {place} fill="{colour}"/>', "s w"
    middle = f'x="{x + width / 2}" y="{y + height / 2 + 20}" text-anchor="middle"'
    return f'{ground}<text class="{style}" {middle}>{escape(text)}</text>'


def _legend_rows(lines: Sequence[Line], width: float) -> list[list[tuple[str, str]]]:
    """Share out names with their colours to rows."""
    rows: list[list[tuple[str, str]]] = []
    left = width
    for number, line in enumerate(lines):
        if left + _takes(line.name) > width:
            rows.append([])
            left = 0.0
        rows[-1].append((COLOURS[number % len(COLOURS)], line.name))
        left += _takes(line.name)
    return rows


def _takes(name: str) -> float:
    return 26 + LETTER * len(name)


def _legend_row(row: Sequence[tuple[str, str]], x: float, y: float) -> str:
    parts = []
    for colour, name in row:
        parts.append(f'<rect x="{x:.1f}" y="{y - 4}" width="11" height="3" fill="{colour}"/>')
        parts.append(f'<text x="{x + 15:.1f}" y="{y}">{escape(name)}</text>')
        x += _takes(name)
    return "\n".join(parts)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
