"""The lab's s2i writes what the real one writes, and refuses what it does not know."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .conftest import Lab

DOCKERFILE = """\
FROM quay.io/any/model-builder:1
LABEL "io.openshift.s2i.build.image"="quay.io/any/model-builder:1" \\
      "io.openshift.s2i.build.source-location"="{source}"
ENV MODEL_NAME="Toy" \\
    GREETING="a b=c"
USER root
# Copying in source code
COPY upload/src /tmp/src
# Change file ownership to the assemble user. Builder image must support chown command.
RUN chown -R 1001:0 /tmp/src
USER 1001
# Assemble script sourced from builder image based on user input or image metadata.
# If this file does not exist in the image, the build will fail.
RUN /usr/libexec/s2i/assemble
# Run script sourced from builder image based on user input or image metadata.
# If this file does not exist in the image, the build will fail.
CMD /usr/libexec/s2i/run
"""


def test_writes_the_dockerfile_of_the_real_one(lab: Lab, toy: Path) -> None:
    (toy / ".git").mkdir()
    file = lab.s2i(toy, "-e", "GREETING=a b=c", "--image-scripts-url", "image:///usr/libexec/s2i", "--copy")
    assert file.read_text() == DOCKERFILE.format(source=toy)
    assert not (file.parent / "upload/src/.git").exists()
    assert (file.parent / "upload/src/Toy.py").read_text() == (toy / "Toy.py").read_text()


def test_the_sources_own_scripts_override_the_builders(lab: Lab, toy: Path) -> None:
    (toy / ".s2i/bin").mkdir()
    (toy / ".s2i/bin/assemble").write_text("#!/bin/sh\n")
    text = lab.s2i(toy).read_text()
    assert "COPY upload/scripts /tmp/scripts\n" in text
    assert "RUN chown -R 1001:0 /tmp/scripts /tmp/src\n" in text
    assert "RUN /tmp/scripts/assemble\n" in text
    assert "CMD /usr/libexec/s2i/run\n" in text


def test_an_incremental_build_takes_the_artifacts_of_the_previous_image(lab: Lab, toy: Path) -> None:
    text = lab.s2i(toy, "reg:5000/user1/toy:1", "--incremental", "--assemble-user", "0").read_text()
    assert text.startswith("FROM reg:5000/user1/toy:1 as cached\n")
    assert "USER 0\nRUN if [ -s /usr/libexec/s2i/save-artifacts ]; then" in text
    assert "COPY --from=cached /tmp/artifacts.tar /tmp/artifacts.tar\n" in text


def test_commit_and_context_folder_become_labels(lab: Lab, toy: Path) -> None:
    git = ["git", "-C", str(toy.parent), "-c", "init.defaultBranch=main"]
    subprocess.run([*git, "init", "-q", "."], check=True)
    subprocess.run([*git, "add", "toy"], check=True)
    subprocess.run([*git, "commit", "-qm", 'say "it"'], check=True)
    file = lab.folder / "context" / "Dockerfile"
    file.parent.mkdir()
    outside = lab.folder.parent / f"{lab.folder.name}-context"
    outside.mkdir()
    done = lab.tool(
        "s2i", "build", toy.parent, "model-builder", "--context-dir", "toy", "--as-dockerfile", f"{outside}/"
    )
    assert done.returncode == 0, done.stderr
    text = (outside / "Dockerfile").read_text()
    assert '"io.openshift.s2i.build.commit.message"="say \\"it\\""' in text
    assert '"io.openshift.s2i.build.source-context-dir"="toy"' in text
    assert not (outside / "upload/src/.git").exists()


def test_s2iignore_keeps_files_out(lab: Lab, toy: Path) -> None:
    for name in ("data/big.csv", "data/keep.csv", "notes.md", "deep/er/x.tmp", "tests/t.py"):
        (toy / name).parent.mkdir(parents=True, exist_ok=True)
        (toy / name).write_text("x")
    (toy / ".s2iignore").write_text("# not for the image\ndata\n!data/keep.csv\n*.md\n**/*.tmp\ntests/\n")
    source = lab.s2i(toy).parent / "upload/src"
    names = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    assert names == {".s2i/environment", ".s2iignore", "Toy.py", "data/keep.csv"}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--as-dockerfile", "{out}", "--runtime-image", "x"], "unrecognized arguments: --runtime-image"),
        ([], "the following arguments are required: --as-dockerfile"),
        (["--as-dockerfile", "{toy}/Dockerfile"], "would stand inside the source"),
        (["--as-dockerfile", "{out}", "--incremental"], "--incremental needs the image's tag"),
        (["--as-dockerfile", "{out}", "-e", "x"], "-e x is no NAME=VALUE"),
    ],
)
def test_what_it_does_not_know_is_refused(lab: Lab, toy: Path, arguments: list[str], text: str) -> None:
    filled = [word.format(out=lab.folder / "Dockerfile.new", toy=toy) for word in arguments]
    done = lab.tool("s2i", "build", toy, "model-builder", *filled)
    assert done.returncode == 2
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_a_source_that_is_not_there_is_named(lab: Lab) -> None:
    done = lab.tool("s2i", "build", "/not/there", "model-builder", "--as-dockerfile", lab.folder / "D")
    assert (done.returncode, done.stderr) == (3, "error: s2i: there is no source folder /not/there\n")
