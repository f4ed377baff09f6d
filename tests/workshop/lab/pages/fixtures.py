"""A lab for the pages: a store in memory, a context, and a browser that has logged in."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.testclient import TestClient

from tests.browser.driving import HEADLESS, PROGRAM
from tests.kit import serving
from workshop.checks import Finding
from workshop.lab.build import build_lab
from workshop.lab.components import COMPONENTS
from workshop.lab.kinds import built_in
from workshop.lab.lab import Lab
from workshop.lab.pages.auth import TokenGate
from workshop.lab.pages.routes import pages_of, routes
from workshop.lab.pages.terminal.routes import WEBSOCKETS
from workshop.lab.pages.terminal.shells import Shells
from workshop.lab.parts import Part
from workshop.lab.paths import LabPaths
from workshop.lab.progress import remember
from workshop.lab.room import ALONE, Room
from workshop.lab.store import Store
from workshop.manifests.objects import Object
from workshop.participants.progress import checked

TOKEN = "token-of-the-test"
HERE = "http://127.0.0.1:8080"
DIGEST = "sha256:" + "9f" * 32
OTHER = "sha256:" + "1d" * 32
PRODUCTION = "http://127.0.0.1:1/seldon/user1-production/flight-delay/api/v1.0/predictions"


def lab_of(folder: Path, *, prometheus_url: str | None = None, token: str = TOKEN, people: Room = ALONE) -> Lab:
    """A lab whose production is known to the gateway, and in which nothing has happened yet."""
    lab = build_lab(LabPaths(folder), Store(), token, {"gateway": 1}, COMPONENTS, people)
    lab.routes.known.add(("user1-production", "flight-delay"))
    lab.show(Part("mlflow", "ready", "http://127.0.0.1:2"))
    missing = Part("prometheus", "missing", message="prometheus is not installed")
    lab.show(Part("prometheus", "ready", prometheus_url) if prometheus_url else missing)
    return lab


def browser(about: Lab, *, token: str = TOKEN) -> TestClient:
    """A client that has the token."""
    app = TokenGate(Starlette(routes=routes(about)), TOKEN)
    return TestClient(app, base_url=HERE, headers={"Authorization": f"Bearer {token}"})


def visitor(about: Lab, token: str) -> TestClient:
    """A client of the whole application with a token: of a participant, or the instructor's."""
    return TestClient(pages_of(about, {}), base_url=HERE, headers={"Authorization": f"Bearer {token}"})


def check_found(about: Lab, number: str, left: int, tasks: int, *, asked: bool = True) -> None:
    """A check of a module that the participant asked for: so many of its tasks are not done."""
    findings = [Finding(f"task {at} of module {number}", at >= left, "it was looked at") for at in range(tasks)]
    remember(about.store, about.participant, lambda before: checked(before, number, findings, asked=asked))


def log_in(client: TestClient) -> str:
    """Log in as the login page does; the client has the cookie, the session's key is returned."""
    answer = client.post("/login", json={"token": TOKEN}, headers={"Origin": HERE})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["key"])


def deploy(store: Store, stage: str, *images: str, state: str = "Available", name: str = "flight-delay") -> None:
    """A SeldonDeployment with a predictor for each image."""
    predictors = [
        {
            "name": f"p{number}",
            "traffic": 100 // len(images),
            "componentSpecs": [{"spec": {"containers": [{"name": name, "image": image}]}}],
        }
        for number, image in enumerate(images)
    ]
    _put(store, "SeldonDeployment", f"user1-{stage}", name, {"predictors": predictors}, {"state": state})


def ran(store: Store, name: str, status: str, reason: str, *, digest: str = "", message: str = "") -> None:
    """A PipelineRun."""
    condition = {"type": "Succeeded", "status": status, "reason": reason, "message": message}
    _put(
        store,
        "PipelineRun",
        "user1-dev",
        name,
        {"pipelineRef": {"name": "train-and-stage"}},
        {
            "conditions": [condition],
            "startTime": "2026-01-05T10:00:00Z",
            "completionTime": "2026-01-05T10:01:17Z",
            "results": [{"name": "image-digest", "value": digest}] if digest else [],
        },
    )


def _put(store: Store, kind: str, namespace: str, name: str, spec: Object, status: Object) -> None:
    known = built_in(kind)
    made = store.create(known, {"metadata": {"name": name, "namespace": namespace}, "spec": spec})
    store.update_status(known, {**made, "status": status})


def pipeline_run(
    store: Store,
    name: str,
    tasks: Sequence[Object],
    *,
    final: Sequence[Object] = (),
    skipped: Mapping[str, str] | None = None,
    status: str = "Unknown",
    reason: str = "Running",
    owner: tuple[Object, str] | None = None,
    **more: Any,
) -> Object:
    """A PipelineRun whose Pipeline is known; returns it as stored. `owner` is the run and its task."""
    known = built_in("PipelineRun")
    meta: Object = {"name": name, "namespace": "user1-dev", "labels": {"tekton.dev/pipeline": "demo"}}
    if owner:
        parent = owner[0]["metadata"]
        meta["labels"] |= {"tekton.dev/pipelineRun": parent["name"], "tekton.dev/pipelineTask": owner[1]}
        meta["ownerReferences"] = [{"kind": "PipelineRun", "name": parent["name"], "uid": parent["uid"]}]
    made = store.create(known, {"metadata": meta, "spec": {"pipelineRef": {"name": "demo"}}})
    ended = {"completionTime": "2026-01-05T10:01:17Z"} if status != "Unknown" else {}
    stored = store.update_status(
        known,
        {
            **made,
            "status": {
                "conditions": [{"type": "Succeeded", "status": status, "reason": reason, "message": "counted"}],
                "startTime": "2026-01-05T10:00:00Z",
                "pipelineSpec": {"tasks": list(tasks), "finally": list(final)},
                "skippedTasks": [{"name": key, "reason": value} for key, value in (skipped or {}).items()],
                **ended,
                **more,
            },
        },
    )
    return stored.object()


def task_run(
    about: Lab,
    owner: Object | None,
    task: str,
    steps: Mapping[str, int | None],
    *,
    name: str = "",
    logs: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    before: Sequence[Object] = (),
    start: str = "2026-01-05T10:00:00Z",
    end: str = "2026-01-05T10:00:42Z",
    reason: str = "",
    ignored: bool = False,
) -> Object:
    """A TaskRun with its Pod and logs; `steps` are exit codes, None for a step that runs."""
    parent = owner["metadata"]["name"] if owner else ""
    name = name or f"{parent}-{task}"
    labels = {"tekton.dev/pipelineRun": parent, "tekton.dev/pipelineTask": task} if owner else {}
    runs = any(code is None for code in steps.values())
    failed = any(steps.values())
    meta: Object = {"name": name, "namespace": "user1-dev", "labels": labels}
    if owner:
        meta["ownerReferences"] = [{"kind": "PipelineRun", "name": parent, "uid": owner["metadata"]["uid"]}]
    spec: Object = {"params": [{"name": key, "value": value} for key, value in (params or {}).items()]}
    if before:
        spec["retries"] = len(before) + 1
    known = built_in("TaskRun")
    made = about.store.create(known, {"metadata": meta, "spec": spec})
    pod = f"{name}-pod"
    value = "Unknown" if runs else "False" if failed else "True"
    words = {"Unknown": "Running", "False": "FailureIgnored" if ignored else "StepFailed", "True": "Succeeded"}
    status: Object = {
        "conditions": [{"type": "Succeeded", "status": value, "reason": reason or words[value], "message": "said so"}],
        "podName": pod,
        "startTime": start,
        "steps": [_step(key, code, start, end) for key, code in steps.items()],
        "taskSpec": {"steps": [{"name": key, "image": "bash", "script": f"do {key}"} for key in steps]},
        "retriesStatus": list(before),
    }
    if not runs:
        status["completionTime"] = end
    run = about.store.update_status(known, {**made, "status": status}).object()
    pod_of(about, pod, steps, logs or {})
    return run


def pod_of(about: Lab, name: str, steps: Mapping[str, int | None], logs: Mapping[str, str]) -> None:
    """A Pod with a container for each step, and the logs' files."""
    containers = [{"name": f"step-{key}"} for key in steps]
    states: list[Object] = [
        {"name": f"step-{key}", "state": {"running": {}} if code is None else {"terminated": {"exitCode": code}}}
        for key, code in steps.items()
    ]
    known = built_in("Pod")
    body = {"metadata": {"name": name, "namespace": "user1-dev"}, "spec": {"containers": containers}}
    made = about.store.create(known, body)
    about.store.update_status(known, {**made, "status": {"phase": "Running", "containerStatuses": states}})
    for key, text in logs.items():
        path = about.paths.container_log("user1-dev", name, f"step-{key}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _step(name: str, code: int | None, start: str, end: str) -> Object:
    step: Object = {"name": name, "container": f"step-{name}"}
    if code is None:
        return {**step, "running": {"startedAt": start}}
    ended = {"exitCode": code, "startedAt": start, "finishedAt": end}
    return {**step, "terminated": ended, "terminationReason": "Error" if code else "Completed"}


T = TypeVar("T")


@dataclass(frozen=True)
class Served:
    """The pages on a port of their own; `call` runs a function where the store lives, as a controller would."""

    url: str
    loop: asyncio.AbstractEventLoop

    def call(self, work: Callable[[], T]) -> T:
        async def inside() -> T:
            return work()

        return asyncio.run_coroutine_threadsafe(inside(), self.loop).result(10)


class Hold:
    """Keeps a page from being loaded until `released` says so, since `--dump-dom` takes what is there at that moment.

    Every page gets an image whose answer waits; `asked` are the paths that browsers asked for, with their queries.
    """

    def __init__(self, app: Any, released: Callable[[list[str]], bool]) -> None:
        self._app, self._released = app, released
        self.asked: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"] == "/hold":
            deadline = time.monotonic() + 20
            while not self._released(self.asked) and time.monotonic() < deadline:
                await asyncio.sleep(0.05)
            # The browser has its answers by now, and draws them.
            await asyncio.sleep(0.5)
            await Response(status_code=204)(scope, receive, send)
            return
        self.asked.append(f"{scope['path']}?{scope['query_string'].decode()}".rstrip("?"))
        await self._app(scope, receive, self._with_image(send))

    def _with_image(self, send: Any) -> Any:
        more = b'<img src="/hold" alt="">'
        is_page = False

        async def sent(message: Any) -> None:
            nonlocal is_page
            if message["type"] == "http.response.start":
                headers = dict(message["headers"])
                is_page = headers.get(b"content-type", b"").startswith(b"text/html")
                if is_page:
                    headers[b"content-length"] = str(int(headers[b"content-length"]) + len(more)).encode()
                    message = {**message, "headers": list(headers.items())}
            elif is_page:
                message = {**message, "body": message["body"] + more}
            await send(message)

        return sent


@contextmanager
def served(
    about: Lab,
    *,
    gate: bool = False,
    released: Callable[[list[str]], bool] | None = None,
    shells: Shells | None = None,
) -> Iterator[Served]:
    """The pages served by a real server in a thread; `released` holds pages back, see Hold."""
    app: Any = Starlette(routes=routes(about, shells))
    if released:
        app = Hold(app, released)
    elif gate:
        app = pages_of(about, {about.participant.name: shells} if shells else {})
    loop = asyncio.new_event_loop()
    with serving(TokenGate(app, about.token) if gate and released else app, loop=loop, **WEBSOCKETS) as url:
        yield Served(url, loop)


LOADED = "--timeout=30000"


def dom(url: str, folder: Path, *, wait: str = "--virtual-time-budget=5000") -> str:
    """The page's HTML after its scripts have run.

    A page with an open stream stops virtual time: with `wait=LOADED` it is dumped when it is loaded, see Hold.
    """
    run = subprocess.run(
        [str(PROGRAM), *HEADLESS, f"--user-data-dir={folder / 'chromium'}", wait, "--dump-dom", url],
        capture_output=True, text=True, timeout=60, env={"PATH": "/usr/bin:/bin", "HOME": str(folder)},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    return run.stdout


in_a_browser = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not PROGRAM, reason="chromium is not installed"),
]
