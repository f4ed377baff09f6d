"""The lab's folder: private, of one owner, deleted only when a lab made it."""

from __future__ import annotations

import argparse
import os
import stat
from pathlib import Path

import pytest

from workshop.commands.reset import reset
from workshop.errors import SetupError
from workshop.lab.paths import LabPaths


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("before", [0o755, 0o777, 0o700])
def test_a_folder_that_exists_becomes_private(tmp_path: Path, before: int) -> None:
    folder = tmp_path / "lab"
    folder.mkdir()
    folder.chmod(before)
    LabPaths(folder).make()
    assert mode(folder) == 0o700


def test_a_lab_that_was_opened_to_others_becomes_private_again(tmp_path: Path) -> None:
    lab = LabPaths(tmp_path / "lab")
    lab.make()
    lab.root.chmod(0o755)
    lab.make()
    assert mode(lab.root) == 0o700


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    with pytest.raises(SetupError) as error:
        LabPaths(folder).make()
    assert str(error.value) == (
        f"{folder} belongs to another user, who could read the lab's token\n"
        "  set WORKSHOP_STATE to a folder of your own; then workshop up"
    )


def test_a_folder_with_files_that_no_lab_made_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    tmp_path.chmod(0o755)
    with pytest.raises(SetupError) as error:
        LabPaths(tmp_path).make()
    assert str(error.value) == (
        f"{tmp_path} has files that the lab did not create, and workshop reset would delete them\n"
        "  set WORKSHOP_STATE to a new or an empty folder; then workshop up"
    )
    assert mode(tmp_path) == 0o755 and [one.name for one in tmp_path.iterdir()] == ["home"]


def _reset(folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("WORKSHOP_STATE", str(folder))
    return reset(argparse.Namespace(module="", yes=True, output="text"))


@pytest.mark.parametrize("names", [["images"], ["home", "notes.txt"], ["run", "pods", "volumes"], []])
def test_reset_deletes_no_folder_that_no_lab_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: list[str]
) -> None:
    for name in names:
        (tmp_path / name).mkdir()
    with pytest.raises(SetupError, match=r"was not created by a lab, so nothing was deleted"):
        _reset(tmp_path, monkeypatch)
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted(names)


def test_reset_deletes_what_a_lab_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = LabPaths(tmp_path / "lab")
    lab.make()
    sealed = lab.images / "sha256" / "x"
    sealed.mkdir(parents=True)
    sealed.chmod(0o555)
    assert _reset(lab.root, monkeypatch) == 0
    assert not lab.root.exists()
