"""`workshop new` makes a whole folder or nothing, for each task and algorithm, and `workshop update` keeps changes."""

from __future__ import annotations

import configparser
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from delivery import params, usecase
from delivery.card import CARD, MODEL
from delivery.tabular import card, gate, table
from delivery.tabular.project import Project
from delivery.tabular.train import train
from delivery.tabular.validate import findings

from workshop.cli import main
from workshop.commands import new as verb
from workshop.errors import SetupError, UsageError
from workshop.projects import create as creating
from workshop.projects import template
from workshop.projects.create import FOLDER, Wanted, create

pytestmark = pytest.mark.xdist_group("usecases")
"""One process makes the projects, and trains with the libraries that the tests of the use cases import too."""
KIT = Path(__file__).resolve().parents[3]
KINDS = [(task, algorithm) for task in ("classification", "regression") for algorithm in creating.ALGORITHMS]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    """A project of each kind, with the planes, in one clone."""
    clone = clone_in(tmp_path_factory.mktemp("clone"))
    found = {}
    for task, algorithm in KINDS:
        name = f"{task[:5]}-{algorithm[:3]}"
        found[task, algorithm] = create(KIT, clone, Wanted(name, task, algorithm)).folder
    return found


def clone_in(folder: Path) -> Path:
    """What makes a folder a clone of the workshop."""
    (folder / "model").mkdir(parents=True)
    shutil.copy2(KIT / "model/usecase.yaml", folder / "model/usecase.yaml")
    (folder / "seldon").mkdir()
    return folder


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return clone_in(tmp_path / "clone")


@pytest.fixture(params=KINDS, ids="-".join)
def project(request: pytest.FixtureRequest, made: dict[tuple[str, str], Path]) -> Iterator[Project]:
    found = Project.of(made[request.param])
    yield found
    for name in [one for one in sys.modules if one.partition(".")[0] == found.config.package]:
        del sys.modules[name]


def test_each_kind_trains_passes_its_gate_and_is_served(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert list(findings(project.contract)) == []
    monkeypatch.syspath_prepend(str(project.folder))
    for name in project.params["candidates"]:
        model, described = train(project, name, "0" * 12)
        (tmp_path / MODEL).write_bytes(model)
        (tmp_path / CARD).write_text(card.dump(described))
        checks = gate.decide(project, tmp_path, project.rows.test, None)
        assert [check.line for check in checks if not check.passed] == []
        served = _served(project, tmp_path)
        sample = described.sample
        answers = served.predict(_objects(sample["rows"]))
        assert abs(answers - _floats(sample["answers"])).max() < 1e-4 * max(1, abs(answers).max())
        counted = {one["key"] for one in served.metrics()}
        assert {"model_predictions", "model_output_decile", "model_reference"} <= counted


def _served(project: Project, folder: Path) -> Any:
    name = (project.folder / ".s2i/environment").read_text().partition("MODEL_NAME=")[2].split()[0]
    made: Any = getattr(__import__(name), name)(str(folder))
    made.load()
    made.rows_are_checked = True
    return made


def _objects(rows: list[list[Any]]) -> Any:
    import numpy as np

    return np.array(rows, dtype=object)


def _floats(rows: list[list[float]]) -> Any:
    import numpy as np

    return np.array(rows, dtype=float)


def test_a_project_is_a_use_case_of_the_kit(made: dict[tuple[str, str], Path]) -> None:
    for (task, _), folder in made.items():
        config = usecase.read(folder)
        assert (config.task, config.deployment, config.folder.name) == (task, folder.name, folder.name)
        pointer = yaml.safe_load((folder / f"data/{folder.name}.csv.dvc").read_text())["outs"][0]
        assert pointer["md5"] == table.md5(folder / f"data/{folder.name}.csv")
        for name in ("train-and-stage", "retrain"):
            run = yaml.safe_load((folder / f"runs/{name}.yaml").read_text())
            given = {one["name"]: one["value"] for one in run["spec"]["params"]}
            assert run["spec"]["pipelineRef"] == {"name": name}
            assert set(given["candidates"]) == set(Project.of(folder).params["candidates"])
            assert (given["usecase"], given["image-name"]) == (f"workshop/usecases/{folder.name}", config.image)
        assert (folder / "requirements.txt").read_bytes() == (KIT / "model/requirements.txt").read_bytes()
        asked = json.loads((folder / "requests/row.json").read_text())["data"]
        assert tuple(asked["names"]) == Project.of(folder).contract.features
        assert not [one for one in folder.rglob("*") if "{" in one.name]


def test_the_params_of_a_project_are_composed_of_groups(made: dict[tuple[str, str], Path]) -> None:
    for folder in made.values():
        text = (folder / "params.yaml").read_text()
        params.write(folder, [])
        assert (folder / "params.yaml").read_text() == text, "neither this nor dvc exp run leaves a change in Git"
        smaller = params.read(folder, "candidates=small", "split=tenth")
        assert smaller["split"] == {"every": 10}
        now = yaml.safe_load(text)["candidates"]
        assert {name: one.keys() for name, one in smaller["candidates"].items()} == {
            name: one.keys() for name, one in now.items()
        }
        assert all(smaller["candidates"][name] != one for name, one in now.items())
        dvc = configparser.ConfigParser()
        dvc.read(folder / ".dvc/config")
        assert dvc.getboolean("hydra", "enabled")


def test_the_use_case_of_the_cars_has_the_code_of_the_template(tmp_path: Path) -> None:
    cars = KIT / "workshop/usecases/fuel"
    answers = yaml.safe_load((cars / template.ANSWERS).read_text())
    template.render(KIT, {name: value for name, value in answers.items() if name[0] != "_"}, tmp_path)
    own = {"MODEL_CARD.md", "README.md", "dvc.yaml", "params.yaml", "usecase.yaml", "conf/config.yaml"}
    own |= {f"conf/{name}.yaml" for name in ("candidates/standard", "candidates/small", "split/fifth", "split/tenth")}
    different = {
        name
        for name in (str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file())
        if not (cars / name).is_file() or (cars / name).read_bytes() != (tmp_path / name).read_bytes()
    }
    of_cars = {
        "fuel/usecase.py",
        "runs/train-and-stage.yaml",
        "runs/retrain.yaml",
        "tests/conftest.py",
        "tests/test_fuel.py",
    }
    assert different - {template.ANSWERS} == own | of_cars


def test_the_code_of_a_project_passes_the_rules_of_the_kit(made: dict[tuple[str, str], Path]) -> None:
    """Long lines apart: a name may make a line longer."""
    rules = [
        "check",
        "--quiet",
        "--config",
        str(KIT / "pyproject.toml"),
        "--exclude",
        ".packages",
        "--ignore",
        "E501,D,S,I001,TID252",
    ]
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ruff")), *rules, *map(str, made.values())], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_the_columns_of_a_file_of_ones_own(clone: Path, tmp_path: Path) -> None:
    file = tmp_path / "shop.csv"
    lines = [f"k{at},{at % 9},{'x' if at % 3 else ''},{at % 9 * 2.5 + at % 2}" for at in range(120)]
    file.write_text("key;size;shop;price\n".replace(";", ",") + "\n".join(lines) + "\n")
    found = create(KIT, clone, Wanted("shop-price", data=file, target="price"))
    project = Project.of(found.folder)
    assert (found.rows, project.config.task, project.config.target) == (120, "regression", "price")
    assert project.contract.features == ("size", "shop")
    assert (found.folder / "shop_price" / "candidates.py").is_file()
    assert "class ShopPrice(Served)" in (found.folder / "ShopPrice.py").read_text()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Shop", "got 'Shop'"),
        ("1st", "got '1st'"),
        ("shop_price", "got 'shop_price'"),
        ("shop-", "got 'shop-'"),
        ("s" * 26, "it names Kubernetes objects"),
        ("../etc", "got '../etc'"),
        ("class", "Python has a module class already"),
        ("json", "Python has a module json already"),
        ("delivery", "Python has a module delivery already"),
        ("taken", "taken is there already"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused(clone: Path, name: str, message: str) -> None:
    (clone / FOLDER / "taken").mkdir(parents=True)
    (clone / FOLDER / "taken" / "notes.txt").write_text("mine")
    with pytest.raises(UsageError) as raised:
        create(KIT, clone, Wanted(name, "regression"))
    assert message in raised.value.message
    assert [one.name for one in (clone / FOLDER).iterdir()] == ["taken"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")], ids=["Ctrl-C", "full"])
def test_an_error_on_the_way_leaves_nothing(clone: Path, monkeypatch: pytest.MonkeyPatch, error: Any) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(creating, "_write_data", fail)
    with pytest.raises((KeyboardInterrupt, SetupError)):
        create(KIT, clone, Wanted("planes", "regression"))
    assert list((clone / FOLDER).iterdir()) == []


def test_without_data_the_task_is_needed_and_a_target_is_not_allowed(clone: Path) -> None:
    with pytest.raises(UsageError, match="--task or --data is needed"):
        create(KIT, clone, Wanted("planes"))
    with pytest.raises(UsageError, match="--target and --positive are about the file of --data"):
        create(KIT, clone, Wanted("planes", "regression", target="seats"))


def test_the_command_says_what_it_found_and_what_comes_next(
    clone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(clone / "model")
    assert main(["new", "planes", "--task", "regression", "--algorithm", "onnx"]) == 0
    said = capsys.readouterr().out
    assert "a regression of seats, 3,322 rows, 6 features" in said
    assert "tailnum: nearly each row has another value, as an identifier, so it is no feature" in said
    assert "workshop run workshop/usecases/planes/runs/train-and-stage.yaml -p revision=planes" in said
    assert main(["new", "planes", "--task", "regression"]) == 2
    assert "is there already" in capsys.readouterr().err


def test_outside_of_a_clone_it_says_where_to_go(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        verb.clone_around(tmp_path)
    assert "workshop shell" in raised.value.hint


# -- update


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    """A kit with a history: its template, and one commit."""
    folder = tmp_path / "kit"
    shutil.copytree(KIT / template.TEMPLATE, folder / template.TEMPLATE)
    for lock in template.LOCKS:
        (folder / lock).parent.mkdir(exist_ok=True)
        shutil.copy2(KIT / lock, folder / lock)
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    for words in (["init", "-q"], ["add", "-A", "-f"], ["commit", "-q", "-m", "x"]):
        subprocess.run(["git", *words], cwd=folder, check=True, env=dict(os.environ))


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_an_update_brings_the_template_and_keeps_what_was_changed(kit: Path, clone: Path) -> None:
    folder = create(kit, clone, Wanted("planes", "regression")).folder
    edit(folder / "conf/candidates/standard.yaml", "alpha: 1.0 ", "alpha: 2.0 ")
    edit(folder / "params.yaml", "alpha: 1.0", "alpha: 2.0")
    edit(folder / "contract.yaml", "role: unused", "role: feature  # mine")
    (folder / "planes" / "mine.py").write_text("OWN = 1\n")
    edit(kit / template.TEMPLATE / "project/README.md.jinja", "In this folder:", "Here:")
    edit(kit / template.TEMPLATE / "project/conf/config.yaml.jinja", "max_bytes: 5000000", "max_bytes: 6000000")
    commit(kit)
    found = template.update(kit, folder)
    assert (found.changed, found.conflicts) == (["README.md", "conf/config.yaml", "params.yaml"], [])
    assert "Here:" in (folder / "README.md").read_text()
    text = (folder / "params.yaml").read_text()
    assert "alpha: 2.0" in text and "max_bytes: 6000000" in text
    params.write(folder, [])
    assert (folder / "params.yaml").read_text() == text, "both have the change and the template's"
    assert "role: feature  # mine" in (folder / "contract.yaml").read_text()
    assert (folder / "planes" / "mine.py").read_text() == "OWN = 1\n"
    assert template.update(kit, folder).changed == []


def test_lines_that_both_have_changed_are_marked(kit: Path, clone: Path) -> None:
    folder = create(kit, clone, Wanted("planes", "regression")).folder
    edit(folder / "conf/config.yaml", "max_bytes: 5000000", "max_bytes: 1000")
    edit(kit / template.TEMPLATE / "project/conf/config.yaml.jinja", "max_bytes: 5000000", "max_bytes: 6000000")
    commit(kit)
    assert template.update(kit, folder).conflicts == ["conf/config.yaml"]
    assert "<<<<<<< " in (folder / "conf/config.yaml").read_text()


def test_a_kit_without_the_commit_changes_nothing(kit: Path, clone: Path) -> None:
    folder = create(kit, clone, Wanted("planes", "regression")).folder
    shutil.rmtree(kit / ".git")
    edit(kit / template.TEMPLATE / "project/README.md.jinja", "In this folder:", "Here:")
    commit(kit)
    before = {one: one.read_bytes() for one in folder.rglob("*") if one.is_file()}
    with pytest.raises(SetupError, match="has no template of commit"):
        template.update(kit, folder)
    assert {one: one.read_bytes() for one in folder.rglob("*") if one.is_file()} == before


def test_a_folder_that_is_no_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"copier-answers\.yml cannot be read"):
        template.update(KIT, tmp_path)
