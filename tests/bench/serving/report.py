"""The figures as a table and a plot, where s2i/README.md shows them.

A run in which requests failed, or in which other programs used the machine, measures nothing: it is reported, and the
table that is there stays.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tests.bench.figures import KIT, MAX_OTHER_LOAD, machine
from tests.bench.markers import Section
from tests.bench.serving.load import Figures

README, PLOT = KIT / "s2i" / "README.md", KIT / "s2i" / "serving.svg"
COMMAND = "python -m tests.bench.serving"
OURS = "modelserver, ONNX"


class NoResultError(Exception):
    """The figures say nothing about the servers; the text says why."""


@dataclass(frozen=True)
class Result:
    """One server's figures.

    `cpu_us` is the CPU time of its processes for a one-row request, `batch_ms` the median of 1,000 rows in one request,
    `other_load` the share of all processors that other programs used meanwhile.
    """

    name: str
    one_row: Figures
    cpu_us: float
    start_seconds: float
    mebibytes: float
    batch_ms: float | None
    other_load: float

    @property
    def problems(self) -> list[str]:
        """Why these figures are no result; empty when they are one."""
        found = []
        if self.one_row.failed or not self.one_row.rate:
            found.append(f"{self.name}: {self.one_row.failed} requests failed")
        if self.other_load > MAX_OTHER_LOAD:
            text = f"other programs used {self.other_load:.0%} of the processors; at most {MAX_OTHER_LOAD:.0%} may be"
            found.append(f"{self.name}: {text}")
        return found


def show(result: Result, alone: float) -> None:
    """One line, as soon as it is known."""
    one, batch = result.one_row, result.batch_ms
    text = f"{result.name:<36}{one.rate:>8.0f}/s  p50 {one.p50_ms:.2f}  p99 {one.p99_ms:.2f} ms  failed {one.failed}"
    text += f"  cpu {result.cpu_us:.0f} us  start {result.start_seconds:.1f} s  {result.mebibytes:.0f} MiB"
    text += f"  others {result.other_load:.0%}"
    if batch is not None:
        text += f"  1,000 rows {batch:.1f} ms ({batch / alone:.2f} of {alone:.1f})"
    lines = [text, *(f"  NO RESULT: {problem}" for problem in result.problems)]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def table(results: Sequence[Result], alone: float) -> str:
    """Markdown."""
    ours = next(result.one_row.rate for result in results if result.name == OURS)
    lines = [
        "| server | requests/s | ours is | p50 | p99 | CPU | 1,000 rows | memory | start |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for result in results:
        one, batch = result.one_row, result.batch_ms
        times = ours / one.rate
        ratio = "" if result.name == OURS else f"{times:.1f} x" if times > 1 else f"{times:.2f} x"
        rows = "" if batch is None else f"{batch:.1f} ms"
        lines.append(
            f"| {result.name} | {one.rate:,.0f} | {ratio} | {one.p50_ms:.1f} ms | {one.p99_ms:.1f} ms | "
            f"{result.cpu_us:.0f} us | "
            f"{rows} | {result.mebibytes:.0f} MiB | {result.start_seconds:.1f} s |"
        )
    lines.append(f"| onnxruntime and JSON without a server | | | | | | {alone:.1f} ms | | |")
    return "\n".join(lines) + "\n"


def plot(results: Sequence[Result], picture: Path) -> None:
    """Bars of requests a second, readable on a light and on a dark page."""
    import matplotlib

    matplotlib.use("svg")
    # The same bytes for the same figures.
    matplotlib.rcParams["svg.hashsalt"] = "serving"
    from matplotlib import pyplot

    names = [result.name for result in results][::-1]
    rates = [result.one_row.rate for result in results][::-1]
    colours = ["#2a78c8" if name.startswith("modelserver") else "#8a8f98" for name in names]
    figure, axes = pyplot.subplots(figsize=(8, 0.42 * len(names) + 0.9))
    bars = axes.barh(names, rates, color=colours)
    axes.bar_label(bars, [f"{rate:,.0f}" for rate in rates], padding=4, color="#7a7f88")
    axes.set_xscale("log")
    axes.set_xlim(right=max(rates) * 2.2)
    axes.set_xlabel("one-row requests a second, one worker, 16 connections (logarithmic)", color="#7a7f88")
    axes.tick_params(colors="#7a7f88")
    for side in axes.spines.values():
        side.set_visible(False)
    figure.savefig(picture, transparent=True, bbox_inches="tight", metadata={"Date": None})
    pyplot.close(figure)


def write(results: Sequence[Result], alone: float, readme: Path = README, picture: Path = PLOT) -> None:
    """Put table and plot where the README has its markers. Raises NoResultError, and changes nothing then."""
    problems = [problem for result in results for problem in result.problems]
    if problems:
        raise NoResultError("\n".join(problems))
    shown, when = "![One-row requests a second](serving.svg)", f"Measured {date.today()} on {machine()}."
    Section(readme, COMMAND).write(f"{shown}\n\n{table(results, alone)}\n{when}\n")
    plot(results, picture)
