"""The page of all figures, README.md beside this file, with a plot of what grows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.markers import Section
from tests.bench.parts import PARTS
from tests.bench.results import Measured, Results

HERE = Path(__file__).parent
PAGE, COMMAND = HERE / "README.md", "make bench"
GREY, COLOURS = "#7a7f88", ("#2a78c8", "#c8642a", "#3f9142", "#8a5fb0", "#b03a5b", "#3b9aa3")
TIMES = {"s": 1.0, "ms": 0.001}


def write(results: Results, page: Path = PAGE) -> None:
    """Replace the page's figures and the plots."""
    text = []
    for name, part in PARTS.items():
        if measured := results.get(name):
            text.append(section(name, measured))
            if part.grows:
                plot(measured, part.grows, page.with_name(f"{name}.svg"), part.title)
    Section(page, COMMAND).write("\n".join(text))


def section(name: str, measured: Measured) -> str:
    """Markdown of one part: its heading, its plot, its table and how to repeat it."""
    part = PARTS[name]
    picture = f"![{part.title}, by {part.grows}]({name}.svg)\n\n" if part.grows else ""
    single = [one for one in measured.figures if one.at is None]
    table = _series(measured, part.grows) if part.grows else ""
    if single:
        table += ("\n" if table else "") + _singles(single)
    note = ""
    if measured.is_loaded:
        most = max(one.load for one in measured.figures)
        note = f" **Other programs used up to {most:.0%} of the processors; an idle machine has lower figures.**"
    when = f"`python -m tests.bench --only {name}`, {measured.date}, commit {measured.commit}, {measured.machine}."
    return f"## {part.title}\n\n{picture}{table}\n{when}{note}\n"


def _singles(figures: list[Figure]) -> str:
    lines = ["| measure | value | other load |", "|---|---:|---:|"]
    return "\n".join([*lines, *(f"| {one.name} | {_shown(one)} | {one.load:.0%} |" for one in figures)]) + "\n"


def _series(measured: Measured, grows: str) -> str:
    """A column for each name, a line for each place in the series."""
    series = [one for one in measured.figures if one.at is not None]
    names = list(dict.fromkeys(one.name for one in series))
    lines = [f"| {grows} | {' | '.join(names)} | other load |", "|---:|" + "---:|" * (len(names) + 1)]
    for at in sorted({one.at for one in series if one.at is not None}):
        here = {one.name: one for one in series if one.at == at}
        cells = [_shown(here[name]) if name in here else "" for name in names]
        lines.append(f"| {at:,} | {' | '.join(cells)} | {max(one.load for one in here.values()):.0%} |")
    return "\n".join(lines) + "\n"


def _shown(figure: Figure) -> str:
    return f"{number(figure.value)} {figure.unit}"


def number(value: float) -> str:
    """Three digits that count; thousands in groups."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 0.001 else f"{value:.1e}"


def plot(measured: Measured, grows: str, picture: Path, title: str) -> None:
    """How the times of a part grow: both axes logarithmic, with a line of the cost that grows as its cause does."""
    import matplotlib

    matplotlib.use("svg")
    # The same bytes for the same figures.
    matplotlib.rcParams["svg.hashsalt"] = "bench"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 3.4))
    lines = list(_lines(measured))
    for (name, places, seconds), colour in zip(lines, COLOURS * len(lines), strict=False):
        axes.plot(places, seconds, marker="o", color=colour, label=name)
    every = sorted({place for _, places, _ in lines for place in places})
    low = min(seconds[0] for _, _, seconds in lines)
    axes.plot(every, [low * place / every[0] for place in every], color=GREY, ls=":", label="in proportion")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(grows, color=GREY)
    axes.set_ylabel("seconds", color=GREY)
    axes.tick_params(colors=GREY, which="both")
    for side in axes.spines.values():
        side.set_color(GREY)
        side.set_alpha(0.3)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:,g}")
    axes.legend(frameon=False, labelcolor=GREY, fontsize=9, loc="upper left", bbox_to_anchor=(1.01, 1))
    figure.savefig(picture, transparent=True, bbox_inches="tight", metadata={"Date": None, "Title": title})
    pyplot.close(figure)


def _lines(measured: Measured) -> Iterator[tuple[str, list[int], list[float]]]:
    """The series whose unit is a time, in seconds."""
    series = [one for one in measured.figures if one.at is not None and one.unit in TIMES]
    for name in dict.fromkeys(one.name for one in series):
        mine = sorted((one for one in series if one.name == name), key=lambda one: one.at or 0)
        yield name, [one.at or 0 for one in mine], [one.value * TIMES[one.unit] for one in mine]
