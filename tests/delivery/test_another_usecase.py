"""A second use case, a regression in its own folder, works with delivery and dashboards without other changes."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from delivery import canaryrules, measure, usecase
from delivery.__main__ import main as delivery_main
from delivery.cluster import Release, oc
from delivery.commands.canary import canary, known_rows
from delivery.errors import DeliveryError
from delivery.history import CANARY_REFUSED, History
from delivery.prometheus import Prometheus
from delivery.quality import Errors
from delivery.release import Delivery
from delivery.rules import BAD, OK
from delivery.usecase import Config

from tests.delivery.conftest import KIT, NothingStarts, Recorder
from tests.delivery.test_counting import Answers, answering
from tests.fuel import FOLDER, run, trained_kit
from tests.s2i.conftest import Server

ERRORS = "model_feedback_error_total"
GOLF = [4, 1457, 71, 828, 12.2, 1978, "Europe"]
NAMES = ["cylinders", "displacement", "horsepower", "weight", "acceleration", "year", "origin"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The use case in a kit of its own, which a test may change."""
    shutil.copytree(trained_kit(), tmp_path / "kit")
    return tmp_path / "kit" / FOLDER


@pytest.fixture
def config(folder: Path) -> Config:
    return usecase.read(folder)


def test_nothing_outside_its_folder_is_about_it() -> None:
    """A kit without the folder differs in nothing else from one that has it."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=KIT, capture_output=True, text=True, check=True).stdout
    texts = {".md", ".svg", ".lock", ".ipynb"}
    files = [Path(name) for name in listed.split("\0") if name and not name.startswith((f"{FOLDER}/", "tests/"))]
    assert len(files) > 500
    about = [
        str(name)
        for name in files
        if name.suffix not in texts and (KIT / name).is_file() and b"fuel" in (KIT / name).read_bytes().lower()
    ]
    assert about == []


def test_its_gate_opens_and_closes(folder: Path) -> None:
    done = run(folder, "delivery", "gate")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "the gate is open"), done.stdout + done.stderr
    params = folder / "params.yaml"
    params.write_text(re.sub(r"max_rmse: [0-9.]+", "max_rmse: 0.5", params.read_text()))
    done = run(folder, "delivery", "gate")
    assert done.returncode == 1
    assert re.search(r"the gate is closed: rmse: [0-9.]+ \([0-9.]+ over\), allowed: at most 0.5, next: ", done.stdout)
    assert json.loads((folder / "reports/gate.json").read_text())["passed"] is False


def test_its_results_reach_a_task(folder: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    for what in ("data", "model"):
        assert run(folder, "delivery", "describe", what, "--results", str(results)).returncode == 0
    found = {file.name: file.read_text() for file in results.iterdir()}
    hint = json.loads(found["data-ARTIFACT_INPUTS"])
    md5 = hashlib.md5((folder / "data/cars.csv").read_bytes(), usedforsecurity=False).hexdigest()
    assert found["data-version"] == md5[:12]
    assert found["data-files"] == f'{{"data/cars.csv":"{md5}"}}'
    digest = hashlib.sha256(found["data-files"].encode()).hexdigest()
    assert hint == {"uri": f"dvc:data@{md5[:12]}", "digest": f"sha256:{digest}"}
    card = json.loads((folder / "models/serving/model.json").read_text())
    assert (found["candidate"], found["score"]) == (card["candidate"], f"{card['metrics']['rmse']:.3f}")


@pytest.fixture(scope="module")
def served() -> Iterator[Server]:
    """A model server for all tests of this file, so what it counts is compared with what it had counted before."""
    variables = {"SELDON_DEPLOYMENT_ID": "fuel-consumption", "PREDICTOR_ID": "main"}
    server = Server("FuelConsumption", variables, trained_kit() / FOLDER)
    server.wait_for("ready")
    yield server
    server.stop()


def test_its_server_is_checked_called_and_counted(folder: Path, served: Server) -> None:
    url = f"http://127.0.0.1:{served.port}"
    done = run(folder, "delivery", "contract", "--url", url)
    assert done.returncode == 0, done.stdout + done.stderr
    slices = "model_feedback_error_slice_total"
    before = {power: served.sample(ERRORS, metrics=True, power=power) for power in "01"}
    sliced = served.sample(slices, metrics=True, power="0", slice="origin")
    words = ("--url", url, "--requests", "20", "--rate", "200", "--rows", "5", "--feedback", "-o", "json")
    done = run(folder, "delivery", "traffic", *words)
    report = json.loads(done.stdout)
    assert (done.returncode, report["codes"], report["feedback"]) == (0, {"200": 20}, {"200": 20}), done.stderr
    assert 0.3 < report["mean_absolute_error"] < 1.6
    rows, error = (served.sample(ERRORS, metrics=True, power=power) - before[power] for power in "01")
    assert rows == 100
    assert error / 100 == pytest.approx(report["mean_absolute_error"], abs=1e-3)
    assert served.sample(slices, metrics=True, power="0", slice="origin") == sliced + 100


def test_a_stage_that_is_neither_staging_nor_production_is_refused(folder: Path) -> None:
    done = run(folder, "delivery", "contract", "--stage", "canary")
    assert (done.returncode, "--stage: invalid choice: 'canary'" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cylinders": "four"}, 'row 0, column "cylinders": got "four", allowed: integer from 2 to 12'),
        ({"weight": -900}, 'row 0, column "weight": got -900, allowed: integer from 400 to 3500 (kg)'),
        ({"origin": "Mars"}, 'row 0, column "origin": got "Mars", allowed: one of Europe, Japan, USA'),
        ({"displacement": None}, 'row 0, column "displacement": got null'),
        ({"weight": ...}, "weight"),
        ({"year": 2026}, 'row 0, column "year": got 2026, allowed: integer from 1970 to 1982'),
    ],
)
def test_a_wrong_car_gets_400_with_the_name_of_its_field(served: Server, change: dict[str, Any], message: str) -> None:
    row = {name: value for name, value in (dict(zip(NAMES, GOLF, strict=True)) | change).items() if value is not ...}
    answer = served.post({"data": {"names": list(row), "ndarray": [list(row.values())]}})
    assert (answer.status, message in answer.info) == (400, True), answer.info


@pytest.mark.parametrize("row", [{"horsepower": None}, {}], ids=["null", "left out"])
def test_a_car_of_unknown_power_is_answered(served: Server, row: dict[str, Any]) -> None:
    known = {name: value for name, value in zip(NAMES, GOLF, strict=True) if name != "horsepower"} | row
    answer = served.post({"data": {"names": list(known), "ndarray": [list(known.values())]}})
    assert answer.json["data"]["names"] == ["consumption"]
    assert 4 < answer.json["data"]["ndarray"][0][0] < 12
    assert answer.json["meta"]["tags"]["unit"] == "litres per 100 km"


def test_a_truth_that_is_no_number_is_refused(served: Server) -> None:
    asked = {"data": {"names": NAMES, "ndarray": [GOLF]}}
    answer = served.post({"request": asked, "truth": {"data": {"ndarray": [["much"]]}}}, "/api/v1.0/feedback")
    assert (answer.status, "truth of row 0" in answer.info) == (400, True), answer.info


def test_its_features_are_counted_in_the_bins_of_its_training(served: Server) -> None:
    name = "model_feature_rows_total"
    before = [served.sample(name, feature="year"), served.sample(name, feature="origin", bin="03 Europe")]
    for year in (1970, 1976, 1982):
        served.post({"data": {"names": NAMES, "ndarray": [[*GOLF[:5], year, "Europe"]]}})
    after = [served.sample(name, feature="year"), served.sample(name, feature="origin", bin="03 Europe")]
    assert [now - then for now, then in zip(after, before, strict=True)] == [3, 3]
    assert served.sample("model_output_reference") == pytest.approx(1, abs=1e-4)


def test_its_overlays_are_those_of_the_kit_under_its_own_name(
    config: Config, production: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = NothingStarts(config)
    old, new = (Release(f"registry/{config.image}@sha256:{version:064x}", str(version)) for version in (1, 2))
    cluster.apply("canary", {"main": old, "canary": new}, (90, 10))
    assert cluster.deployed() == {"main": old, "canary": new}
    made = json.loads(oc("get", "all,route,networkpolicy,podmonitor,sdep", "-n", production, "-o", "json"))["items"]
    named = {one["kind"]: one["metadata"]["name"] for one in made if one["kind"] != "Service"}
    assert {named[kind] for kind in ("Route", "PodMonitor", "NetworkPolicy", "SeldonDeployment")} == {config.deployment}
    assert "flight-delay" not in json.dumps([{**one, "metadata": {"name": one["metadata"]["name"]}} for one in made])
    (route,) = [one["spec"] for one in made if one["kind"] == "Route"]
    shares = {one["name"]: one["weight"] for one in (route["to"], *route["alternateBackends"])}
    assert shares == {"fuel-consumption-main": 90, "fuel-consumption-canary": 10}
    monkeypatch.setenv("PRODUCTION_URL", "http://flight-delay-main.user1-production.svc.cluster.local:9000")
    assert cluster.url() == "http://fuel-consumption-main.user1-production.svc.cluster.local:9000"
    monkeypatch.setenv("STAGING_URL", "http://127.0.0.1:8/seldon/user1-staging/flight-delay")
    assert cluster.url("staging") == "http://127.0.0.1:8/seldon/user1-staging/fuel-consumption"


def series(value: float, **labels: str) -> dict[str, Any]:
    return {"metric": labels, "values": [[1e10, str(value)]]}


def counted(rows: int, rmse: dict[str, float]) -> dict[str, list[dict[str, Any]]]:
    """What Prometheus has of predictors with these errors; half of the errors are a little larger than the others."""
    errors, requests = [], []
    for name, error in rmse.items():
        low, high = 0.9 * error, (2 - 0.81) ** 0.5 * error
        for power in (0, 1, 2, 4):
            amount = rows / 2 * (low**power + high**power)
            for side in ("over", "under"):
                errors.append(series(amount / 2, predictor_name=name, power=str(power), side=side))
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
    assert quality.figures() == {"known": 1000, "rmse": 1.5, "mae": pytest.approx(1.4931, abs=1e-3)}
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
    rules = canaryrules.rules(config.canary, "{steps: [100], window: 1, patience: 1, min-requests: 40}")
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


def test_its_dashboard_and_alerts_are_those_of_the_kit(folder: Path, tmp_path: Path) -> None:
    done = run(KIT, "grafana.render", "--out", str(tmp_path), USE_CASE=str(folder))
    assert done.returncode == 2
    assert "is a regression, and nothing of it is named here: rendered/regression.json" in done.stderr
    board = json.loads((KIT / "grafana/rendered/regression.json").read_text())
    titles = {panel["title"] for panel in board["panels"]}
    assert {"Root mean squared error", "Mean absolute error", "R2", "Bias", "Errors by $slice"} <= titles
    assert {"Predicted $target", "Residuals against the test", "Champion against challenger"} <= titles
    assert "Confusion matrix" not in titles


def test_another_classification_keeps_the_alerts_with_its_own_classes(folder: Path, tmp_path: Path) -> None:
    file, out = folder / "usecase.yaml", tmp_path / "out"
    text = file.read_text().replace("task: regression", "task: classification")
    file.write_text(re.sub(r"target: .*", "classes: [good, fraud]", text))
    done = run(KIT, "grafana.render", "--out", str(out), USE_CASE=str(folder))
    assert done.returncode == 0, done.stderr
    text = json.dumps(yaml.safe_load((out / "alerts" / "prometheusrule.yaml").read_text())).replace("\\", "")
    assert 'actual="fraud"' in text and 'predicted="good",actual="good"' in text and "been predicted fraud" in text
    assert "late" not in text


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("task: regression", "task: ranking", "task: got 'ranking', allowed: classification or regression"),
        (r"target: .*", "", "target: missing, allowed: what is predicted, with its unit"),
        ("task: regression", "task: classification", r"classes: got \[\], allowed: two, the negative one first"),
        ("image: .*", "image: x\nspare: 1", "TypeError: .*'spare'"),
        ("overlays: .*", "", "KeyError: 'overlays'"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(folder: Path, old: str, new: str, error: str) -> None:
    file = folder / "usecase.yaml"
    file.write_text(re.sub(old, new, file.read_text()))
    with pytest.raises(Exception, match=rf"usecase\.yaml: {error}"):
        usecase.read(folder)


@pytest.fixture
def both(production: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """The namespaces of staging and of production, as a Task of production knows them."""
    staging = f"{production}-staging"
    oc("create", "namespace", staging)
    monkeypatch.setenv("STAGING_NAMESPACE", staging)
    monkeypatch.setenv("KIT", str(trained_kit()))
    return staging, production


def staged(config: Config, **other: Any) -> Config:
    """A use case `planes` that the toolbox image does not have, in staging."""
    planes = dataclasses.replace(config, **{"deployment": "planes", "package": "planes", **other})
    release = Release(f"registry/planes@sha256:{7:064x}", "7")
    NothingStarts(planes).apply("staging", {"main": release}, stage="staging")
    return planes


def found(folder: str, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = delivery_main(["folder", folder, *words])
    said = capsys.readouterr()
    return code, (said.out or said.err).strip()


def test_production_takes_the_names_of_a_use_case_that_its_image_lacks_from_staging(
    config: Config, both: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert found("workshop/usecases/fuel", capsys) == (0, str(trained_kit() / FOLDER))
    assert found("workshop/usecases/planes", capsys, "--source", "/clone") == (0, "/clone/workshop/usecases/planes")
    code, said = found("workshop/usecases/planes", capsys)
    assert (code, "planes is neither in staging nor in production" in said) == (1, True)
    planes = staged(config)
    code, said = found("workshop/usecases/planes", capsys)
    assert code == 0, said
    there = usecase.read(Path(said))
    assert (there.names, there.overlays) == (planes.names, trained_kit() / "seldon")
    NothingStarts(there).apply("production", {"main": Release(f"registry/planes@sha256:{7:064x}", "7")})
    oc("delete", "sdep", "planes", "-n", both[0])
    assert found("workshop/usecases/planes", capsys)[0] == 0, "a rollback needs the names too"
    oc("delete", "sdep", "planes", "-n", both[1])


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"canary": {"steps": [100]}}, "canary: production takes rules of a canary from the toolbox image alone"),
        ({"deployment": "fuel-consumption"}, "allowed: fuel-consumption, and no other use case has it"),
    ],
    ids=["rules of a canary", "another's name"],
)
def test_production_refuses_what_a_participant_may_not_say(
    config: Config, both: tuple[str, str], capsys: pytest.CaptureFixture[str], other: dict[str, Any], message: str
) -> None:
    name = staged(config, **other).deployment
    code, said = found(f"workshop/usecases/{name}", capsys)
    oc("delete", "sdep", name, "-n", both[0])
    assert (code, message in said) == (1, True), said


def test_a_use_case_that_is_nowhere_is_the_error_of_a_task_without_stages(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("STAGING_NAMESPACE", "PRODUCTION_NAMESPACE"):
        monkeypatch.delenv(name, raising=False)
    code, said = found("workshop/usecases/boats", capsys)
    assert (code, "the toolbox image has no workshop/usecases/boats" in said) == (1, True), said


@pytest.mark.parametrize("folder", ["../model", "a b", "$(id)"])
def test_a_use_case_with_another_path_is_refused(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = found(folder, capsys)
    assert (code, "allowed: what matches" in said) == (1, True)


class Known(Recorder):
    """A registry whose one version has a model.json."""

    def __init__(self, model: str, card: dict[str, Any]) -> None:
        super().__init__(model)
        self._card = card

    def file(self, version: str, name: str) -> bytes:
        assert (version, name) == ("2", "model.json")
        return json.dumps(self._card).encode()


def test_a_canary_without_the_package_probes_with_the_rows_of_the_models_card(config: Config, tmp_path: Path) -> None:
    made = json.loads((config.folder / "models/serving/model.json").read_text())
    elsewhere = dataclasses.replace(config, folder=tmp_path)
    rows = known_rows(elsewhere, Known("planes", made), "2")
    assert [list(one.values.values()) for one in rows.rows] == made["sample"]["rows"]
    assert [one.truth for one in rows.rows] == made["sample"]["truth"]
    del made["sample"]["truth"]
    with pytest.raises(DeliveryError, match=r"model\.json of version 2 has no rows with their truth"):
        known_rows(elsewhere, Known("planes", made), "2")
