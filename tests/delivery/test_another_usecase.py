"""A second use case, a regression in its own folder, works with delivery and dashboards without other changes."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from delivery import canaryrules, drift, measure, usecase
from delivery.cluster import Release
from delivery.commands.canary import canary
from delivery.history import CANARY_REFUSED, History
from delivery.prometheus import Prometheus
from delivery.quality import Errors
from delivery.release import Delivery
from delivery.rules import BAD, OK
from delivery.usecase import Config

from tests.delivery.conftest import KIT, NothingStarts, Recorder
from tests.delivery.test_counting import Answers, answering
from tests.s2i.conftest import Server

FUEL = Path(__file__).with_name("fuel")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The use case in a folder outside the kit, with overlays of its own: those of the kit under its name."""
    made = tmp_path / "fuel"
    shutil.copytree(FUEL, made, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(KIT / "seldon", made / "seldon", ignore=shutil.ignore_patterns("client"))
    for file in (made / "seldon").rglob("*.yaml"):
        file.write_text(file.read_text().replace("flight-delay", "fuel-consumption"))
    shutil.copytree(KIT / "grafana" / "alerts", made / "grafana" / "alerts")
    # What training writes into the card.
    card = made / "models/serving/model.json"
    reference = drift.describe({"weight": range(600, 2000)}, "1982", [n % 10 for n in range(1400)])
    card.write_text(json.dumps({**json.loads(card.read_text()), "reference": reference}))
    return made


@pytest.fixture
def config(folder: Path) -> Config:
    return usecase.read(folder)


def run(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A Python module in the folder of the use case, as a Task runs it."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "USE_CASE"))}
    return subprocess.run([sys.executable, "-m", *words], cwd=folder, env=known | env, capture_output=True, text=True)


def test_its_gate_opens_and_closes(folder: Path) -> None:
    done = run(folder, "delivery", "gate")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "the gate is open"), done.stderr
    card = folder / "models/serving/model.json"
    card.write_text(card.read_text().replace('"rmse": 0.5', '"rmse": 1.5'))
    done = run(folder, "delivery", "gate")
    assert done.returncode == 1
    assert "the gate is closed: rmse: 1.5, allowed: at most 1, next: look at the weights" in done.stdout
    assert json.loads((folder / "reports/gate.json").read_text())["passed"] is False


def test_its_results_reach_a_task(folder: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    for what in ("data", "model"):
        assert run(folder, "delivery", "describe", what, "--results", str(results)).returncode == 0
    found = {file.name: file.read_text() for file in results.iterdir()}
    hint = json.loads(found.pop("data-ARTIFACT_INPUTS"))
    assert found == {
        "data-version": "1982", "candidate": "line", "score": "0.500",
        "data-files": '{"data/cars.csv":"00000000000000000000000000000000"}',
    }  # fmt: skip
    digest = hashlib.sha256(found["data-files"].encode()).hexdigest()
    assert hint == {"uri": "dvc:data@1982", "digest": f"sha256:{digest}"}


@pytest.fixture
def served(folder: Path) -> Iterator[Server]:
    server = Server("Fuel", {"SELDON_DEPLOYMENT_ID": "fuel-consumption", "PREDICTOR_ID": "main"}, folder)
    server.wait_for("ready")
    yield server
    server.stop()


def test_its_server_is_checked_called_and_counted(folder: Path, served: Server) -> None:
    url = f"http://127.0.0.1:{served.port}"
    done = run(folder, "delivery", "contract", "--url", url)
    assert done.returncode == 0, done.stdout + done.stderr
    words = ("--url", url, "--requests", "20", "--rate", "200", "--rows", "5", "--feedback", "-o", "json")
    done = run(folder, "delivery", "traffic", *words)
    report = json.loads(done.stdout)
    assert (done.returncode, report["codes"], report["feedback"]) == (0, {"200": 20}, {"200": 20}), done.stderr
    assert report["mean_absolute_error"] == pytest.approx(0.5, abs=1e-3)
    assert served.sample("model_feedback_error_total", metrics=True, power="0") == 100
    assert served.sample("model_feedback_error_total", metrics=True, power="2") == pytest.approx(25)


def test_its_features_are_counted_in_the_bins_of_its_training(served: Server) -> None:
    for weight in (500, 700, 2500):
        served.post({"data": {"names": ["weight"], "ndarray": [[weight]]}})
    counted = {name: served.sample("model_feature_rows_total", bin=name) for name in ("below", "01 to 739", "above")}
    assert counted == {"below": 1, "01 to 739": 1, "above": 1}
    assert served.sample("model_output_reference", data_version="1982") == pytest.approx(1)


def series(value: float, **labels: str) -> dict[str, Any]:
    return {"metric": labels, "values": [[1e10, str(value)]]}


def counted(rows: int, rmse: dict[str, float]) -> dict[str, list[dict[str, Any]]]:
    """What Prometheus has of predictors with these errors; half of the errors are a little larger than the others."""
    errors, requests = [], []
    for name, error in rmse.items():
        low, high = 0.9 * error, (2 - 0.81) ** 0.5 * error
        for power in (0, 2, 4):
            amount = rows / 2 * (low**power + high**power)
            errors.append(series(amount, predictor_name=name, power=str(power)))
        requests.append(series(rows, predictor_name=name, code="200"))
    deciles = [series(rows / 10, predictor_name=name, decile=str(at)) for name in rmse for at in range(10)]
    name = "seldon_api_executor_server_requests_seconds"
    bounds = ("0.1", "0.25", "1.0", "10.0", "+Inf")
    within = [series(rows, predictor_name=each, le=le) for each in rmse for le in bounds]
    return {
        f"{name}_count": requests, f"{name}_bucket": within,
        "model_output_decile_total": deciles, "model_feedback_error_total": errors,
    }  # fmt: skip


def test_its_quality_is_the_root_mean_squared_error(answers: Answers, config: Config) -> None:
    found, url = answers
    found.series = counted(1000, {"main": 1.0, "canary": 1.5})
    (seen,) = measure.since(Prometheus(url), "user1-production", config, 1e9)
    quality = seen["canary"].quality
    assert isinstance(quality, Errors)
    assert quality.known == 1000
    assert quality.value == pytest.approx(1.5)
    assert seen["shadow"].quality == Errors()


@pytest.fixture
def answers() -> Iterator[Answers]:
    with answering() as found:
        yield found


@pytest.mark.parametrize(("error", "state"), [(1.0, OK), (1.3, BAD)], ids=["as good", "worse"])
def test_its_canary_stays_or_goes_back_by_its_error(
    answers: Answers, config: Config, production: str, monkeypatch: pytest.MonkeyPatch, error: float, state: str
) -> None:
    found, url = answers
    monkeypatch.setenv("PROMETHEUS_URL", url)
    found.series = counted(1000, {"main": 1.0, "canary": error})
    delivery = Delivery(AlwaysReady(config), Recorder(config.deployment), History(config.deployment))
    old, new = (Release(f"registry/fuel-consumption@sha256:{version:064x}", str(version)) for version in (1, 2))
    delivery.cluster.apply("production", {"main": old})
    delivery.promote(old, None, run="promote-1", by="user1")
    rules = canaryrules.rules(config.canary)
    outcome = canary(config, rules, delivery, new, old, run="promote-2", seconds=10)
    assert outcome.state == state, outcome.reason
    if state == OK:
        assert delivery.cluster.deployed() == {"main": old, "canary": new}
        return
    assert outcome.reason.startswith("feedback quality at 100 %: root mean squared error 1.3, the champion's 1,")
    assert delivery.cluster.deployed() == {"main": old}
    last = delivery.history.read()[-1]
    assert (last.cause, last.model_version, last.reason) == (CANARY_REFUSED, "2", outcome.reason)


class AlwaysReady(NothingStarts):
    """Production whose Pods are ready at once."""

    def ready(self, stage: str = "production") -> bool:
        return True


def test_its_dashboards_and_alerts_are_made_from_its_file(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run(KIT, "grafana.render", "--out", str(out), USE_CASE=str(folder))
    assert done.returncode == 0, done.stderr
    board = json.loads((out / "rendered" / "quality.json").read_text())
    titles = {panel["title"] for panel in board["panels"]}
    assert {"Root mean squared error", "Predicted litres per 100 km", "Champion against challenger"} <= titles
    assert "Confusion matrix" not in titles
    text = "".join(file.read_text() for file in out.rglob("*") if file.is_file())
    assert not re.search(r'"(late|on_time)\\?"|predicted late', text)
    rules = yaml.safe_load((out / "alerts" / "prometheusrule.yaml").read_text())["spec"]["groups"]
    exprs = {rule.get("alert") or rule["record"]: rule["expr"] for group in rules for rule in group["rules"]}
    assert "model_feedback_error_total" in exprs["ModelWorse"]
    assert {"ModelDrift", "FeatureDrift", "feature:model_feature:psi"} <= exprs.keys()
    for expr in exprs.values():
        promql_parser.parse(expr)


def test_another_classification_keeps_the_alerts_with_its_own_classes(folder: Path, tmp_path: Path) -> None:
    file, out = folder / "usecase.yaml", tmp_path / "out"
    text = file.read_text().replace("task: regression", "task: classification")
    file.write_text(re.sub(r"target: .*", "classes: [good, fraud]", text))
    done = run(KIT, "grafana.render", "--out", str(out), USE_CASE=str(folder))
    assert done.returncode == 0, done.stderr
    text = json.dumps(yaml.safe_load((out / "alerts" / "prometheusrule.yaml").read_text())).replace("\\", "")
    assert 'actual="fraud"' in text and 'predicted="good",actual="good"' in text and "predicted fraud and" in text
    assert "late" not in text


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("task: regression", "task: ranking", "task: got 'ranking', allowed: classification or regression"),
        ("target: litres per 100 km", "", "target: missing, allowed: what is predicted, with its unit"),
        ("task: regression", "task: classification", r"classes: got \[\], allowed: two, the negative one first"),
        ("image: fuel-consumption", "image: x\nspare: 1", "TypeError: .*'spare'"),
        ("overlays: seldon", "", "KeyError: 'overlays'"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(folder: Path, old: str, new: str, error: str) -> None:
    file = folder / "usecase.yaml"
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(Exception, match=rf"usecase\.yaml: {error}"):
        usecase.read(folder)
