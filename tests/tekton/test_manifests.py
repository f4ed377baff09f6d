"""The manifests of tekton/ are admitted, consistent, and follow the rules for Tasks."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from delivery.canaryrules import rules

from tests.kubectl import kustomize
from workshop.lab.admission.tekton import admit_pipeline, admit_pipeline_run, admit_task
from workshop.manifests.objects import Object

KIT = Path(__file__).resolve().parents[2]
OVERLAYS = ("lab", "openshift")
ADMIT = {"Pipeline": admit_pipeline, "PipelineRun": admit_pipeline_run, "Task": admit_task}


def objects(overlay: str, kind: str) -> dict[str, Object]:
    found = kustomize(KIT / "tekton" / "overlays" / overlay)
    return {one["metadata"]["name"]: one for one in found if one["kind"] == kind}


TASKS, PIPELINES = objects("openshift", "Task"), objects("openshift", "Pipeline")
RUNS = sorted((KIT / "tekton" / "runs").glob("*.yaml"))


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("kind", ["Pipeline", "Task"])
def test_everything_is_admitted(overlay: str, kind: str) -> None:
    for one in objects(overlay, kind).values():
        ADMIT[kind](one, None)


@pytest.mark.parametrize("file", RUNS, ids=lambda file: file.stem)
def test_runs_are_admitted_and_name_a_pipeline_with_its_params(file: Path) -> None:
    run = yaml.safe_load(file.read_text())
    ADMIT["PipelineRun"](run, None)
    pipeline = PIPELINES[run["spec"]["pipelineRef"]["name"]]["spec"]
    given = {one["name"] for one in run["spec"].get("params") or []}
    known = {one["name"]: one for one in pipeline.get("params") or []}
    assert given <= set(known)
    assert given >= {name for name, one in known.items() if "default" not in one}
    assert {one["name"] for one in run["spec"]["workspaces"]} == {one["name"] for one in pipeline["workspaces"]}


@pytest.mark.parametrize("name", PIPELINES)
def test_pipelines_give_tasks_what_they_ask_for_and_nothing_else(name: str) -> None:
    spec = PIPELINES[name]["spec"]
    for step in [*spec["tasks"], *(spec.get("finally") or [])]:
        if step.get("taskRef", {}).get("kind", "Task") != "Task":
            continue
        task = TASKS[step["taskRef"]["name"]]["spec"]
        given = {one["name"] for one in [*(step.get("params") or []), *(step.get("matrix") or {}).get("params", [])]}
        known = {one["name"]: one for one in task.get("params") or []}
        where = f"{name}, task {step['name']}"
        assert given <= set(known), where
        assert given >= {one for one, param in known.items() if "default" not in param}, where
        workspaces = {one["name"] for one in task.get("workspaces") or []}
        assert {one["name"] for one in step.get("workspaces") or []} == workspaces, where


@pytest.mark.parametrize("name", PIPELINES)
def test_results_that_are_used_are_declared(name: str) -> None:
    spec = PIPELINES[name]["spec"]
    uses = {
        step["name"]: step.get("taskRef", {}).get("name", "") for step in [*spec["tasks"], *spec.get("finally", [])]
    }
    for step, result in re.findall(r"\$\(tasks\.([\w-]+)\.results\.([\w-]+)", yaml.safe_dump(spec)):
        declared = {one["name"] for one in TASKS[uses[step]]["spec"].get("results") or []}
        assert result in declared, f"{name}: {step} has no result {result}"


@pytest.mark.parametrize("name", TASKS)
def test_params_reach_scripts_as_environment(name: str) -> None:
    for step in TASKS[name]["spec"]["steps"]:
        script = step.get("script", "")
        assert not re.findall(r"\$\((?!results\.[\w-]+\.path|workspaces\.[\w-]+\.path)[a-z][\w.-]*\)", script)
        assert script.startswith("#!/usr/bin/env bash\nset -euo pipefail\n")
        given = {one["name"] for one in step.get("env") or [] if one["name"].startswith("PARAM_")}
        assert given == set(re.findall(r"\bPARAM_[A-Z0-9_]+", script)), f"{name}, step {step['name']}"


@pytest.mark.parametrize("name", TASKS)
def test_tasks_explain_themselves_and_need_no_privilege(name: str) -> None:
    task = TASKS[name]
    spec = task["spec"]
    assert {"app.kubernetes.io/name", "app.kubernetes.io/part-of", "app.kubernetes.io/version"} <= set(
        task["metadata"]["labels"]
    )
    for one in [spec, *(spec.get("params") or []), *(spec.get("results") or []), *(spec.get("workspaces") or [])]:
        assert one["description"]
    for step in spec["steps"]:
        assert not (step.get("securityContext") or {}).get("privileged")


def test_the_lab_plays_the_callers_and_a_cluster_does_not() -> None:
    for overlay, rate, window in (("lab", 60.0, 5.0), ("openshift", 0.0, 300.0)):
        params = {one["name"]: one.get("default") for one in objects(overlay, "Pipeline")["promote"]["spec"]["params"]}
        made = rules({}, params["canary-rules"])
        assert (made.probe_rate, made.window, made.too_little) == (rate, window, "back")


def test_restore_production_runs_after_every_failure() -> None:
    (restore,) = [one for one in PIPELINES["promote"]["spec"]["finally"] if one["name"] == "restore-production"]
    # A result of the canary's Task would skip it where the canary never ran.
    assert set(re.findall(r"tasks\.([\w-]+)\.results", yaml.safe_dump(restore))) == {"find-release"}


def test_a_stage_that_is_neither_staging_nor_production_is_refused(tmp_path: Path) -> None:
    (script,) = (step["script"] for step in TASKS["verify"]["spec"]["steps"])
    env = {
        "PATH": os.environ["PATH"],
        "PARAM_STAGE": "canary",
        "PARAM_MODEL_VERSION": "1",
        "PARAM_MAX_LATENCY_MS": "250",
        "STAGING_URL": "http://127.0.0.1:9",
        "PRODUCTION_URL": "http://127.0.0.1:9",
    }
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "ERROR: stage: got 'canary', allowed: staging or production\n"
