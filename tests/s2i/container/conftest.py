"""A Debian base made by debootstrap, the builder image on it, and the flights model built by that: really."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.s2i import flights
from tests.s2i.container.engine import Engine, Took
from tests.s2i.flights import KIT

BASE = "localhost/debian-python"
BUILDER = "localhost/model-builder"
PACKAGES = "localhost/flights-packages"
SUITES = {(3, 11): "bookworm", (3, 13): "trixie"}
"""Debian's releases by their Python: the wheels that were fetched are for the Python that runs the tests."""
TOOLS = ("buildah", "debootstrap", "podman", "runc")


def why_not() -> str:
    """Why these tests cannot run here, or nothing."""
    if os.geteuid() != 0:
        return "building containers needs root here"
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"not installed: {', '.join(missing)}; on Debian: apt-get install {' '.join(missing)}"
    if sys.version_info[:2] not in SUITES:
        return f"no Debian release has Python {sys.version_info.major}.{sys.version_info.minor}"
    if not (KIT / ".cache" / "wheels").is_dir():
        return "there are no wheels; next: .venv/bin/python -m workshop.lab.images.warm"
    return ""


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = why_not()
    for item in items:
        if item.nodeid.startswith("tests/s2i/container/"):
            item.add_marker(pytest.mark.container)
            # The first one waits for debootstrap and the builder, and a second process would only wait with it.
            item.add_marker(pytest.mark.timeout(600))
            item.add_marker(pytest.mark.xdist_group("container"))
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))


def debian(cache: Path) -> Path:
    """A tar of a small Debian with Python and pip; half a minute, once."""
    suite = SUITES[sys.version_info[:2]]
    tar = cache / f"debian-{suite}.tar"
    if not tar.exists():
        root = cache / "debian.part"
        shutil.rmtree(root, ignore_errors=True)
        command = ["debootstrap", "--variant=minbase", "--include=python3,python3-pip", suite, str(root)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"debootstrap cannot make a base image: {done.stdout.strip().splitlines()[-1:]}")
        for part in ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc"):
            shutil.rmtree(root / part, ignore_errors=True)
        packed = tar.with_suffix(".part")
        subprocess.run(["tar", "-C", str(root), "-cf", str(packed), "."], check=True)
        packed.rename(tar)
        shutil.rmtree(root)
    return tar


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with made(tmp_path_factory.mktemp("containers")) as engine:
        yield engine


@contextmanager
def made(settings: Path) -> Iterator[Engine]:
    """The builder image in a storage that is kept in .cache: a second run finds every layer."""
    with flights.locked("container") as cache:
        engine = Engine(cache / "storage", KIT / ".cache" / "wheels", settings)
        if not engine.podman("images", "-q", BASE).strip():
            engine.podman("import", "-q", debian(cache), BASE)
        s2i = KIT / "s2i"
        engine.build(s2i / "Containerfile", s2i, BUILDER, "--layers", f"--build-arg=BASE={BASE}")
    try:
        yield engine
    finally:
        # What was built goes; the layers of the builder stay. Nothing may stay mounted, or .cache cannot be removed.
        # podman 4.3 may trip over a child of an image that it has just removed: the next run prunes the rest.
        with suppress(AssertionError):
            engine.podman("image", "prune", "-f")
        subprocess.run(["umount", "-q", "-l", str(engine.storage / "root" / "overlay")], check=False)


@dataclass(frozen=True)
class Model:
    """The flights model as a source, and its builds."""

    engine: Engine
    source: Path
    work: Path

    def dockerfile(self, builder: str, *flags: str) -> Path:
        """What s2i writes: the lab's, which test_s2i.py holds to the real one."""
        file = self.work / "Dockerfile"
        self.work.mkdir(exist_ok=True)
        words = ["build", str(self.source), builder, *flags, "--as-dockerfile", str(file), "--copy"]
        subprocess.run([sys.executable, "-m", "workshop.lab.images.s2i", *words], check=True, capture_output=True)
        return file

    def packages(self, program: str = "buildah") -> Took:
        """The builder with the model's packages in it."""
        file = KIT / "s2i" / "packages.Containerfile"
        flags = ("--layers", f"--build-arg=BUILDER={BUILDER}")
        return self.engine.build(file, self.source, PACKAGES, *flags, program=program)

    def build(self, tag: str, *s2i: str, builder: str = PACKAGES, program: str = "buildah") -> Took:
        file = self.dockerfile(builder, *s2i)
        return self.engine.build(file, file.parent, tag, "--layers=false", program=program)

    def change(self) -> None:
        """Another line of source."""
        with (self.source / "FlightDelay.py").open("a") as file:
            file.write("# changed\n")


@pytest.fixture
def model(engine: Engine, tmp_path: Path) -> Model:
    return Model(engine, flights.source(tmp_path / "model"), tmp_path / "context")


@pytest.fixture(scope="session")
def image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The flights model, built once: its packages, then its source."""
    folder = tmp_path_factory.mktemp("flights")
    tag = f"localhost/{folder.name}:1"
    model = Model(engine, flights.source(folder / "model"), folder / "context")
    model.packages()
    model.build(tag)
    return tag
