"""The Workflow has only fields that Argo has, its references name something, and it means what the Pipeline means."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from fromdvc.__main__ import main
from fromdvc.argo import argo
from fromdvc.graph import read_project
from fromdvc.project import Project, Stage
from fromdvc.tasks import Options
from fromdvc.tekton import tekton
from yaml.representer import SafeRepresenter

from tests.tekton.fromdvc.projects import SHAPES, make


def _argo_types() -> Any:
    """Argo's Workflow. The import of hera changes how PyYAML writes texts in the whole process; that is undone."""
    kept = SafeRepresenter.yaml_representers[str], yaml.Dumper.yaml_representers[str]
    from hera.workflows.models import Workflow

    SafeRepresenter.yaml_representers[str], yaml.Dumper.yaml_representers[str] = kept
    return Workflow


SHELLCHECK = str(Path(sys.executable).with_name("shellcheck"))
OPTIONS = Options(name="p", image="example.com/i:1", config_maps=("c",), secrets=("s",))
STAGES = (
    Stage("a_1", has_params=True, metrics=("m.json",)),
    Stage("b@x", after=("a_1",), plots=("p.csv", "q.csv")),
    Stage("join", after=("a_1", "b@x")),
)
PROJECT = Project("model", ".", STAGES, ("dvc.yaml", "with space.dvc"), ("m.json",))


def templates(project: Project = PROJECT) -> dict[str, Any]:
    (workflow,) = argo(project, OPTIONS)
    return {one["name"]: one for one in workflow["spec"]["templates"]}


def strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for one in value.values() for text in strings(one)]
    if isinstance(value, list):
        return [text for one in value for text in strings(one)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("shape", ["chain", "matrix", "two-files"])
def test_argos_own_types_take_the_workflow_and_drop_nothing(shape: str, tmp_path: Path) -> None:
    found = SHAPES[shape]
    (workflow,) = argo(read_project(make(tmp_path, found.files) / found.folder / "dvc.yaml"), OPTIONS)
    taken = _argo_types().model_validate(workflow)
    # A field that Argo lacks would not come back.
    assert taken.model_dump(by_alias=True, exclude_none=True, mode="json") == workflow


def test_the_types_of_argo_leave_yaml_as_it_was() -> None:
    before = yaml.safe_dump("a\nb")
    _argo_types()
    assert yaml.safe_dump("a\nb") == before


def test_every_reference_names_something() -> None:
    (workflow,) = argo(PROJECT, OPTIONS)
    found = templates()
    arguments = {one["name"] for one in workflow["spec"]["arguments"]["parameters"]}
    outputs = {
        name: {one["name"] for one in made.get("outputs", {}).get("parameters", [])} for name, made in found.items()
    }
    for made in found.values():
        inputs = {one["name"] for one in made.get("inputs", {}).get("parameters", [])}
        tasks = {one["name"]: one for one in made.get("dag", {}).get("tasks", [])}
        for text in strings(made):
            for reference in re.findall(r"\{\{(.*?)\}\}", text):
                match reference.split("."):
                    case ["workflow", "name"] | ["tasks", "stages", "status"]:
                        pass
                    case ["workflow", "parameters", name]:
                        assert name in arguments
                    case ["inputs", "parameters", name]:
                        assert name in inputs
                    case ["tasks", task, "outputs", "parameters", name]:
                        assert name in outputs[tasks[task]["template"]]
                    case _:
                        pytest.fail(reference)
        for task in tasks.values():
            given = {one["name"] for one in task.get("arguments", {}).get("parameters", [])}
            asked = found[task["template"]].get("inputs", {}).get("parameters", [])
            assert {one["name"] for one in asked if "value" not in one} <= given <= {one["name"] for one in asked}
            assert set(task.get("dependencies", ())) <= set(tasks)


def test_the_stages_have_the_order_and_the_params_of_the_pipeline() -> None:
    pipeline = tekton(PROJECT, OPTIONS)[-1]["spec"]
    expected = {one["name"]: (sorted(set(one["runAfter"]) - {"fetch"}), one["params"]) for one in pipeline["tasks"][1:]}
    tasks = templates()["stages"]["dag"]["tasks"]
    assert {one["name"]: (one.get("dependencies", []), one["arguments"]["parameters"]) for one in tasks} == expected
    results = {one["name"] for one in pipeline["results"]}
    assert {one["name"] for one in templates()["pipeline"]["outputs"]["parameters"]} == results


def test_publish_follows_a_failure_of_the_stages_and_the_workflow_fails_then() -> None:
    dag = templates()["pipeline"]["dag"]
    publish = dag["tasks"][-1]
    assert publish["depends"] == "fetch.Succeeded && (stages.Succeeded || stages.Failed || stages.Errored)"
    # Without it only the last task would decide.
    assert dag["target"] == "stages publish"


def test_only_the_tasks_that_use_git_have_the_password_and_none_needs_rights() -> None:
    found = {name: one["script"] for name, one in templates().items() if "script" in one}
    assert {name for name, script in found.items() if "GIT_PASSWORD" in json.dumps(script["env"])} == {
        "fetch",
        "publish",
    }
    for script in found.values():
        assert script["securityContext"] == tekton(PROJECT, OPTIONS)[0]["spec"]["stepTemplate"]["securityContext"]


def test_the_scripts_of_a_template_are_those_of_the_tasks_one_after_another() -> None:
    for name, made in templates().items():
        if "script" not in made:
            continue
        source = made["script"]["source"]
        done = subprocess.run([SHELLCHECK, "-"], input=source, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
        steps = next(one for one in tekton(PROJECT, OPTIONS) if one["metadata"]["name"] == f"p-{name}")["spec"]["steps"]
        for step in steps:
            assert step["script"].partition("\n")[2].removeprefix("set -euo pipefail\n") in source
    assert "set -- dvc.yaml 'with space.dvc'\n" in templates()["fetch"]["script"]["source"]


def test_to_argo_writes_a_workflow(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(tmp_path, SHAPES["diamond"].files)
    assert main([str(tmp_path / "dvc.yaml"), "--to", "argo", "--image", "i", "--storage", "9Gi"]) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[1] == "#   fromdvc dvc.yaml --to argo --image i --name dvc --storage 9Gi"
    (workflow,) = yaml.safe_load_all(text)
    assert (workflow["kind"], workflow["metadata"]["generateName"]) == ("Workflow", "dvc-")
    assert "9Gi" in json.dumps(workflow["spec"]["volumeClaimTemplates"])
