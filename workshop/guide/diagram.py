"""The diagram of the architecture so far: it grows from module to module, and the newest part is highlighted.

It is drawn from one table, so a module's diagram cannot show parts of later modules. The page's style sheet sets
colours and fonts, for light, dark and print.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from workshop.languages.catalog import N_

WIDTH, HEIGHT, COLUMN, ROW = 140, 46, 166, 84


@dataclass(frozen=True)
class Box:
    """A part of the architecture: its place in the grid, and the module that adds it."""

    name: str
    column: int
    row: int
    since: int

    @property
    def x(self) -> int:
        return 8 + self.column * COLUMN

    @property
    def y(self) -> int:
        return 8 + self.row * ROW


BOXES = {
    "notebook": Box(N_("Notebook"), 0, 1, 2),
    "mlflow": Box("MLflow", 1, 0, 3),
    "dvc": Box(N_("DVC remote"), 1, 2, 5),
    "git": Box("Git", 1, 1, 5),
    "gate": Box(N_("Quality gate"), 2, 2, 7),
    "pipeline": Box(N_("Tekton pipeline"), 2, 1, 9),
    "image": Box(N_("Image (S2I)"), 3, 1, 8),
    "staging": Box(N_("Staging"), 4, 1, 10),
    "production": Box(N_("Production"), 5, 1, 11),
    "person": Box(N_("Approval"), 5, 2, 11),
    "prometheus": Box("Prometheus", 4, 0, 12),
    "grafana": Box("Grafana", 5, 0, 12),
    "months": Box(N_("New months"), 0, 2, 13),
    "canary": Box(N_("Canary, A/B"), 4, 2, 14),
    "alerts": Box("Alertmanager", 3, 0, 16),
}
ARROWS = (
    ("notebook", "mlflow"),
    ("notebook", "git"),
    ("git", "dvc"),
    ("git", "pipeline"),
    ("pipeline", "mlflow"),
    ("dvc", "gate"),
    ("gate", "pipeline"),
    ("pipeline", "image"),
    ("image", "staging"),
    ("staging", "production"),
    ("person", "production"),
    ("staging", "prometheus"),
    ("prometheus", "grafana"),
    ("production", "grafana"),
    ("months", "dvc"),
    ("canary", "production"),
    ("prometheus", "alerts"),
    ("alerts", "pipeline"),
)


def so_far(module: int) -> list[Box]:
    """The parts that exist at the end of a module."""
    return [box for box in BOXES.values() if box.since <= module]


def svg(module: int, translated: Callable[[str], str] = str) -> str:
    """The diagram of a module, with translated names; nothing before the first part exists."""
    boxes = so_far(module)
    if not boxes:
        return ""
    right = max(box.x for box in boxes) + WIDTH + 8
    top, bottom = min(box.y for box in boxes) - 8, max(box.y for box in boxes) + HEIGHT + 8
    new = [translated(box.name) for box in boxes if box.since == module]
    parts = ", ".join(translated(box.name) for box in boxes)
    words = translated(N_("Parts so far: {parts}.")).format(parts=parts)
    words += " " + translated(N_("New in this module: {parts}.")).format(parts=", ".join(new)) if new else ""
    title = translated(N_("The architecture so far"))
    drawn = "".join(_box(box, translated(box.name), box.since == module) for box in boxes)
    arrows = [
        _arrow(BOXES[a], BOXES[b], module) for a, b in ARROWS if BOXES[a].since <= module and BOXES[b].since <= module
    ]
    return (
        f'<div class="diagram" tabindex="0" role="group" aria-label="{escape(title)}">'
        f'<svg viewBox="0 {top} {right} {bottom - top}" width="{right}" role="img" aria-label="{escape(words)}">'
        f'<defs><marker id="tip-{module}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto">'
        '<path d="M0 0 8 4 0 8z"></path></marker></defs>'
        f"{''.join(arrows)}{drawn}</svg></div>\n"
    )


def _box(box: Box, shown: str, new: bool) -> str:
    name = ' class="new"' if new else ""
    return (
        f'<g{name}><rect x="{box.x}" y="{box.y}" width="{WIDTH}" height="{HEIGHT}" rx="7"></rect>'
        f'<text x="{box.x + WIDTH // 2}" y="{box.y + HEIGHT // 2 + 5}">{escape(shown)}</text></g>'
    )


def _arrow(a: Box, b: Box, module: int) -> str:
    """The line from the nearest edge of one box to the nearest edge of the other."""
    if a.column == b.column:
        down = b.row > a.row
        x = a.x + WIDTH // 2
        return _line(x, a.y + HEIGHT if down else a.y, x, b.y - 2 if down else b.y + HEIGHT + 2, module)
    right = b.column > a.column
    start, end = (a.x + WIDTH, b.x - 2) if right else (a.x, b.x + WIDTH + 2)
    return _line(start, a.y + HEIGHT // 2, end, b.y + HEIGHT // 2, module)


def _line(x1: int, y1: int, x2: int, y2: int, module: int) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" marker-end="url(#tip-{module})"></line>'
