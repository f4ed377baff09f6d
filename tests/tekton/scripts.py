"""All shell scripts of Tasks and images, and how a test runs one of a Task."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.kubectl import kustomize
from workshop.manifests.objects import Object

KIT = Path(__file__).resolve().parents[2]
CONTAINERFILES = sorted(
    path
    for folder in ("notebooks", "s2i", "seldon", "tekton")
    for path in (KIT / folder).rglob("*Containerfile")
    if path.name != "packages.Containerfile"
)
"""Images of the kit; packages.Containerfile adds a layer to the builder."""
PROGRAMS = [
    *sorted((KIT / "s2i/bin").iterdir()),
    KIT / "notebooks/openshift/images/notebook/start-notebook",
    KIT / "seldon/client/server/start.sh",
    KIT / "tekton/overlays/cohort/services/server/start.sh",
    KIT / "workshop/installation/objects/git/server/start.sh",
]


def tasks() -> dict[str, Object]:
    """The Tasks of the kit by name: those of dev and those of production."""
    found = [*kustomize(KIT / "tekton" / "overlays" / "openshift"), *kustomize(KIT / "tekton" / "production")]
    return {one["metadata"]["name"]: one for one in found if one["kind"] == "Task"}


def scripts() -> dict[str, str]:
    """Every shell text that runs in a container of the kit, by a name for messages."""
    of_tasks = {
        f"Task {name}, step {step['name']}": step["script"]
        for name, task in tasks().items()
        for step in task["spec"]["steps"]
    }
    of_images = {path.relative_to(KIT).as_posix(): path.read_text() for path in (*PROGRAMS, *CONTAINERFILES)}
    return of_tasks | of_images


def run_script(script: str, folder: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a step's script in a folder, with the platform's programs and no more than `env`."""
    path = os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"])
    return subprocess.run(
        ["bash", "-c", script], cwd=folder, env={"PATH": path, "DVC_NO_ANALYTICS": "true", **env},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
