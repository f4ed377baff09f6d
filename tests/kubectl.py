"""The environment's kubectl and the lab's `oc`, as tests run them."""

from __future__ import annotations

import copy
import functools
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from workshop.cluster.kubectl import kubectl
from workshop.oc.cli import tool


def kustomize(folder: Path) -> list[dict[str, Any]]:
    """The objects of a kustomization, as `oc apply -k` sends them. They are the caller's own."""
    return copy.deepcopy(_kustomize(folder))


@functools.cache
def _kustomize(folder: Path) -> list[dict[str, Any]]:
    done = subprocess.run([kubectl(), "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [one for one in yaml.load_all(done.stdout, yaml.CSafeLoader) if one]


def write_oc(folder: Path) -> Path:
    """Write the `oc` that the lab puts on PATH where there is no other one."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "oc"
    program.write_text(tool(sys.executable, None))
    program.chmod(0o755)
    return program
