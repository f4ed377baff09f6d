"""The manifests are accepted by Tekton's admission, need no rights, and fit into a cluster."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from fromdvc.__main__ import main
from fromdvc.errors import FromDvcError
from fromdvc.graph import read_project
from fromdvc.project import Project, Stage
from fromdvc.size import notes
from fromdvc.tasks import Options, fetch, publish, stage_work
from fromdvc.tekton import tekton

from tests.tekton.fromdvc.projects import SHAPES, make, stage, stages
from tests.tekton.scripts import KIT
from workshop.cli import main as workshop
from workshop.lab.admission.tekton import admit_pipeline, admit_task
from workshop.manifests.tekton import Pipeline, Task

OPTIONS = Options(name="p", image="example.com/i:1", config_maps=("c",), secrets=("s",))
ADMIT = {"Pipeline": admit_pipeline, "Task": admit_task}
TYPES = {"Pipeline": Pipeline, "Task": Task}


def wide(count: int, **fields: Any) -> Project:
    """`count` stages that end in one."""
    names = tuple(f"train@{n}" for n in range(count))
    made = tuple(Stage(name=name, **fields) for name in names)
    return Project("model", ".", (*made, Stage("join", after=names)), ("dvc.yaml",), ())


def pipeline(objects: list[Any]) -> Any:
    return objects[-1]["spec"]


@pytest.mark.parametrize("shape", ["chain", "foreach-list", "two-files"])
def test_tekton_accepts_the_manifests(shape: str, tmp_path: Path) -> None:
    found = SHAPES[shape]
    project = read_project(make(tmp_path, found.files) / found.folder / "dvc.yaml")
    objects = tekton(project, OPTIONS)
    assert [one["kind"] for one in objects] == ["Task", "Task", "Task", "Pipeline"]
    for one in objects:
        ADMIT[one["kind"]](copy.deepcopy(dict(one)), None)
        # No field that the API lacks.
        msgspec.convert(one, TYPES[one["kind"]], strict=True)


def test_the_order_of_the_tasks_is_that_of_the_stages() -> None:
    project = Project("model", ".", (Stage("a_1"), Stage("b", after=("a_1",)), Stage("c")), ("dvc.yaml",), ())
    tasks = {one["name"]: one for one in pipeline(tekton(project, OPTIONS))["tasks"]}
    assert {name: one.get("runAfter") for name, one in tasks.items()} == {
        "fetch": None, "a-1": ["fetch"], "b": ["a-1"], "c": ["fetch"],
    }  # fmt: skip
    assert {name: one["displayName"] for name, one in tasks.items() if "displayName" in one} == {"a-1": "a_1"}


def test_params_metrics_and_plots_are_results() -> None:
    made = (Stage("a", has_params=True, metrics=("m.json",)), Stage("b@x", plots=("p.csv",)), Stage("c"))
    results = pipeline(tekton(Project(".", ".", made, ("dvc.yaml",), ()), OPTIONS))["results"]
    assert {one["name"]: one["value"] for one in results} == {
        "branch": "$(finally.publish.results.branch)",
        "commit": "$(finally.publish.results.commit)",
        "a-params": "$(tasks.a.results.params)",
        "a-metrics": "$(tasks.a.results.metrics)",
        "b-x-plots": "$(tasks.b-x.results.plots)",
    }


def test_only_fetch_and_publish_have_the_password() -> None:
    with_password = {
        f"{one['metadata']['name']} {step['name']}"
        for one in tekton(wide(1), OPTIONS)[:-1]
        for step in one["spec"]["steps"]
        if "GIT_PASSWORD" in json.dumps(step.get("env", []))
    }
    assert with_password == {"p-fetch fetch", "p-publish commit"}


def test_tasks_need_no_rights_and_no_user() -> None:
    for task in tekton(wide(1), OPTIONS)[:-1]:
        template = task["spec"]["stepTemplate"]
        assert template["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        names = {one["name"] for one in template["env"]}
        assert {"HOME", "USER", "LOGNAME", "DVC_NO_ANALYTICS", "DVC_SITE_CACHE_DIR"} <= names


def test_values_reach_scripts_as_variables() -> None:
    for work in (fetch(wide(1)), stage_work(), publish(wide(1))):
        text = "".join(part.text for part in work.parts)
        assert not re.findall(r"\$\([a-z]+\.", text)
        assert set(re.findall(r"PARAM_([A-Z]+)", text)) == {name.upper() for name in work.params}
        assert {
            name for name in ("commit", "branch", "params", "metrics", "plots") if f"RESULT_{name.upper()}" in text
        } <= set(work.results)


def test_a_thousand_stages_fit_and_the_size_is_said(tmp_path: Path) -> None:
    project = wide(1000, has_params=True)
    objects = tekton(project, OPTIONS)
    admit_pipeline(copy.deepcopy(dict(objects[-1])), None)
    assert len(pipeline(objects)["tasks"]) == 1002
    # The results of the stages would not fit; each task has its own.
    assert [one["name"] for one in pipeline(objects)["results"]] == ["branch", "commit"]
    assert notes(project, objects) == [
        "1000 results are too many for one run: each task shows the results of its stage"
    ]


def test_a_pipeline_above_what_oc_apply_takes_says_how_to_apply_it() -> None:
    (said,) = notes(wide(2000), tekton(wide(2000), OPTIONS))
    assert re.fullmatch(
        r"Pipeline p has \d{3},\d{3} bytes, and `oc apply` takes 262,144: oc apply --server-side -f FILE", said
    )


def test_a_run_above_what_etcd_takes_is_refused() -> None:
    with pytest.raises(FromDvcError) as refused:
        notes(wide(6000), tekton(wide(6000), OPTIONS))
    assert re.match(
        r"model/dvc.yaml:1: 6001 stages make a run of \d,\d{3},\d{3} bytes, and etcd accepts", str(refused.value)
    )
    assert "let one stage do more" in str(refused.value)


def generate(folder: Path, *words: str) -> int:
    return main([str(folder / "dvc.yaml"), "--image", "i", "--file", str(folder / "pipeline.yaml"), *words])


def test_check_fails_when_the_file_is_stale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(tmp_path, SHAPES["foreach-list"].files)
    assert generate(tmp_path, "--check") == 4
    assert "pipeline.yaml does not exist\n  the same command without --check writes it" in capsys.readouterr().err
    assert generate(tmp_path) == 0
    assert "4 stages; Task dvc-fetch, Task dvc-stage, Task dvc-publish, Pipeline dvc" in capsys.readouterr().err
    before = (tmp_path / "pipeline.yaml").read_text()
    assert generate(tmp_path, "--check") == 0
    # Another stage, by a param alone.
    (tmp_path / "params.yaml").write_text("parts: [a_b, C, d, e]\n")
    assert generate(tmp_path, "--check") == 4
    assert re.search(r"pipeline\.yaml:\d+ is stale: it has .*'.*', .* gives '", capsys.readouterr().err)
    assert (tmp_path / "pipeline.yaml").read_text() == before


def test_the_same_project_gives_the_same_text(tmp_path: Path) -> None:
    texts = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        make(tmp_path / name, SHAPES["matrix"].files)
        assert generate(tmp_path / name) == 0
        texts.append((tmp_path / name / "pipeline.yaml").read_text())
    assert texts[0] == texts[1]
    assert texts[0].splitlines()[1] == "#   fromdvc dvc.yaml --image i --name dvc"


def test_json_is_one_list_of_the_same_objects(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(tmp_path, {"dvc.yaml": stages(a=stage("a", [], ["a.txt"]))})
    assert main([str(tmp_path / "dvc.yaml"), "--image", "i", "--output", "json"]) == 0
    as_json = json.loads(capsys.readouterr().out)
    assert main([str(tmp_path / "dvc.yaml"), "--image", "i"]) == 0
    assert as_json["items"] == list(yaml.safe_load_all(capsys.readouterr().out))


def test_the_verb_of_the_workshop_gives_this_kits_image_and_variables(capfd: pytest.CaptureFixture[str]) -> None:
    assert workshop(["pipeline", "from-dvc", str(KIT / "model" / "dvc.yaml"), "--name", "flights"]) == 0
    objects = list(yaml.safe_load_all(capfd.readouterr().out))
    template = objects[1]["spec"]["stepTemplate"]
    tasks = {one["name"]: one.get("runAfter") for one in objects[-1]["spec"]["tasks"]}
    kit = yaml.safe_load((KIT / "tekton/base/tasks/train/train.yaml").read_text())["spec"]
    assert template["image"] == kit["stepTemplate"]["image"]
    names = [next(iter(one.values()))["name"] for one in template["envFrom"]]
    assert names == [next(iter(one.values()))["name"] for one in kit["steps"][0]["envFrom"]]
    assert tasks["train-boosted"] == tasks["train-logistic"] == ["months", "validate"]
    assert tasks["evaluate"] == ["months", "train-boosted", "train-logistic"]


def test_the_verb_of_the_workshop_ends_with_the_exit_code_of_the_tool(capfd: pytest.CaptureFixture[str]) -> None:
    assert workshop(["pipeline", "from-dvc", "--to", "argo", "none.yaml"]) == 2
    assert "none.yaml is no dvc.yaml" in capfd.readouterr().err
    assert workshop(["pipeline", "from-dvc", "--help"]) == 0
    assert "--check" in capfd.readouterr().out
