"""A pipeline from a dvc.yaml in a lab: clone and push by the Git server's login, data by the participant's remote."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from tests.e2e.conftest import Lab
from tests.tekton.fromdvc.projects import NO_CACHE, make, stages

NAMESPACE = "user1-dev"
BRANCH = "from-dvc"
PROJECT = {
    "demo/params.yaml": "rate: 3\n",
    "demo/dvc.yaml": stages(
        fit={
            "foreach": ["a_b", "c"],
            "do": {"cmd": "echo ${item} > ${item}.bin", "params": ["rate"], "outs": ["${item}.bin"]},
        },
        score={
            "cmd": "cat a_b.bin c.bin && echo '{\"auc\": 0.75}' > metrics.json",
            "deps": ["a_b.bin", "c.bin"],
            "metrics": [{"metrics.json": NO_CACHE}],
        },
    ),
}


def test_a_pipeline_from_a_dvc_yaml_commits_its_lock(lab: Lab, tmp_path: Path) -> None:
    project = make(tmp_path / "project", PROJECT, "demo")
    # In the participant's clone, because its Git has the login.
    push = f"git fetch -q '{project}' main && git push -q origin FETCH_HEAD:refs/heads/{BRANCH}"
    lab.workshop("shell", "bash", "-c", push)
    file, run = tmp_path / "pipeline.yaml", tmp_path / "run.yaml"
    lab.workshop("pipeline", "from-dvc", str(project / "demo" / "dvc.yaml"), "--file", str(file))
    lab.oc("apply", "-n", NAMESPACE, "-f", str(file))
    claim = {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
    spec = {
        "pipelineRef": {"name": "demo"},
        "params": [{"name": name, "value": BRANCH} for name in ("revision", "branch")],
        "taskRunTemplate": {"serviceAccountName": "pipeline"},
        "workspaces": [{"name": "source", "volumeClaimTemplate": claim}],
    }
    metadata = {"name": "demo-1", "namespace": NAMESPACE}
    run.write_text(
        yaml.safe_dump({"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": metadata, "spec": spec})
    )
    lab.workshop("run", str(run), "-n", NAMESPACE, "--timeout", "300")
    status = lab.object("pipelinerun", "demo-1", "-n", NAMESPACE)["status"]
    results = {one["name"]: one["value"] for one in status["results"]}
    assert json.loads(results["score-metrics"]) == {"metrics.json": {"auc": 0.75}}
    assert json.loads(results["fit-a-b-params"]) == {"params.yaml": {"rate": 3}}
    show = f"git fetch -q origin {BRANCH} && git rev-parse FETCH_HEAD && git show FETCH_HEAD:demo/dvc.lock"
    commit, _, lock = lab.workshop("shell", "bash", "-c", show).stdout.partition("\n")
    assert (results["branch"], results["commit"]) == (BRANCH, commit)
    assert list(yaml.safe_load(lock)["stages"]) == ["fit@a_b", "fit@c", "score"]
    # The commit starts no pipeline of its own.
    runs = lab.object("pipelineruns", "-n", NAMESPACE)["items"]
    assert not [one for one in runs if commit in json.dumps(one["spec"])]
