"""The Seldon controller with real images, real processes and real HTTP: rollout, crash, missing image, removal."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.builder import store_with_builder
from tests.kit import until_async
from workshop.lab.admission.seldon import admit_seldon
from workshop.lab.controllers.loop import Loop
from workshop.lab.controllers.monitoring.reconcile import scraped_pods
from workshop.lab.controllers.seldon.reconcile import SeldonReconciler
from workshop.lab.controllers.seldon.replicas import Replicas
from workshop.lab.gateway import build
from workshop.lab.images.run import HostImages
from workshop.lab.images.store import ImageStore
from workshop.lab.kinds import built_in
from workshop.lab.monitoring.monitors import jobs, parse
from workshop.lab.monitoring.targets import Inventory, target_groups
from workshop.lab.paths import LabPaths
from workshop.lab.routes import Routes
from workshop.lab.runtimes.process.images import ImageTable
from workshop.lab.runtimes.process.launcher import Launcher
from workshop.lab.runtimes.process.runtime import ProcessRuntime
from workshop.lab.store import Store

pytestmark = pytest.mark.xdist_group("seldon")  # The images are built once.
SDEP, POD, DEPLOYMENT = (built_in(k) for k in ("SeldonDeployment", "Pod", "Deployment"))
NAMESPACE = "user1-staging"
PATH = f"/seldon/{NAMESPACE}/toy/api/v1.0/predictions"
SOURCE = """
import os

class Toy:
    class_names = ["answer"]

    def __init__(self, shift=0.0):
        self.shift = shift

    def predict(self, X, names=None, meta=None):
        if len(X) > 1:
            os._exit(7)
        return [[{answer} + self.shift + float(os.environ.get("PLUS", "0"))]]
"""


@dataclass
class Images:
    store: ImageStore
    digests: dict[str, str]


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Images:
    """Two versions of a toy model, built by the lab's own S2I."""
    root = tmp_path_factory.mktemp("images")
    store = store_with_builder(root / "store")
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
                "model-builder:1",
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
    routes: Routes

    def deploy(self, image: str, replicas: int = 1, **more: Any) -> None:
        obj = {
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
        self.apply(obj["spec"])

    def apply(self, spec: dict[str, Any]) -> None:
        """Make the deployment say this, through admission."""
        obj = {
            "apiVersion": "machinelearning.seldon.io/v1",
            "kind": "SeldonDeployment",
            "metadata": {"name": "toy", "namespace": NAMESPACE},
            "spec": spec,
        }
        admit_seldon(obj, None)
        if self.store.find(SDEP, NAMESPACE, "toy"):
            self.store.update(SDEP, obj)
        else:
            self.store.create(SDEP, obj)

    def routed(self) -> int:
        """Pods that requests may go to."""
        return sum(len(target.backends) for target in self.routes.table.get((NAMESPACE, "toy"), ()))

    def names(self, kind: str) -> list[str]:
        return sorted(one["metadata"]["name"] for one in self.store.objects(built_in(kind), NAMESPACE))

    def events(self) -> set[str]:
        return {f"{e['reason']}: {e['message']}" for e in self.store.objects(built_in("Event"), NAMESPACE)}

    def status(self) -> dict[str, Any]:
        found = self.store.find(SDEP, NAMESPACE, "toy") or {}
        return dict(found.get("status") or {})

    def pods(self) -> list[dict[str, Any]]:
        return self.store.objects(POD, NAMESPACE)

    def restarts(self, pod: str) -> int:
        """How often the first container of a Pod was restarted."""
        statuses = self.store.get(POD, NAMESPACE, pod)["status"]["containerStatuses"]
        return int(statuses[0]["restartCount"])

    async def until(self, holds: Callable[[], bool], seconds: float = 20) -> None:
        await until_async(holds, seconds, self.status)

    async def answer(self) -> float:
        got = await self.client.post(PATH, json={"data": {"ndarray": [[1]]}})
        assert got.status_code == 200, got.text
        return float(got.json()["data"]["ndarray"][0][0])


@asynccontextmanager
async def lab(images: Images, tmp_path: Path) -> AsyncIterator[Lab]:
    state = LabPaths(tmp_path / "state")
    state.make()
    store = Store()
    launcher = Launcher(state.run)
    await launcher.open()
    routes = Routes()
    table = ImageTable(HostImages(images.store), Path(sys.executable).parent)
    replicas = Replicas(store, state, ProcessRuntime(state, launcher, table))
    reconciler = SeldonReconciler(store, replicas, routes, lambda: None)
    controller = Loop("seldon", store, reconciler.reconcile, owns=SDEP)
    replicas.ended = controller.enqueue
    loop = asyncio.create_task(controller.run())
    app = build(routes)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")
    async with client:
        try:
            yield Lab(store, client, reconciler, routes)
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
                    # Callers without a pause take the processor from the server that starts.
                    await asyncio.sleep(0.01)

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


def test_a_missing_image_is_reported_and_the_old_one_continues_to_serve(images: Images, tmp_path: Path) -> None:
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
            assert any(message.startswith('BackOff: Back-off pulling image "toy@sha256:000') for message in it.events())

    asyncio.run(scenario())


def test_a_pod_keeps_its_ports_from_others_until_it_is_gone(images: Images, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lab(images, tmp_path) as it:
            # No server is there to hold them: the image is not.
            it.deploy("toy@sha256:" + "0" * 64, replicas=3)
            await it.until(lambda: len(it.pods()) == 3)
            ports = [
                port["containerPort"]
                for pod in it.pods()
                for container in pod["spec"]["containers"]
                for port in container["ports"]
            ]
            assert len(set(ports)) == 6
            assert not any(free(port) for port in ports)
            it.store.delete(SDEP, NAMESPACE, "toy")
            await it.until(lambda: not it.pods())
            await it.until(lambda: all(free(port) for port in ports))

    def free(port: int) -> bool:
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                return False
        return True

    asyncio.run(scenario())


def test_a_deleted_deployment_leaves_no_process_and_no_route(images: Images, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lab(images, tmp_path) as it:
            it.deploy(f"toy@{images.digests['1']}")
            await it.until(lambda: it.status().get("state") == "Available")
            pid = it.reconciler.model_servers()[0].pid
            assert pid is not None and psutil.pid_exists(pid)
            it.store.delete(SDEP, NAMESPACE, "toy")
            await it.until(lambda: not it.pods() and not psutil.pid_exists(pid))
            assert (await it.client.post(PATH, json={})).status_code == 404

    asyncio.run(scenario())


PROBE = {"httpGet": {"path": "/health/status", "port": "http"}}
NEVER = {"httpGet": {"path": "/nope", "port": "http"}}


def container(name: str, image: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "image": image, "readinessProbe": PROBE, **more}


def predictor(name: str, *containers: dict[str, Any], engine: bool = False, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "annotations": {} if engine else {"seldon.io/no-engine": "true"},
        "graph": {"name": containers[0]["name"]},
        "componentSpecs": [{"spec": {"containers": list(containers)}}],
        **more,
    }


def test_a_graph_over_two_pods_is_walked_and_scraped(images: Images, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lab(images, tmp_path) as it:
            one, two = (f"toy@{images.digests[n]}" for n in "12")
            ab = {
                "name": "ab",
                "implementation": "RANDOM_ABTEST",
                "parameters": [{"name": "ratioA", "value": "0.5", "type": "FLOAT"}],
                "children": [
                    {"name": "first"},
                    {"name": "second", "parameters": [{"name": "shift", "value": "100", "type": "FLOAT"}]},
                ],
            }
            pods = [{"spec": {"containers": [container(*x)]}} for x in (("first", one), ("second", two))]
            main = predictor("main", container("first", one), engine=True)
            it.apply({"predictors": [{**main, "graph": ab, "componentSpecs": pods}]})
            await it.until(lambda: it.status().get("state") == "Available")
            assert {await it.answer() for _ in range(30)} == {1, 102}
            assert set(it.status()["deploymentStatus"]) == {"toy-main-0-first", "toy-main-1-second"}
            assert it.status()["address"]["url"].endswith(
                "toy-main.user1-staging.svc.cluster.local:8000/api/v1.0/predictions"
            )
            assert (
                it.status()["serviceStatus"]["toy-main-second"]["httpEndpoint"] == "toy-main-second.user1-staging:9001"
            )
            (job,) = jobs(parse(MONITOR))
            groups = target_groups(job, Inventory(scraped_pods(it.store, it.reconciler.model_servers(), 18000)))
            found = {group["labels"]["__meta_kubernetes_pod_container_name"]: group for group in groups}
            assert set(found) == {"first", "second", "seldon-container-engine"}
            engine = found["seldon-container-engine"]
            assert engine["targets"] == ["127.0.0.1:18000"]
            counted = (await it.client.get(engine["labels"]["__metrics_path__"])).text
            count = 'seldon_api_executor_server_requests_seconds_count{code="200",deployment_name="toy"'
            assert next(line for line in counted.splitlines() if line.startswith(count)).endswith(" 30.0")
            # The model servers count none of them as requests of their own: a query over all pods sees each once.
            for name in ("first", "second"):
                model = httpx.get(f"http://{found[name]['targets'][0]}/prometheus").text
                counts = [
                    x for x in model.splitlines() if x.startswith("seldon_api_executor_server_requests_seconds_count")
                ]
                assert {x.rsplit(" ", 1)[1] for x in counts} <= {"0.0"}

    asyncio.run(scenario())


MONITOR = {
    "apiVersion": "monitoring.coreos.com/v1",
    "kind": "PodMonitor",
    "metadata": {"name": "m", "namespace": NAMESPACE},
    "spec": {
        "selector": {"matchLabels": {"app.kubernetes.io/managed-by": "seldon-core"}},
        "podMetricsEndpoints": [{"port": "metrics", "path": "/prometheus"}],
    },
}


def test_a_replica_that_is_killed_under_load_costs_no_request(images: Images, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lab(images, tmp_path) as it:
            it.deploy(f"toy@{images.digests['1']}", replicas=2)
            await it.until(lambda: it.status().get("state") == "Available")
            done = asyncio.Event()
            answers: list[float] = []

            async def caller() -> None:
                while not done.is_set():
                    answers.append(await it.answer())
                    # Callers without a pause take the processor from the server that starts.
                    await asyncio.sleep(0.01)

            calling = [asyncio.create_task(caller()) for _ in range(4)]
            for kill in range(2):
                before = len(answers)
                victim = sorted(it.reconciler.model_servers(), key=lambda server: server.pod)[kill]
                assert victim.pid is not None
                os.killpg(victim.pid, signal.SIGKILL)
                await it.until(lambda pod=victim.pod: it.restarts(pod) == 1 and it.routed() == 2)  # type: ignore[misc]
                assert len(answers) > before
            done.set()
            await asyncio.gather(*calling)
            assert set(answers) == {1.0}

    asyncio.run(scenario())


def test_a_second_predictor_comes_and_goes_with_what_the_operator_makes_for_it(images: Images, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lab(images, tmp_path) as it:
            one, two = (f"toy@{images.digests[n]}" for n in "12")
            main = predictor("main", container("toy", one), replicas=5)
            main["componentSpecs"][0] |= {
                "hpaSpec": {"minReplicas": 2, "maxReplicas": 4, "metricsv2": [{"type": "Resource"}]},
                "pdbSpec": {"maxUnavailable": 1},
            }
            it.apply({"predictors": [main]})
            await it.until(lambda: it.status().get("state") == "Available")
            name = "toy-main-0-toy"
            assert len(it.pods()) == 2, "an autoscaled predictor runs at its least"
            assert it.names("HorizontalPodAutoscaler") == it.names("PodDisruptionBudget") == [name]
            hpa = it.store.get(built_in("HorizontalPodAutoscaler"), NAMESPACE, name)
            assert (hpa["spec"]["minReplicas"], hpa["spec"]["metrics"]) == (2, [{"type": "Resource"}])
            assert "the lab measures no load" in hpa["status"]["conditions"][0]["message"]
            budget = it.store.get(built_in("PodDisruptionBudget"), NAMESPACE, name)
            assert budget["status"]["disruptionsAllowed"] == 1
            reasons = {c["type"]: c["reason"] for c in it.status()["conditions"] if "reason" in c}
            assert (reasons["HpasReady"], reasons["PdbsReady"]) == (
                "All HPAs resources ready",
                "All PDBs resources ready",
            )

            plain = predictor("main", container("toy", one), traffic=50)
            it.apply({"predictors": [plain, predictor("canary", container("toy", two), traffic=50)]})
            one_each = {"replicas": 1, "availableReplicas": 1}
            await it.until(
                lambda: it.status()["deploymentStatus"] == {"toy-main-0-toy": one_each, "toy-canary-0-toy": one_each}
            )
            assert {await it.answer() for _ in range(30)} == {1, 2}
            assert it.names("HorizontalPodAutoscaler") == it.names("PodDisruptionBudget") == []
            assert it.names("Service") == ["toy-canary", "toy-canary-toy", "toy-main", "toy-main-toy"]

            it.apply({"predictors": [predictor("new", container("toy", two))]})
            await it.until(
                lambda: it.status()["deploymentStatus"] == {"toy-new-0-toy": one_each} and len(it.pods()) == 1
            )
            assert await it.answer() == 2
            assert {
                'CreateDeployment: Created Deployment "toy-main-0-toy"',
                'CreateHPA: Created HorizontalPodAutoscaler "toy-main-0-toy"',
                'CreatePDB: Created PodDisruptionBudget "toy-main-0-toy"',
                'CreateService: Created Service "toy-canary"',
                'DeleteHPA: Deleted HorizontalPodAutoscaler "toy-main-0-toy"',
                'DeleteDeployment: Deleted Deployment "toy-canary-0-toy"',
                'Updated: Updated SeldonDeployment "toy"',
            } <= it.events()

    asyncio.run(scenario())


def test_a_container_gets_its_environment_and_waits_for_what_is_missing(images: Images, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lab(images, tmp_path) as it:
            env = [
                {"name": "TENS", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['tens']"}}},
                {"name": "ONES", "valueFrom": {"configMapKeyRef": {"name": "late", "key": "ones"}}},
                {"name": "NONE", "valueFrom": {"secretKeyRef": {"name": "x", "key": "y", "optional": True}}},
                {"name": "PLUS", "value": "$(TENS)$(ONES)"},
            ]
            toy = container("toy", f"toy@{images.digests['1']}", env=env)
            it.apply({"predictors": [predictor("main", toy, labels={"tens": "4"})]})

            def lab_paths() -> dict[str, Any]:
                found = [
                    p["status"]["containerStatuses"][0]["state"]
                    for p in it.pods()
                    if "containerStatuses" in p["status"]
                ]
                return dict(found[0].get("waiting") or {}) if found else {}

            await it.until(lambda: lab_paths().get("reason") == "CreateContainerConfigError")
            assert lab_paths()["message"] == 'Error: configmap "late" not found'
            it.store.create(
                built_in("ConfigMap"), {"metadata": {"name": "late", "namespace": NAMESPACE}, "data": {"ones": "2"}}
            )
            await it.until(lambda: it.status().get("state") == "Available")
            assert await it.answer() == 43

    asyncio.run(scenario())


def test_a_server_that_lives_no_more_is_restarted(images: Images, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lab(images, tmp_path) as it:
            dead = {"httpGet": {"path": "/nope", "port": "http"}, "periodSeconds": 1, "failureThreshold": 1}
            toy = container("toy", f"toy@{images.digests['1']}", livenessProbe={**dead, "initialDelaySeconds": 1})
            it.apply({"predictors": [predictor("main", toy)]})
            await it.until(
                lambda: any(c["restartCount"] for p in it.pods() for c in p["status"].get("containerStatuses", []))
            )
            assert "Killing: Container toy failed liveness probe, will be restarted" in it.events()

    asyncio.run(scenario())


def test_a_predictor_that_is_not_ready_in_time_has_failed(images: Images, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lab(images, tmp_path) as it:
            never = container("toy", f"toy@{images.digests['1']}") | {"readinessProbe": NEVER}
            it.apply({"predictors": [predictor("main", never, progressDeadlineSeconds=1)]})
            await it.until(lambda: it.status().get("state") == "Failed")
            assert it.status()["description"].endswith("has timed out progressing.")

    asyncio.run(scenario())
