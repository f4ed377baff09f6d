"""Build a kustomization with kubectl."""

from __future__ import annotations

import subprocess
from pathlib import Path

import yaml

from workshop.cluster.kubectl import kubectl
from workshop.errors import SetupError
from workshop.manifests.objects import Object


def build(folder: Path) -> list[Object]:
    """The objects, in the order in which they are applied. Raises SetupError when it cannot be built."""
    done = subprocess.run([kubectl(), "kustomize", str(folder)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SetupError(
            f"{folder} cannot be built: {done.stderr.strip()}", hint=f"kubectl kustomize {folder} shows the error"
        )
    return [obj for obj in yaml.load_all(done.stdout, yaml.CSafeLoader) if obj]
