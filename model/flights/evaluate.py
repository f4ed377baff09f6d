"""Score the candidates on every month and choose the better one.

    python -m flights.evaluate     reads models/{boosted,logistic}, writes reports/ and models/serving

The candidate with the larger AUC on the test month wins, unless CANDIDATE names one (an A/B test serves both). The gate
decides whether it is good enough. The scores are those of the ONNX model, with the bytes that are served.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flights import card, export, features, metrics, params, tracking
from flights.card import CARD, CLASSES, MODEL, Card
from flights.cli import exit_code, say
from flights.errors import FlightsError
from flights.features import Labels
from flights.metrics import Metrics, Probabilities
from flights.paths import home, write_atomic


@dataclass(frozen=True, slots=True)
class Scored:
    """The answers of one candidate for the test month, and its metrics by month."""

    card: Card
    folder: Path
    actual: Labels
    late: Probabilities
    months: dict[int, Metrics]

    @property
    def test(self) -> Metrics:
        """The metrics of the test month."""
        return self.months[self.card.test_month]


def score(folder: Path, data: Path) -> Scored:
    """Score the model in the folder on its training months and on its test month."""
    made = card.load(folder / CARD)
    running = export.session((folder / MODEL).read_bytes())
    by_month: dict[int, Metrics] = {}
    for month in (*made.train_months, made.test_month):
        frame = features.read([month], data)
        actual, late = features.labels(frame), export.late(running, features.inputs(frame, made.features))
        by_month[month] = metrics.score(actual, late, made.threshold)
    return Scored(made, folder, actual, late, by_month)


def winner(scored: Sequence[Scored], named: str = "") -> Scored:
    """The candidate of that name, else the one with the largest AUC on the test month; the first of equals.

    Raises FlightsError for an unknown name.
    """
    if named:
        known = {one.card.candidate: one for one in scored}
        if named not in known:
            raise FlightsError(f"CANDIDATE: got {named!r}, allowed: {', '.join(known)} or nothing")
        return known[named]
    return max(scored, key=lambda one: one.test.auc)


def month_table(scored: Iterable[Scored]) -> str:
    """CSV of every metric of every candidate and month. `part` says whether the model was trained on the month."""
    rows = [
        {
            "candidate": one.card.candidate,
            "month": month,
            "part": "test" if month == one.card.test_month else "train",
            **{name: round(value, 5) for name, value in asdict(quality).items()},
        }
        for one in scored
        for month, quality in one.months.items()
    ]
    return _csv(list(rows[0]), [list(row.values()) for row in rows])


def _csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _roc_table(one: Scored) -> str:
    points = [[round(value, 6) for value in point] for point in metrics.roc(one.actual, one.late)]
    return _csv(["false_positive_rate", "true_positive_rate", "threshold"], points)


def _confusion_table(one: Scored) -> str:
    """One line for each flight, in the form of DVC's confusion template."""
    said = (one.late >= one.card.threshold).astype(int)
    pairs = ((CLASSES[was], CLASSES[answer]) for was, answer in zip(one.actual, said, strict=True))
    return _csv(["actual", "said"], pairs)


def write_reports(scored: Sequence[Scored], chosen: Scored, reports: Path) -> None:
    """metrics.json, per-month.csv, roc-CANDIDATE.csv and confusion.csv."""
    summary = {
        "winner": chosen.card.candidate,
        **{one.card.candidate: {name: round(value, 5) for name, value in asdict(one.test).items()} for one in scored},
    }
    files = {
        "metrics.json": json.dumps(summary, indent=1) + "\n",
        "per-month.csv": month_table(scored),
        "confusion.csv": _confusion_table(chosen),
        **{f"roc-{one.card.candidate}.csv": _roc_table(one) for one in scored},
    }
    for name, text in files.items():
        write_atomic(reports / name, text.encode())


def main(argv: list[str] | None = None) -> int:
    """Evaluate the candidates of params.yaml and choose one."""
    argparse.ArgumentParser(prog="python -m flights.evaluate", description=__doc__.split("\n", 1)[0]).parse_args(argv)
    root = home()
    scored = [score(root / "models" / name, root / "data") for name in params.load().candidates]
    chosen = winner(scored, os.environ.get("CANDIDATE", ""))
    write_reports(scored, chosen, root / "reports")
    for name in (MODEL, CARD):
        write_atomic(root / "models/serving" / name, (chosen.folder / name).read_bytes())
    if tracking.enabled():
        from flights import plots

        for one in scored:
            tracking.log_evaluation(one.folder, lambda folder, one=one: plots.write(one, folder))  # type: ignore[misc]
    for one in scored:
        mark = "  <- models/serving" if one is chosen else ""
        say(f"{one.card.candidate:<9} auc {one.test.auc:.4f}  recall {one.test.recall:.3f}  "
            f"precision {one.test.precision:.3f}  brier {one.test.brier:.4f}{mark}")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(main))
