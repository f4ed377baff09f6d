"""The evidence for an approval: both releases, their difference in Git, the gate and the metrics."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.workshop.lab.pages.fixtures import DIGEST, OTHER, browser, lab_of, pipeline_run, task_run
from workshop.lab.kinds import built_in
from workshop.lab.lab import Lab
from workshop.lab.participant import bare_folder
from workshop.lab.parts import Part
from workshop.manifests.objects import Object

URL = "/approvals/user1-dev/promote-approve/evidence"
REF = {"apiVersion": "openshift-pipelines.org/v1alpha1", "kind": "ApprovalTask"}
GATE = "ok   auc   0.7560   at least 0.7\nok   against the champion   <0.7547>\nthe gate is open\n"


@pytest.fixture
def mlflow() -> Iterator[str]:
    """Answers as MLflow's REST API does, for two versions of the model."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = parse_qs(parts.query)
            if parts.path.endswith("model-versions/get"):
                body: Any = {"model_version": {"run_id": f"run-{asked['version'][0]}-of-{asked['name'][0]}"}}
            else:
                _, version, model = asked["run_id"][0].replace("-of-", "-").split("-", 2)
                names = {"flight-delay": ("auc", 0.7547 if version == "1" else 0.756), "cars": ("rmse", 2.25)}
                metric, value = names[model]
                metrics = [{"key": metric, "value": value}, {"key": "onnx_bytes", "value": 339234.0}]
                body = {"run": {"info": {"run_id": asked["run_id"][0]}, "data": {"metrics": metrics}}}
            sent = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def _lab(folder: Path, mlflow: str | None) -> Lab:
    """A lab with this MLflow, or without one."""
    lab = lab_of(folder)
    lab.show(Part("mlflow", "ready", mlflow) if mlflow else Part("mlflow", "missing"))
    return lab


def _git(folder: Path, *words: str) -> str:
    name = ("-c", "user.name=P", "-c", "user.email=p@example.com")
    return subprocess.run(["git", *name, *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def _commits(about: Lab, work: Path) -> tuple[str, str]:
    """Two commits of the participant's repository: the second one changes a setting."""
    (work / "model").mkdir(parents=True)
    _git(work, "init", "-q", "-b", "main")
    made = []
    for trees, subject in ((150, "Start"), (100, "Train <fewer>, larger trees")):
        (work / "model" / "params.yaml").write_text(f"max_iter: {trees}\n")
        _git(work, "add", ".")
        _git(work, "commit", "-q", "-m", subject)
        made.append(_git(work, "rev-parse", "HEAD"))
    bare_folder(about.paths).parent.mkdir(parents=True)
    _git(work, "clone", "-q", "--bare", str(work), str(bare_folder(about.paths)))
    return made[0], made[1]


def _built(about: Lab, name: str, digest: str, commit: str) -> None:
    """A good run of train-and-stage with the log of its gate."""
    results = [{"name": "image-digest", "value": digest}, {"name": "commit", "value": commit}]
    run = pipeline_run(about.store, name, [{"name": "gate"}], status="True", reason="Succeeded", results=results)
    task_run(about, run, "gate", {"gate": 0}, logs={"gate": GATE})


def _asked(about: Lab, previous: str, usecase: str = "") -> None:
    """A promotion that has found its release and waits for its approval."""
    tasks: list[Object] = [{"name": "find-release"}, {"name": "approve", "taskRef": REF}]
    run = pipeline_run(about.store, "promote", tasks)
    if usecase:
        spec = {**run["spec"], "params": [{"name": "usecase", "value": usecase}]}
        about.store.update(built_in("PipelineRun"), {**run, "spec": spec})
    found = task_run(about, run, "find-release", {"find": 0})
    results = {
        "image-digest": DIGEST,
        "model-version": "2",
        "previous-image": previous,
        "previous-version": "1" if previous != "none" else "none",
    }
    listed = [{"name": name, "value": value} for name, value in results.items()]
    status = {**found["status"], "results": listed}
    about.store.update_status(built_in("TaskRun"), {**found, "status": status})
    meta: Object = {
        "name": "promote-approve",
        "namespace": "user1-dev",
        "labels": {"tekton.dev/pipelineRun": "promote", "tekton.dev/pipelineTask": "approve"},
        "ownerReferences": [{"kind": "PipelineRun", "name": "promote", "uid": run["metadata"]["uid"]}],
    }
    about.store.create(built_in("CustomRun"), {"metadata": meta, "spec": {"customRef": REF}})
    spec = {"approvers": [{"name": "user1", "type": "User", "input": "pending"}], "numberOfApprovalsRequired": 1}
    about.store.create(built_in("ApprovalTask"), {"metadata": {"name": "promote-approve", "namespace": "user1-dev"},
                                                  "spec": spec})  # fmt: skip


def test_the_page_shows_both_releases_their_difference_the_gate_and_the_metrics(tmp_path: Path, mlflow: str) -> None:
    about = _lab(tmp_path / "lab", mlflow)
    old, new = _commits(about, tmp_path / "work")
    _built(about, "train-old", OTHER, old)
    _built(about, "train-new", DIGEST, new)
    _asked(about, f"registry/flight-delay@{OTHER}")
    page = browser(about).get(URL).text
    for digest, commit, run in ((DIGEST, new, "train-new"), (OTHER, old, "train-old")):
        assert digest[7:19] in page and commit[:12] in page and f'href="/runs/user1-dev/{run}"' in page
    assert "0.756" in page and "0.7547" in page and "339,234" in page
    assert "against the champion   &lt;0.7547&gt;" in page
    assert f"{new[:7]} Train &lt;fewer&gt;, larger trees" in page and "Start" not in page
    assert "-max_iter: 150" in page and "+max_iter: 100" in page
    assert "model/params.yaml | 2" in page


@pytest.mark.parametrize("deployed", [True, False])
def test_the_metrics_are_those_of_the_promoted_use_case(tmp_path: Path, mlflow: str, deployed: bool) -> None:
    about = _lab(tmp_path, mlflow)
    if deployed:
        notes = {"mlops-workshop/usecase": json.dumps({"experiment": "cars", "task": "regression"})}
        meta = {"name": "cars", "namespace": "user1-staging", "annotations": notes}
        about.store.create(built_in("SeldonDeployment"), {"metadata": meta, "spec": {"predictors": []}})
    _asked(about, "none", "workshop/usecases/cars")
    page = browser(about).get(URL).text
    assert "0.756" not in page
    assert ("2.25" in page and "deployment=cars" in page) is deployed
    assert ("No deployment is of the use case workshop/usecases/cars" in page) is not deployed


def test_a_waiting_run_links_to_its_evidence_and_other_approvals_have_none(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    _asked(about, "none")
    assert f'data-evidence="{URL}"' in browser(about).get("/runs/user1-dev/promote?task=approve").text
    assert browser(about).get("/approvals/user1-dev/other/evidence").status_code == 404
    assert browser(about, token="wrong").get(URL).status_code == 401


def test_the_first_promotion_has_no_champion_and_unreadable_evidence_is_reported(tmp_path: Path) -> None:
    about = _lab(tmp_path, None)
    _asked(about, "none")
    part = browser(about).get(URL, params={"part": "evidence"}).text
    assert "<html" not in part and "none: production runs nothing yet" in part
    assert DIGEST[7:19] in part and "MLflow does not run" in part


def test_an_invalid_commit_is_not_passed_to_a_command(tmp_path: Path, mlflow: str) -> None:
    about = _lab(tmp_path / "lab", mlflow)
    _commits(about, tmp_path / "work")
    _built(about, "train-old", OTHER, "--output=/tmp/evil")
    _built(about, "train-new", DIGEST, "0" * 40)
    _asked(about, f"registry/flight-delay@{OTHER}")
    page = browser(about).get(URL).text
    assert "The commit of one of the two is not known" in page
