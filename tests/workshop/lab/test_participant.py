"""The participant's clone belongs to one lab, also when the lab's folder was copied."""

from __future__ import annotations

from pathlib import Path

from dvc.repo import Repo

from workshop.lab.participant import clone_folder, point_dvc
from workshop.lab.paths import LabPaths


def _remote(lab: LabPaths) -> str:
    with Repo(clone_folder(lab) / "model") as repo:
        return str(repo.cloud.get_remote_odb().path)


def _clone(lab: LabPaths) -> Path:
    model = clone_folder(lab) / "model"
    model.mkdir(parents=True)
    (model / "usecase.yaml").touch()
    Repo.init(model, no_scm=True)
    return model / ".dvc" / "config.local"


def test_a_copied_lab_pushes_data_into_itself(tmp_path: Path) -> None:
    first, copied = LabPaths(tmp_path / "first"), LabPaths(tmp_path / "copied")
    _clone(first)
    point_dvc(first)
    assert _remote(first).startswith(str(first.dvc_remote))
    first.root.rename(copied.root)
    point_dvc(copied)
    assert _remote(copied).startswith(str(copied.dvc_remote))


def test_a_folder_with_a_comma_and_other_letters_is_a_remote(tmp_path: Path) -> None:
    lab = LabPaths(tmp_path / "l'äb, 2")
    _clone(lab)
    point_dvc(lab)
    assert _remote(lab).startswith(str(lab.dvc_remote))


def test_settings_of_the_participant_are_kept(tmp_path: Path) -> None:
    lab = LabPaths(tmp_path / "lab")
    config = _clone(lab)
    config.write_text("[core]\n    remote = mine\n['remote \"mine\"']\n    url = /elsewhere\n")
    point_dvc(lab)
    before = config.read_text()
    point_dvc(lab)
    assert config.read_text() == before
    assert _remote(lab).startswith("/elsewhere")
    assert str(lab.dvc_remote) in before
