"""The targets of a monitor's endpoint: ports of Pods, with the labels of Prometheus' service discovery.

The `__meta_kubernetes_*` labels are those of Prometheus' `kubernetes_sd_config`, so relabelings that use them mean the
same on a cluster. There are no labels of nodes and controllers, because the lab has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workshop.lab.monitoring.monitors import Job, Monitor, sanitized
from workshop.manifests.kubernetes import Service
from workshop.manifests.monitoring import MetricsEndpoint, PodMetricsEndpoint, ServiceMonitor
from workshop.manifests.objects import labels_of, status_of


@dataclass(frozen=True)
class Port:
    """One port of a container of a running Pod.

    `number` is the port of the container on a cluster. In the lab all Pods share 127.0.0.1, where it listens on
    `listens`. `path` overrides the endpoint's path.
    """

    container: str
    name: str
    number: int
    listens: int
    path: str = ""


@dataclass(frozen=True)
class ScrapedPod:
    """A running Pod and its ports."""

    obj: Mapping[str, Any]
    ports: Sequence[Port]

    @property
    def namespace(self) -> str:
        return str(self.obj["metadata"]["namespace"])

    @property
    def labels(self) -> Mapping[str, str]:
        return labels_of(self.obj)


@dataclass(frozen=True)
class Inventory:
    """The objects that monitors select from."""

    pods: Sequence[ScrapedPod]
    services: Sequence[Service] = ()


def target_groups(job: Job, inventory: Inventory) -> list[dict[str, Any]]:
    """The targets of one endpoint as groups of Prometheus' `file_sd_config`."""
    found = _by_service(job, inventory) if isinstance(job.monitor, ServiceMonitor) else _by_pod(job, inventory)
    groups = []
    for pod, port, labels in found:
        path = {"__metrics_path__": port.path} if port.path else {}
        groups.append(
            {"targets": [f"127.0.0.1:{port.listens}"], "labels": {**_pod_labels(pod, port), **labels, **path}}
        )
    return groups


def _by_pod(job: Job, inventory: Inventory) -> Iterator[tuple[ScrapedPod, Port, dict[str, str]]]:
    for pod in inventory.pods:
        if _watches(job.monitor, pod.namespace) and job.monitor.spec.selector.matches(pod.labels):
            for port in _of_pod(job.endpoint, pod):
                yield pod, port, {}


def _by_service(job: Job, inventory: Inventory) -> Iterator[tuple[ScrapedPod, Port, dict[str, str]]]:
    for service in inventory.services:
        namespace, labels = service.metadata.namespace or "", service.metadata.labels or {}
        if not _watches(job.monitor, namespace) or not job.monitor.spec.selector.matches(labels):
            continue
        for pod in inventory.pods:
            if pod.namespace == namespace and _leads_to(service, pod):
                for name, port in _of_service(job.endpoint, service, pod):
                    yield pod, port, _service_labels(service, name)


def _leads_to(service: Service, pod: ScrapedPod) -> bool:
    selector = service.spec.selector if service.spec else None
    return bool(selector) and (selector or {}).items() <= pod.labels.items()


def _of_service(endpoint: MetricsEndpoint, service: Service, pod: ScrapedPod) -> Iterator[tuple[str, Port]]:
    """The ports of a Pod that an endpoint names, and the name of the Service's port.

    `port` names a port of the Service. `targetPort` names a port of the Pod, whether or not the Service has it.
    """
    if not endpoint.port:
        yield from (("", port) for port in _of_pod(endpoint, pod))
        return
    for entry in (service.spec.ports if service.spec else None) or []:
        if entry.name == endpoint.port:
            wanted = entry.port if entry.target_port in (None, "") else entry.target_port
            yield from ((endpoint.port, port) for port in _matching(pod, wanted))


def _watches(monitor: Monitor, namespace: str) -> bool:
    chosen = monitor.spec.namespace_selector
    if chosen is None or not (chosen.any or chosen.match_names):
        return namespace == monitor.metadata.namespace
    return bool(chosen.any) or namespace in (chosen.match_names or [])


def _of_pod(endpoint: MetricsEndpoint, pod: ScrapedPod) -> Iterable[Port]:
    """The ports that an endpoint names. If it names none, all ports, as in the operator."""
    wanted: int | str | None = endpoint.port
    if not wanted and isinstance(endpoint, PodMetricsEndpoint):
        wanted = endpoint.port_number
    if not wanted:
        wanted = endpoint.target_port
    return pod.ports if wanted in (None, "") else _matching(pod, wanted)


def _matching(pod: ScrapedPod, wanted: int | str | None) -> list[Port]:
    return [port for port in pod.ports if wanted in (port.name, port.number, port.listens)]


def _pod_labels(pod: ScrapedPod, port: Port) -> dict[str, str]:
    meta, status = pod.obj["metadata"], status_of(pod.obj)
    prefix = "__meta_kubernetes_pod"
    return {
        "__meta_kubernetes_namespace": pod.namespace,
        f"{prefix}_name": meta["name"],
        f"{prefix}_uid": meta.get("uid", ""),
        f"{prefix}_ip": "127.0.0.1",
        f"{prefix}_host_ip": "127.0.0.1",
        f"{prefix}_node_name": "lab",
        f"{prefix}_phase": str(status.get("phase", "")),
        f"{prefix}_ready": "true",
        f"{prefix}_container_init": "false",
        f"{prefix}_container_name": port.container,
        f"{prefix}_container_port_name": port.name,
        f"{prefix}_container_port_number": str(port.number),
        f"{prefix}_container_port_protocol": "TCP",
        **_each("pod", "label", pod.labels),
        **_each("pod", "annotation", meta.get("annotations") or {}),
    }


def _service_labels(service: Service, port: str) -> dict[str, str]:
    meta = service.metadata
    return {
        "__meta_kubernetes_service_name": meta.name or "",
        "__meta_kubernetes_endpoints_name": meta.name or "",
        "__meta_kubernetes_endpoint_port_name": port,
        "__meta_kubernetes_endpoint_ready": "true",
        **_each("service", "label", meta.labels or {}),
        **_each("service", "annotation", meta.annotations or {}),
    }


def _each(kind: str, what: str, values: Mapping[str, str]) -> dict[str, str]:
    prefix = f"__meta_kubernetes_{kind}_{what}"
    return {
        **{f"{prefix}_{sanitized(key)}": str(value) for key, value in values.items()},
        **{f"{prefix}present_{sanitized(key)}": "true" for key in values},
    }
