"""Variants of a model are trained as its candidates are, and compared in one report."""

from __future__ import annotations

import csv
import importlib
import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from delivery import comparison, usecase
from delivery.__main__ import main as delivery_main
from delivery.comparison import FEATURES, MODELS, Report
from delivery.errors import DeliveryError
from delivery.tabular import comparison as projects
from delivery.usecase import Compared, Config

from tests.fuel import FOLDER, trained_kit

pytestmark = pytest.mark.xdist_group("usecases")
"""They train with the libraries that the tests of the projects import too."""
COLUMNS = ("cylinders", "displacement", "horsepower", "weight", "acceleration", "year", "origin")
TRUTH = np.array([0.0, 1.0, 0.0, 1.0, 1.0, 0.0])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cars in a folder of their own."""
    made = tmp_path / "fuel"
    shutil.copytree(trained_kit() / FOLDER, made)
    monkeypatch.setenv("USE_CASE", str(made))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.syspath_prepend(str(made))
    return made


def config_of(folder: Path, task: str) -> Config:
    of_task = {"classes": ["no", "yes"]} if task == usecase.CLASSIFICATION else {"target": "litres"}
    names = {"package": "p", "deployment": "cars", "experiment": "e", "image": "i", "overlays": "."}
    measure = "auc" if task == usecase.CLASSIFICATION else "rmse"
    content = {**names, "task": task, "measure": measure, **of_task}
    (folder / usecase.FILE).write_text(yaml.safe_dump(content))
    return usecase.read(folder)


def variant(name: str, score: float, measure: str = "auc") -> Compared:
    return Compared(name, "linear", ("a", "b"), {}, {"rows": 6, measure: score}, TRUTH, TRUTH * 0.4 + 0.3, 0.1)


def test_a_variant_with_all_features_has_the_metrics_of_the_trained_model(folder: Path) -> None:
    trained = json.loads((folder / "models/boosted/model.json").read_text())["metrics"]
    one = projects.compared("boosted", "boosted", ())
    assert one.features == COLUMNS
    assert dict(one.metrics) == pytest.approx(trained, rel=1e-4, abs=1e-6)


def test_a_variant_has_its_own_features_alone(folder: Path) -> None:
    one = projects.compared("light", "linear", ["weight", "origin"])
    assert one.features == ("weight", "origin")
    assert one.metrics["rmse"] > projects.compared("all", "linear", ()).metrics["rmse"]


def test_a_project_compares_all_features_with_all_but_one(folder: Path) -> None:
    found = projects.feature_sets()
    assert found["all"] == list(COLUMNS)
    assert found["without year"] == [name for name in COLUMNS if name != "year"]
    assert len(found) == 1 + min(len(COLUMNS), projects.MOST)


def test_a_project_may_name_its_own_sets(folder: Path) -> None:
    edit(folder, {"engine": ["cylinders", "horsepower"]})
    assert projects.feature_sets() == {"engine": ["cylinders", "horsepower"]}


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"engine": ["wheels"]}, "feature_sets.engine: got 'wheels', allowed: cylinders, "),
        ({"engine": []}, "allowed: lists of features by name"),
        ([], "allowed: lists of features by name"),
        ({}, "allowed: lists of features by name"),
    ],
)
def test_a_set_that_cannot_be_is_an_error(folder: Path, own: object, said: str) -> None:
    edit(folder, own)
    with pytest.raises(DeliveryError, match=said):
        projects.feature_sets()


def edit(folder: Path, own: object) -> None:
    file = folder / "params.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), "comparison": {"feature_sets": own}}))


def test_the_commands_of_the_pipeline_make_a_report(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = comparison.folder_of(usecase.read(folder), MODELS) / "old.npz"
    old.parent.mkdir(parents=True)
    old.touch()
    results = tmp_path / "results"
    results.mkdir()
    assert delivery_main(["comparison", "variants", MODELS, "--results", str(results)]) == 0
    names = json.loads((results / "variants").read_text())
    assert names == ["linear", "boosted"]
    for name in names:
        assert delivery_main(["comparison", "try", MODELS, name]) == 0
    assert delivery_main(["comparison", "report", MODELS, "--results", str(results)]) == 0
    assert ((results / "best").read_text(), (results / "run").read_text()) == ("boosted", "")
    report = old.parent / "report"
    assert sorted(one.name for one in report.iterdir()) == ["curves.png", "index.html", "measure.png", "table.csv"]
    table = list(csv.DictReader((report / "table.csv").open()))
    assert [one["variant"] for one in table] == ["boosted", "linear"]
    assert delivery_main(["comparison", "try", FEATURES, "without wheels"]) == 1
    assert "got 'without wheels', allowed: all, without " in capsys.readouterr().err


def test_a_use_case_that_cannot_compare_is_an_error_with_the_command_that_comes_next(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(importlib.import_module("fuel.usecase"), "compared")
    assert delivery_main(["comparison", "variants", FEATURES]) == 1
    assert "fuel.usecase has no function compared" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("task", "best"), [(usecase.CLASSIFICATION, ["large", "small"]), (usecase.REGRESSION, ["small", "large"])]
)
def test_the_best_variant_is_first_and_one_without_a_measure_last(tmp_path: Path, task: str, best: list[str]) -> None:
    config = config_of(tmp_path, task)
    scores = {"unknown": math.nan, "small": 0.5, "large": 0.9}
    report = Report.of(config, FEATURES, [variant(name, score, config.measure) for name, score in scores.items()])
    assert [one.variant for one in report.variants] == [*best, "unknown"]
    assert report.header == [config.measure, "rows"]


def test_the_page_of_a_classification_shows_names_as_text(tmp_path: Path) -> None:
    report = Report.of(
        config_of(tmp_path, usecase.CLASSIFICATION), FEATURES, [variant("<b>a|b", 0.7), variant("c", 0.6)]
    )
    report.write(tmp_path / "report")
    page = (tmp_path / "report/index.html").read_text()
    assert "<td>&lt;b&gt;a|b</td>" in page and "<b>a|b" not in page
    assert page.count("data:image/png;base64,") == 2
    assert "| <b>a\\|b | linear | 2 | 0.7 | 6 |" in report.markdown


def test_a_variant_is_read_as_it_was_written(tmp_path: Path) -> None:
    one = variant("../a b", 0.7)
    file = comparison.save(one, tmp_path)
    assert file.parent == tmp_path
    (read,) = comparison.load(tmp_path)
    assert (read.variant, read.features, read.metrics) == (one.variant, one.features, one.metrics)
    assert np.array_equal(read.predicted, one.predicted)


def test_variants_of_other_test_rows_are_not_compared(tmp_path: Path) -> None:
    comparison.save(variant("a", 0.7), tmp_path)
    other = Compared("b", "linear", ("a",), {}, {"auc": 0.7}, TRUTH[:3], TRUTH[:3], 0.1)
    comparison.save(other, tmp_path)
    with pytest.raises(DeliveryError, match="b and a were not tested on the same rows"):
        comparison.load(tmp_path)


def test_a_broken_file_and_a_folder_without_one_are_errors(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match="has no variant"):
        comparison.load(tmp_path)
    (tmp_path / "a.npz").write_bytes(b"no archive")
    with pytest.raises(DeliveryError, match=r"a\.npz: "):
        comparison.load(tmp_path)
