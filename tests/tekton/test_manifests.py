"""The manifests of tekton/ are admitted, consistent, and follow the rules for Tasks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from delivery.canaryrules import rules

from tests.kubectl import kustomize
from workshop.lab.admission.tekton import admit_pipeline, admit_pipeline_run, admit_task
from workshop.manifests.objects import Object

KIT = Path(__file__).resolve().parents[2]
FOLDERS = {"dev": KIT / "tekton" / "overlays" / "openshift", "production": KIT / "tekton" / "production"}
"""What runs in a participant's dev namespace, and what in production."""
ADMIT = {"Pipeline": admit_pipeline, "PipelineRun": admit_pipeline_run, "Task": admit_task}


def objects(stage: str, kind: str) -> dict[str, Object]:
    return {one["metadata"]["name"]: one for one in kustomize(FOLDERS[stage]) if one["kind"] == kind}


TASKS = {stage: objects(stage, "Task") for stage in FOLDERS}
ALL_TASKS = {**TASKS["dev"], **TASKS["production"]}
PIPELINES = {(stage, name): one for stage in FOLDERS for name, one in objects(stage, "Pipeline").items()}
RUNS = sorted((KIT / "tekton" / "runs").glob("*.yaml"))


@pytest.mark.parametrize("stage", FOLDERS)
@pytest.mark.parametrize("kind", ["Pipeline", "Task"])
def test_everything_is_admitted(stage: str, kind: str) -> None:
    for one in objects(stage, kind).values():
        ADMIT[kind](one, None)


@pytest.mark.parametrize("file", RUNS, ids=lambda file: file.stem)
def test_runs_are_admitted_and_name_a_pipeline_with_its_params(file: Path) -> None:
    run = yaml.safe_load(file.read_text())
    ADMIT["PipelineRun"](run, None)
    pipeline = PIPELINES["dev", run["spec"]["pipelineRef"]["name"]]["spec"]
    given = {one["name"] for one in run["spec"].get("params") or []}
    known = {one["name"]: one for one in pipeline.get("params") or []}
    assert given <= set(known)
    assert given >= {name for name, one in known.items() if "default" not in one}
    bound = {one["name"] for one in run["spec"].get("workspaces") or []}
    assert bound == {one["name"] for one in pipeline.get("workspaces") or []}


@pytest.mark.parametrize(("stage", "name"), PIPELINES)
def test_pipelines_give_tasks_what_they_ask_for_and_nothing_else(stage: str, name: str) -> None:
    spec = PIPELINES[stage, name]["spec"]
    for step in [*spec["tasks"], *(spec.get("finally") or [])]:
        if step.get("taskRef", {}).get("kind", "Task") != "Task":
            continue
        task = TASKS[stage][step["taskRef"]["name"]]["spec"]
        given = {one["name"] for one in [*(step.get("params") or []), *(step.get("matrix") or {}).get("params", [])]}
        known = {one["name"]: one for one in task.get("params") or []}
        where = f"{name}, task {step['name']}"
        assert given <= set(known), where
        assert given >= {one for one, param in known.items() if "default" not in param}, where
        workspaces = {one["name"]: one.get("optional", False) for one in task.get("workspaces") or []}
        bound = {one["name"] for one in step.get("workspaces") or []}
        assert {one for one, optional in workspaces.items() if not optional} <= bound <= set(workspaces), where


@pytest.mark.parametrize(("stage", "name"), PIPELINES)
def test_results_that_are_used_are_declared(stage: str, name: str) -> None:
    spec = PIPELINES[stage, name]["spec"]
    uses = {
        step["name"]: step.get("taskRef", {}).get("name", "") for step in [*spec["tasks"], *spec.get("finally", [])]
    }
    for step, result in re.findall(r"\$\(tasks\.([\w-]+)\.results\.([\w-]+)", yaml.safe_dump(spec)):
        declared = {one["name"] for one in TASKS[stage][uses[step]]["spec"].get("results") or []}
        assert result in declared, f"{name}: {step} has no result {result}"


@pytest.mark.parametrize("name", ALL_TASKS)
def test_params_reach_scripts_as_environment(name: str) -> None:
    for step in ALL_TASKS[name]["spec"]["steps"]:
        script = step.get("script", "")
        assert not re.findall(r"\$\((?!results\.[\w-]+\.path|workspaces\.[\w-]+\.path)[a-z][\w.-]*\)", script)
        assert script.startswith("#!/usr/bin/env bash\nset -euo pipefail\n")
        given = {one["name"] for one in step.get("env") or [] if one["name"].startswith("PARAM_")}
        assert given == set(re.findall(r"\bPARAM_[A-Z0-9_]+", script)), f"{name}, step {step['name']}"


@pytest.mark.parametrize("name", ALL_TASKS)
def test_tasks_explain_themselves_and_need_no_privilege(name: str) -> None:
    task = ALL_TASKS[name]
    spec = task["spec"]
    assert {"app.kubernetes.io/name", "app.kubernetes.io/part-of", "app.kubernetes.io/version"} <= set(
        task["metadata"]["labels"]
    )
    for one in [spec, *(spec.get("params") or []), *(spec.get("results") or []), *(spec.get("workspaces") or [])]:
        assert one["description"]
    for step in spec["steps"]:
        assert not (step.get("securityContext") or {}).get("privileged")


def test_a_cluster_has_callers_and_its_canaries_take_their_time() -> None:
    (endpoints,) = [
        one["data"]
        for one in kustomize(KIT / "tekton" / "participant")
        if one["kind"] == "ConfigMap" and one["metadata"]["namespace"] == "user1-production"
    ]
    params = {one["name"]: one.get("default") for one in PIPELINES["production", "promote"]["spec"]["params"]}
    made = rules({}, params["canary-rules"], endpoints["CANARY_RULES"])
    assert (made.probe_rate, made.window, made.too_little) == (0.0, 300.0, "back")


def test_nothing_of_a_participants_commit_runs_with_productions_account() -> None:
    for (stage, name), pipeline in PIPELINES.items():
        if stage == "production":
            assert not pipeline["spec"].get("workspaces"), name
    for name, task in TASKS["production"].items():
        assert all(one.get("optional") for one in task["spec"].get("workspaces") or []), name
        for step in task["spec"]["steps"]:
            image = step.get("image") or task["spec"]["stepTemplate"]["image"]
            assert image.startswith("image-registry.openshift-image-registry.svc:5000/mlops-workshop/mlops-toolbox:"), (
                name
            )
            assert "git clone" not in step["script"], name


def test_who_starts_a_promotion_or_a_test_chooses_neither_the_approvers_nor_whether_they_are_asked() -> None:
    for name in ("promote", "experiment"):
        spec = PIPELINES["production", name]["spec"]
        (approve,) = [one for one in spec["tasks"] if one["name"] == "approve"]
        # Production's own ConfigMap and the signed statement decide; no param does.
        by_policy = [{"input": "$(tasks.find-release.results.approval)", "operator": "in", "values": ["person"]}]
        assert approve.get("when", []) == (by_policy if name == "promote" else [])
        (approvers,) = [one["value"] for one in approve["params"] if one["name"] == "approvers"]
        assert approvers and not any("$(" in one for one in approvers)
        changes = {one["name"] for one in spec["tasks"] if one["name"] in ("canary", "deploy-production", "start")}
        after = {one["name"]: one.get("runAfter") for one in spec["tasks"]}
        assert all("approve" in _before(one, after) for one in changes), name


def _before(name: str, after: dict[str, list[str] | None]) -> set[str]:
    mine = after.get(name) or []
    return {*mine, *(other for one in mine for other in _before(one, after))}


def test_restore_production_runs_after_every_failure() -> None:
    (restore,) = [
        one for one in PIPELINES["production", "promote"]["spec"]["finally"] if one["name"] == "restore-production"
    ]
    # A result of the canary's Task would skip it where the canary never ran.
    assert set(re.findall(r"tasks\.([\w-]+)\.results", yaml.safe_dump(restore))) == {"find-release"}


def test_a_retraining_gives_nothing_back_before_the_gate_and_staging_have_passed() -> None:
    spec = PIPELINES["dev", "retrain"]["spec"]
    after = {one["name"]: one.get("runAfter") for one in spec["tasks"]}
    after["test-image"] = ["build-image"]  # by its results
    assert {"gate", "register", "test-image", "verify-staging"} <= _before("publish", after)
    assert "publish" in _before("ask", after)
    gives = {
        one["name"]
        for one in spec["tasks"]
        for step in TASKS["dev"][one["taskRef"]["name"]]["spec"]["steps"]
        if re.search(r"^(git push|dvc push|python -m delivery (publish|request))\b", step["script"], re.M)
    }
    assert gives == {"publish", "ask"}


def test_a_retraining_promotes_by_no_other_way_than_an_approval() -> None:
    (ask,) = [one for one in PIPELINES["dev", "retrain"]["spec"]["tasks"] if one["name"] == "ask"]
    assert {one["name"]: one["value"] for one in ask["params"]}["kind"] == "promote"
