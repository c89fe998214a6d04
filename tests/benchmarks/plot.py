"""The plot of the comparison, as an SVG written by hand: legible on a light page and on a dark one."""

from collections.abc import Mapping, Sequence
from html import escape

from tests.benchmarks.candidates import OURS
from tests.benchmarks.report import Row, number

#: Mid-tones, so that both a white and a black page contrast with them; the background stays transparent.
TEXT, OTHERS, ACCENT = "#808a94", "#9aa4ae", "#2f81f7"
WIDTH, BAR, GAP, HEAD = 760, 18, 8, 34
#: Where bars begin, and the room for the figure behind the longest one.
LEFT, RIGHT = 230, 90

#: Benchmark, row and heading of each panel.
PANELS = (
    ("peers", "gateway 0 ms", "Messages per second, gateway answers at once"),
    ("peers", "CPU per message", "Worker CPU per message, µs: less is better"),
    (
        "peers",
        "gateway 100 ms, 64 in flight",
        "Messages per second, answers take 100 ms, 64 in flight",
    ),
    ("shared", "rate", "Single sends of one template per second, answers take 100 ms"),
)


def draw(results: Mapping[str, tuple[str, Sequence[Row]]]) -> str:
    """Draw the panels whose benchmarks have run.

    Args:
        results: benchmark name to title and rows.
    """
    parts, top = [], 0
    for benchmark, name, heading in PANELS:
        _, rows = results.get(benchmark, ("", ()))
        bars = [row for row in rows if row.name == name]
        if bars:
            parts.append(_panel(heading, bars, top))
            top += HEAD + len(bars) * (BAR + GAP) + 2 * GAP
    style = f"text{{font:13px system-ui,sans-serif;fill:{TEXT}}}.h{{font-weight:600}}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}" '
        f'role="img" aria-label="octopush-worker beside other queues"><style>{style}</style>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _panel(heading: str, rows: Sequence[Row], top: int) -> str:
    longest = max(row.value for row in rows) or 1
    lines = [f'<text class="h" x="0" y="{top + 18}">{escape(heading)}</text>']
    for i, row in enumerate(sorted(rows, key=lambda each: not each.who.startswith(OURS))):
        y = top + HEAD + i * (BAR + GAP)
        length = max(1, round((WIDTH - LEFT - RIGHT) * row.value / longest))
        colour = ACCENT if row.who.startswith(OURS) else OTHERS
        middle = y + BAR - 5
        lines += [
            f'<text x="{LEFT - 10}" y="{middle}" text-anchor="end">{escape(row.who)}</text>',
            f'<rect x="{LEFT}" y="{y}" width="{length}" height="{BAR}" rx="3" fill="{colour}"/>',
            f'<text x="{LEFT + length + 8}" y="{middle}">{number(row.value)}</text>',
        ]
    return "\n".join(lines)
