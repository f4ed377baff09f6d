"""Write the comment on a merge request: the metrics against the target branch, a plot of them, the gate's verdict.

    python -m delivery comment --against FOLDER [--out FILE] [--post NUMBER]

FOLDER is the folder of the use case in a clone of the target branch, after `dvc repro`; without it, the table has no
second column. --post writes the comment on GitHub, GitLab, Gitea or the lab's Git server: forges.py has the variables
that say where. A comment of an earlier push is replaced.

The plot is a chart in Mermaid, which GitHub, GitLab and Gitea draw: a comment needs no place for pictures.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from delivery import forges, usecase
from delivery.cli import say
from delivery.errors import DeliveryError
from delivery.usecase import Config

CHARTED = 8
"""Metrics in the chart."""


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument(
        "--against", type=Path, default=None, metavar="FOLDER", help="the use case on the target branch"
    )
    parser.add_argument("--out", type=Path, default=None, metavar="FILE", help="write the Markdown here too")
    parser.add_argument("--post", type=int, default=0, metavar="NUMBER", help="write it to this merge request")


def run(given: argparse.Namespace) -> int:
    """Print the comment, and write or post it."""
    config = usecase.read()
    before = metrics(given.against) if given.against else {}
    text = rendered(config, metrics(config.folder), before, verdict_of(config.folder))
    say(text)
    if given.out:
        given.out.write_text(f"{text}\n", encoding="utf-8")
    if given.post:
        say(f"---> {forges.configured().post(given.post, text, _marker(config))}")
    return 0


def metrics(folder: Path) -> dict[str, float]:
    """The numbers of reports/metrics.json, by their names with dots. DeliveryError without the file."""
    file = folder / "reports" / "metrics.json"
    try:
        return dict(_numbers(json.loads(file.read_text(encoding="utf-8")), ""))
    except (OSError, ValueError) as error:
        raise DeliveryError(f"{file}: {type(error).__name__}: {error}", next=f"dvc repro, in {folder}") from error


def rendered(
    config: Config, here: Mapping[str, float], before: Mapping[str, float], gate: Mapping[str, Any] | None
) -> str:
    """The comment as Markdown. `gate` is the content of reports/gate.json, None if the gate has not run."""
    lines = [_marker(config), f"### {config.deployment}: {_verdict(gate)}", ""]
    lines += ["| metric | here | target branch | difference |", "|---|---:|---:|---:|"]
    for name in sorted({*here, *before}, key=lambda one: (one.rpartition(".")[2] != config.measure, one)):
        shown = f"**{name}**" if name.rpartition(".")[2] == config.measure else name
        values = (_number(here.get(name)), _number(before.get(name)), _difference(name, here, before))
        lines.append(f"| {shown} | {' | '.join(values)} |")
    lines += ["", *_chart(here, before), *_checks(gate)]
    return "\n".join(lines).rstrip()


def verdict_of(folder: Path) -> dict[str, Any] | None:
    """The content of reports/gate.json, None without the file. DeliveryError."""
    try:
        found: dict[str, Any] = json.loads((folder / "reports" / "gate.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DeliveryError(f"reports/gate.json: {error}", next="python -m delivery gate") from error
    return found


def _marker(config: Config) -> str:
    return f"<!-- delivery comment: {config.deployment} -->"


def _numbers(value: Any, name: str) -> list[tuple[str, float]]:
    if isinstance(value, Mapping):
        return [one for key, inner in value.items() for one in _numbers(inner, f"{name}.{key}" if name else str(key))]
    return [(name, float(value))] if isinstance(value, int | float) and not isinstance(value, bool) else []


def _verdict(gate: Mapping[str, Any] | None) -> str:
    if gate is None:
        return "the gate has not run"
    if gate["mode"] == "disabled":
        return "the gate is disabled"
    return "the gate is open" if gate["passed"] else "the gate is closed"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) >= 1000 else f"{value:.4g}"


def _difference(name: str, here: Mapping[str, float], before: Mapping[str, float]) -> str:
    if name not in here or name not in before:
        return ""
    return f"{here[name] - before[name]:+.3g}"


def _chart(here: Mapping[str, float], before: Mapping[str, float]) -> list[str]:
    """Bars of the metrics here, a line of those of the target branch, as shares of the larger one."""
    names = [one for one in sorted(here) if one in before and _is_drawable(here[one], before[one])][:CHARTED]
    if not names:
        return []
    largest = {one: max(abs(here[one]), abs(before[one])) for one in names}
    axis = ", ".join(json.dumps(one) for one in names)

    def shares(found: Mapping[str, float]) -> str:
        return ", ".join(f"{abs(found[one]) / largest[one]:.3f}" for one in names)

    return [
        "Bars: here. Line: target branch. Each metric as a share of its larger value.",
        "",
        "```mermaid",
        "xychart-beta",
        f"  x-axis [{axis}]",
        '  y-axis "share" 0 --> 1',
        f"  bar [{shares(here)}]",
        f"  line [{shares(before)}]",
        "```",
        "",
    ]


def _is_drawable(one: float, other: float) -> bool:
    return math.isfinite(one) and math.isfinite(other) and max(abs(one), abs(other)) > 0


def _checks(gate: Mapping[str, Any] | None) -> list[str]:
    checks: Sequence[Mapping[str, Any]] = (gate or {}).get("checks") or []
    if not checks:
        return []
    lines = ["| check | measured | allowed | |", "|---|---|---|---|"]
    for one in checks:
        remedy = "passed" if one["passed"] else f"**failed**: {one['remedy']}"
        lines.append(f"| {one['name']} | {one['measured']} | {one['allowed']} | {remedy} |")
    return lines
