"""params.yaml is the one place: set from the command line, a run and a notebook, composed of groups, kept in MLflow."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from delivery import params
from delivery.__main__ import main
from delivery.errors import DeliveryError

PARAMS = """\
# The parameters.
split: {every: 5}
candidates:
  boosted:
    max_iter: 100  # trees
gate:
  min_auc: 0.7
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / params.FILE).write_text(PARAMS)
    monkeypatch.setenv("USE_CASE", str(tmp_path))
    return tmp_path


def test_a_run_sets_params_and_leaves_a_note(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["params", "candidates.boosted.max_iter=200 split.every=4"]) == 0
    assert capsys.readouterr().out == "---> params.yaml: set candidates.boosted.max_iter=200 split.every=4\n"
    text = (folder / params.FILE).read_text()
    assert "max_iter: 200  # trees" in text, "comments stay"
    assert yaml.safe_load(text)["split"] == {"every": 4}
    assert params.noted(folder) == "candidates.boosted.max_iter=200 split.every=4"


def test_a_notebook_sets_params_and_changes_no_file(folder: Path) -> None:
    assert params.read(folder, "candidates.boosted.max_iter=7")["candidates"] == {"boosted": {"max_iter": 7}}
    assert (folder / params.FILE).read_text() == PARAMS
    assert params.noted(folder) == ""


def test_dvc_sets_the_same(folder: Path) -> None:
    """`dvc exp run --set-param` needs a Git repository; the function that it calls is the same."""
    from dvc.utils.hydra import apply_overrides

    other = folder / "other.yaml"
    other.write_text(PARAMS)
    apply_overrides(other, ["candidates.boosted.max_iter=200"])
    params.write(folder, ["candidates.boosted.max_iter=200"])
    assert (folder / params.FILE).read_text() == other.read_text()


def test_groups_are_composed(folder: Path) -> None:
    group = folder / "conf" / "size"
    group.mkdir(parents=True)
    (folder / "conf/config.yaml").write_text(
        "defaults: [size: large, _self_]\nsplit: {every: 5}\ngate: {min_auc: 0.7}\n"
    )
    for name, trees in (("small", 10), ("large", 100)):
        (group / f"{name}.yaml").write_text(f"# @package _global_\ncandidates: {{boosted: {{max_iter: {trees}}}}}\n")
    params.write(folder, ["size=small", "split.every=4"])
    assert yaml.safe_load((folder / params.FILE).read_text()) == {
        "split": {"every": 4}, "gate": {"min_auc": 0.7}, "candidates": {"boosted": {"max_iter": 10}}
    }  # fmt: skip
    assert params.read(folder)["candidates"] == {"boosted": {"max_iter": 100}}
    assert main(["params"]) == 0, "without words, what conf/ has"
    assert yaml.safe_load((folder / params.FILE).read_text())["candidates"] == {"boosted": {"max_iter": 100}}
    assert params.noted(folder) == ""
    with pytest.raises(DeliveryError, match="size=huge: ") as raised:
        params.write(folder, ["size=huge"])
    assert raised.value.next == f"{folder.name}/conf/config.yaml has what can be set, as name.name=value"
    with pytest.raises(DeliveryError, match=r"gate\.min_auc: ") as raised:
        params.write(folder, ["gate.min_auc=0"])
    assert raised.value.next == f"change {folder.name}/conf/config.yaml in a commit"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("candidates.forest.depth=3", "candidates.forest.depth=3: Could not override 'candidates.forest.depth'"),
        ("max_iter", "max_iter: "),
        ("", "set: got nothing, allowed: name=value; "),
        ("gate.min_auc=0", "gate.min_auc: a run cannot change the bounds of the gate that it has to pass"),
        ("~gate", "gate: a run cannot change the bounds"),
        ("split.every='4", "No closing quotation, allowed: name=value"),
    ],
)
def test_what_cannot_be_set_is_refused_and_changes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], words: str, message: str
) -> None:
    assert main(["params", words]) == 1
    assert message in capsys.readouterr().err
    assert (folder / params.FILE).read_text() == PARAMS
    assert params.noted(folder) == ""
