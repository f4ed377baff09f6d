"""What else a run does: results, stages at the same time, a failure, a branch that has moved."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from fromdvc.tekton import tekton

from tests.tekton.fromdvc.projects import NO_CACHE, Shape, git, make, stage, stages
from tests.tekton.fromdvc.running import Cluster, Pair
from tests.tekton.fromdvc.test_manifests import OPTIONS, wide
from tests.tekton.scripts import KIT
from tests.tekton.test_pods import more_than_restricted, pod
from workshop.manifests.objects import Object, condition

pytestmark = pytest.mark.xdist_group("from-dvc")

SHELLCHECK = str(Path(sys.executable).with_name("shellcheck"))
MEET = """\
touch "$MEET/{0}"
for _ in $(seq 300); do [ -e "$MEET/{1}" ] && break; sleep 0.1; done
[ -e "$MEET/{1}" ] && echo {0} > {0}.txt
"""
"""Each of two stages waits until the other runs."""


class Failed:
    """A run of two stages that wait for each other, and of one after them that fails."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        files = {
            "params.yaml": "rate: 0.5\nunused: 1\n",
            "dvc.yaml": stages(
                left={
                    "cmd": [MEET.format("left", "right"), "echo '{\"auc\": 0.7}' > m.json", "echo [1] > p.json"],
                    "params": ["rate"],
                    "outs": ["left.txt"],
                    "metrics": [{"m.json": NO_CACHE}],
                    "plots": ["p.json"],
                },
                right={"cmd": [MEET.format("right", "left")], "metrics": ["right.txt"]},
                broken={"cmd": "exit 7", "deps": ["left.txt"], "outs": ["broken.txt"]},
                after=stage("after", ["broken.txt"], ["after.txt"]),
            ),
        }
        (folder / "meet").mkdir()
        self.pair = Pair(cluster, folder, Shape(files))
        self.run, _ = self.pair.run(MEET=str(folder / "meet"))
        self.tasks = cluster.task_runs(self.run)


@pytest.fixture(scope="module")
def failed(tekton_controller: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Failed:
    return Failed(tekton_controller, tmp_path_factory.mktemp("failed"))


def results(one: Object) -> dict[str, Any]:
    return {result["name"]: result["value"] for result in one["status"].get("results", ())}


def test_stages_that_do_not_need_each_other_run_at_the_same_time(failed: Failed) -> None:
    assert [condition(failed.tasks[name])["status"] for name in ("left", "right")] == ["True", "True"]


def test_a_stage_has_its_params_metrics_and_plots_as_results(failed: Failed) -> None:
    found = {name: json.loads(value) for name, value in results(failed.tasks["left"]).items()}
    assert found == {
        "params": {"params.yaml": {"rate": 0.5}},
        "metrics": {"m.json": {"auc": 0.7}},
        "plots": ["p.json"],
    }


def test_a_metric_of_another_format_is_named(failed: Failed) -> None:
    assert "right.txt" in json.loads(results(failed.tasks["right"])["metrics"])


def test_after_a_failure_nothing_follows_and_what_succeeded_is_kept(failed: Failed) -> None:
    assert condition(failed.run)["status"] == "False"
    assert "after" not in failed.tasks
    branch = f"dvc/{failed.run['metadata']['name']}"
    assert results(failed.tasks["publish"])["branch"] == branch
    assert list(yaml.safe_load(failed.pair.in_git(branch)["dvc.lock"])["stages"]) == ["left", "right"]
    assert failed.pair.in_git(branch)["m.json"] == '{"auc": 0.7}'
    assert "dvc.lock" not in failed.pair.in_git("main")
    stored = [path for path in failed.pair.remote.rglob("*") if path.is_file() and "runs" not in path.parts]
    assert sorted(path.read_text() for path in stored) == ["[1]\n", "left\n", "right\n"]


def test_a_commit_leaves_a_branch_alone_that_has_moved(tekton_controller: Cluster, tmp_path: Path) -> None:
    move = 'git --git-dir="$SEED/.git" update-ref refs/heads/main "$MOVED"'
    pair = Pair(
        tekton_controller, tmp_path, Shape({"dvc.yaml": stages(a={"cmd": [move, "echo 1 > a.txt"], "outs": ["a.txt"]})})
    )
    moved = git(pair.seed, "commit-tree", "-p", "main", "-m", "moved", "main^{tree}")
    run, _ = pair.run(SEED=str(pair.seed), MOVED=moved)
    name = run["metadata"]["name"]
    assert condition(run)["status"] == "True"
    assert results(run) == {"branch": f"dvc/{name}", "commit": git(pair.seed, "rev-parse", f"dvc/{name}")}
    assert git(pair.seed, "rev-parse", "main") == moved
    assert "[skip ci]" in git(pair.seed, "log", "-1", "--format=%B", f"dvc/{name}")
    assert "git merge FETCH_HEAD takes it" in tekton_controller.logs(run)


def test_a_result_that_is_too_long_is_in_the_log(tmp_path: Path) -> None:
    script = next(part for part in tekton_parts("stage") if part["name"] == "results")["script"]
    (tmp_path / "repository").mkdir()
    (tmp_path / "repository" / "big.json").write_text(json.dumps({"rows": list(range(500))}))
    env = {
        **os.environ, "FOLDER": ".", "PARAM_STAGE": "a", "PARAM_METRICS": '["big.json"]', "PARAM_PLOTS": "[]",
        **{f"RESULT_{name}": str(tmp_path / name) for name in ("PARAMS", "METRICS", "PLOTS")},
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-"], input=script, cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert (tmp_path / "PARAMS").read_text() == "{}"
    assert json.loads((tmp_path / "METRICS").read_text()) == {"too long for a result, see the log of this task": 1913}
    assert '---> metrics: {"big.json":{"rows":[0,1,2,' in done.stdout


def tekton_parts(work: str) -> list[Any]:
    """The steps of one of the Tasks."""
    (task,) = [one for one in tekton(wide(1), OPTIONS) if one["metadata"]["name"] == f"p-{work}"]
    steps: list[Any] = task["spec"]["steps"]
    return steps


def test_pods_of_the_tasks_run_under_restricted_v2() -> None:
    for task in tekton(wide(1), OPTIONS)[:-1]:
        assert more_than_restricted(pod(dict(task))) == []


@pytest.mark.parametrize("work", ["fetch", "stage", "publish"])
def test_scripts_pass_shellcheck(work: str) -> None:
    for step in tekton_parts(work):
        if step["script"].startswith("#!/usr/bin/env bash"):
            done = subprocess.run([SHELLCHECK, "-"], input=step["script"], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout


def test_the_task_from_dvc_checks_a_clone_or_writes_the_file(tekton_controller: Cluster, tmp_path: Path) -> None:
    (step,) = yaml.safe_load((KIT / "tekton/from-dvc/from-dvc.yaml").read_text())["spec"]["steps"]
    make(tmp_path, {"dvc.yaml": stages(a={"cmd": "echo", "outs": ["a.txt"]})})
    variables = {"PARAM_DVCFILE": "dvc.yaml", "PARAM_FILE": "pipeline.yaml", "HOME": str(tmp_path)}
    env = {
        "PATH": f"{tekton_controller.programs}:/usr/bin:/bin",
        "DVC_SITE_CACHE_DIR": str(tmp_path / "site"),
        **variables,
    }
    for check, code, said in (("true", 4, "pipeline.yaml does not exist"), ("false", 0, ""), ("true", 0, "")):
        words = ["bash", "-c", step["script"], "step", "--image", "i"]
        done = subprocess.run(
            words, cwd=tmp_path, env={**env, "PARAM_CHECK": check}, capture_output=True, text=True, check=False
        )
        assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert "kind: Pipeline\n" in (tmp_path / "pipeline.yaml").read_text()


def test_the_scripts_of_the_action_and_of_the_task_pass_shellcheck_and_read_what_they_ask_for() -> None:
    action = yaml.safe_load((KIT / "tekton/from-dvc/action.yml").read_text())
    task = yaml.safe_load((KIT / "tekton/from-dvc/from-dvc.yaml").read_text())["spec"]
    (run,), (step,) = action["runs"]["steps"], task["steps"]
    inputs = {value.split(".")[1].rstrip(" }") for value in run["env"].values() if "inputs." in value}
    assert inputs == set(action["inputs"])
    params = {value[len("$(params.") : -1] for value in (one["value"] for one in step["env"]) if "params." in value}
    assert params | {"options"} == {one["name"] for one in task["params"]}
    for script in (f"#!/usr/bin/env bash\n{run['run']}", step["script"]):
        done = subprocess.run([SHELLCHECK, "-"], input=script, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
