"""A chart of a merge request's comment: Mermaid's `xychart-beta` with named bars and a line, as SVG.

`python -m delivery comment` writes such a chart, which GitHub, GitLab and Gitea draw in the reader's browser. Only this
form is drawn here; the page shows any other Mermaid text as code. The style sheet sets the colours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

BAR, GAP, HEIGHT, NAMES = 56, 24, 160, 56
"""Width of a bar, the space between two, the height of the largest value and of the names below, in pixels."""
MOST = 20
"""Bars in a chart."""
_NUMBERS = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True)
class Chart:
    """A bar for each name, and a point of the line for each; values from 0 to 1."""

    names: Sequence[str]
    bars: Sequence[float]
    line: Sequence[float]


def parse(text: str) -> Chart | None:
    """The chart of a block of Mermaid; None if it is of another form."""
    kind, *lines = [line.strip() for line in text.strip().splitlines()] or [""]
    parts = {line.partition(" ")[0]: line for line in lines}
    if kind != "xychart-beta" or not {"x-axis", "bar", "line"} <= set(parts):
        return None
    try:
        names = json.loads(parts["x-axis"].partition(" ")[2])
        bars, line = (_numbers(parts[name]) for name in ("bar", "line"))
    except ValueError:
        return None
    if not isinstance(names, list) or not 0 < len(names) <= MOST or not len(names) == len(bars) == len(line):
        return None
    return Chart([str(name) for name in names], bars, line)


def svg(chart: Chart) -> str:
    """The chart. Each bar has its name below it, and a title with its value."""
    step = BAR + GAP
    width = GAP + step * len(chart.names)
    bars, points = [], []
    for at, (name, bar, line) in enumerate(zip(chart.names, chart.bars, chart.line, strict=True)):
        x, height = GAP + step * at, round(HEIGHT * bar)
        bars.append(
            f'<rect x="{x}" y="{HEIGHT - height + 8}" width="{BAR}" height="{height}">'
            f"<title>{escape(name)}: {bar:.3f}, {line:.3f}</title></rect>"
        )
        rows = "".join(
            f'<tspan x="{x + BAR // 2}" dy="15">{escape(word)}</tspan>' for word in re.split(r"[ .]", name)[:3]
        )
        bars.append(f'<text x="{x + BAR // 2}" y="{HEIGHT + 10}">{rows}</text>')
        points.append(f"{x + BAR // 2},{HEIGHT - round(HEIGHT * line) + 8}")
    words = "; ".join(
        f"{name}: {bar:.3f}, {line:.3f}" for name, bar, line in zip(chart.names, chart.bars, chart.line, strict=True)
    )
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="3.5"></circle>' for x, _, y in (one.partition(",") for one in points))
    return (
        f'<div class="chart" tabindex="0" role="group"><svg viewBox="0 0 {width} {HEIGHT + NAMES}" width="{width}" '
        f'role="img" aria-label="{escape(words)}">{"".join(bars)}'
        f'<polyline points="{" ".join(points)}"></polyline>{dots}</svg></div>\n'
    )


def _numbers(line: str) -> list[float]:
    """The values of `bar [0.1, 1]`. Raises ValueError."""
    found = _NUMBERS.search(line)
    values = [float(each) for each in found[1].split(",")] if found else []
    if not all(0 <= value <= 1 for value in values):
        raise ValueError("a value is not between 0 and 1")
    return values
