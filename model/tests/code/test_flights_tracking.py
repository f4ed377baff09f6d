"""Without a server nothing is logged. With a server, a model has one run and one version, for any order of calls."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from delivery.__main__ import main
from delivery.errors import DeliveryError
from flights import tracking

MODEL = Path(__file__).resolve().parents[2]


def test_nothing_is_logged_without_a_server(small_model: Path) -> None:
    def unexpected(folder: Path) -> None:
        raise AssertionError(folder)

    assert tracking.log_training(small_model) is None
    tracking.log_evaluation(small_model, unexpected)


@pytest.mark.slow
def test_mlflow_is_not_imported_without_a_server() -> None:
    code = "import sys, flights.train, flights.evaluate, flights.gate; print('mlflow' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], cwd=MODEL, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


def test_registering_without_a_registry_names_the_next_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("USE_CASE", str(MODEL))
    assert main(["register"]) == 1
    assert "MLFLOW_TRACKING_URI is not set, next: export MLFLOW_TRACKING_URI=" in capsys.readouterr().err


@pytest.mark.slow
def test_server_that_does_not_answer_is_one_line(small_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(DeliveryError, match=r"MLflow at http://127\.0\.0\.1:9 does not answer: .*, next: start it"):
        tracking.log_training(small_model)


STORY = """
import argparse, dataclasses, json, os
from pathlib import Path
import numpy as np
from delivery import comparison, usecase
from delivery.commands import comparison as reporting, register
from delivery.errors import DeliveryError
from delivery import tracking as delivery_tracking
from delivery.registry import Registry
from delivery.usecase import Compared
from flights import card, tracking
config = usecase.read()
registry = Registry(config.deployment)
folder = Path("models/serving")
run = tracking.log_training(folder)
assert registry.version_of("champion") == "" and registry.versions() == []
tracking.log_evaluation(folder, lambda out: (out / "roc.png").write_bytes(b"png"))
first = register.registered(config)
assert first == register.registered(config) | {"git_commit": first["git_commit"]}, "registered twice"
assert (first["version"], first["run_id"]) == (1, run), first
again = dataclasses.replace(card.load(folder / "model.json"), threshold=0.99)
card.dump(again, Path("other") / "model.json")
(Path("other") / "model.onnx").write_bytes((folder / "model.onnx").read_bytes())
other = tracking.log_training(Path("other"))
assert other != run, "another threshold is another model, whatever the bytes of its graph"
card.dump(dataclasses.replace(again, train_seconds=99.0), Path("other") / "model.json")
assert tracking.log_training(Path("other")) == other, "the time of training makes no other model"
client = tracking.mlflow().MlflowClient()
client.set_registered_model_alias("flight-delay", "champion", "1")
assert registry.version_of("champion") == "1" and registry.version_of("other") == ""
assert registry.graph("1") == (folder / "model.onnx").read_bytes()
assert {str(key): str(value) for key, value in client.get_registered_model("flight-delay").aliases.items()} == {
    "challenger": "1", "champion": "1"}
found = client.get_run(run)
assert found.data.tags["candidate"] == "boosted" and "auc" in found.data.metrics
note = found.data.tags["mlflow.note.content"]
assert "*boosted* for **flight-delay**, from 17 columns: `weekday`" in note and "`late`" in note, note
data = found.inputs.dataset_inputs[0]
assert (data.dataset.name, data.dataset.digest) == ("flights", found.data.tags["data_version"][:36])
assert [(tag.key, tag.value) for tag in data.tags] == [("mlflow.data.context", "training")]
columns = {column["name"]: column for column in json.loads(data.dataset.schema)["mlflow_colspec"]}
assert (columns["carrier"]["type"], columns["weekday"]["type"], columns["temp"]["type"]) == ("string", "long", "double")
assert columns["carrier"]["required"] and not columns["temp"]["required"]
assert found.data.tags["mlflow.user"] == "user7"
import mlflow.pyfunc
loaded = mlflow.pyfunc.load_model("models:/flight-delay/1")
example = loaded.input_example
assert list(example.columns) == list(columns) and len(example) == 2
assert loaded.metadata.get_input_schema().input_names() == list(columns)
wanted = card.load(folder / "model.json").sample.answers[:2]
answers = loaded.predict(example[list(reversed(list(columns)))])
assert list(answers.columns) == ["on_time", "late"] and np.allclose(answers, wanted, atol=1e-5), (answers, wanted)
version = client.get_model_version("flight-delay", "1")
made = found.outputs.model_outputs[0].model_id
assert version.source == f"models:/{made}" and version.tags["candidate"] == "boosted"
logged = client.get_logged_model(made)
assert "auc" in {metric.key for metric in logged.metrics}
by_hand = delivery_tracking.register(config, other, {"candidate": "boosted"}, "flight-delay-notebook", "tried")
assert (by_hand, registry.versions()) == ("1", ["1"])
assert "no gate has seen them" in client.get_registered_model("flight-delay-notebook").description
assert client.get_model_version("flight-delay", "1").description == note
assert "flights that have passed the gate" in client.get_registered_model("flight-delay").description
assert [file.path for file in client.list_artifacts(run, "evaluation")] == ["evaluation/roc.png"]
held = {file.name: file.read_bytes() for file in folder.iterdir()}
registry.fetch("1", Path("fetched"))
assert {file.name: file.read_bytes() for file in Path("fetched").iterdir()} == held
def refused(call, *words):
    try:
        call()
    except DeliveryError as error:
        assert all(word in str(error) for word in words), error
    else:
        raise AssertionError(words)
refused(lambda: registry.fetch("9", Path("fetched")), "version '9' of flight-delay is not registered, allowed: 1")
refused(lambda: registry.file("1", "nothing.json"), "get-artifact")
truth, tried = np.array([0.0, 1.0, 0.0, 1.0]), comparison.folder_of(config, "features")
for name, auc in (("schedule", 0.7), ("all", 0.8)):
    one = Compared(name, "logistic", ("month",), {"C": 1.0}, {"auc": auc}, truth, truth * auc, 0.1)
    comparison.save(one, tried)
Path("results").mkdir()
reporting.run(argparse.Namespace(verb="report", kind="features", results=Path("results")))
compared = {file.name: file.read_text() for file in Path("results").iterdir()}
parent = client.get_run(compared["run"])
assert (compared["best"], compared["score"]) == ("all", "0.8"), compared
assert "| all | logistic | 1 | 0.8 |" in parent.data.tags["mlflow.note.content"]
assert [Path(file.path).name for file in client.list_artifacts(compared["run"], "comparison")] == [
    "curves.png", "index.html", "measure.png", "table.csv"]
children = client.search_runs([parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{compared['run']}'")
assert {(one.info.run_name, one.data.metrics["auc"], one.data.params["features"]) for one in children} == {
    ("all", 0.8, "month"), ("schedule", 0.7, "month")}
os.environ["MLFLOW_TRACKING_URI"] += "/elsewhere"
refused(lambda: registry.version_of("champion"), "404")
os.environ["MLFLOW_TRACKING_URI"] = "sqlite:///here"
refused(lambda: registry.version_of("champion"), "sqlite:///here, allowed: http:// and https://")
"""


@pytest.mark.slow
def test_a_model_is_trained_evaluated_and_registered_in_a_real_registry(small_model: Path, tmp_path: Path) -> None:
    """Logged, registered twice, made champion and found again, in a store of its own and a process of its own."""
    shutil.copytree(small_model, tmp_path / "models/serving")
    shutil.copy(MODEL / "usecase.yaml", tmp_path)
    environment = os.environ | {
        "FLIGHTS_HOME": str(tmp_path),
        "GIT_COMMIT": "c0ffee",
        "LOGNAME": "user7",
        # The variables that `mlflow server` sets; its four processes take half a minute to start.
        "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{tmp_path}/mlflow.db",
        "_MLFLOW_SERVER_REGISTRY_STORE": f"sqlite:///{tmp_path}/mlflow.db",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": (tmp_path / "artifacts").as_uri(),
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "PYTHONPATH": f"{MODEL}:{MODEL.parent}/tekton/toolbox",
    }
    with socket.create_server(("127.0.0.1", 0)) as port:
        environment["MLFLOW_TRACKING_URI"] = f"http://127.0.0.1:{port.getsockname()[1]}"
        serve = [sys.executable, "-m", "uvicorn", "mlflow.server.fastapi_app:app", "--fd", str(port.fileno())]
        server = subprocess.Popen(serve, cwd=tmp_path, env=environment, pass_fds=[port.fileno()])
    try:
        ran = subprocess.run(
            [sys.executable, "-c", STORY], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
    finally:
        server.kill()
        server.wait()
    assert ran.returncode == 0, ran.stderr[-2000:]
