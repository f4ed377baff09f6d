"""PodMonitors and running pods become Prometheus targets.

A PodMonitor selects pods of its own namespace by label and names a port; the labels that Prometheus adds (namespace,
pod, container, job, endpoint) are the ones that the prometheus-operator adds, so a query means the same on a cluster.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from workshop.lab.controllers.seldon.names import ENGINE, NO_ENGINE
from workshop.lab.controllers.seldon.replicas import Replica
from workshop.lab.kinds import Object, built_in
from workshop.lab.routes import metrics_path
from workshop.lab.store import Store


def write_targets(store: Store, pods: Iterable[tuple[Object, Replica]], file: Path, gateway: int) -> None:
    """Write the targets of every PodMonitor; the file is replaced as a whole and only when it changes.

    `gateway` is the gateway's port: it answers for the orchestrators, which are a container of each pod on a cluster.
    """
    running = list(pods)
    groups: list[dict[str, Any]] = []
    for monitor in store.list(built_in("PodMonitor")):
        for pod, replica in running:
            if pod["metadata"]["namespace"] == monitor["metadata"]["namespace"] and _selects(monitor, pod):
                for endpoint in _endpoints(monitor):
                    groups += _groups(monitor, endpoint, pod, replica, gateway)
    text = json.dumps(groups, indent=1)
    if not file.exists() or file.read_text() != text:
        partial = file.with_suffix(".new")
        partial.write_text(text)
        partial.replace(file)


def _selects(monitor: Object, pod: Object) -> bool:
    wanted = (monitor["spec"].get("selector") or {}).get("matchLabels") or {}
    return bool(wanted.items() <= (pod["metadata"].get("labels") or {}).items())


def _endpoints(monitor: Object) -> list[dict[str, Any]]:
    return list(monitor["spec"].get("podMetricsEndpoints") or [])


def _groups(
    monitor: Object, endpoint: dict[str, Any], pod: Object, replica: Replica, gateway: int
) -> Iterator[dict[str, Any]]:
    """One target a container that has the port."""
    path = endpoint.get("path", "/metrics")
    metrics = endpoint.get("port") == "metrics"
    for server in replica.servers:
        yield _group(monitor, endpoint, pod, server.name, server.metrics_port if metrics else server.port, path)
    # The first component's pods have the orchestrator, whose one port has both names.
    if replica.index == 0 and pod["metadata"].get("annotations", {}).get(NO_ENGINE, "").lower() != "true":
        yield _group(monitor, endpoint, pod, ENGINE, gateway, metrics_path(pod["metadata"]["namespace"], replica.pod))


def _group(
    monitor: Object, endpoint: dict[str, Any], pod: Object, container: str, port: int, path: str
) -> dict[str, Any]:
    meta = monitor["metadata"]
    return {
        "targets": [f"127.0.0.1:{port}"],
        "labels": {
            "__metrics_path__": path,
            "__scrape_interval__": endpoint.get("interval", "5s"),
            "namespace": meta["namespace"],
            "pod": pod["metadata"]["name"],
            "container": container,
            "endpoint": str(endpoint.get("port", "")),
            "job": f"{meta['namespace']}/{meta['name']}",
        },
    }
