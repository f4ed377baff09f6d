"""Images of the installation are built from the kit's commits, once."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.workshop.cohort.proxy import CUT, Proxy
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


def install(kubeconfig: Path, kit: Path, seconds: float) -> list[dict[str, Any]]:
    """Install one part with one build; the events."""
    events: list[dict[str, Any]] = []

    async def run() -> None:
        async with BulkClient(configs.find(kubeconfig), "mlops-workshop") as client:
            parts = Table((Part("images", "it", "x", folder="images", builds={"app": "source"}),), (), ())
            await Installer(kit, client, parts, lambda _, fields: events.append(fields), Options(seconds)).install()

    asyncio.run(run())
    return events


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    """A clone with a BuildConfig and the folder of its source."""
    (tmp_path / "images").mkdir()
    (tmp_path / "images/objects.yaml").write_text(OBJECTS)
    header = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
    (tmp_path / "images/kustomization.yaml").write_text(f"{header}resources: [objects.yaml]\n")
    (tmp_path / "source").mkdir()
    (tmp_path / "source/wrong.txt").write_text("the builder's assemble wants app.txt")
    subprocess.run(["git", "-C", str(tmp_path), "init", "-q"], check=True)
    return tmp_path


def commit(kit: Path) -> None:
    """Commit everything."""
    subprocess.run(["git", "-C", str(kit), "add", "."], check=True)
    subprocess.run(["git", "-C", str(kit), "commit", "-qm", "a commit"], check=True)


def phases(lab: Lab) -> list[str]:  # noqa: F811
    """Those of all builds, sorted."""
    return sorted(one["status"]["phase"] for one in lab.ask("GET", BUILDS)[1]["items"])


@pytest.fixture(autouse=True)
def empty(lab: Lab) -> Iterator[None]:  # noqa: F811
    """Each test begins and ends without the project of the images."""
    yield
    lab.ask("DELETE", "/api/v1/namespaces/mlops-workshop")


@pytest.mark.slow
def test_an_image_is_built_from_the_last_commit_and_only_once(lab: Lab, kit: Path) -> None:  # noqa: F811
    commit(kit)
    with pytest.raises(RunFailed, match="build app is Failed"):
        install(lab.state.kubeconfig, kit, 60.0)
    (kit / "source/app.txt").write_text("hello")
    commit(kit)
    assert install(lab.state.kubeconfig, kit, 60.0)[-1] == {"name": "images", "state": "ready", "written": 1}
    assert install(lab.state.kubeconfig, kit, 60.0)[-1] == {"name": "images", "state": "ready", "written": 0}
    assert phases(lab) == ["Complete", "Failed"]


@pytest.mark.slow
def test_a_lost_connection_starts_no_second_build(lab: Lab, kit: Path, tmp_path: Path) -> None:  # noqa: F811
    (kit / "source/app.txt").write_text("hello")
    commit(kit)
    proxy = Proxy(lab, tmp_path)
    lost: list[str] = []

    def fault(number: int, method: str, path: str) -> int:
        if not path.endswith("/instantiatebinary") or len(lost) == 2:
            return 0
        lost.append(path)
        # The first request does not reach the server, the answer of the second does not reach the client.
        return 503 if len(lost) == 1 else CUT

    proxy.fault = fault
    try:
        assert install(proxy.kubeconfig, kit, 60.0)[-1]["state"] == "ready"
    finally:
        proxy.stop()
    assert len(lost) == 2 and phases(lab) == ["Complete"]
