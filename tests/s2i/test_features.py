"""Served rows are counted in the bins of training, exactly and with bounded memory, whatever callers send."""

from __future__ import annotations

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy
import psutil
import pytest
from delivery import drift
from hypothesis import given
from hypothesis import strategies as st
from modelserver.arrays import from_rows
from modelserver.columns import dtype_of, parse_columns
from modelserver.errors import StartError
from modelserver.families import Writer, merged
from modelserver.features import ROWS, FeatureCounts
from modelserver.reference import parse_reference
from modelserver.shared import Shared

from tests.kit import until

from .conftest import Server, Start
from .models.Watched import COLUMNS, REFERENCE
from .test_lifecycle import run

NAMES = [str(column["name"]) for column in COLUMNS]


def message(*rows: list[Any]) -> dict[str, Any]:
    return {"data": {"names": NAMES, "ndarray": list(rows)}}


def bins(server: Server, feature: str) -> dict[str, float]:
    """The rows of a feature by bin, without the empty bins."""
    reference = {one["name"]: one["bins"] for one in REFERENCE["features"]}[feature]
    found = {name: server.sample("model_feature_rows_total", feature=feature, bin=name) for name in reference}
    return {name: count for name, count in found.items() if count}


@pytest.fixture
def watched(started: Start) -> Server:
    return started("Watched", shared=False, SELDON_DEPLOYMENT_ID="d", PREDICTOR_ID="p")


def test_each_value_is_counted_in_its_bin(watched: Server) -> None:
    for row in (["UA", 6, 0], ["DL", 12, 0.1], ["9E", 12, 5], ["ZZ", 22, 10.5], ["UA", 5, None], ["UA", 23, -1]):
        assert watched.post(message(row)).status == 200, row
    assert bins(watched, "carrier") == {"01 UA": 3, "02 DL": 1, "other": 1, "unseen": 1}
    assert bins(watched, "hour") == {"below": 1, "01 to 12": 3, "02 to 22": 1, "above": 1}
    assert bins(watched, "age") == {"below": 1, "01 to 0": 1, "02 to 5": 2, "above": 1, "missing": 1}


def test_rows_of_every_protocol_are_counted_and_those_of_failures_and_feedback_are_not(watched: Server) -> None:
    watched.post(message(["UA", 7, 1], ["UA", 8, 1]))
    watched.post(message(["UA", 7, 1]), "/predict")
    watched.post({"jsonData": {"carrier": "UA", "hour": 7}})
    inputs = [
        {"name": name, "shape": [1], "datatype": kind, "data": [value]}
        for name, kind, value in (("carrier", "BYTES", "UA"), ("hour", "INT64", 7), ("age", "FP64", 1.0))
    ]
    assert watched.post({"inputs": inputs}, "/v2/models/Watched/infer").status == 200
    assert watched.post(message(["UA", 13, 1])).status == 500
    assert watched.post({"reward": 1, "request": message(["UA", 7, 1])}, "/api/v1.0/feedback").status == 200
    assert bins(watched, "carrier") == {"01 UA": 5}


def test_the_shares_of_training_are_shown_with_its_data_version(watched: Server) -> None:
    labels: dict[str, Any] = {"deployment_name": "d", "predictor_name": "p", "data_version": "d1"}
    assert watched.sample("model_feature_reference", feature="hour", bin="01 to 12", **labels) == 0.5
    assert watched.sample("model_output_reference", decile="1", **labels) == 0.75
    assert watched.sample("model_feature_usual_psi", feature="age", **labels) == 0.3
    assert watched.sample("model_output_usual_psi", **labels) == 0.2
    text = watched.get("/metrics").body.decode()
    zeros = [line for line in text.splitlines() if line.startswith("model_feature_rows_total{")]
    assert len(zeros) == sum(len(one["bins"]) for one in REFERENCE["features"])
    assert all(line.endswith(" 0.0") for line in zeros)


def test_a_refused_value_is_counted_by_its_column_once_a_request(watched: Server) -> None:
    assert watched.post(message(["UA", 99, 1], ["UA", 98, 1], ["UA", 7, "old"])).status == 400
    refused = {name: watched.sample("model_feature_refused_total", feature=name) for name in NAMES}
    assert refused == {"carrier": 0, "hour": 1, "age": 1}
    assert bins(watched, "hour") == {}


def test_no_series_comes_from_what_callers_send(watched: Server) -> None:
    def series() -> int:
        return sum(not line.startswith("#") for line in watched.get("/metrics").body.decode().splitlines())

    before = series()
    for at in range(0, 3000, 100):
        watched.post(message(*([f"stranger {n}", n % 12, n * 1e6] for n in range(at, at + 100))))
    assert bins(watched, "carrier") == {"unseen": 3000}
    assert series() == before


@pytest.mark.parametrize("threads", ["0", "4"])
def test_rows_are_counted_exactly_with_many_callers(started: Start, threads: str) -> None:
    server = started("Watched", shared=False, MODEL_SERVER_THREADS=threads, MODEL_SERVER_ACCESS_LOG="false",
                     INCLUDE_METRICS_IN_CLIENT_RESPONSE="false")  # fmt: skip
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: server.post(message(["UA", n % 12, 1])), range(400)))
    assert bins(server, "carrier") == {"01 UA": 400}
    assert sum(bins(server, "hour").values()) == 400


def test_a_killed_worker_keeps_what_it_had_counted_half_a_second_ago(started: Start) -> None:
    server = started("Watched", shared=False, MODEL_SERVER_WORKERS="2", MODEL_SERVER_ACCESS_LOG="false")
    for _ in range(50):
        assert server.post(message(["UA", 7, 1])).status == 200
    until(lambda: server.sample("model_feature_rows_total", metrics=True, feature="carrier", bin="01 UA") == 50)
    victim = psutil.Process(server.process.pid).children()[0].pid
    os.kill(victim, signal.SIGKILL)
    until(lambda: server.sample("model_server_worker_restarts_total", metrics=True) == 1)
    until(lambda: server.sample("model_server_workers", metrics=True) == 2)
    server.pool.clear()
    for _ in range(50):
        assert server.post(message(["DL", 7, 1])).status == 200
    until(lambda: server.sample("model_feature_rows_total", metrics=True, feature="carrier", bin="02 DL") == 50)
    assert server.sample("model_feature_rows_total", metrics=True, feature="carrier", bin="01 UA") == 50
    assert server.sample("model_feature_reference", metrics=True, feature="carrier", bin="01 UA") == 0.5


# -- a description that cannot be used -----------------------------------------------------------------------------


def changed(at: int, **keys: object) -> dict[str, Any]:
    features: list[dict[str, Any]] = [dict(one) for one in REFERENCE["features"]]
    features[at] |= keys
    return {**REFERENCE, "features": features}


WRONG = {
    "a list": ([], "training_reference() must return an object, not list"),
    "an unknown key": ({**REFERENCE, "feature": []}, "training_reference(): unknown key feature; allowed are"),
    "no features": ({"features": 3}, "training_reference(): features must be a list"),
    "no column": (changed(0, name="x"), "training_reference(): features[0]: 'x' is no column of input_schema()"),
    "twice": (changed(1, name="age"), "training_reference(): a feature is there twice"),
    "bins": (changed(1, edges=[6, 12, 18, 22]), 'training_reference(): features[1] "hour": 5 bins, allowed: 6'),
    "falling edges": (changed(1, edges=[6, 22, 12]), 'training_reference(): features[1] "hour": edges must rise'),
    "no number": (changed(1, edges=[6, "x", 22]), "features[1] \"hour\": edges: 'x' is not a finite number"),
    "a negative share": ({**REFERENCE, "outputs": {"shares": [-1], "usual": 0}}, "shares: -1 is not a finite number"),
    "no usual index": (changed(2, usual=None), 'features[2] "age": usual: None is not a finite number of at least 0'),
    "values": (changed(0, values=[1, 2]), 'features[0] "carrier": values must be a list of texts'),
    "too many": (
        changed(0, values=[str(n) for n in range(2000)], bins={**{str(n): 0 for n in range(2003)}}),
        "training_reference(): 2014 bins; at most 1000 are allowed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_description_that_cannot_be_used_is_refused_with_the_reason(name: str) -> None:
    document, text = WRONG[name]
    with pytest.raises(StartError) as refused:
        parse_reference(document, parse_columns(COLUMNS))
    assert text in str(refused.value)


def test_a_model_with_a_wrong_description_does_not_start() -> None:
    done = run("Watched", "--check", env={"REFERENCE": json.dumps({"rows": 3})})
    assert done.returncode == 1
    assert "unknown key rows" in done.stderr


# -- the same counts as delivery.drift, which counts rows of files -----------------------------------------------


TEXTS = st.sampled_from(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "new"])
VALUES = st.none() | st.integers(-5, 5).map(float) | st.floats(-1e6, 1e6)
TRAINED = st.lists(st.tuples(TEXTS, VALUES, st.integers(0, 23)), min_size=1, max_size=60).filter(
    lambda rows: any(row[1] is not None for row in rows)
)
SERVED = st.lists(st.tuples(TEXTS, VALUES, st.integers(-5, 30)), min_size=1, max_size=40)
SCHEMA: list[dict[str, Any]] = [
    {"name": "word", "type": "string"},
    {"name": "value", "type": "number", "nullable": True},
    {"name": "hour", "type": "integer"},
]


def columns_of(rows: list[tuple[Any, ...]]) -> dict[str, list[Any]]:
    return {str(column["name"]): [row[at] for row in rows] for at, column in enumerate(SCHEMA)}


@given(TRAINED, SERVED)
def test_the_counts_are_those_of_the_offline_computation(trained: list[Any], served: list[Any]) -> None:
    reference = drift.describe(columns_of(trained), "d")
    columns = parse_columns(SCHEMA)
    shared = Shared.make(1)
    counts = FeatureCounts(parse_reference(reference, columns), Writer(shared.blocks[0]))
    counts.count(from_rows([list(row) for row in served], dtype_of(columns)))
    counts.flush()
    found: dict[str, dict[str, int]] = {}
    for labels, (number, *_) in merged(shared.blocks)[ROWS, "COUNTER"].items():
        named: dict[str, str] = dict(labels)
        found.setdefault(named["feature"], {})[named["bin"]] = int(number)
    assert found == drift.count(reference, columns_of(served))
    assert all(sum(bins.values()) == len(served) for bins in found.values())


def test_a_model_of_numbers_alone_is_counted_too() -> None:
    columns = parse_columns([{"name": "hour", "type": "integer"}])
    reference = drift.describe({"hour": [1, 2, 3]}, "d")
    shared = Shared.make(1)
    counts = FeatureCounts(parse_reference(reference, columns), Writer(shared.blocks[0]))
    counts.count(numpy.array([[1], [9]]))
    counts.flush()
    numbers = merged(shared.blocks)[ROWS, "COUNTER"].values()
    assert sum(number[0] for number in numbers) == 2
