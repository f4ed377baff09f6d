"""Sources with links, pipes and sockets: a build neither leaves its image nor waits, and says which file it is."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from workshop.errors import WorkshopError
from workshop.lab.images.building import build
from workshop.lab.images.store import Image

from .conftest import Lab


def built(lab: Lab, context: Path, *lines: str) -> Image:
    file = lab.folder / "Dockerfile"
    file.write_text("\n".join(["FROM model-builder", *lines]))
    return build(lab.store, file, context, {})


@pytest.fixture
def context(tmp_path: Path) -> Path:
    made = tmp_path / "context"
    made.mkdir()
    (made / "file").write_text("new")
    return made


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder that no build may write to."""
    made = tmp_path / "outside"
    made.mkdir()
    (made / "file").write_text("old")
    return made


def test_a_copy_through_a_link_out_of_the_image_is_refused(lab: Lab, context: Path, outside: Path) -> None:
    (context / "way").symlink_to(outside)
    with pytest.raises(WorkshopError, match=r"Dockerfile:3: COPY to .*/way is a link out of the image"):
        built(lab, context, "COPY . /opt/app-root/src", "COPY file /opt/app-root/src/way/file")
    assert (outside / "file").read_text() == "old"


def test_a_link_of_the_image_is_replaced_by_a_copied_file(lab: Lab, context: Path, outside: Path) -> None:
    (context / "way").symlink_to(outside / "file")
    image = built(lab, context, "COPY . /opt/app-root/src", "COPY file /opt/app-root/src/way")
    assert (image.app_root / "src/way").read_text() == "new"
    assert (outside / "file").read_text() == "old"


def test_a_folder_is_not_copied_through_a_link_of_the_image(lab: Lab, context: Path, outside: Path) -> None:
    (context / "one").mkdir()
    (context / "one" / "way").symlink_to(outside)
    (context / "two" / "way").mkdir(parents=True)
    (context / "two" / "way" / "file").write_text("new")
    image = built(lab, context, "COPY one /opt/app-root/src", "COPY two /opt/app-root/src")
    assert (outside / "file").read_text() == "old"
    assert (image.app_root / "src/way/file").read_text() == "new"


def test_a_source_with_links_is_copied_again_over_itself(lab: Lab, context: Path) -> None:
    (context / "link").symlink_to("file")
    image = built(lab, context, "COPY . /opt/app-root/src", "COPY . /opt/app-root/src")
    assert (image.app_root / "src/link").readlink() == Path("file")


def test_a_pipe_or_a_socket_in_the_source_is_refused_with_its_name(lab: Lab, context: Path) -> None:
    os.mkfifo(context / "pipe")
    with pytest.raises(WorkshopError, match="pipe is neither a file nor a folder nor a link"):
        built(lab, context, "COPY . /opt/app-root/src")


def test_an_image_with_a_pipe_or_a_socket_is_refused_with_its_name(lab: Lab, context: Path) -> None:
    with pytest.raises(WorkshopError, match="opt/app-root/src/pipe is neither a file nor a folder nor a link"):
        built(lab, context, "RUN mkfifo pipe")


def test_s2i_refuses_a_socket_in_the_source(lab: Lab, toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(toy)  # The name of a socket has at most 107 bytes.
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("socket")
    done = lab.tool(
        "s2i", "build", toy, "quay.io/any/model-builder:1", "--as-dockerfile", lab.folder / "out/Dockerfile"
    )
    assert done.returncode == 4
    assert "socket is neither a file nor a folder nor a link" in done.stderr
    assert "Traceback" not in done.stderr
