"""Building an image of a source, offline and without a container engine."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import distributions
from pathlib import Path

import psutil
import pytest
import urllib3

from tests.s2i import flights
from workshop.lab.images.builder import LOCKS, REF, ensure_builder
from workshop.lab.images.readonly import can_protect
from workshop.lab.images.run import HostImages

from .conftest import KIT, MODEL, Lab


def lock_of(*names: str) -> str:
    """The lines of the wrapper's lock for a few small packages: hashed, and in uv's cache for certain."""
    text = (KIT / "s2i/wrapper/requirements.txt").read_text()
    return "".join(re.findall(rf"^(?:{'|'.join(names)})==(?:.*\\\n)+.*\n", text, re.MULTILINE))


@pytest.mark.parametrize("server", ["modelserver", "seldon-core"])
def test_the_built_image_answers_over_http_on_loopback_alone(lab: Lab, toy: Path, server: str) -> None:
    with (toy / ".s2i/environment").open("a") as file:
        file.write(f"MODEL_SERVER={server}\n")
    digest = lab.build(toy)
    image = lab.store.resolve(f"reg:5000/user1/toy@{digest}")
    assert image is not None
    host = HostImages(lab.store).resolve(f"reg:5000/user1/toy@{digest}")
    assert host is not None
    ports_by_env = {f"PREDICTIVE_UNIT_{name}_SERVICE_PORT": "0" for name in ("HTTP", "METRICS")}
    env = {**host.env, **ports_by_env}
    process = subprocess.Popen(host.command, env=env, cwd=image.app_root / "src", stderr=subprocess.PIPE)
    try:
        assert process.stderr is not None
        ports = next(json.loads(line) for line in process.stderr if b'"ready"' in line)
        body = {"data": {"ndarray": [[21]]}}
        answer = urllib3.request("POST", f"http://127.0.0.1:{ports['http']}/api/v1.0/predictions", json=body)
        assert answer.json()["data"] == {"names": ["t:0"], "ndarray": [[42.0]]}
        listening = {one.laddr.ip for one in psutil.Process(process.pid).net_connections() if one.status == "LISTEN"}
        assert listening == {"127.0.0.1"}
    finally:
        process.terminate()
        assert process.wait(timeout=60) == 0
        assert process.stderr is not None
        process.stderr.close()


def test_a_sources_own_assemble_may_call_the_builders_by_its_path_in_the_container(lab: Lab, toy: Path) -> None:
    own = toy / ".s2i" / "bin" / "assemble"
    own.parent.mkdir()
    own.write_text(
        '#!/bin/bash\nset -e\ncat /tmp/src/.s2i/environment\n"/usr/libexec/s2i/assemble"\necho done >./note\n'
    )
    image = lab.store.resolve(f"reg:5000/user1/toy@{lab.build(toy)}")
    assert image is not None
    assert (image.app_root / "src" / "note").read_text() == "done\n"
    assert (image.app_root / "src" / "Toy.py").is_file()


def test_the_same_source_has_the_same_digest_and_another_one_another(lab: Lab, toy: Path) -> None:
    (toy / "requirements.txt").write_text(lock_of("idna"))
    first = lab.build(toy)
    # Once installed, once reused: the way does not show.
    assert lab.build(toy) == first
    (toy / "Toy.py").write_text(MODEL.replace("2 *", "3 *"))
    assert lab.build(toy) != first


VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read())
sys.exit(str(fault) if fault else 0)
"""


def test_an_image_has_the_list_of_its_packages(lab: Lab, toy: Path) -> None:
    (toy / "requirements.txt").write_text(lock_of("idna"))
    image = lab.store.resolve(f"reg:5000/user1/toy@{lab.build(toy)}")
    assert image is not None
    found = json.loads((image.app_root / "sbom.cdx.json").read_text())
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.6")
    assert found["metadata"]["component"] == {"bom-ref": "Toy", "name": "Toy", "type": "container"}
    listed = {one["name"]: one for one in found["components"]}
    installed = {one.name for one in distributions(path=[str(image.app_root / "packages")])}
    assert installed == {"idna"} and installed | {"orjson", "numpy", "uvloop"} <= set(listed)
    assert listed["idna"]["purl"] == f"pkg:pypi/idna@{listed['idna']['version']}"
    assert listed["idna"]["licenses"][0]["license"]["id"] == "BSD-3-Clause"
    assert "seldon-core" not in listed, "this image's server is modelserver"
    env = {**os.environ, "PYTHONPATH": str(image.builder_root / "sbom")}
    done = subprocess.run(
        [sys.executable, "-c", VALIDATE, image.app_root / "sbom.cdx.json"],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_unchanged_requirements_are_reused_and_changed_ones_installed(lab: Lab, toy: Path) -> None:
    (toy / "requirements.txt").write_text(lock_of("idna"))
    lab.build(toy)
    file = lab.s2i(toy)
    done = lab.tool("buildah", "build", "-f", file, "-t", "toy", file.parent)
    assert "reusing the packages of the previous image" in done.stdout
    (toy / "requirements.txt").write_text(lock_of("idna", "click"))
    file = lab.s2i(toy)
    done = lab.tool("buildah", "build", "-f", file, "-t", "toy", file.parent)
    assert "installing requirements.txt" in done.stdout
    image = lab.store.resolve("toy")
    assert image is not None
    assert (image.app_root / "packages/click").is_dir()


ASSEMBLE = """\
#!/bin/bash
set -e
/usr/libexec/s2i/assemble
chmod u+w "$BUILDER_ROOT"/modelserver/modelserver/*.py "$APP_ROOT"/packages/idna/*.py || true
echo "# changed" | tee -a "$APP_ROOT/packages/idna/core.py" >>"$BUILDER_ROOT/modelserver/modelserver/__main__.py"
"""


@pytest.mark.parametrize(
    ("namespaces", "text"),
    [("on", "Read-only file system"), ("off", "changed files outside /tmp and APP_ROOT")],
)
def test_a_build_cannot_change_its_builder_or_an_earlier_image(
    lab: Lab, toy: Path, monkeypatch: pytest.MonkeyPatch, namespaces: str, text: str
) -> None:
    monkeypatch.setenv("WORKSHOP_NAMESPACES", namespaces)
    if namespaces == "on" and not can_protect(lab.folder):
        pytest.skip("needs mount namespaces")
    (toy / "requirements.txt").write_text(lock_of("idna"))
    first = lab.build(toy)
    (toy / ".s2i/bin").mkdir()
    (toy / ".s2i/bin/assemble").write_text(ASSEMBLE)
    file = lab.s2i(toy)
    done = lab.tool("buildah", "build", "-f", file, "-t", "toy", file.parent)
    assert done.returncode == 5 and text in done.stdout + done.stderr
    assert lab.store.is_intact(first)
    assert [name for name, _ in lab.store.tags()] == [REF, "reg:5000/user1/toy:1"]


def test_an_incremental_build_carries_the_packages_over(lab: Lab, toy: Path) -> None:
    (toy / "requirements.txt").write_text(lock_of("idna"))
    lab.build(toy)
    file = lab.s2i(toy, "reg:5000/user1/toy:1", "--incremental")
    done = lab.tool("buildah", "build", "-f", file, "-t", "toy:2", file.parent)
    assert "reusing the packages of the previous image" in done.stdout, done.stdout + done.stderr
    image = lab.store.resolve("toy:2")
    assert image is not None
    assert (image.app_root / "packages/idna").is_dir()
    assert not list(image.root.rglob("artifacts*"))


def test_a_rebuild_of_the_flights_model_after_a_change_of_source_takes_seconds(lab: Lab, tmp_path: Path) -> None:
    source = flights.source(tmp_path / "flights")
    first = lab.build(source)
    with (source / "FlightDelay.py").open("a") as file:
        file.write("# changed\n")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert lab.build(source) != first
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Processor time, because other tests run at the same time. Half of it is the copy of the builder.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 8


def test_push_writes_the_digest_file_and_tags_the_destination(lab: Lab, toy: Path) -> None:
    digest = lab.build(toy)
    file = lab.folder / "digest"
    done = lab.tool(
        "buildah",
        "push",
        "--storage-driver",
        "vfs",
        "--tls-verify=false",
        "--digestfile",
        file,
        "reg:5000/user1/toy:1",
        "docker://reg:5000/user1/toy:v2",
    )
    assert (done.returncode, file.read_text()) == (0, digest)
    pushed = lab.store.resolve("reg:5000/user1/toy:v2")
    assert pushed is not None
    assert pushed.digest == digest
    listed = lab.tool("buildah", "images").stdout
    assert re.search(rf"^reg:5000/user1/toy +v2 +{digest[:19]}$", listed, re.MULTILINE)
    config = json.loads(lab.tool("buildah", "inspect", "reg:5000/user1/toy:v2").stdout)["OCIv1"]["config"]
    assert config["Cmd"] == ["/usr/libexec/s2i/run"]
    assert "MODEL_NAME=Toy" in config["Env"]
    assert lab.tool("buildah", "rmi", "reg:5000/user1/toy:v2").returncode == 0
    assert not re.search(r"^reg:5000/user1/toy +v2 ", lab.tool("buildah", "images").stdout, re.MULTILINE)
    gone = lab.tool("buildah", "rmi", "reg:5000/user1/toy:v2")
    assert gone.returncode == 3 and "there is no image reg:5000/user1/toy:v2" in gone.stderr


@pytest.mark.parametrize(
    ("environment", "source", "text"),
    [
        ("", MODEL, "ERROR: MODEL_NAME is not set; write MODEL_NAME=YourClass into .s2i/environment of the source"),
        (
            "MODEL_NAME=Other\nMODEL_SERVER=seldon-core\n",
            MODEL,
            "seldon_wrapper: there is no module Other for the model Other",
        ),
        ("MODEL_NAME=Toy\nMODEL_SERVER=seldon-core\nTRACING=1\n", MODEL, "has no tracing libraries: unset TRACING"),
        ("MODEL_NAME=Toy\nMODEL_SERVER=flask\n", MODEL, "is flask; allowed are modelserver and seldon-core"),
        ("MODEL_NAME=Other\n", MODEL, "there is no module Other for the model Other"),
        ("MODEL_NAME=Toy\n", "import mlflow\n" + MODEL, "Toy needs the module mlflow, which is not installed"),
    ],
)
def test_a_source_that_cannot_serve_fails_the_build_and_says_why(
    lab: Lab, toy: Path, environment: str, source: str, text: str
) -> None:
    (toy / ".s2i/environment").write_text(environment)
    (toy / "Toy.py").write_text(source)
    file = lab.s2i(toy)
    done = lab.tool("buildah", "build", "-f", file, "-t", "toy", file.parent)
    assert done.returncode == 5
    assert text in done.stderr
    assert re.search(r"Dockerfile:\d+: RUN /usr/libexec/s2i/assemble ended with exit code 1", done.stderr)
    assert lab.store.resolve("toy") is None


def test_requirements_without_hashes_are_refused(lab: Lab, toy: Path) -> None:
    (toy / "requirements.txt").write_text("idna\n")
    file = lab.s2i(toy)
    done = lab.tool("buildah", "build", "-f", file, "-t", "toy", file.parent)
    assert done.returncode == 5
    assert "requirements.txt has no hash for: idna" in done.stderr
    assert "uv pip compile --generate-hashes" in done.stderr


def test_a_file_of_requirements_that_is_not_read_is_reported(lab: Lab, toy: Path) -> None:
    names = ("setup.py", "environment.yml", "Pipfile", "pyproject.toml")
    for name in names:
        (toy / name).write_text("")
    file = lab.s2i(toy)
    done = lab.tool("buildah", "build", "-f", file, "-t", "reg:5000/user1/toy:1", file.parent)
    assert done.returncode == 0
    assert all(f"WARNING: {name} is not used" in done.stdout for name in names)


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ("FROM model-builder\nEXPOSE 1\n", "Dockerfile:2: the lab's buildah does not support the instruction EXPOSE"),
        ("FROM nothing:1\n", "there is no image nothing:1 in the lab's store; there are: model-builder:latest"),
        ("RUN true\n", "Dockerfile:1: a Dockerfile begins with FROM"),
        ("FROM model-builder\nCOPY --link a b\n", "Dockerfile:2: COPY --link a b is not supported"),
        ("FROM model-builder\nCOPY ../x /tmp/x\n", "Dockerfile:2: ../x is outside the build context"),
        (
            "FROM model-builder\nCOPY Dockerfile /opt/builder/x\n",
            "Dockerfile:2: COPY to /opt/builder/x is not supported",
        ),
        ("FROM model-builder\nENV A\n", "Dockerfile:2: 'A' is not KEY=\"value\""),
    ],
)
def test_a_dockerfile_beyond_s2is_is_refused_with_its_line(lab: Lab, lines: str, text: str) -> None:
    file = lab.folder / "Dockerfile"
    file.write_text(lines)
    done = lab.tool("buildah", "build", "-f", file, "-t", "toy", lab.folder)
    assert done.returncode in (3, 4)
    assert text in done.stderr


@pytest.mark.parametrize("words", ["run x", "build --squash .", "push", "build --isolation x", ""])
def test_verbs_and_flags_that_are_not_known_end_with_2(lab: Lab, words: str) -> None:
    done = lab.tool("buildah", *words.split())
    assert done.returncode == 2
    assert "the lab's buildah supports: usage: buildah" in done.stderr


def test_a_full_disk_is_an_error_and_leaves_no_partial_image(lab: Lab, toy: Path) -> None:
    (toy / "large.bin").write_bytes(os.urandom(2**20))
    file = lab.s2i(toy)
    limit = 2**19
    done = lab.tool(
        "buildah",
        "build",
        "-f",
        file,
        "-t",
        "toy",
        file.parent,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert done.returncode == 3
    assert "no room left while writing a new image" in done.stderr
    assert "nothing of it was kept" in done.stderr
    assert [name for name, _ in lab.store.tags()] == [REF]
    assert list((lab.store.root / "partial").iterdir()) == []


def test_a_build_that_is_killed_leaves_nothing_visible(lab: Lab, toy: Path) -> None:
    waits = "    def load(self):\n        import time\n        time.sleep(60)\n"
    (toy / "Toy.py").write_text(MODEL + "\n" + waits)
    file = lab.s2i(toy)
    env = {**os.environ, "LAB_IMAGES": str(lab.store.root), "PYTHONPATH": str(KIT)}
    command = [
        sys.executable,
        "-m",
        "workshop.lab.images.buildah",
        "build",
        "-f",
        str(file),
        "-t",
        "toy",
        str(file.parent),
    ]
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            if "checking that Toy starts" in line:
                break
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    partial = lab.store.root / "partial"
    assert len([path for path in partial.iterdir() if path.is_dir()]) == 1
    assert [name for name, _ in lab.store.tags()] == [REF]
    (toy / "Toy.py").write_text(MODEL)
    lab.build(toy)
    assert list(partial.iterdir()) == []


def test_the_builder_is_made_once_for_each_state_of_its_folder(lab: Lab, tmp_path: Path) -> None:
    before = lab.store.resolve(REF)
    started = time.monotonic()
    assert ensure_builder(lab.store, KIT / "s2i") == before
    assert time.monotonic() - started < 1
    # Locks without packages: the builder is made in a moment.
    copy = tmp_path / "s2i"
    shutil.copytree(KIT / "s2i", copy)
    for lock in LOCKS.values():
        (copy / lock).write_text("")
    first = ensure_builder(lab.store, copy)
    assert first != before
    (copy / "bin/usage").write_text("#!/bin/sh\n")
    assert ensure_builder(lab.store, copy).digest not in (before and before.digest, first.digest)


def test_a_model_server_gets_nothing_of_the_callers_environment(
    lab: Lab, toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "x")
    lab.build(toy)
    image = HostImages(lab.store).resolve("reg:5000/user1/toy:1")
    assert image is not None
    builder = lab.store.resolve(REF)
    assert builder is not None
    assert image.command == (str(builder.root / "usr/libexec/s2i/run"),)
    assert "SECRET" not in image.env
    assert (image.env["MODEL_NAME"], image.env["MODEL_SERVER_HOST"]) == ("Toy", "127.0.0.1")
