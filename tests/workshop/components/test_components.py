"""The kit's own Tasks are components, and `workshop component` starts and tests others."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

from tests.builder import store_with_builder
from tests.kubectl import kustomize
from workshop.cli import main
from workshop.components import component as components
from workshop.components.create import create
from workshop.components.docs import ROLES
from workshop.errors import UsageError
from workshop.lab.paths import KIT, LabPaths

KITS = components.find([str(KIT / "tekton")])


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder for temporary files that must be empty after each test."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    assert list(folder.iterdir()) == []


def test_every_task_of_the_kit_is_a_component() -> None:
    files = {
        file
        for file in (KIT / "tekton").rglob("*.yaml")
        if file.parent.name != "tests" and re.search("^kind: Task$", file.read_text(), re.M)
    }
    assert files == {one.file for one in KITS}


@pytest.mark.parametrize("one", KITS, ids=lambda one: one.name)
def test_a_test_uses_its_own_task_and_checks_what_it_did(one: components.Component) -> None:
    (run,) = yaml.safe_load_all((one.folder / components.RUN).read_text())
    spec = run["spec"]["pipelineSpec"]
    assert one.name in {task.get("taskRef", {}).get("name") for task in spec["tasks"]}
    assert [task["name"] for task in spec["finally"]] == ["check"]


def test_the_roles_that_components_name_are_in_the_kit() -> None:
    found = {(o["metadata"]["namespace"], o["metadata"]["name"]) for o in kustomize(KIT / "tekton/participant")
             if o["kind"] == "Role"}  # fmt: skip
    named = [role.strip() for one in KITS for role in one.annotations.get(ROLES, "").split(",") if role]
    assert named
    for role in named:
        name, _, stages = role.partition(" in ")
        for stage in stages.split(" or "):
            assert (f"user1-{stage}", name) in found, role


@pytest.mark.xdist_group("components")
@pytest.mark.timeout(600)
def test_the_tests_of_the_kits_components_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # The builder takes 7 s of processor time, and other tests have made it.
    kept = LabPaths(tmp_path / "kept")
    kept.make()
    store_with_builder(kept.images)
    words = ["--keep", str(kept.root), "--report", str(tmp_path / "junit.xml")]
    code = main(["component", "test", str(KIT / "tekton"), *words])
    printed = capsys.readouterr()
    assert code == 0, printed.out + printed.err
    assert printed.out.splitlines()[-1] == f"{len(KITS)} of {len(KITS)} components passed"
    suites = ET.parse(tmp_path / "junit.xml").getroot().findall("testsuite")
    assert len(suites) == len(KITS) and {suite.get("failures") for suite in suites} == {"0"}


def test_a_new_component_passes_both_linters_whatever_its_name(tmp_path: Path) -> None:
    made = create("true", tmp_path)
    assert main(["lint", "--strict", str(made.folder)]) == 0
    yamllint = [str(Path(sys.executable).with_name("yamllint")), "--strict", "-c", str(KIT / ".yamllint")]
    assert subprocess.run([*yamllint, str(made.folder)], check=False).returncode == 0


def test_a_test_may_use_the_tasks_of_folders_next_to_its_own(tmp_path: Path) -> None:
    for name in ("first", "second"):
        create(name, tmp_path)
    run = tmp_path / "first/tests/run.yaml"
    run.write_text(
        run.read_text().replace("    finally:", "      - name: more\n        taskRef: {name: second}\n    finally:", 1)
    )
    documents = components.read(tmp_path / "first").test_documents()
    assert [one.object["metadata"]["name"] for one in documents if one.object["kind"] == "Task"] == ["first", "second"]


@pytest.mark.xdist_group("components")
def test_a_test_that_fails_is_in_the_report_and_the_others_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("first", "second"):
        create(name, tmp_path)
    file = tmp_path / "first/first.yaml"
    file.write_text(file.read_text().replace("tail -n +2", "tail -n +1"))
    assert main(["component", "test", str(tmp_path), "--report", str(tmp_path / "junit.xml")]) == 5
    printed = capsys.readouterr()
    assert "rows: got 3, expected 2" in printed.err
    assert "1 of 2 components passed" in printed.out
    failures = ET.parse(tmp_path / "junit.xml").getroot().findall("testsuite/testcase/failure")
    assert len(failures) == 1


def test_json_has_the_runs_and_no_logs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    create("mine", tmp_path)
    assert main(["component", "test", "-o", "json", str(tmp_path)]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert yaml.safe_load(line)["metadata"]["namespace"] == "mine"


@pytest.mark.parametrize("name", ["Mine", "1st", "a_b", "a-", "", "../a", "a" * 51])
def test_a_name_that_a_task_cannot_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="NAME: got"):
        create(name, tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["tmp"]


def test_a_folder_that_exists_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(UsageError, match="mine exists"):
        create("mine", tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: Task\nmetadata: {name: part}\n", "apiVersion is missing"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: part}\n", "got ConfigMap, allowed: one Task"),
        ("apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: other}\nspec: {}\n", "allowed: one Task"),
        (
            "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: other}\nspec: {steps: []}\n",
            "allowed: 'part'",
        ),
    ],
)
def test_a_folder_that_is_no_component_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    folder = tmp_path / "part"
    (folder / "tests").mkdir(parents=True)
    (folder / "part.yaml").write_text(text)
    assert main(["component", "test", str(folder)]) == 4
    assert said in capsys.readouterr().err


def test_a_component_without_a_test_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (create("mine", tmp_path).folder / components.RUN).unlink()
    assert main(["component", "test", str(tmp_path)]) == 4
    assert "so mine has no test" in capsys.readouterr().err


def test_a_folder_without_components_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["component", "test", str(tmp_path)]) == 2
    assert "has no component" in capsys.readouterr().err
