"""The free tasks of modules: any right solution is taken, and a wrong one is refused with what was seen."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.workshop.checks.test_git import clone  # noqa: F401
from tests.workshop.checks.test_m01 import Model, Objects, model  # noqa: F401
from tests.workshop.checks.test_m16 import git
from workshop.checks import CheckContext, Finding, m02, m03, m07, m10, m11, m12
from workshop.cluster.mlflow import Mlflow, Run
from workshop.cluster.prometheus import Prometheus
from workshop.participants.names import Participant

VALUES = Participant("user1").variables({})


@pytest.fixture
def context(tmp_path: Path) -> CheckContext:
    (tmp_path / "answers").mkdir()
    return CheckContext(Objects(), VALUES, tmp_path)


def answered(context: CheckContext, number: str, text: str) -> None:
    (context.clone / "answers" / f"{number}.yaml").write_text(text)


def of(findings: list[Finding], task: str) -> Finding:
    (found,) = [finding for finding in findings if task in finding.task]
    assert found.ok or (found.reason and found.hint), found
    return found


# -- module 2: a group of flights


@pytest.fixture
def months(context: CheckContext) -> CheckContext:
    """Seven months of 200 flights, of which those of the evening and of EV are late: one in four."""
    folder = context.clone / "model" / "data"
    folder.mkdir(parents=True)
    for month in range(1, 8):
        with (folder / f"flights-2013-{month:02d}.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["sched_dep", "carrier", "dep_delay", "late"])
            for at in range(200):
                hour, carrier = 60 * (at % 20), ("EV", "UA")[at // 20 % 2]
                late = int(hour >= 600 and carrier == "EV")
                rows.writerow([hour, carrier, 99 * late, late])
    return context


@pytest.mark.parametrize(
    "group", ["carrier=EV, sched_dep>=600", "sched_dep > 599,carrier = EV", "sched_dep>=0600, carrier=EV"]
)
def test_any_large_group_that_is_late_often_enough_is_taken(months: CheckContext, group: str) -> None:
    answered(months, "02", f"group: '{group}'\n")
    assert of(m02.check(months), "late twice").ok


@pytest.mark.parametrize(
    ("group", "reason"),
    [
        ("sched_dep>=540", "770 flights, 45.5% of them late"),
        ("carrier=EV, sched_dep=1140", "35 flights, 100.0% of them late"),
        ("dep_delay>=15", "dep_delay is not known before departure"),
        ("late=1", "late is not known before departure"),
        ("hour>=10", "hour is no column"),
        ("sched_dep>=evening", "'evening' is no number"),
        ("late in the evening", "is no condition"),
        ("", "is no condition"),
    ],
)  # fmt: skip
def test_a_group_that_is_small_or_on_time_or_described_by_a_leak_is_refused(
    months: CheckContext, group: str, reason: str
) -> None:
    answered(months, "02", f"group: '{group}'\n")
    found = of(m02.check(months), "late twice")
    assert not found.ok and reason in found.reason, found


# -- module 3: a threshold


@pytest.fixture
def curves(context: CheckContext, monkeypatch: pytest.MonkeyPatch) -> CheckContext:
    """A run whose recall falls with the threshold, and whose precision rises: at 0.40 recall is 0.76."""
    metrics = {"auc": 0.7, "precision": 0.5, "recall": 0.6}
    run = Run("r1", "first model", metrics, {"candidate": "c", "train_months": "1-6", "test_month": "7"}, {})
    drawn = {
        m03.RECALL: {step: 1 - 0.006 * step for step in range(1, 100)},
        m03.PRECISION: {step: 0.3 + 0.005 * step for step in range(1, 100)},
    }
    monkeypatch.setattr(Mlflow, "runs_of_notebook", lambda *_: [run])
    monkeypatch.setattr(Mlflow, "artifacts", lambda *_: ["confusion.png"])
    monkeypatch.setattr(Mlflow, "history", lambda _, __, name: drawn[name])
    return context


@pytest.mark.parametrize("threshold", ["0.41", "0.40", "0.4", ".395"])
def test_any_threshold_near_the_best_is_taken(curves: CheckContext, threshold: str) -> None:
    answered(curves, "03", f"threshold: {threshold}\n")
    assert of(m03.check(curves), "three late flights in four").ok


@pytest.mark.parametrize(
    ("threshold", "reason"),
    [
        ("0.5", "it finds 70% of the late flights"),
        ("0.30", "50% is possible"),
        ("40", "a threshold is between 0 and 1"),
        ("low", "a threshold is between 0 and 1"),
        ("nan", "a threshold is between 0 and 1"),
    ],
)
def test_a_threshold_that_misses_flights_or_alarms_too_often_is_refused(
    curves: CheckContext, threshold: str, reason: str
) -> None:
    answered(curves, "03", f"threshold: {threshold}\n")
    found = of(m03.check(curves), "three late flights in four")
    assert not found.ok and reason in found.reason, found


# -- module 7: a test

FLIGHTS = """
import numpy as np


class FlightModel:
    def predict(self, rows):
        return np.array([[1 - row[0], row[0]] for row in rows])
"""
CALM = "def test_calm(): assert FlightModel().predict([[0.2], [0.7]])[:, 1].argmax() == 1\n"
SHAPE = "def test_shape(): assert FlightModel().predict([[0.2]]).shape == (1, 2)\n"
WRONG = "def test_wrong(): assert FlightModel().predict([[0.2]])[0, 1] == 1\n"
IMPORT = "from flights.serve import FlightModel\n"


@pytest.fixture
def tested(clone: CheckContext) -> Callable[..., dict[str, Finding]]:  # noqa: F811
    """Commits a file of tests beside those of the kit and checks it; the model says what the row says."""
    folder = clone.clone / "model"
    (folder / "flights").mkdir(parents=True)
    (folder / "flights" / "__init__.py").touch()
    (folder / "flights" / "serve.py").write_text(FLIGHTS)
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1"}

    def findings(text: str, path: str = "model/tests/any/test_mine.py") -> dict[str, Finding]:
        (clone.clone / path).parent.mkdir(parents=True, exist_ok=True)
        (clone.clone / path).write_text(text)
        git(clone.clone, "add", path)
        git(clone.clone, "commit", "--quiet", "--message", "A test")
        own = m07.check(replace(clone, cluster=Objects(), values=VALUES, env=env))
        return {finding.task: finding for finding in own}

    return findings


WRITTEN, HOLDS, CATCHES = "you have written a test", "your test holds", "your test fails with a broken model"


def test_any_test_that_holds_and_catches_a_broken_model_is_taken(tested: Callable[..., dict[str, Finding]]) -> None:
    found = tested(IMPORT + CALM + SHAPE)
    assert found[WRITTEN].reason == "model/tests/any/test_mine.py::test_calm, model/tests/any/test_mine.py::test_shape"
    assert found[HOLDS].reason == "2 passed"
    assert found[CATCHES].ok and found[CATCHES].reason == "it fails when the model is reversed or constant"


def test_a_test_that_passes_with_every_model_catches_nothing(tested: Callable[..., dict[str, Finding]]) -> None:
    found = tested(IMPORT + SHAPE)
    assert found[HOLDS].ok and not found[CATCHES].ok
    assert found[CATCHES].reason == "with a model that is reversed or constant, it passes too" and found[CATCHES].hint


def test_a_test_that_fails_with_the_right_model_does_not_hold(tested: Callable[..., dict[str, Finding]]) -> None:
    found = tested(IMPORT + CALM + WRONG)
    assert not found[HOLDS].ok and found[HOLDS].reason == "test_wrong fails" and not found[CATCHES].ok


def test_a_file_without_a_test_is_no_test(tested: Callable[..., dict[str, Finding]]) -> None:
    found = tested("def check(: pass\n")
    assert not found[WRITTEN].ok and found[WRITTEN].reason == "no commit of mine adds a test to model/tests"


# -- module 10: a model


@pytest.mark.parametrize(
    ("metrics", "ok"),
    [
        ({"4": (0.756, 459_000)}, True),
        ({"4": (0.70, 100_000), "5": (0.755, 500_000), "6": (0.80, 900_000)}, True),
        ({"4": (0.754, 100_000), "5": (0.80, 500_001)}, False),
        ({}, False),
    ],
)
def test_a_model_is_taken_by_its_auc_and_size_whatever_its_settings_are(
    context: CheckContext, monkeypatch: pytest.MonkeyPatch, metrics: dict[str, tuple[float, int]], ok: bool
) -> None:
    made = {version: Run("r", "", {"auc": auc, "onnx_bytes": size}, {}, {}) for version, (auc, size) in metrics.items()}
    monkeypatch.setattr(Mlflow, "run_of_version", lambda _, __, version: made[version])
    runs = [{"status": {"results": [{"name": "model-version", "value": version}]}} for version in metrics]
    found = m10._good(context, runs)
    assert found.ok == ok and found.reason


# -- module 11: a request

NAMES = ["sched_dep", "precip"]


@pytest.mark.parametrize(
    ("rows", "answer", "reason"),
    [
        ([[1110, 0], [420, 0]], [[0.2, 0.8], [0.7, 0.3]], "sched_dep changes the probability from 0.80 to 0.30"),
        ([[1110, 0], [420, 0]], [[0.2, 0.8], [0.3, 0.7]], "and 0.2 is asked for"),
        ([[1110, 0], [420, 1]], [[0.2, 0.8], [0.7, 0.3]], "the rows differ in 2 columns"),
        ([[1110, 0], [1110, 0]], [[0.2, 0.8], [0.7, 0.3]], "the rows differ in 0 columns"),
        ([[1110, 0]], [[0.2, 0.8]], "two rows of 2 values are needed"),
        ([[1110, 0], [420]], [[0.2, 0.8], [0.7, 0.3]], "two rows of 2 values are needed"),
        ([[1110, 0], [420, 0]], "no rows", "production answers 200"),
    ],
)
def test_a_pair_of_flights_is_judged_by_what_production_answers(
    context: CheckContext,
    model: tuple[type[Model], str],  # noqa: F811
    rows: list[Any],
    answer: Any,
    reason: str,
) -> None:
    handler, url = model
    handler.answer = {"data": {"ndarray": answer}}
    (context.clone / "answers/any.json").write_text(json.dumps({"data": {"names": NAMES, "ndarray": rows}}))
    found = m11._asked(replace(context, values={**VALUES, "PRODUCTION_URL": url}))
    assert reason in found.reason and found.ok == ("changes" in reason and "asked" not in reason), found


# -- module 12: a panel


def board(expr: Any) -> str:
    return json.dumps(
        {"uid": "u", "title": "t", "panels": [{"type": "row", "panels": [{"targets": [{"expr": expr}]}]}]}
    )


@pytest.mark.parametrize(
    ("expr", "reason"),
    [
        ('rate(model_a_total{namespace=~"$namespace", x=~"$x"}[$__rate_interval])', "model_a_total"),
        ("rate(flight_b_total[5m])", "gives no data"),
        ("up", "reads no series of the model"),
        ("sum( model_known )", "a dashboard of the kit has the query"),
        (5, "no panel of mine.json has a query"),
    ],
)
def test_a_panel_is_taken_when_its_own_query_of_the_model_has_data(
    context: CheckContext, monkeypatch: pytest.MonkeyPatch, expr: Any, reason: str
) -> None:
    asked: list[str] = []

    def value(_: Prometheus, query: str) -> float | None:
        asked.append(query)
        return 1.0 if "model_a" in query else None

    monkeypatch.setattr(Prometheus, "value", value)
    rendered = context.clone / "grafana" / "rendered"
    rendered.mkdir(parents=True)
    (rendered / "kit.json").write_text(board("sum( model_known  )"))
    (context.clone / "answers/mine.json").write_text(board(expr))
    found = m12._drawn(context)
    assert reason in found.reason and found.ok == (reason == "model_a_total")
    if found.ok:
        wanted = 'rate(model_a_total{namespace=~"user1-production", x=~".*"}[5m])'
        assert asked == [f"last_over_time(({wanted})[1d:1m])"]


def test_documents_of_the_answers_are_put_aside_and_kept(context: CheckContext) -> None:
    for _ in range(2):
        (context.clone / "answers/mine.json").write_text(board("up"))
        m12.reset(context, Objects())  # type: ignore[arg-type]
    assert sorted(file.name for file in (context.clone / "answers/kept").iterdir()) == ["mine-1.json", "mine-2.json"]
