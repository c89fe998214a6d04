"""The chart of a soak, as an SVG written by hand: legible on a light page and on a dark one."""

from collections.abc import Sequence
from html import escape
from typing import Final

from tests.benchmarks.plot import TEXT
from tests.soak.endurance.samples import Sample

WIDTH, LEFT, RIGHT, HEAD, HEIGHT, FOOT = 760, 56, 150, 34, 150, 34
#: Mid-tones, one for each process in the order of the Procfile.
_COLOURS: Final = (
    *("#2f81f7", "#7aa7e0", "#3fa45b", "#d08a2e", "#b05ccf", "#d0504a", "#2aa5a5", "#8f8f3a", "#808a94"),
)
#: Columns and headings of the panels.
_PANELS: Final = (
    ("pss_mb", "Memory of each process, PSS in MB"),
    ("descriptors", "Open file descriptors of each process"),
    ("keys", "Keys in Redis"),
    ("used_memory_mb", "Memory of Redis, used_memory in MB"),
)


def draw(samples: Sequence[Sample], events: Sequence[tuple[float, str]]) -> str:
    """Draw all panels.

    Args:
        samples: what was measured.
        events: seconds at which a primary was replaced, with how.
    """
    span = max((each.at for each in samples), default=1.0)
    names = list(dict.fromkeys(each.name for each in samples))
    parts = []
    for place, (column, heading) in enumerate(_PANELS):
        top = place * (HEAD + HEIGHT + FOOT)
        parts.append(_panel(samples, events, column, heading, top, span, names))
    height = len(_PANELS) * (HEAD + HEIGHT + FOOT)
    style = f"text{{font:13px system-ui,sans-serif;fill:{TEXT}}}.h{{font-weight:600}}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" aria-label="Memory, descriptors and keys over the time of a soak">'
        f"<style>{style}</style>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def _panel(
    samples: Sequence[Sample],
    events: Sequence[tuple[float, str]],
    column: str,
    heading: str,
    top: int,
    span: float,
    names: Sequence[str],
) -> str:
    shown = [each for each in samples if column in each.values]
    highest = max((each.values[column] for each in shown), default=1.0) or 1.0
    width, foot = WIDTH - LEFT - RIGHT, top + HEAD + HEIGHT

    def x(at: float) -> float:
        return round(LEFT + width * at / span, 1)

    def y(value: float) -> float:
        return round(foot - HEIGHT * value / (1.1 * highest), 1)

    lines = [
        f'<text class="h" x="0" y="{top + 18}">{escape(heading)}</text>',
        f'<path d="M{LEFT} {foot}h{width}" stroke="{TEXT}" fill="none"/>',
        f'<text x="{LEFT - 8}" y="{foot + 4}" text-anchor="end">0</text>',
        f'<text x="{LEFT - 8}" y="{y(highest) + 4}" text-anchor="end">{highest:,.0f}</text>',
        f'<text x="{LEFT + width}" y="{foot + 18}" text-anchor="end">{span / 60:.0f} min</text>',
    ]
    for at, how in events:
        mark = f'<path d="M{x(at)} {foot}v-{HEIGHT}" stroke="{TEXT}" stroke-dasharray="2 4" fill="none">'
        lines.append(f"{mark}<title>{escape(how)}</title></path>")
    here = [name for name in names if any(each.name == name for each in shown)]
    for row, name in enumerate(here):
        colour = _COLOURS[names.index(name) % len(_COLOURS)]
        for life in sorted({each.life for each in shown if each.name == name}):
            points = [
                f"{x(each.at)},{y(each.values[column])}"
                for each in shown
                if (each.name, each.life) == (name, life)
            ]
            lines.append(f'<polyline points="{" ".join(points)}" stroke="{colour}" fill="none"/>')
        left, upper = LEFT + width + 12, top + HEAD + 16 * row
        lines.append(f'<rect x="{left}" y="{upper}" width="10" height="10" fill="{colour}"/>')
        lines.append(f'<text x="{left + 16}" y="{upper + 10}">{escape(name)}</text>')
    return "\n".join(lines)
