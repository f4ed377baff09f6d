"""The use case's functions for delivery: those of `delivery.usecase.UseCase`.

Most commands need one of them. What takes a second or more to import (pandas, scikit-learn, MLflow) is imported by the
functions that need it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from delivery import origin
from delivery.cli import say
from delivery.errors import DeliveryError
from delivery.usecase import Champion, Check, Compared, LabelledRows, Registered, Scores

from flights import advance as advancing
from flights import card, months, params, pointers, traffic
from flights import gate as gates
from flights.card import CARD
from flights.errors import FlightsError
from flights.paths import home
from flights.schema import FEATURES

SERVING = "models/serving"


def labelled_rows(period: str) -> LabelledRows:
    """The flights of months (7, 9-12) with their truth; by default those of the test month."""
    with _as_delivery_error():
        wanted = months.parse(period) if period else (params.load().test_month,)
        rows = [row for month in wanted for row in traffic.flights_of(month, home() / "data").rows]
        return LabelledRows(rows, FEATURES)


def periods(text: str) -> list[str]:
    """The months that a text names: 9-12 is 9, 10, 11 and 12."""
    with _as_delivery_error():
        return [str(month) for month in sorted(months.parse(text))]


def advance(create: bool) -> str:
    """Let the next month count: `Train on 1-7, test on 8`; empty if it is not tracked and may not be created."""
    with _as_delivery_error():
        moved = advancing.advance(create=create)
        return f"Train on {moved.train}, test on {moved.test}" if moved else ""


def data_version() -> str:
    """The data version of the months in params.yaml, as the stage `months` wrote it."""
    with _as_delivery_error():
        return pointers.version_of_data(params.load(), home() / "data")


def data_files() -> dict[str, str]:
    """The months of params.yaml with their MD5."""
    with _as_delivery_error():
        return {
            f"data/{name}": digest for name, digest in pointers.files_of_data(params.load(), home() / "data").items()
        }


def gate(champion: Champion | None) -> Sequence[Check]:
    """The bounds of params.yaml, and the champion on the same test month."""
    from flights import features

    with _as_delivery_error():
        made = card.load(home() / SERVING / CARD)
        test = features.read([made.test_month], home() / "data")
        trained = ",".join(map(str, made.train_months))
        say(f"{made.candidate} {made.onnx_sha256[:12]}, trained on months {trained}, tested on {made.test_month}")
        return gates.decide(home() / SERVING, test, params.load().gate, champion)


def gate_by_threshold(model: Path, scores: Scores) -> Sequence[Sequence[Check]]:
    """The bounds of params.yaml for the model at the threshold where each bin begins.

    The AUC depends on no threshold: it is that of the test month if the scores are, else that of the scores.
    """
    with _as_delivery_error():
        made, limits = card.load(model), params.load().gate
        tested = [list(scores.negative), list(scores.positive)] == [made.scores.get(name) for name in card.CLASSES]
        auc = made.metrics["auc"] if tested else scores.auc
        recalls = [scores.at(at).recall for at in range(len(scores.negative))]
        return [gates.bounds(made, auc, recall, limits) for recall in recalls]


def feature_sets() -> dict[str, list[str]]:
    """Groups of columns, the last one with the leak."""
    from flights import comparison

    return comparison.FEATURE_SETS


def candidates() -> list[str]:
    """The candidates of params.yaml."""
    with _as_delivery_error():
        return list(params.load().candidates)


def compared(variant: str, candidate: str, columns: Sequence[str]) -> Compared:
    """A candidate trained with these columns, or with those of params.yaml, and tested on the test month."""
    import numpy as np

    from flights import comparison, features, metrics

    with _as_delivery_error():
        given, folder = params.load(), home() / "data"
        learn, test = features.read(given.train_months, folder), features.read([given.test_month], folder)
        names = tuple(columns or given.features)
        started = time.perf_counter()
        late = comparison.predicted(candidate, names, given.candidates, learn, test)
        seconds = time.perf_counter() - started
        quality = asdict(metrics.score(features.labels(test), late, given.threshold))
        months_of = {"train_months": ",".join(map(str, given.train_months)), "test_month": given.test_month}
        about = {**given.candidates[candidate], **months_of, "threshold": given.threshold}
        actual = features.labels(test).astype(np.float64)
        return Compared(variant, candidate, names, about, quality, actual, late, seconds)


def run_of_chosen_model() -> Registered:
    """The MLflow run of the model in models/serving."""
    from flights import tracking

    with _as_delivery_error(), tracking.reachable():
        made = card.load(home() / SERVING / CARD)
        tags = {
            "candidate": made.candidate,
            "data_version": made.data_version,
            "git_commit": origin.commit(),
            "onnx_sha256": made.onnx_sha256,
        }
        if committed_at := origin.committed_at():
            tags["committed_at"] = committed_at
        return Registered(tracking.run_of(home() / SERVING), tags)


@contextmanager
def _as_delivery_error() -> Iterator[None]:
    try:
        yield
    except FlightsError as error:
        raise DeliveryError(str(error)) from error
