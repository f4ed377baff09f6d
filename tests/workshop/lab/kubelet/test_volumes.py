"""No volume writes, lists or mounts a path outside of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from workshop.lab.kinds import built_in
from workshop.lab.kubelet.pod import PodPlan
from workshop.lab.kubelet.volumes import Folder, below, make, mounts
from workshop.lab.paths import LabPaths
from workshop.lab.runtimes.base import PodError
from workshop.lab.store import Store
from workshop.manifests.kubernetes import Volume, VolumeMount

OUTSIDE = ["../x", "a/../../x", "/etc/passwd", "..", "a/.."]


@pytest.mark.parametrize("path", OUTSIDE)
def test_a_path_outside_of_a_folder_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError, match="must"):
        below(tmp_path, path)


def test_a_link_out_of_a_folder_is_refused_and_one_inside_is_followed(tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    (volume / "data").mkdir(parents=True)
    (volume / "in").symlink_to("data")
    (volume / "out").symlink_to(tmp_path)
    assert below(volume, "in/file") == volume / "data" / "file"
    for path in ("out", "out/x", "in/../out"):
        with pytest.raises(ValueError, match="must"):
            below(volume, path)


@pytest.mark.parametrize("path", OUTSIDE)
def test_a_sub_path_outside_of_its_volume_is_not_mounted(tmp_path: Path, path: str) -> None:
    wanted = [VolumeMount(name="v", mount_path="/v", sub_path=path)]
    with pytest.raises(PodError, match='failed to prepare subPath for volumeMount "v" of container "c"'):
        mounts({"v": Folder(tmp_path / "v")}, wanted, "c")


def test_a_sub_path_over_a_link_is_not_mounted(tmp_path: Path) -> None:
    volume = tmp_path / "v"
    volume.mkdir()
    (volume / "x").symlink_to(tmp_path)
    with pytest.raises(PodError, match="must not lead outside of the volume"):
        mounts({"v": Folder(volume)}, [VolumeMount(name="v", mount_path="/v", sub_path="x")], "c")
    assert mounts({"v": Folder(volume)}, [VolumeMount(name="v", mount_path="/v", sub_path="y")], "c")
    assert (volume / "y").is_dir()


def _made(folder: Path, volume: dict[str, Any]) -> None:
    store = Store()
    store.create(built_in("ConfigMap"), {"metadata": {"name": "c", "namespace": "n"}, "data": {"a": "text"}})
    made = msgspec.convert(volume, Volume)
    plan = PodPlan(namespace="n", name="p", folder=folder / "pod", steps=(), volumes=(made,))
    make(store, LabPaths(folder), plan)


@pytest.mark.parametrize("path", OUTSIDE)
def test_an_item_is_not_written_outside_of_its_volume(tmp_path: Path, path: str) -> None:
    items = [{"key": "a", "path": path}]
    with pytest.raises(PodError, match="must"):
        _made(tmp_path, {"name": "v", "configMap": {"name": "c", "items": items}})
    assert not [one for one in tmp_path.rglob("*") if one.is_file()]


@pytest.mark.parametrize("name", ["../x", "..", "a/b", "A", ""])
def test_a_volume_has_a_label_as_its_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(PodError, match="a lowercase RFC 1123 label must consist of"):
        _made(tmp_path, {"name": name, "emptyDir": {}})
