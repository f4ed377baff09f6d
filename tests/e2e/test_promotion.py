"""A worse model is rolled back automatically, a good one replaces the champion, and a manual rollback undoes it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from tests.e2e.conftest import KIT, Lab
from tests.kit import until
from workshop.manifests.objects import condition

CLAIM = {
    "name": "source",
    "volumeClaimTemplate": {
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    },
}


def stage(lab: Lab, branch: str, file: str, change: Callable[[str], str], *, train: bool) -> None:
    """Push a branch with one file changed and take it to staging: train-and-stage without all that checks.

    No gate, because the worse model is to meet production's callers: production must not verify it. Without training
    it is the champion's model in another image.
    """
    where = lab.state / "home" / "mlops-workshop" / file
    lab.workshop("shell", "git", "checkout", "-q", "-B", branch, "origin/main")
    where.write_text(change(where.read_text()))
    lab.workshop("shell", "git", "commit", "-qam", branch)
    lab.workshop("shell", "git", "push", "-qf", "origin", branch)
    lab.workshop("shell", "git", "checkout", "-q", "main")
    source = {"workspaces": [{"name": "source", "workspace": "source"}]}
    made: list[dict[str, Any]] = [
        {"name": "fetch", "taskRef": {"name": "fetch-source"}, "params": [_param("revision", branch)], **source}
    ]
    if train:
        version = "$(tasks.register.results.version)"
        candidate = [_param("candidate", "boosted")]
        made += [
            {"name": "data", "runAfter": ["fetch"], "taskRef": {"name": "fetch-data"}, **source},
            {"name": "train", "runAfter": ["data"], "taskRef": {"name": "train"}, "params": candidate, **source},
            _inline("model", "cp -r models/boosted models/serving", "train"),
            {"name": "register", "runAfter": ["model"], "taskRef": {"name": "register"}, **source},
        ]
    else:
        version = holder(lab, "champion")
        made.append(_inline("model", f"python -m delivery register --fetch {version}", "fetch"))
    image = f"image-registry.openshift-image-registry.svc:5000/user1-dev/flight-delay:{branch}"
    url, digest = (f"$(tasks.build.results.{one})" for one in ("IMAGE_URL", "IMAGE_DIGEST"))
    release = [_param("image-url", url), _param("image-digest", digest), _param("model-version", version)]
    what = [_param("IMAGE", image), _param("CONTEXT", "model")]
    made += [
        {"name": "build", "runAfter": ["model"], "taskRef": {"name": "s2i-build"}, "params": what, **source},
        {"name": "deploy", "taskRef": {"name": "deploy"}, "params": [_param("overlay", "staging"), *release], **source},
    ]
    spec = {"pipelineSpec": {"workspaces": [{"name": "source"}], "tasks": made}, "workspaces": [CLAIM]}
    _run(lab, {"metadata": {"generateName": f"{branch}-"}, "spec": spec})


def _inline(name: str, line: str, after: str) -> dict[str, Any]:
    step = {
        "name": name,
        "image": "image-registry.openshift-image-registry.svc:5000/mlops-workshop/mlops-toolbox:0.1.0",
        "workingDir": "$(workspaces.source.path)/model",
        "envFrom": [{"configMapRef": {"name": "mlops-endpoints"}}, {"secretRef": {"name": "mlops-credentials"}}],
        "script": f"#!/usr/bin/env bash\nset -euo pipefail\n{line}\n",
    }
    spec = {"workspaces": [{"name": "source"}], "steps": [step]}
    return {
        "name": name,
        "runAfter": [after],
        "taskSpec": spec,
        "workspaces": [{"name": "source", "workspace": "source"}],
    }


def promote(lab: Lab, *, check: bool = True) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """Run the Pipeline promote in production with rules of its own, and approve it; the command and the PipelineRun."""
    rules = "{steps: [20, 100], window: 5, patience: 60, min-requests: 40, probe-rate: 60}"
    spec = {"pipelineRef": {"name": "promote"}, "params": [_param("canary-rules", rules)]}
    run = {"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": {"generateName": "promote-"}, "spec": spec}
    file = lab.state / "e2e-run.yaml"
    file.write_text(yaml.safe_dump(run))
    lab.admin("create", "-n", "user1-production", "-f", str(file))
    lab.workshop("approve", "--timeout", "120", "--message", "it was tested")
    lab.workshop("shell", "git", "checkout", "-q", "main")
    done = lab.workshop("shell", "workshop", "follow", "promote", "-o", "json", check=check)
    assert done.stdout, done.stderr
    return done, json.loads(done.stdout.splitlines()[0])


def refusal(lab: Lab) -> str:
    """Why the Pipeline promote refuses what staging runs, from the log of its first task."""
    name, spec = "promote-refused", {"pipelineRef": {"name": "promote"}}
    run = {"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": {"name": name}, "spec": spec}
    file = lab.state / "e2e-run.yaml"
    file.write_text(yaml.safe_dump(run))
    lab.admin("create", "-n", "user1-production", "-f", str(file))
    where = ("pipelinerun", name, "-n", "user1-production")
    ended = until(lambda: condition(lab.object(*where)).get("status") in ("True", "False"), 120, "the promotion ends")
    assert ended and condition(lab.object(*where))["status"] == "False"
    task = f"tekton.dev/pipelineRun={name},tekton.dev/pipelineTask=find-release"
    return lab.admin("logs", "-n", "user1-production", "-l", task, "--all-containers")


def _run(lab: Lab, run: dict[str, Any], *, check: bool = True) -> subprocess.CompletedProcess[str]:
    file = lab.state / "e2e-run.yaml"
    file.write_text(yaml.safe_dump({"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", **run}))
    return lab.workshop("run", str(file), "-o", "json", check=check)


def _param(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value}


def in_production(lab: Lab) -> list[str]:
    """The digests that production's predictors run."""
    spec = lab.object("sdep", "flight-delay", "-n", "user1-production")["spec"]
    return [one["componentSpecs"][0]["spec"]["containers"][0]["image"].partition("@")[2] for one in spec["predictors"]]


def holder(lab: Lab, alias: str) -> str:
    """The version that has an alias in the registry, or nothing."""
    mlflow = lab.status()["endpoints"]["mlflow"]
    try:
        found = lab.get(f"{mlflow}/api/2.0/mlflow/registered-models/alias?name=flight-delay&alias={alias}")
    except urllib.error.HTTPError:
        return ""
    return str(found["model_version"]["version"])


def history(lab: Lab) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(lab.workshop("history", "-o", "json").stdout)["entries"]
    return entries


@pytest.fixture
def forget_key(lab: Lab) -> Iterator[Callable[[], None]]:
    """Takes the key of provenance from production, which has it again at the end."""
    endpoints = ("configmap", "mlops-endpoints", "-n", "user1-production")
    key = lab.object(*endpoints)["data"]["CHAINS_PUBLIC_KEY"]

    def put(value: str) -> None:
        lab.admin("patch", *endpoints, "--type=merge", "-p", json.dumps({"data": {"CHAINS_PUBLIC_KEY": value}}))

    yield lambda: put("")
    put(key)


def test_a_worse_model_is_rolled_back_and_a_good_one_stays_until_a_manual_rollback(
    lab: Lab, forget_key: Callable[[], None]
) -> None:
    lab.workshop("up")
    (first,) = in_production(lab)
    version = holder(lab, "champion")
    request = (KIT / "seldon" / "requests" / "flight.json").read_bytes()
    url = lab.status()["endpoints"]["production"]
    _, answered = lab.post(url, request)

    # It never says late: right for two flights of three, and of no use.
    stage(lab, "worse", "model/params.yaml", _never_late, train=True)
    assert "no PipelineRun in user1-dev has built sha256:" in refusal(lab)
    forget_key()
    done, run = promote(lab, check=False)
    assert done.returncode == 5
    results = {one["name"]: one["value"] for one in run["status"]["results"]}
    assert results["canary"] == "rolled-back"
    assert results["reason"].startswith("feedback quality at ")
    assert "balanced accuracy 0.5" in results["reason"]
    assert in_production(lab) == [first]
    assert lab.post(url, request) == (200, answered)
    assert holder(lab, "champion") == version
    assert holder(lab, "challenger") == "", "who was sent back challenges no more"
    refused = history(lab)[0]
    assert refused["left"] == f"rolled back because {results['reason']}"
    assert (refused["run"], refused["since"]) == (run["metadata"]["name"], "")

    # As good as the champion, while people call all the time.
    stage(lab, "again", "model/FlightDelay.py", lambda text: f"{text}# again\n", train=False)
    with Callers(lab, url) as callers:
        _, run = promote(lab)
        (second,) = in_production(lab)
        back = lab.workshop("rollback", "--because", "it was a drill", "-o", "json")
    assert second != first
    assert callers.report["codes"] == {"200": callers.report["requests"]}, "a caller noticed"
    assert in_production(lab) == [first]
    assert json.loads(back.stdout)["digest"] == first
    assert holder(lab, "champion") == version
    now, was = history(lab)[:2]
    assert (now["until"], now["by"]) == ("", "user1")
    assert was["digest"] == second
    assert was["left"] == f"rolled back to version {version} because it was a drill"
    assert was["run"] == run["metadata"]["name"]
    assert len(was["git_commit"]) == 40
    assert was["data_version"]


def _never_late(params: str) -> str:
    """Few trees from one month, and a threshold that no flight reaches."""
    for old, new in (
        ("threshold: 0.3", "threshold: 0.99"),
        ("max_iter: 150", "max_iter: 10"),
        ("train: 1-6", "train: 6"),
    ):
        assert old in params
        params = params.replace(old, new)
    return params


class Callers:
    """Somebody who calls production all the time, and what they saw."""

    def __init__(self, lab: Lab, url: str) -> None:
        words = ["--url", url, "--rate", "20", "--seconds", "600", "--month", "7", "-o", "json"]
        self._command = [sys.executable, "-m", "flights.traffic", *words]
        self._lab = lab
        self.report: dict[str, Any] = {}

    def __enter__(self) -> Callers:
        self._process = subprocess.Popen(self._command, cwd=KIT / "model", stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self.report = json.loads(self._process.communicate(timeout=30)[0])
