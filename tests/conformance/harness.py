"""A lab for tests: a store in memory, a launcher, Tekton's controllers; no API server."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.kit import until_async
from workshop.lab.admission import admit
from workshop.lab.admission.tekton.config import config_of
from workshop.lab.controllers.tekton.run import run_tekton
from workshop.lab.kinds import built_in
from workshop.lab.kubelet.credentials import Credentials
from workshop.lab.paths import LabPaths
from workshop.lab.runtimes.podman.runtime import PodmanRuntime
from workshop.lab.runtimes.process.images import ImageTable, NoImages
from workshop.lab.runtimes.process.launcher import Launcher
from workshop.lab.runtimes.process.runtime import ProcessRuntime
from workshop.lab.scc.admitting import PodSecurity
from workshop.lab.store import Store
from workshop.manifests.objects import Object, condition, is_done

NAMESPACE = "default"
RUNS = ("PipelineRun", "TaskRun")


class Lab:
    """Operations of a test on a lab."""

    def __init__(self, store: Store, state: LabPaths, launcher: Launcher) -> None:
        self.store, self.state, self.launcher = store, state, launcher

    def apply(self, text: str) -> list[Object]:
        """Admit and create every document of a YAML text."""
        return [self.create(one) for one in yaml.safe_load_all(text) if one]

    def create(self, obj: Object) -> Object:
        kind = self.store.kinds.of(obj["apiVersion"], obj["kind"])
        assert kind is not None, obj["kind"]
        obj.setdefault("metadata", {}).setdefault("namespace", NAMESPACE)
        return self.store.create(kind, admit(kind, obj, None, config_of(self.store)))

    def get(self, kind: str, name: str, namespace: str = NAMESPACE) -> Object:
        return self.store.get(built_in(kind), namespace, name)

    def find(self, kind: str, name: str, namespace: str = NAMESPACE) -> Object | None:
        return self.store.find(built_in(kind), namespace, name)

    def _body(self, kind: str, name: str) -> bytes:
        return self.store.record(built_in(kind), NAMESPACE, name).body

    def patch(self, kind: str, name: str, **spec: Any) -> Object:
        """Change fields of a spec, as `kubectl patch` does."""
        old = self.get(kind, name)
        new = {**old, "spec": {**old["spec"], **spec}}
        return self.store.update(built_in(kind), admit(built_in(kind), new, old, config_of(self.store)))

    async def until(self, condition: Callable[[], Any], seconds: float = 20) -> Any:
        """Wait for something in the store or on disk."""
        return await until_async(condition, seconds)

    async def done(self, kind: str, name: str, seconds: float = 30) -> Object:
        """Wait for a run to end; the run."""
        watch = self.store.watch(lambda r: r.kind.kind == kind and r.name == name)
        try:
            async with asyncio.timeout(seconds):
                # Parsing a large run at each of its changes takes longer than the run itself.
                while b'"completionTime"' not in self._body(kind, name) or not is_done(self.get(kind, name)):
                    await watch.next()
        except TimeoutError as e:
            raise AssertionError(
                f"{kind} {name} did not end: {yaml.safe_dump(self.get(kind, name).get('status'))}"
            ) from e
        finally:
            watch.close()
        return self.get(kind, name)

    async def running(self, task_run: str, text: str = "", container: str = "step-s") -> None:
        """Wait until a step of a TaskRun has written something."""
        log = self.log(f"{task_run}-pod", container)
        await self.until(lambda: log.exists() and (log.read_text() if not text else text in log.read_text()))

    def log(self, pod: str, container: str = "step-s") -> Path:
        return self.state.container_log(NAMESPACE, pod, container)

    def reason(self, obj: Object) -> tuple[str, str, str]:
        """Status, reason and message of a run."""
        found = condition(obj)
        return found.get("status", ""), found.get("reason", ""), found.get("message", "")


@asynccontextmanager
async def lab(
    folder: Path,
    store: Store | None = None,
    env: Mapping[str, str] | None = None,
    credentials: Credentials | None = None,
    security: PodSecurity | None = None,
    programs: Path | None = None,
    tools: Path | None = None,
    *,
    podman: bool = False,
) -> AsyncIterator[Lab]:
    """A running lab in a folder; give the store of an earlier one to start it again.

    `programs` is a folder that the image of tools has in place of the platform's environment, `tools` one of the lab's
    own programs. With `podman` steps run in containers.
    """
    state = LabPaths(folder / "state")
    state.make()
    store = store or Store()
    launcher = Launcher(state.run)
    await launcher.open()
    images = ImageTable(NoImages(), programs or Path(sys.executable).parent, tools)
    runtime = PodmanRuntime(state) if podman else ProcessRuntime(state, launcher, images)
    await runtime.open()
    task = asyncio.create_task(run_tekton(store, state, runtime, env, credentials, security))
    try:
        yield Lab(store, state, launcher)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await runtime.close()
        await launcher.close()


def differences(expected: Any, actual: Any, path: str = "") -> list[str]:
    """The places where `actual` does not match `expected`. Null means absent; lists are compared item by item."""
    if isinstance(expected, dict):
        if not isinstance(actual, dict):
            return [f"{path}: {actual!r} is no object"]
        found: list[str] = []
        for key, value in expected.items():
            if value is None:
                found += [f"{path}.{key}: is there: {actual[key]!r}"] if actual.get(key) is not None else []
            elif key not in actual:
                found.append(f"{path}.{key}: missing")
            else:
                found += differences(value, actual[key], f"{path}.{key}")
        return found
    if isinstance(expected, list):
        if not isinstance(actual, list) or len(actual) != len(expected):
            return [f"{path}: expected {len(expected)} items {expected!r}, got {actual!r}"]
        return [
            d for i, (e, a) in enumerate(zip(expected, actual, strict=True)) for d in differences(e, a, f"{path}[{i}]")
        ]
    return [] if expected == actual else [f"{path}: expected {expected!r}, got {actual!r}"]
