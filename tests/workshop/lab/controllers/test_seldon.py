"""The Seldon controller with real images, real processes and real HTTP: rollout, crash, missing image, removal."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from workshop.lab.controllers.loop import Loop
from workshop.lab.controllers.seldon.reconcile import SeldonReconciler
from workshop.lab.controllers.seldon.replicas import Replicas
from workshop.lab.engines.launcher import Launcher
from workshop.lab.gateway import build
from workshop.lab.images.builder import ensure_builder
from workshop.lab.images.store import ImageStore
from workshop.lab.kinds import KINDS
from workshop.lab.routes import Routes
from workshop.lab.state import KIT, State
from workshop.lab.store import Store

SDEP, POD, DEPLOYMENT = (KINDS.named(k) for k in ("SeldonDeployment", "Pod", "Deployment"))
NAMESPACE = "user1-staging"
PATH = f"/seldon/{NAMESPACE}/toy/api/v1.0/predictions"
SOURCE = """
import os, time

class Toy:
    class_names = ["answer"]

    def __init__(self, delay="0"):
        time.sleep(float(delay))

    def predict(self, X, names=None, meta=None):
        if len(X) > 1:
            os._exit(7)
        return [[{answer}]]
"""


@dataclass
class Images:
    store: ImageStore
    digests: dict[str, str]


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Images:
    """Two versions of a toy model, built by the lab's own S2I."""
    root = tmp_path_factory.mktemp("images")
    store = ImageStore(root / "store")
    builder = ensure_builder(store, KIT / "s2i", Path(os.environ["UV_CACHE_DIR"]))
    store.tag("builder:1", builder.digest)
    env = {**os.environ, "LAB_IMAGES": str(root / "store")}
    digests = {}
    for answer in ("1", "2"):
        source = root / f"toy-{answer}"
        (source / ".s2i").mkdir(parents=True)
        (source / "Toy.py").write_text(SOURCE.replace("{answer}", answer))
        (source / ".s2i" / "environment").write_text("MODEL_NAME=Toy\nSERVICE_TYPE=MODEL\nPERSISTENCE=0\n")
        work = root / f"work-{answer}"
        work.mkdir()
        for module, *words in (
            (
                "s2i",
                "build",
                str(source),
                "builder:1",
                "--copy",
                "--as-dockerfile",
                str(work / "Dockerfile"),
                "--image-scripts-url",
                "image:///usr/libexec/s2i",
            ),
            ("buildah", "bud", "--file", str(work / "Dockerfile"), "--tag", f"toy:{answer}", str(work)),
            ("buildah", "push", "--digestfile", str(work / "digest"), f"toy:{answer}"),
        ):
            subprocess.run(
                [sys.executable, "-m", f"workshop.lab.images.{module}", *words],
                check=True,
                env=env,
                capture_output=True,
            )
        digests[answer] = (work / "digest").read_text()
    return Images(store, digests)


@dataclass
class Lab:
    store: Store
    client: httpx.AsyncClient
    reconciler: SeldonReconciler

    def deploy(self, image: str, replicas: int = 1, **more: Any) -> None:
        obj = {
            "metadata": {"name": "toy", "namespace": NAMESPACE},
            "spec": {
                "predictors": [
                    {
                        "name": "main",
                        "annotations": {"seldon.io/no-engine": "true"},
                        "replicas": replicas,
                        "graph": {"name": "toy", **more},
                        "componentSpecs": [
                            {
                                "spec": {
                                    "containers": [
                                        {
                                            "name": "toy",
                                            "image": image,
                                            "readinessProbe": {"httpGet": {"path": "/health/status", "port": "http"}},
                                        }
                                    ]
                                }
                            }
                        ],
                    }
                ]
            },
        }
        if self.store.find(SDEP, NAMESPACE, "toy"):
            self.store.update(SDEP, obj)
        else:
            self.store.create(SDEP, obj)

    def status(self) -> dict[str, Any]:
        found = self.store.find(SDEP, NAMESPACE, "toy") or {}
        return dict(found.get("status") or {})

    def pods(self) -> list[dict[str, Any]]:
        return self.store.list(POD, NAMESPACE)

    async def until(self, holds: Callable[[], bool], seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, f"not within {seconds} s: {self.status()}"
            await asyncio.sleep(0.02)

    async def answer(self) -> float:
        got = await self.client.post(PATH, json={"data": {"ndarray": [[1]]}})
        assert got.status_code == 200, got.text
        return float(got.json()["data"]["ndarray"][0][0])


@asynccontextmanager
async def lab(images: Images, tmp_path: Path) -> AsyncIterator[Lab]:
    state = State(tmp_path / "state")
    state.make()
    store = Store()
    launcher = Launcher(state.run)
    await launcher.open()
    routes = Routes()
    reconciler = SeldonReconciler(store, Replicas(store, state, launcher, images.store), routes, lambda: None)
    loop = asyncio.create_task(Loop("seldon", store, reconciler.reconcile, owns=SDEP).run())
    app = build(routes)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")
    async with client:
        try:
            yield Lab(store, client, reconciler)
        finally:
            app.close()
            loop.cancel()
            await asyncio.gather(loop, return_exceptions=True)
            await reconciler.stop()
            await launcher.close()


def test_a_deployment_becomes_available_and_answers(images: Images, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lab(images, tmp_path) as it:
            it.deploy(f"toy@{images.digests['1']}", replicas=2)
            await it.until(lambda: it.status().get("state") == "Available")
            assert await it.answer() == 1
            assert it.status()["deploymentStatus"] == {"toy-main-0-toy": {"replicas": 2, "availableReplicas": 2}}
            deployment = it.store.get(DEPLOYMENT, NAMESPACE, "toy-main-0-toy")
            assert deployment["status"]["availableReplicas"] == 2
            assert deployment["status"]["observedGeneration"] == deployment["metadata"]["generation"]
            assert {c["type"]: c["status"] for c in it.status()["conditions"]}["Ready"] == "True"

    asyncio.run(scenario())


def test_a_rolling_update_loses_no_request(images: Images, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lab(images, tmp_path) as it:
            it.deploy(f"toy@{images.digests['1']}")
            await it.until(lambda: it.status().get("state") == "Available")
            answers: list[float] = []
            done = asyncio.Event()

            async def callers() -> None:
                while not done.is_set():
                    answers.append(await it.answer())

            calling = [asyncio.create_task(callers()) for _ in range(4)]
            it.deploy(f"toy@{images.digests['2']}")
            await it.until(lambda: bool(answers) and answers[-1] == 2 and len(it.pods()) == 1)
            done.set()
            await asyncio.gather(*calling)
            assert {1.0, 2.0} == set(answers)
            assert it.pods()[0]["spec"]["containers"][0]["image"].endswith(images.digests["2"])

    asyncio.run(scenario())


def test_a_crashed_server_comes_back_and_is_counted(images: Images, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lab(images, tmp_path) as it:
            it.deploy(f"toy@{images.digests['1']}")
            await it.until(lambda: it.status().get("state") == "Available")
            # Two rows end the toy's process.
            crashed = await it.client.post(PATH, json={"data": {"ndarray": [[1], [1]]}})
            assert crashed.status_code == 503

            def came_back() -> bool:
                container = it.pods()[0]["status"]["containerStatuses"][0]
                return bool(container["restartCount"] == 1) and it.status().get("state") == "Available"

            await it.until(came_back)
            assert await it.answer() == 1

    asyncio.run(scenario())


def test_an_image_that_is_not_there_is_said_and_the_old_one_goes_on_serving(images: Images, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lab(images, tmp_path) as it:
            it.deploy(f"toy@{images.digests['1']}")
            await it.until(lambda: it.status().get("state") == "Available")
            it.deploy("toy@sha256:" + "0" * 64)
            await it.until(lambda: it.status().get("state") == "Failed")
            assert "the lab has no such image" in it.status()["description"]
            assert await it.answer() == 1
            waiting = [
                p["status"]["containerStatuses"][0]["state"]
                for p in it.pods()
                if not p["status"]["containerStatuses"][0]["ready"]
            ]
            assert waiting[0]["waiting"]["reason"] == "ImagePullBackOff"

    asyncio.run(scenario())


def test_a_deleted_deployment_leaves_no_process_and_no_route(images: Images, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lab(images, tmp_path) as it:
            it.deploy(f"toy@{images.digests['1']}")
            await it.until(lambda: it.status().get("state") == "Available")
            replica = it.reconciler.targets()[0][1]
            it.store.delete(SDEP, NAMESPACE, "toy")
            await it.until(lambda: not it.pods())
            assert replica.process is not None
            assert await replica.process.wait() is not None
            assert (await it.client.post(PATH, json={})).status_code == 404

    asyncio.run(scenario())
