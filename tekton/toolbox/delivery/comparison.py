"""The report of a comparison: a table, pictures and a page of the variants that were trained.

A variant is a set of features or an algorithm. Each was tried by a process of its own, which has left a file.
"""

from __future__ import annotations

import base64
import html
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np

from delivery.errors import DeliveryError
from delivery.usecase import CLASSIFICATION, Compared, Config

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FEATURES, MODELS = "features", "models"
KINDS = (FEATURES, MODELS)
_SUFFIX = ".npz"
_ARRAYS = ("actual", "predicted")
BINS = 10
"""Points of the calibration, each of equally many rows."""
_STYLE = (
    "body{font-family:system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#151515}"
    "table{border-collapse:collapse}td,th{padding:.3rem .8rem;border-bottom:1px solid #d2d2d2;text-align:right}"
    "td:first-child,th:first-child{text-align:left}tr.best{font-weight:bold}img{max-width:100%}"
)


def folder_of(config: Config, kind: str) -> Path:
    """Where the files of a comparison's variants are."""
    return config.folder / "reports" / f"compare-{kind}"


def save(one: Compared, folder: Path) -> Path:
    """Write a variant to its file."""
    about = {
        "variant": one.variant,
        "candidate": one.candidate,
        "features": list(one.features),
        "params": dict(one.params),
        "metrics": dict(one.metrics),
        "train_seconds": one.train_seconds,
    }
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{quote(one.variant, safe='')}{_SUFFIX}"
    np.savez_compressed(file, about=np.array(json.dumps(about)), actual=one.actual, predicted=one.predicted)
    return file


def load(folder: Path) -> list[Compared]:
    """The variants of a folder. DeliveryError without one, and when they were not tested on the same rows."""
    found = [_read(file) for file in sorted(folder.glob(f"*{_SUFFIX}"))]
    if not found:
        raise DeliveryError(f"{folder} has no variant", next="python -m delivery comparison try KIND VARIANT")
    for one in found[1:]:
        if not np.array_equal(one.actual, found[0].actual):
            raise DeliveryError(
                f"{folder}: {one.variant} and {found[0].variant} were not tested on the same rows",
                next=f"remove {folder}, then try the variants again",
            )
    return found


def _read(file: Path) -> Compared:
    try:
        with np.load(file, allow_pickle=False) as stored:
            about: dict[str, Any] = json.loads(str(stored["about"]))
            arrays = {name: stored[name] for name in _ARRAYS}
        return Compared(**{**about, "features": tuple(about["features"]), **arrays})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DeliveryError(f"{file}: {type(error).__name__}: {error}", next=f"rm {file}, then try it again") from error


@dataclass(frozen=True)
class Report:
    """A comparison: the variants, the best first. A NaN is the worst."""

    config: Config
    kind: str
    variants: Sequence[Compared]

    @classmethod
    def of(cls, config: Config, kind: str, variants: Sequence[Compared]) -> Report:
        """The report of variants in any order; equal ones by name."""
        sign = -1 if config.task == CLASSIFICATION else 1

        def rank(one: Compared) -> tuple[float, str]:
            value = sign * one.metrics[config.measure]
            return (math.inf if math.isnan(value) else value, one.variant)

        return cls(config, kind, sorted(variants, key=rank))

    @property
    def best(self) -> Compared:
        """The variant with the best measure."""
        return self.variants[0]

    @property
    def header(self) -> list[str]:
        """The columns of the table: the measure first, then all other metrics."""
        names = list(self.best.metrics)
        return [self.config.measure, *(name for name in names if name != self.config.measure)]

    def rows(self) -> list[tuple[str, ...]]:
        """The table: name, candidate, number of features, metrics."""
        return [
            (one.variant, one.candidate, str(len(one.features)),
             *(format(one.metrics.get(name, math.nan), ".5g") for name in self.header))
            for one in self.variants
        ]  # fmt: skip

    @property
    def markdown(self) -> str:
        """The table in Markdown."""
        head = ("variant", "candidate", "features", *self.header)
        lines = [head, tuple("---" for _ in head), *self.rows()]
        return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)

    def write(self, folder: Path) -> list[Path]:
        """Write table.csv, the pictures and index.html to a folder."""
        import csv

        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "table.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("variant", "candidate", "features", *self.header), *self.rows()])
        pictures = {"measure": measure(self), "curves": curves(self)}
        for name, figure in pictures.items():
            figure.savefig(folder / f"{name}.png", dpi=100)
        (folder / "index.html").write_text(_page(self, pictures), encoding="utf-8")
        return sorted(folder.iterdir())


def measure(report: Report) -> Figure:
    """The measure of each variant, as bars, the best on top."""
    from matplotlib.figure import Figure

    names = [one.variant for one in report.variants]
    values = [one.metrics[report.config.measure] for one in report.variants]
    figure = Figure(figsize=(8, 1 + 0.4 * len(names)), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh(range(len(names)), values, color=["tab:blue", *["tab:gray"] * (len(names) - 1)])
    axes.bar_label(bars, [f"{value:.4g}" for value in values], padding=3)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    better = "larger" if report.config.task == CLASSIFICATION else "smaller"
    axes.set(xlabel=f"{report.config.measure} on the test rows; {better} is better")
    return figure


def curves(report: Report) -> Figure:
    """ROC and calibration of a classification; the residuals of a regression."""
    from matplotlib.figure import Figure

    if report.config.task == CLASSIFICATION:
        figure = Figure(figsize=(10, 5), layout="constrained")
        roc, calibration = figure.subplots(1, 2)
        _roc(report, roc)
        _calibration(report, calibration)
        return figure
    figure = Figure(figsize=(8, 1 + 0.4 * len(report.variants)), layout="constrained")
    axes = figure.subplots()
    residuals = [one.predicted - one.actual for one in report.variants]
    axes.boxplot(residuals, orientation="horizontal", tick_labels=[one.variant for one in report.variants])
    axes.invert_yaxis()
    axes.axvline(0, color="grey", linestyle=":")
    axes.set(xlabel=f"predicted - actual, {report.config.target}")
    return figure


def _roc(report: Report, axes: Axes) -> None:
    from sklearn import metrics

    for one in report.variants:
        false_rate, true_rate, _ = metrics.roc_curve(one.actual, one.predicted)
        axes.plot(false_rate, true_rate, label=one.variant)
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey")
    axes.set(xlabel="false positive rate", ylabel="true positive rate", title="ROC")
    axes.legend(loc="lower right", fontsize="small")


def _calibration(report: Report, axes: Axes) -> None:
    from sklearn.calibration import calibration_curve

    for one in report.variants:
        observed, said = calibration_curve(one.actual, one.predicted, n_bins=BINS, strategy="quantile")
        axes.plot(said, observed, marker=".", label=one.variant)
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey")
    axes.set(xlabel="predicted probability", ylabel="share that was positive", title="Calibration")


def _page(report: Report, pictures: dict[str, Figure]) -> str:
    """The whole report in one file, with its pictures."""
    title = html.escape(f"{report.config.deployment}: {report.kind} compared")
    head = "".join(
        f"<th scope=col>{html.escape(one)}</th>" for one in ("variant", "candidate", "features", *report.header)
    )
    body = "".join(
        f"<tr{' class=best' if at == 0 else ''}>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
        for at, row in enumerate(report.rows())
    )
    images = "".join(
        f'<p><img alt="{name}" src="data:image/png;base64,{_png(one)}"></p>' for name, one in pictures.items()
    )
    listed = "".join(
        f"<li>{html.escape(one.variant)}: {html.escape(', '.join(one.features))}</li>" for one in report.variants
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"<h1>{title}</h1><p>{len(report.best.actual):,} test rows. The best variant is "
        f"<b>{html.escape(report.best.variant)}</b>.</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
        f"</table>{images}<h2>Features</h2><ul>{listed}</ul></html>\n"
    )


def _png(figure: Figure) -> str:
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=100)
    return base64.b64encode(content.getvalue()).decode()
