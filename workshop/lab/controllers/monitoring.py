"""PodMonitors and running pods become Prometheus targets.

A PodMonitor selects pods of its own namespace by label and names a port; the labels that Prometheus adds (namespace,
pod, container, job, endpoint) are the ones that the prometheus-operator adds, so a query means the same on a cluster.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from workshop.lab.controllers.seldon.replicas import Replica
from workshop.lab.kinds import KINDS, Object
from workshop.lab.store import Store


def write_targets(store: Store, pods: Iterable[tuple[Object, Replica]], file: Path) -> None:
    """Write the targets of every PodMonitor; the file is replaced as a whole and only when it changes."""
    running = list(pods)
    groups: list[dict[str, Any]] = []
    for monitor in store.list(KINDS.named("PodMonitor")):
        for pod, replica in running:
            if pod["metadata"]["namespace"] == monitor["metadata"]["namespace"] and _selects(monitor, pod):
                groups += [_group(monitor, endpoint, pod, replica) for endpoint in _endpoints(monitor)]
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


def _group(monitor: Object, endpoint: dict[str, Any], pod: Object, replica: Replica) -> dict[str, Any]:
    meta = monitor["metadata"]
    port = replica.metrics_port if endpoint.get("port") == "metrics" else replica.port
    return {
        "targets": [f"127.0.0.1:{port}"],
        "labels": {
            "__metrics_path__": endpoint.get("path", "/metrics"),
            "__scrape_interval__": endpoint.get("interval", "5s"),
            "namespace": meta["namespace"],
            "pod": pod["metadata"]["name"],
            "container": pod["spec"]["containers"][0]["name"],
            "endpoint": str(endpoint.get("port", "")),
            "job": f"{meta['namespace']}/{meta['name']}",
        },
    }
