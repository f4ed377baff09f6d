"""The lab's s2i writes what the real one writes, and refuses what it does not know.

The real one cannot be had on every machine, so its format is held to what upstream says and tests of it, in
openshift/source-to-image: the order and the comments are those of `CreateDockerfile` in
pkg/build/strategies/dockerfile/dockerfile.go, the escaping that of pkg/scripts/environment.go, the labels those of
pkg/util/labels.go, and the patterns in UPSTREAM are what test/integration/dockerfile/dockerfile_test.go expects of
the same inputs (image names and texts apart). Labels are in no order there, and sorted here.
"""

from __future__ import annotations

import re
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


UPSTREAM = {
    "TestDockerfileBuild": (
        [],
        [
            r"(?m)^FROM quay.io/any/model-builder:1$",
            r'"io\.openshift\.s2i\.build\.image"="quay.io/any/model-builder:1"',
            r"(?m)^COPY upload/src /tmp/src$",
            r"(?m)^RUN chown -R 1001:0.* /tmp/src$",
            r"(?m)^USER 1001\n.+\n.+\nRUN /usr/libexec/s2i/assemble$",
            r"(?m)^CMD /usr/libexec/s2i/run$",
        ],
    ),
    "TestDockerfileBuildEnv": (
        ["-e", "key1=value1", "-e", "key2=value2"],
        [r'key1="value1"', r'key2="value2"'],
    ),
    "TestDockerfileBuildImageScriptsURLImage": (
        ["--image-scripts-url", "image:///usr/custom/s2i"],
        [r"(?m)^RUN /usr/custom/s2i/assemble$", r"(?m)^CMD /usr/custom/s2i/run$"],
    ),
    "TestDockerfileIncrementalBuild": (
        ["test:tag", "--incremental"],
        [
            r"(?m)^FROM test:tag as cached\n#.+\nUSER 1001$",
            r"(?m)^RUN if \[ -s /usr/libexec/s2i/save-artifacts \]; then /usr/libexec/s2i/save-artifacts > "
            r"/tmp/artifacts.tar; else touch /tmp/artifacts.tar; fi$",
            r"(?m)^FROM quay.io/any/model-builder:1$",
            r"(?m)^COPY --from=cached /tmp/artifacts.tar /tmp/artifacts.tar$",
            r"(?m)^RUN chown -R 1001:0.* /tmp/artifacts.tar",
            r"if \[ -s /tmp/artifacts.tar \]; then mkdir -p /tmp/artifacts; tar -xf /tmp/artifacts.tar -C "
            r"/tmp/artifacts; fi",
            r"rm /tmp/artifacts.tar",
            r"(?m)^RUN chown -R 1001:0.* /tmp/src$",
            r"(?m)^RUN /usr/libexec/s2i/assemble$",
            r"(?m)^CMD /usr/libexec/s2i/run$",
        ],
    ),
    "TestDockerfileIncrementalAssembleUser": (
        ["test:tag", "--incremental", "--assemble-user", "2250"],
        [r"(?m)^FROM test:tag as cached\n#.+\nUSER 2250$", r"(?m)^RUN chown -R 2250:0 .*/tmp/artifacts.tar"],
    ),
}
"""Upstream's test, its inputs as flags, and what it expects."""


@pytest.mark.parametrize("name", UPSTREAM)
def test_the_expectations_of_upstreams_tests_are_met(lab: Lab, toy: Path, name: str) -> None:
    flags, expected = UPSTREAM[name]
    text = lab.s2i(toy, *flags).read_text()
    missing = [pattern for pattern in expected if not re.search(pattern, text)]
    assert missing == [], text


def test_an_override_of_save_artifacts_is_copied_as_root(lab: Lab, toy: Path) -> None:
    # TestDockerfileIncrementalSourceSave
    (toy / ".s2i/bin").mkdir()
    (toy / ".s2i/bin/save-artifacts").write_text("")
    text = lab.s2i(toy, "test:tag", "--incremental").read_text()
    for pattern in (
        r"(?m)^FROM test:tag as cached\n#.+\nUSER root\n",
        r"(?m)^COPY upload/scripts/save-artifacts /tmp/scripts/save-artifacts$",
        r"(?m)^RUN chown .*1001:0 /tmp/scripts/save-artifacts$",
        r"(?m)^USER 1001\nRUN if \[ -s /tmp/scripts/save-artifacts \]; then /tmp/scripts/save-artifacts > ",
    ):
        assert re.search(pattern, text), text


def test_values_are_taken_as_they_are(lab: Lab, toy: Path) -> None:
    value = 'a $HOME "b" c:\\d'
    file = lab.s2i(toy, "-e", f"GREETING={value}")
    assert 'GREETING="a \\$HOME \\"b\\" c:\\\\d"' in file.read_text()
    done = lab.tool("buildah", "build", "-f", file, "-t", "toy", file.parent)
    assert done.returncode == 0, done.stderr
    image = lab.store.resolve("toy")
    assert image is not None
    assert image.env["GREETING"] == value


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
        (["--as-dockerfile", "{toy}/Dockerfile"], "would be inside the source"),
        (["--as-dockerfile", "{out}", "--incremental"], "--incremental needs the image's tag"),
        (["--as-dockerfile", "{out}", "-e", "x"], "-e x is not NAME=VALUE"),
    ],
)
def test_unknown_options_are_refused(lab: Lab, toy: Path, arguments: list[str], text: str) -> None:
    filled = [word.format(out=lab.folder / "Dockerfile.new", toy=toy) for word in arguments]
    done = lab.tool("s2i", "build", toy, "model-builder", *filled)
    assert done.returncode == 2
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_a_source_that_is_not_there_is_named(lab: Lab) -> None:
    done = lab.tool("s2i", "build", "/not/there", "model-builder", "--as-dockerfile", lab.folder / "D")
    assert (done.returncode, done.stderr) == (3, "error: s2i: there is no source folder /not/there\n")
