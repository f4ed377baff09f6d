"""The main job as a user runs it: from a month of data to a prediction from production, and its results."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from tests.e2e.conftest import KIT, Lab
from tests.kit import until
from workshop.drills.commits import DRILL
from workshop.manifests.objects import labels_of


def test_production_answers_with_the_model_that_was_trained(lab: Lab) -> None:
    card = json.loads((KIT / "seldon" / "requests" / "flight.json").read_text())
    status, answer = lab.post(lab.summary["endpoints"]["production"], json.dumps(card).encode())
    assert status == 200
    assert answer["data"]["names"] == ["on_time", "late"]
    on_time, late = answer["data"]["ndarray"][0]
    assert on_time + late == pytest.approx(1, abs=1e-5)
    assert lab.summary["prediction"]["data"]["ndarray"][0] == pytest.approx([on_time, late])
    assert 0.72 < lab.summary["metrics"]["auc"] < 0.80


def test_the_printed_request_can_be_copied(lab: Lab) -> None:
    done = subprocess.run(
        ["bash", "-c", lab.summary["request"]], env=lab.env, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["data"]["names"] == ["on_time", "late"]


def test_production_runs_the_digest_that_staging_tested(lab: Lab) -> None:
    images = {
        stage: lab.object("sdep", "flight-delay", "-n", f"user1-{stage}")["spec"]["predictors"][0]["componentSpecs"][0][
            "spec"
        ]["containers"][0]["image"]
        for stage in ("staging", "production")
    }
    assert images["staging"] == images["production"]
    assert images["production"].endswith(lab.summary["image_digest"])


def test_a_callers_mistake_names_row_column_and_what_is_allowed(lab: Lab) -> None:
    request = json.loads((KIT / "seldon" / "requests" / "flight.json").read_text())
    request["data"]["ndarray"][0][3] = "ZZ"
    status, answer = lab.post(lab.summary["endpoints"]["production"], json.dumps(request).encode())
    assert status == 400
    assert "carrier" in answer["status"]["info"]
    assert "ZZ" in answer["status"]["info"]


def test_the_client_page_is_served_below_the_models_address(lab: Lab) -> None:
    page = lab.summary["endpoints"]["client"]
    with urllib.request.urlopen(page, timeout=10) as answer:
        assert "<title>Will my flight be late?</title>" in answer.read().decode()
    asked = {"jsonData": {"explain": json.loads((KIT / "seldon" / "requests" / "flight.json").read_text())["data"]}}
    url = urljoin(page, "../api/v1.0/predictions")
    assert url == lab.summary["endpoints"]["production"]
    status, message = lab.post(url, json.dumps(asked).encode())
    explanation = message["jsonData"]["explanation"]
    assert status == 200
    moved = sum(part["moved"] for part in explanation["parts"])
    assert explanation["usual"] + moved == pytest.approx(explanation["late"], abs=1e-6)
    assert explanation["late"] == pytest.approx(lab.summary["prediction"]["data"]["ndarray"][0][1], abs=1e-6)


def test_the_registry_has_the_champion_with_its_provenance(lab: Lab) -> None:
    mlflow = f"{lab.summary['endpoints']['mlflow']}/api/2.0/mlflow"
    version = lab.get(f"{mlflow}/registered-models/alias?name=flight-delay&alias=champion")["model_version"]
    tags = {t["key"]: t["value"] for t in version["tags"]}
    assert tags["image_digest"] == lab.summary["image_digest"]
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        cwd=lab.state / "home" / "mlops-workshop",
        text=True,
        capture_output=True,
        check=True,
    ).stdout.strip()
    assert tags["git_commit"] == commit
    run = lab.get(f"{mlflow}/runs/get?run_id={version['run_id']}")["run"]
    assert {p["key"] for p in run["data"]["params"]} >= {"candidate", "train_months", "test_month"}
    artifacts = lab.get(f"{mlflow}/artifacts/list?run_id={version['run_id']}&path=evaluation")["files"]
    assert any(f["path"].endswith(".png") for f in artifacts)


def test_both_candidates_were_trained_and_every_task_is_printed(lab: Lab) -> None:
    runs = lab.object("pipelineruns", "-n", "user1-dev")["items"]
    # Other tests of this lab run drills, which stop early.
    train = next(r for r in runs if r["metadata"]["name"].startswith("train-and-stage") and DRILL not in labels_of(r))
    names = [c["name"].removeprefix(train["metadata"]["name"] + "-") for c in train["status"]["childReferences"]]
    assert {"train-0", "train-1", "gate", "build-image", "test-image", "deploy-staging", "record"} <= set(names)
    results = {r["name"]: r["value"] for r in train["status"]["results"]}
    assert results["image-digest"] == lab.summary["image_digest"]
    table = lab.oc("get", "pipelineruns", "-n", "user1-dev")
    assert table.split()[:5] == ["NAME", "SUCCEEDED", "REASON", "STARTTIME", "COMPLETIONTIME"]
    log = lab.oc("logs", "-n", "user1-dev", f"{train['metadata']['name']}-gate-pod", "-c", "step-gate")
    assert "auc" in log.lower()


def test_prometheus_counts_the_requests_and_the_dashboard_reads_them(lab: Lab) -> None:
    request = (KIT / "seldon" / "requests" / "flight.json").read_bytes()
    for _ in range(5):
        assert lab.post(lab.summary["endpoints"]["production"], request)[0] == 200
    prometheus = lab.summary["endpoints"]["prometheus"]
    query = 'sum(seldon_api_executor_server_requests_seconds_count{namespace="user1-production",code="200"})'

    def counted() -> bool:
        found = lab.get(f"{prometheus}/api/v1/query?query={query}".replace(" ", "%20").replace('"', "%22"))
        values = found["data"]["result"]
        return bool(values) and float(values[0]["value"][1]) >= 5

    until(counted, 30, "five counted requests")
    rendered = json.loads((KIT / "grafana" / "rendered" / "serving.json").read_text())
    assert rendered["uid"] in lab.summary["endpoints"]["dashboards"]


def test_the_second_run_reuses_what_exists(lab: Lab) -> None:
    before = [r["metadata"]["name"] for r in lab.object("pipelineruns", "-n", "user1-dev")["items"]]
    began = time.monotonic()
    again = json.loads(lab.workshop("lab", "-o", "json").stdout)
    took = time.monotonic() - began
    assert [r["metadata"]["name"] for r in lab.object("pipelineruns", "-n", "user1-dev")["items"]] == before
    assert again["image_digest"] == lab.summary["image_digest"]
    assert took < lab.summary["seconds"] / 2


def test_status_has_the_names_that_scripts_rely_on(lab: Lab) -> None:
    found = lab.status()
    assert {"name", "state", "url", "pid", "rss_bytes"} <= set(found["components"][0])
    assert {
        "api",
        "production",
        "staging",
        "mlflow",
        "prometheus",
        "grafana",
        "jupyterhub",
        "guide",
        "console",
        "client",
    } <= set(found["endpoints"])
    assert {c["name"] for c in found["components"] if c["state"] == "ready"} >= {"lab", "mlflow", "jupyterhub"}


def test_two_ups_at_once_make_one_lab(lab: Lab) -> None:
    ups = [
        subprocess.Popen(
            [sys.executable, "-m", "workshop", "up", "-o", "json"],
            cwd=KIT,
            env=lab.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    pids = {next(c["pid"] for c in json.loads(up.communicate()[0])["components"] if c["name"] == "lab") for up in ups}
    assert pids == {lab.pid()}
    assert [up.returncode for up in ups] == [0, 0]


def test_a_manifest_with_an_unknown_field_is_rejected_with_file_and_line(lab: Lab) -> None:
    file = lab.state / "bad.yaml"
    file.write_text(
        "apiVersion: tekton.dev/v1\nkind: TaskRun\nmetadata: {generateName: bad-}\nspec:\n"
        "  taskSpec:\n    steps: [{name: s, image: busybox, scriptt: 'true'}]\n"
    )
    done = lab.workshop("run", str(file), check=False)
    assert done.returncode == 4
    assert f"{file}:1" in done.stderr
    assert 'unknown field "scriptt"' in done.stderr


def test_a_failing_run_ends_with_the_failing_steps_lines(lab: Lab) -> None:
    file = lab.state / "red.yaml"
    file.write_text(
        "apiVersion: tekton.dev/v1\nkind: TaskRun\nmetadata: {generateName: red-}\nspec:\n"
        "  taskSpec:\n    steps: [{name: s, image: busybox, script: 'echo the reason >&2; exit 3'}]\n"
    )
    done = lab.workshop("run", str(file), check=False)
    assert done.returncode == 5
    assert "the reason" in done.stderr
    assert '"step-s" exited with code 3' in done.stderr


def test_bad_yaml_is_an_error_with_its_line(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("apiVersion: tekton.dev/v1\nkind: [\n")
    done = lab.workshop("run", str(file), check=False)
    assert done.returncode == 4
    assert f"{file}:" in done.stderr


def test_ctrl_c_while_following_leaves_the_run_going(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "slow.yaml"
    file.write_text(
        "apiVersion: tekton.dev/v1\nkind: TaskRun\nmetadata: {name: slow}\nspec:\n"
        "  taskSpec:\n    steps: [{name: s, image: busybox, script: 'sleep 3'}]\n"
    )
    run = lab.start("run", str(file))

    def condition() -> str:
        found = lab.object("taskruns", "-n", "user1-dev")["items"]
        slow: dict[str, Any] = next((one for one in found if one["metadata"]["name"] == "slow"), {})
        return str(slow.get("status", {}).get("conditions", [{}])[0].get("status", ""))

    until(lambda: condition() == "Unknown", 20, "the run has begun")
    run.send_signal(signal.SIGINT)
    assert run.wait(10) == 130
    until(lambda: condition() == "True", 20, "the run ended by itself")


def test_kill_9_of_the_supervisor_loses_nothing_and_leaves_nothing_running(lab: Lab) -> None:
    kinds = ("namespaces", "pipelineruns", "taskruns", "seldondeployments", "tasks", "configmaps")
    before = {kind: sorted(i["metadata"]["uid"] for i in lab.object(kind, "-A")["items"]) for kind in kinds}
    sleeper = lab.state / "sleeper.yaml"
    sleeper.write_text(
        "apiVersion: tekton.dev/v1\nkind: TaskRun\nmetadata: {name: sleeper}\nspec:\n"
        "  taskSpec:\n    steps: [{name: s, image: busybox, script: 'sleep 600'}]\n"
    )
    lab.oc("create", "-n", "user1-dev", "-f", str(sleeper))
    until(
        lambda: any(
            "running" in step
            for step in lab.object("taskrun", "sleeper", "-n", "user1-dev").get("status", {}).get("steps") or []
        ),
        20,
        "the step runs",
    )
    os.kill(lab.pid(), signal.SIGKILL)
    until(lambda: not lab.processes(), 15, "every process of the lab has ended")
    assert lab.workshop("status", check=False).returncode == 3
    lab.workshop("up")
    after = {kind: sorted(i["metadata"]["uid"] for i in lab.object(kind, "-A")["items"]) for kind in kinds}
    assert all(set(before[kind]) <= set(after[kind]) for kind in kinds)
    interrupted = until(
        lambda: next(
            (
                c
                for c in lab.object("taskrun", "sleeper", "-n", "user1-dev")["status"].get("conditions", [])
                if c["status"] == "False"
            ),
            None,
        ),
        20,
        "the interrupted run has ended",
    )
    assert "lab" in interrupted["message"]
    request = (KIT / "seldon" / "requests" / "flight.json").read_bytes()
    until(lambda: lab.post(lab.status()["endpoints"]["production"], request)[0] == 200, 20, "production answers again")


def test_down_leaves_no_process_and_up_brings_everything_back(lab: Lab) -> None:
    lab.workshop("down")
    assert until(lambda: not lab.processes(), 10, "nothing runs")
    lab.workshop("up")
    request = (KIT / "seldon" / "requests" / "flight.json").read_bytes()
    assert until(lambda: lab.post(lab.status()["endpoints"]["production"], request)[0] == 200, 20, "production answers")
