"""What the reader takes from a DVC project."""

from __future__ import annotations

from pathlib import Path

import yaml
from fromdvc.graph import read_project
from fromdvc.project import Project, Stage

from tests.tekton.fromdvc.projects import SHAPES, make, stage, stages


def read(folder: Path, shape: str) -> Project:
    found = SHAPES[shape]
    return read_project(make(folder, found.files) / found.folder / "dvc.yaml")


def order(project: Project) -> dict[str, tuple[str, ...]]:
    return {one.name: one.after for one in project.stages}


def found(project: Project, name: str) -> Stage:
    (one,) = [one for one in project.stages if one.name == name]
    return one


def test_only_stages_that_need_each_other_wait(tmp_path: Path) -> None:
    project = read(tmp_path, "diamond")
    assert order(project) == {"first": (), "left": ("first",), "right": ("first",), "last": ("left", "right")}


def test_the_stages_come_in_the_order_of_dvc_repro(tmp_path: Path) -> None:
    assert [one.name for one in read(tmp_path, "diamond").stages] == ["first", "left", "right", "last"]


def test_foreach_becomes_one_stage_for_each_item(tmp_path: Path) -> None:
    clean = ("clean@C", "clean@a_b", "clean@d")
    assert order(read(tmp_path, "foreach-list")) == {**dict.fromkeys(clean, ()), "join": clean}


def test_matrix_becomes_one_stage_for_each_combination(tmp_path: Path) -> None:
    fits = ("fit@line-1", "fit@tree-1")
    assert order(read(tmp_path, "matrix")) == {**dict.fromkeys(fits, ()), "best": fits}


def test_a_file_in_an_output_folder_is_a_dependency_on_its_stage(tmp_path: Path) -> None:
    assert order(read(tmp_path, "folders")) == {
        "split": (),
        "one": ("split",),
        "two": ("split",),
        "both": ("one", "two"),
    }


def test_stages_of_another_file_belong_to_it_when_they_are_needed(tmp_path: Path) -> None:
    project = read(tmp_path, "two-files")
    clean = "../prepare/dvc.yaml:clean"
    assert order(project) == {clean: (), "fit": (clean,), "test": ("fit",)}
    assert (project.folder, project.dvc_root) == ("model", "..")
    assert project.tracked == ("dvc.yaml", clean)
    assert project.in_git == ("report.txt",)


def test_a_frozen_stage_keeps_its_place_in_the_order(tmp_path: Path) -> None:
    dvc_yaml = stages(
        early=stage("early", ["b.txt"], ["early.txt"], frozen=True),
        b=stage("b", [], ["b.txt"]),
        late=stage("late", ["b.txt"], ["late.txt"], frozen=True),
    )
    project = read_project(make(tmp_path, {"dvc.yaml": dvc_yaml}) / "dvc.yaml")
    assert order(project) == {"early": (), "b": ("early",), "late": ("b",)}


def test_metrics_and_plots_belong_to_the_stage_that_makes_them(tmp_path: Path) -> None:
    project = read(tmp_path, "chain")
    evaluate = found(project, "evaluate")
    assert (evaluate.metrics, evaluate.plots, evaluate.has_params) == (("metrics.json",), ("roc.csv",), False)
    assert [one.name for one in project.stages if one.has_params] == ["prepare", "featurize", "train"]


def test_metrics_and_plots_of_the_top_level_belong_to_the_stage_whose_output_has_them(tmp_path: Path) -> None:
    made = {
        "stages": {"a": stage("a", [], ["out", "b.json"])},
        "metrics": ["b.json", "kept.json"],
        "plots": [{"out/roc.csv": {"x": "x"}}, {"Both": {"y": {"out/other.csv": "y"}}}],
    }
    files = {"dvc.yaml": yaml.safe_dump(made), "kept.json": "{}"}
    a = found(read_project(make(tmp_path, files) / "dvc.yaml"), "a")
    assert a.metrics == ("b.json",)
    assert a.plots == ("out/other.csv", "out/roc.csv")


def test_data_that_dvc_tracks_is_pulled_and_is_no_stage(tmp_path: Path) -> None:
    files = {
        "data/big.csv.dvc": "outs:\n- md5: d8e8fca2dc0f896fd7cb4cb0031ba249\n  size: 1\n  path: big.csv\n",
        "data/.gitignore": "/big.csv\n",
        "dvc.yaml": stages(a=stage("a", ["data/big.csv"], ["a.txt"])),
    }
    project = read_project(make(tmp_path, files) / "dvc.yaml")
    assert order(project) == {"a": ()}
    assert project.tracked == ("dvc.yaml", "data/big.csv.dvc")


def test_the_dvc_project_may_be_a_part_of_the_repository(tmp_path: Path) -> None:
    files = {f"model/{name}": text for name, text in SHAPES["diamond"].files.items()}
    project = read_project(make(tmp_path, files, "model") / "model" / "dvc.yaml")
    assert (project.folder, project.dvc_root) == ("model", ".")
