"""Images are named by their content, appear at once or not at all, and are found by every form of reference."""

from __future__ import annotations

import os
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop.errors import SetupError, UsageError
from workshop.lab.images.refs import parse
from workshop.lab.images.store import Config, Image, ImageStore, find


def make(store: ImageStore, files: dict[str, str], config: Config | None = None) -> Image:
    with store.partial() as rootfs:
        for name, text in files.items():
            path = rootfs / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return store.commit(rootfs, config or Config())


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images")


def test_the_same_content_has_the_same_digest_and_one_copy(store: ImageStore, tmp_path: Path) -> None:
    first = make(store, {"a/b": "1", "c": "2"})
    assert make(store, {"c": "2", "a/b": "1"}) == first
    assert make(ImageStore(tmp_path / "other"), {"a/b": "1", "c": "2"}).digest == first.digest
    assert len(store.images()) == 1


def test_another_content_mode_or_configuration_has_another_digest(store: ImageStore) -> None:
    def executable() -> Image:
        with store.partial() as rootfs:
            (rootfs / "a").write_text("1")
            (rootfs / "a").chmod(0o755)
            return store.commit(rootfs, Config())

    def linked() -> Image:
        with store.partial() as rootfs:
            (rootfs / "a").symlink_to("b")
            return store.commit(rootfs, Config())

    digests = [
        make(store, {"a": "1"}),
        make(store, {"a": "2"}),
        make(store, {"b": "1"}),
        executable(),
        linked(),
        make(store, {"a": "1"}, Config(env={"A": "1"})),
        make(store, {"a": "1"}, Config(command=("a",))),
        make(store, {"a": "1"}, Config(labels={"l": "1"})),
        make(store, {"a": "1"}, Config(user="1001")),
    ]
    assert len({image.digest for image in digests}) == len(digests)


def test_byte_code_and_where_it_was_built_do_not_count(store: ImageStore) -> None:
    label = {"io.openshift.s2i.build.source-location": "/somewhere"}
    plain = make(store, {"a.py": "1"})
    assert make(store, {"a.py": "1", "__pycache__/a.pyc": "x"}).digest == plain.digest
    assert make(store, {"a.py": "1"}, Config(labels=label)).digest == plain.digest


def test_every_form_of_reference_finds_it(store: ImageStore) -> None:
    image = make(store, {"a": "1"}, Config({"K": "V"}, ("run",), {"l": "1"}, "1001"))
    store.tag("reg:5000/user1/toy:v1", image.digest)
    for ref in ("reg:5000/user1/toy:v1", f"reg:5000/user1/toy@{image.digest}", f"reg:5000/x/toy:v9@{image.digest}"):
        assert store.resolve(ref) == image
    assert (image.env, image.command, image.labels) == ({"K": "V"}, ["run"], {"l": "1"})
    for ref in ("reg:5000/user1/toy", "other:v1", "toy@sha256:" + "0" * 64):
        assert store.resolve(ref) is None
    assert store.tags() == [("reg:5000/user1/toy:v1", image.digest)]


def test_a_tag_moves_to_the_newer_image(store: ImageStore) -> None:
    store.tag("toy", make(store, {"a": "1"}).digest)
    newer = make(store, {"a": "2"})
    store.tag("toy:latest", newer.digest)
    assert store.resolve("toy") == newer


def test_a_tag_on_nothing_is_refused(store: ImageStore) -> None:
    with pytest.raises(SetupError, match="there is no image sha256:0"):
        store.tag("toy", "sha256:" + "0" * 64)


@pytest.mark.parametrize("ref", ["", "UPPER", "a:", "a@sha256:12", "a b", "../a", "a:../b", "a@", "/a"])
def test_an_invalid_image_reference_is_refused(ref: str) -> None:
    with pytest.raises(UsageError, match="is not an image reference"):
        parse(ref)


@given(st.text(max_size=30))
def test_no_reference_leaves_the_stores_folder(text: str) -> None:
    root = Path("/store")
    try:
        path = ImageStore(root)._tag_path(text)
    except UsageError:
        return
    assert Path(os.path.normpath(path)).is_relative_to(root / "tags")
    assert ".." not in path.parts


def test_files_are_not_writable_by_accident(store: ImageStore) -> None:
    image = make(store, {"a": "1", "__pycache__/a.pyc": "x"})
    modes = {stat.S_IMODE(path.stat().st_mode) for path in image.root.rglob("*") if path.is_file()}
    assert modes == {0o444}


def test_builds_that_race_end_with_one_image(store: ImageStore) -> None:
    with ThreadPoolExecutor(4) as pool:
        digests = set(pool.map(lambda _: make(store, {f"f{n}": str(n) for n in range(50)}).digest, range(12)))
    assert len(digests) == 1
    assert len(store.images()) == 1
    assert list((store.root / "partial").iterdir()) == []


def test_losing_a_race_gives_the_winners_image(store: ImageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    winners = []

    def other_build_first(path: Path, config: Config) -> None:
        monkeypatch.undo()
        winners.append(make(store, {"a": "1"}))
        path.write_text("{}")

    monkeypatch.setattr("workshop.lab.images.store._write", other_build_first)
    assert [make(store, {"a": "1"})] == winners


def test_a_build_that_fails_leaves_nothing(store: ImageStore) -> None:
    def fail() -> None:
        with store.partial() as rootfs:
            (rootfs / "a").write_text("1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store.images() == []
    assert list((store.root / "partial").iterdir()) == []


def test_another_builds_partial_folder_is_left_alone(store: ImageStore) -> None:
    with store.partial() as rootfs:
        ImageStore(store.root).sweep()
        make(store, {"b": "1"})
        assert rootfs.is_dir()


def test_an_image_that_was_changed_is_not_intact(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    with store.partial() as root:
        (root / "a").write_text("one")
        (root / "link").symlink_to("a")
        image = store.commit(root, Config())
    assert store.is_intact(image.digest)
    (image.root / "a").chmod(0o644)
    (image.root / "a").write_text("two")
    assert not store.is_intact(image.digest)
    assert not store.is_intact("sha256:" + "0" * 64)


def test_an_image_has_the_files_of_its_base_and_is_intact_with_it_alone(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    base = make(store, {"opt/builder/server": "one", "opt/app-root/src/x": "base"})
    image = make(store, {"opt/app-root/src/x": "own"}, Config(base=base.digest))
    assert find(image.roots, "/opt/builder/server").read_text() == "one"
    assert find(image.roots, "/opt/app-root/src/x").read_text() == "own"
    assert image.builder_root == base.builder_root and image.app_root != base.app_root
    other = make(store, {"opt/builder/server": "two"})
    assert make(store, {"opt/app-root/src/x": "own"}, Config(base=other.digest)).digest != image.digest
    assert store.is_intact(image.digest)
    (base.root / "opt/builder/server").chmod(0o644)
    (base.root / "opt/builder/server").write_text("changed")
    assert not store.is_intact(image.digest)
    shutil.rmtree(base.root.parent)
    assert store.resolve(f"toy@{image.digest}") is None and not store.is_intact(image.digest)


def test_an_image_that_was_changed_is_made_anew_by_the_same_build(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    for _ in range(2):
        with store.partial() as root:
            (root / "a").write_text("one")
            image = store.commit(root, Config())
        assert store.is_intact(image.digest) and (image.root / "a").read_text() == "one"
        (image.root / "a").chmod(0o644)
        (image.root / "a").write_text("two")
