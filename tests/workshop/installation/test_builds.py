"""Images of the installation are built from the kit's commits, once."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.workshop.lab.controllers.test_builds import lab  # noqa: F401
from tests.workshop.lab.serving import Lab
from workshop.cluster import config as configs
from workshop.cluster.bulk import BulkClient
from workshop.errors import RunFailed
from workshop.installation.install import Installer, Options
from workshop.installation.table import Part, Table

OBJECTS = """apiVersion: v1
kind: Namespace
metadata: {name: mlops-workshop}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: builder, namespace: mlops-workshop}
---
apiVersion: image.openshift.io/v1
kind: ImageStream
metadata: {name: app, namespace: mlops-workshop}
---
apiVersion: build.openshift.io/v1
kind: BuildConfig
metadata: {name: app, namespace: mlops-workshop}
spec:
  source: {type: Binary, binary: {}}
  strategy:
    type: Source
    sourceStrategy:
      from: {kind: DockerImage, name: "quay.io/any/base:1"}
  output: {to: {kind: ImageStreamTag, name: "app:1"}}
"""
BUILDS = "/apis/build.openshift.io/v1/namespaces/mlops-workshop/builds"


def install(lab: Lab, kit: Path, seconds: float) -> list[dict[str, Any]]:  # noqa: F811
    """Install one part with one build; the events."""
    events: list[dict[str, Any]] = []

    async def run() -> None:
        async with BulkClient(configs.find(lab.state.kubeconfig), "mlops-workshop") as client:
            parts = Table((Part("images", "it", "x", folder="images", builds={"app": "source"}),), (), ())
            await Installer(kit, client, parts, lambda _, fields: events.append(fields), Options(seconds)).install()

    asyncio.run(run())
    return events


@pytest.mark.slow
def test_an_image_is_built_from_the_last_commit_and_only_once(lab: Lab, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "images").mkdir()
    (tmp_path / "images/objects.yaml").write_text(OBJECTS)
    header = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
    (tmp_path / "images/kustomization.yaml").write_text(f"{header}resources: [objects.yaml]\n")
    (tmp_path / "source").mkdir()
    (tmp_path / "source/wrong.txt").write_text("the builder's assemble wants app.txt")
    git = ["git", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "one"], check=True)
    with pytest.raises(RunFailed, match="build app is Failed"):
        install(lab, tmp_path, 60.0)
    (tmp_path / "source/app.txt").write_text("hello")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "two"], check=True)
    assert install(lab, tmp_path, 60.0)[-1] == {"name": "images", "state": "ready", "written": 1}
    assert install(lab, tmp_path, 60.0)[-1] == {"name": "images", "state": "ready", "written": 0}
    phases = [one["status"]["phase"] for one in lab.ask("GET", BUILDS)[1]["items"]]
    assert sorted(phases) == ["Complete", "Failed"]
