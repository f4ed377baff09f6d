"""What Prometheus computes of served rows is what delivery.drift and a library compute of the same rows."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from delivery import drift
from feature_engine.selection import DropHighPSIFeatures
from flights import export, features
from flights.traffic import flights_of

from tests.grafana.conftest import Stack, scraped
from tests.s2i.flights import serving_model

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("grafana")]

ROWS, BATCH = 3000, 1000


@pytest.fixture(scope="module")
def december(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """The first flights of December, by column."""
    rows = flights_of(12, tmp_path_factory.mktemp("months")).rows[:ROWS]
    return {name: [row.values[name] for row in rows] for name in rows[0].values}


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((serving_model() / "model.json").read_text())["reference"]
    return found


@pytest.fixture(scope="module")
def served(
    december: dict[str, list[Any]], reference: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """A model that was asked about these flights and no others, and what Prometheus has computed since."""
    names = [feature["name"] for feature in reference["features"]]
    with ExitStack() as ending:
        stack = ending.enter_context(scraped(tmp_path_factory.mktemp("drift"), ("main",)))
        # increase() compares with what was there before: the zeros have to be seen first.
        stack.until("count(model_feature_rows_total == 0) > 100")
        for start in range(0, ROWS, BATCH):
            rows = [list(row) for row in zip(*(december[name][start : start + BATCH] for name in names), strict=True)]
            assert stack.servers["main"].post({"data": {"names": names, "ndarray": rows}}).status == 200
        stack.until(f'sum(model_feature_rows_total{{feature="dest"}}) == {ROWS}')
        # The rules have seen all rows. `increase` extrapolates, so 3000 alone may be that of fewer.
        seen = time.time()
        for record in (
            'feature:model_feature:psi{feature="dest", window="1m"}',
            'predictor:model_output:psi{window="1m"}',
        ):
            stack.until(f"timestamp({record}) > {seen}")
        # All series are extrapolated alike.
        stack.until(f'feature:model_feature_rows:increase{{feature="dest", window="1m"}} >= {ROWS}')
        stack.until(f'sum(decile:model_output_rows:increase{{window="1m"}}) >= {ROWS}')
        yield stack


def computed(stack: Stack, record: str, label: str) -> dict[str, float]:
    """What a recording rule has made of the last minute."""
    found = stack.query(f'{record}{{window="1m"}}')
    return {one["metric"].get(label, ""): float(one["value"][1]) for one in found}


def test_the_index_of_each_feature_is_that_of_the_same_rows_offline(
    served: Stack, december: dict[str, list[Any]], reference: dict[str, Any]
) -> None:
    counted = drift.count(reference, december)
    offline = {one["name"]: drift.psi(counted[one["name"]], one["bins"]) for one in reference["features"]}
    assert computed(served, "feature:model_feature:psi", "feature") == pytest.approx(offline, rel=1e-3, abs=1e-6)
    unseen = {one["name"]: drift.unseen(counted[one["name"]]) for one in reference["features"] if "values" in one}
    assert computed(served, "feature:model_feature_unseen:share", "feature") == pytest.approx(unseen, rel=1e-3)
    assert unseen["dest"] > 0


@pytest.mark.filterwarnings("ignore:Could not infer format")
def test_the_index_is_that_of_a_library_for_the_same_bins(
    served: Stack, december: dict[str, list[Any]], reference: dict[str, Any]
) -> None:
    found = computed(served, "feature:model_feature:psi", "feature")
    chosen = [one for one in reference["features"] if one["name"] in ("distance", "sched_dep", "carrier", "origin")]
    parts = []
    for part in ("trained", "served"):
        columns: dict[str, Any] = {"part": np.repeat(part, 10_000 if part == "trained" else ROWS)}
        for one in chosen:
            name, labels = one["name"], [*one["bins"]]
            if part == "trained":
                rows = np.round(np.array(list(one["bins"].values())) * 10_000).astype(int)
                rows[rows.argmax()] += 10_000 - rows.sum()
                columns[name] = np.repeat(labels, rows)
            elif "edges" in one:
                # Cut by pandas at the bounds of training.
                low, *upper = one["edges"]
                cut = pd.cut(december[name], [-np.inf, np.nextafter(low, -np.inf), *upper, np.inf], labels=labels[:-1])
                columns[name] = np.array(cut)
            else:
                bins = dict(zip(one["values"], labels, strict=False)) | dict.fromkeys(one["others"], drift.OTHER)
                columns[name] = np.array([bins.get(value, drift.UNSEEN) for value in december[name]])
        parts.append(pd.DataFrame(columns))
    names = [one["name"] for one in chosen]
    library = DropHighPSIFeatures(
        split_col="part", cut_off=["trained"], variables=names, min_pct_empty_bins=drift.LEAST, threshold=0.25
    ).fit(pd.concat(parts, ignore_index=True))
    assert library.psi_values_ == pytest.approx({name: found[name] for name in names}, rel=0.02, abs=1e-3)


def test_the_index_of_the_predictions_is_that_of_the_same_rows_offline(
    served: Stack, december: dict[str, list[Any]], reference: dict[str, Any]
) -> None:
    names = [one["name"] for one in reference["features"]]
    frame = pd.DataFrame({name: december[name] for name in names})
    _, numbers = features.order(names)
    frame[numbers] = frame[numbers].astype(np.float32)
    running = onnxruntime.InferenceSession(str(serving_model() / "model.onnx"))
    tenths = np.bincount(drift.deciles(export.late(running, features.inputs(frame, names))), minlength=10)
    trained = {str(at): share for at, share in enumerate(reference["outputs"]["shares"])}
    offline = drift.psi({str(at): int(rows) for at, rows in enumerate(tenths)}, trained)
    assert computed(served, "predictor:model_output:psi", "predictor_name") == pytest.approx(
        {"main": offline}, rel=1e-3
    )
