"""A store for each test, which shares the builder with the others, and a toy model to build."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.builder import store_with_builder
from workshop.lab.images.store import ImageStore

KIT = Path(__file__).resolve().parents[4]
MODEL = """\
class Toy:
    def input_schema(self):
        return [{"name": "x", "type": "number", "minimum": 0}]

    def predict(self, X, names, meta=None):
        return [[2 * float(row[0])] for row in X]
"""


@dataclass
class Lab:
    """A store and the tools as steps call them."""

    store: ImageStore
    folder: Path

    def tool(self, name: str, *arguments: str | Path, **kwargs: object) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "LAB_IMAGES": str(self.store.root), "PYTHONPATH": str(KIT)}
        command = [sys.executable, "-m", f"workshop.lab.images.{name}", *map(str, arguments)]
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False, **kwargs)  # type: ignore[call-overload, no-any-return]

    def s2i(self, source: Path, *flags: str) -> Path:
        """Write the Dockerfile of a source, and give its path."""
        context = self.folder / "context"
        context.mkdir(exist_ok=True)
        file = context / "Dockerfile"
        done = self.tool("s2i", "build", source, "quay.io/any/model-builder:1", "--as-dockerfile", file, *flags)
        assert done.returncode == 0, done.stderr
        return file

    def build(self, source: Path, tag: str = "reg:5000/user1/toy:1") -> str:
        """Build a source, and give the image's digest."""
        file = self.s2i(source)
        done = self.tool("buildah", "build", "-f", file, "-t", tag, file.parent)
        assert done.returncode == 0, done.stdout + done.stderr
        image = self.store.resolve(tag)
        assert image is not None
        return image.digest


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(store_with_builder(tmp_path / "images"), tmp_path)


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    source = tmp_path / "toy"
    (source / ".s2i").mkdir(parents=True)
    (source / "Toy.py").write_text(MODEL)
    (source / ".s2i" / "environment").write_text("# the model\nMODEL_NAME=Toy\n")
    return source
