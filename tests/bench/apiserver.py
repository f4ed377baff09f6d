"""A thousand TaskRuns of real size in the lab's API server, listed and watched.

Milliseconds are those of the best of twenty answers, received and not parsed.
"""

from __future__ import annotations

import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure
from tests.bench.load import Others
from tests.workshop.lab.serving import Lab
from workshop.lab.kinds import built_in
from workshop.lab.rbac.defaults import grant

NAMESPACE = "user1-dev"
PATH = f"/apis/tekton.dev/v1/namespaces/{NAMESPACE}/taskruns"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
OBJECTS, WATCHERS = 1000, 100


def measure() -> Iterator[Figure]:
    """The figures."""
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        try:
            kind = built_in("TaskRun")
            for number in range(OBJECTS):
                lab.call(lab.store.create, kind, _task_run(number))
            selector = "?labelSelector=tekton.dev/pipelineTask%3Dtask-3"
            size = _list(lab, "application/json")[1] // OBJECTS
            kinds = {
                f"list {OBJECTS:,} TaskRuns of {size:,} bytes as JSON": ("application/json", ""),
                "the same as a table, for `kubectl get`": (TABLE, ""),
                "a tenth of them by a label": ("application/json", selector),
            }
            for name, (accept, query) in kinds.items():
                others = Others()
                yield Figure(name, _list(lab, accept, query)[0], "ms", others.share())
            others = Others()
            middle, last = _watch(lab)
            load = others.share()
            yield Figure(f"a change reaches half of {WATCHERS} watchers", middle, "ms", load)
            yield Figure(f"a change reaches the last of {WATCHERS} watchers", last, "ms", load)
            others = Others()
            yield Figure(
                "a request by a role, to one of who may do everything", _authorized_ratio(lab), "x", others.share()
            )
        finally:
            lab.stop()


def _task_run(number: int) -> dict[str, Any]:
    script = "#!/usr/bin/env bash\nset -euo pipefail\n" + "echo a line of a script of some length\n" * 12
    steps = [{"name": f"step-{n}", "image": "registry/tools@sha256:" + "0" * 64, "script": script} for n in range(2)]
    began, end = "2026-01-01T00:00:00Z", "2026-01-01T00:00:10Z"
    ended = {"exitCode": 0, "reason": "Completed", "startedAt": began, "finishedAt": end}
    message = "All Steps have completed executing"
    expected = {"type": "Succeeded", "status": "True", "reason": "Succeeded", "message": message}
    return {
        "metadata": {
            "name": f"run-{number:04}",
            "namespace": NAMESPACE,
            "labels": {
                "tekton.dev/pipelineTask": f"task-{number % 10}",
                "tekton.dev/pipelineRun": f"run-{number // 10}",
            },
        },
        "spec": {"taskSpec": {"steps": steps}, "params": [{"name": f"p{n}", "value": "x" * 20} for n in range(6)]},
        "status": {
            "conditions": [expected],
            "startTime": began,
            "completionTime": end,
            "podName": f"run-{number:04}-pod",
            "results": [{"name": "digest", "type": "string", "value": "sha256:" + "1" * 64}],
            "steps": [{"name": s["name"], "container": f"step-{s['name']}", "terminated": ended} for s in steps],
            "taskSpec": {"steps": steps},
        },
    }


def _list(lab: Lab, accept: str, query: str = "") -> tuple[float, int]:
    took, size = [], 0
    for _ in range(20):
        began = time.perf_counter()
        answer = lab.http.request("GET", lab.server.url + PATH + query, headers={**lab.http.headers, "Accept": accept})
        took.append(time.perf_counter() - began)
        assert answer.status == 200
        size = len(answer.data)
    return round(1000 * min(took), 1), size


def _authorized_ratio(lab: Lab) -> float:
    """The time of a request that a RoleBinding allows, by that of one of a user who may do everything."""
    lab.call(lab.store.create, built_in("RoleBinding"), grant("reader", NAMESPACE, "view", "bea"))
    took: dict[str, list[float]] = {lab.token: [], lab.plain_token: []}
    for _ in range(20):
        for token, times in took.items():
            headers = {**lab.http.headers, "Authorization": f"Bearer {token}"}
            began = time.perf_counter()
            for _ in range(50):
                assert lab.http.request("GET", f"{lab.server.url}{PATH}/run-0000", headers=headers).status == 200
            times.append(time.perf_counter() - began)
    return round(min(took[lab.plain_token]) / min(took[lab.token]), 2)


def _watch(lab: Lab) -> tuple[float, float]:
    """Milliseconds until half and all of the watchers have got a change."""
    version = lab.ask("GET", PATH + "?limit=1")[1]["metadata"]["resourceVersion"]
    heard: list[float] = []
    ready, done = threading.Barrier(WATCHERS + 1), threading.Barrier(WATCHERS + 1)
    trusted = ssl.create_default_context(cafile=str(lab.state.tls / "ca.crt"))

    def watcher() -> None:
        raw = socket.create_connection(("127.0.0.1", lab.server.port))
        with trusted.wrap_socket(raw, server_hostname="127.0.0.1") as sock:
            lines = (
                f"GET {PATH}?watch=true&resourceVersion={version} HTTP/1.1",
                "Host: lab",
                f"Authorization: Bearer {lab.token}",
            )
            sock.sendall("".join(f"{line}\r\n" for line in (*lines, "")).encode())
            text = b""
            while b"\r\n\r\n" not in text:
                text += sock.recv(65536)
            ready.wait(60)
            while b'"MODIFIED"' not in text:
                text += sock.recv(65536)
            heard.append(time.perf_counter())
            done.wait(60)

    for _ in range(WATCHERS):
        threading.Thread(target=watcher, daemon=True).start()
    ready.wait(60)
    kind = built_in("TaskRun")
    obj = lab.call(lab.store.get, kind, NAMESPACE, "run-0000")
    began = time.perf_counter()
    lab.call(lab.store.update, kind, {**obj, "metadata": {**obj["metadata"], "labels": {"new": "yes"}}})
    done.wait(60)
    waits = sorted(1000 * (one - began) for one in heard)
    return waits[len(waits) // 2], waits[-1]
