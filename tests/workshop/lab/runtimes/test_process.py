"""Images, scripts and paths in the process runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from workshop.lab.kubelet.variables import expand
from workshop.lab.runtimes.base import Mount, PodError
from workshop.lab.runtimes.process import images
from workshop.lab.runtimes.process.images import ImageTable, NoImages
from workshop.lab.runtimes.process.scripts import text_of
from workshop.lab.runtimes.process.tree import linked_tree, private_tree


@dataclass
class _Built:
    root: Path
    digest: str = "sha256:1"
    env: Mapping[str, str] = field(default_factory=lambda: {"MODEL": "m"})
    command: Sequence[str] = ("run",)

    @property
    def roots(self) -> tuple[Path, ...]:
        return (self.root,)

    @property
    def app_root(self) -> Path:
        return self.root / "opt/app-root"


@dataclass
class _Store:
    image: _Built

    def resolve(self, ref: str) -> _Built | None:
        return self.image if ref.startswith("registry/model") else None

    def is_intact(self, digest: str) -> bool:
        return digest == self.image.digest


@pytest.mark.parametrize(
    ("ref", "name", "command"),
    [
        ("busybox", "plain shell", "sh"),
        ("docker.io/library/ubuntu:24.04", "plain shell", "bash"),
        ("registry.access.redhat.com/ubi9/ubi-minimal@sha256:0", "plain shell", "bash"),
        ("python:3.12", "toolbox", "python3"),
        ("registry.redhat.io/openshift4/ose-cli@sha256:0", "toolbox", "bash"),
        ("reg:5000/me/mlops-toolbox:1", "toolbox", "bash"),
        ("quay.io/buildah/stable:v1", "toolbox", "bash"),
    ],
)
def test_image_becomes_an_environment_by_its_name(ref: str, name: str, command: str) -> None:
    found = ImageTable(NoImages(), Path("/platform"), Path("/tools")).find(ref)
    assert (found.name, found.command) == (name, (command,))
    assert found.paths == ((Path("/platform"), Path("/tools")) if name == "toolbox" else ())


def test_image_that_was_built_comes_before_the_table(tmp_path: Path) -> None:
    found = ImageTable(_Store(_Built(tmp_path)), Path("/platform")).find("registry/model/python@sha256:1")
    assert (found.image_id, found.env, found.command) == ("sha256:1", {"MODEL": "m"}, ("run",))


def test_unknown_image_is_refused_with_what_is_known() -> None:
    with pytest.raises(PodError, match="plain shells almalinux, alpine, bash, busybox") as caught:
        ImageTable(NoImages(), Path("/platform")).find("quay.io/someone/special:1")
    assert caught.value.reason == "ErrImagePull"


def test_image_of_a_program_that_this_machine_lacks_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "SYSTEM_PATH", str(tmp_path))
    tools = ImageTable(NoImages(), Path("/platform"), tmp_path)
    with pytest.raises(PodError, match=r"runs skopeo of this machine.*install skopeo, or run this on a cluster"):
        tools.find("quay.io/skopeo/stable:v1")
    with pytest.raises(PodError, match="install yq"):
        tools.find("docker.io/mikefarah/yq:4")
    program = tmp_path / "yq"
    program.touch(mode=0o755)
    assert tools.find("docker.io/mikefarah/yq:4").command == ("yq",)


@pytest.mark.parametrize(
    ("script", "has_sh", "first"),
    [
        ("echo", True, "#!/bin/sh"),
        ("echo", False, "#!/usr/bin/bash"),
        ("#!/usr/bin/env bash\necho", False, "#!/usr/bin/bash"),
        ("#!/usr/bin/env ash\necho", True, "#!/usr/bin/bash"),
        ("#!/bin/sh -eu\necho", False, "#!/usr/bin/bash -eu"),
        ("#!/usr/bin/env python3\nprint()", True, "#!/usr/bin/env python3"),
        ("#!/no/such/folder/env -S python3 -u\n", True, "#!/no/such/folder/env -S python3 -u"),
        ("#!/no/such/folder/ls -l\n", True, "#!/usr/bin/env -S ls -l"),
    ],
)
def test_interpreter_of_a_script_is_one_that_is_there(script: str, has_sh: bool, first: str) -> None:
    text = text_of(script, bash="/usr/bin/bash", has_sh=has_sh, path="/usr/bin:/bin")
    assert text.splitlines()[0] == first


@pytest.mark.parametrize(
    ("script", "first"),
    [
        ("echo", "#!/usr/bin/dash"),
        ("#!/bin/sh -eu\necho", "#!/usr/bin/dash -eu"),
        ("#!/usr/bin/env sh\necho", "#!/usr/bin/dash"),
        ("#!/usr/bin/env bash\necho", "#!/usr/bin/bash"),
        ("#!/usr/bin/env python3\nprint()", "#!/usr/bin/env python3"),
    ],
)
def test_sh_of_an_image_of_debian_is_dash(script: str, first: str) -> None:
    text = text_of(script, bash="/usr/bin/bash", has_sh=True, path="/usr/bin:/bin", dash="/usr/bin/dash")
    assert text.splitlines()[0] == first


@pytest.mark.parametrize(
    ("ref", "dash"),
    [("debian:12-slim", True), ("docker.io/library/python:3.12", True), ("ubuntu", True), ("busybox", False),
     ("registry.access.redhat.com/ubi9/python-312", False), ("registry.access.redhat.com/ubi9/ubi-minimal", False)],
)  # fmt: skip
def test_the_shell_of_an_image_follows_its_distribution(ref: str, dash: bool) -> None:
    assert ImageTable(NoImages(), Path("/platform")).find(ref).dash is dash


def test_literal_paths_are_rewritten_where_they_are_whole_words(tmp_path: Path) -> None:
    workspace, tekton, deep = (tmp_path / name for name in ("w", "t", "d"))
    for folder in (workspace, tekton, deep):
        folder.mkdir()
    mounts = [Mount(workspace, "/workspace"), Mount(tekton, "/tekton"), Mount(deep, "/workspace/deep")]
    tree = linked_tree(mounts, tmp_path / "root", visible=[])
    text = "cd /workspace && cat '/workspace/deep/x' >/tekton/results/r --in=/workspace:/workspaces $HOME/workspace"
    assert tree.rewrite(text) == (
        f"cd {workspace} && cat '{deep}/x' >{tekton}/results/r --in={workspace}:/workspaces $HOME/workspace"
    )
    # What a program puts together at run time still finds nested mounts.
    assert (workspace / "deep").resolve() == deep


def test_mounts_do_not_hide_paths_that_the_step_needs(tmp_path: Path) -> None:
    kit = Path("/workspace/kit")
    mounts = [Mount(tmp_path, "/workspace")]
    tree = private_tree(mounts, tmp=tmp_path, visible=[kit, Path("/usr/lib"), Path("/tmp/lab")])
    assert tree.mounts is not None
    assert [mount.target for mount in tree.mounts] == ["/tmp", "/workspace", "/workspace/kit", "/tmp/lab"]
    linked = linked_tree(mounts, tmp_path / "root", visible=[kit])
    assert linked.rewrite("/workspace/kit/.venv /workspace/x") == f"/workspace/kit/.venv {tmp_path}/x"


def test_variables_expand_as_the_kubelet_does_it() -> None:
    env = {"A": "a", "B-C": "bc"}
    assert expand("$(A)-$(B-C)-$(NOPE)-$$(A)-$A-$(ls -l)", env) == "a-bc-$(NOPE)-$(A)-$A-$(ls -l)"


def test_note_of_an_image_is_what_runs_in_its_place_or_that_nothing_does(tmp_path: Path) -> None:
    table = ImageTable(_Store(_Built(tmp_path)), Path("/platform"))
    unknown = table.note("quay.io/someone/special:1")
    assert unknown is not None and unknown.missing and 'image "quay.io/someone/special:1"' in unknown.text
    plain = table.note("busybox")
    assert plain is not None and not plain.missing and "the programs of this machine in its place" in plain.text
    assert table.note("registry/model@sha256:1") is None
    assert table.note("registry/mlops-toolbox:1") is None
