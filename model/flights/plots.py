"""The figures of a run: the ROC curve and the confusion matrix of the test month.

They are made without pyplot, which needs a display; a pipeline has none.
"""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from flights import metrics
from flights.card import CLASSES
from flights.evaluate import Scored, month_table


def roc(one: Scored) -> Figure:
    """True against false positive rate, with the point of the model's threshold marked."""
    points = metrics.roc(one.actual, one.late)
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([false for false, _, _ in points], [true for _, true, _ in points], label=f"AUC {one.test.auc:.3f}")
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey", label="a coin")
    counts = metrics.confusion(one.actual, one.late, one.card.threshold)
    false_rate = counts.false_late / max(counts.false_late + counts.true_on_time, 1)
    axes.plot([false_rate], [one.test.recall], "o", label=f"threshold {one.card.threshold:g}")
    axes.set(xlabel="on-time flights called late", ylabel="late flights called late", title=_title(one))
    axes.legend(loc="lower right")
    return figure


def confusion(one: Scored) -> Figure:
    """The four counts at the threshold."""
    counts = metrics.confusion(one.actual, one.late, one.card.threshold)
    table = [[counts.true_on_time, counts.false_late], [counts.false_on_time, counts.true_late]]
    figure = Figure(figsize=(4.5, 4), layout="constrained")
    axes = figure.subplots()
    axes.imshow(table, cmap="Blues")
    for row in range(2):
        for column in range(2):
            share = table[row][column] / one.test.rows
            dark = table[row][column] > max(map(max, table)) / 2
            axes.text(column, row, f"{table[row][column]:,}\n{share:.0%}", ha="center", va="center",
                      color="white" if dark else "black")  # fmt: skip
    names = [name.replace("_", " ") for name in CLASSES]
    axes.set_xticks([0, 1], names)
    axes.set_yticks([0, 1], names)
    axes.set(xlabel="the model said", ylabel="it was", title=_title(one))
    return figure


def write(one: Scored, folder: Path) -> None:
    """roc.png, confusion.png and per-month.csv of one candidate."""
    roc(one).savefig(folder / "roc.png", dpi=100)
    confusion(one).savefig(folder / "confusion.png", dpi=100)
    (folder / "per-month.csv").write_text(month_table([one]), encoding="utf-8")


def _title(one: Scored) -> str:
    return f"{one.card.candidate}, month {one.card.test_month}"
