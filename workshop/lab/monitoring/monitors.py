"""PodMonitors and ServiceMonitors as Prometheus' scrape configurations.

One endpoint of a monitor becomes one scrape configuration. Its name, its relabelings and their order are those of
prometheus-operator 0.78 (`promcfg.go`), so a query means the same on a cluster. The operator leaves selectors and ports
to Prometheus' service discovery; in the lab, `workshop.lab.monitoring.targets` resolves them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from workshop.lab.monitoring import checking
from workshop.lab.monitoring.support import HTTPS_REFUSED, NODE_REFUSED, NOT_RUNNING_REFUSED, REFUSED
from workshop.manifests.meta import LabelSelector
from workshop.manifests.monitoring import (
    MetricsEndpoint,
    PodMonitor,
    Relabeling,
    ServiceMonitor,
    ServiceMonitorSpec,
)

Monitor = PodMonitor | ServiceMonitor
Refusal = tuple[str, str]
"""The path of a field, and why the lab does not support it."""

_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


@dataclass(frozen=True)
class Job:
    """One endpoint of a monitor."""

    name: str
    """The operator's name of it: `podMonitor/<namespace>/<name>/<index>`."""
    monitor: Monitor
    endpoint: MetricsEndpoint
    config: dict[str, Any]
    """The entry of `scrape_configs`, without the service discovery."""


def parse(obj: dict[str, Any]) -> Monitor:
    """The object as its type. Raises ValueError when it is invalid."""
    try:
        if obj.get("kind") == "ServiceMonitor":
            return msgspec.convert(obj, ServiceMonitor)
        return msgspec.convert(obj, PodMonitor)
    except msgspec.ValidationError as e:
        raise ValueError(str(e)) from e


def jobs(monitor: Monitor) -> list[Job]:
    """The scrape configurations of a monitor.

    Raises ValueError with all errors, one a line, when Prometheus would not load one of them.
    """
    found, errors = [], [f"{path}: {why}" for path, why in refusals(monitor)]
    for index, endpoint in enumerate(endpoints(monitor)):
        kind = "serviceMonitor" if isinstance(monitor, ServiceMonitor) else "podMonitor"
        name = f"{kind}/{monitor.metadata.namespace}/{monitor.metadata.name}/{index}"
        config = {"job_name": name, **_scrape(endpoint), **_limits(monitor), **_relabelings(monitor, endpoint)}
        errors += [f"{_list(monitor)}[{index}]: {error}" for error in checking.scrape_errors(config)]
        found.append(Job(name, monitor, endpoint, config))
    if errors:
        raise ValueError("\n".join(errors))
    return found


def endpoints(monitor: Monitor) -> list[MetricsEndpoint]:
    """The endpoints of a monitor."""
    spec = monitor.spec
    return list(spec.endpoints if isinstance(spec, ServiceMonitorSpec) else spec.pod_metrics_endpoints or [])


def refusals(monitor: Monitor) -> Iterator[Refusal]:
    """The fields of a monitor that the lab does not support."""
    spec = monitor.spec
    yield from refused(spec, "spec")
    if (spec.attach_metadata or {}).get("node"):
        yield "spec.attachMetadata.node", NODE_REFUSED
    yield from _selector(spec.selector)
    for index, endpoint in enumerate(endpoints(monitor)):
        path = f"{_list(monitor)}[{index}]"
        yield from refused(endpoint, path)
        if endpoint.scheme == "https":
            yield f"{path}.scheme", HTTPS_REFUSED
        if endpoint.filter_running is False:
            yield f"{path}.filterRunning", NOT_RUNNING_REFUSED


def _list(monitor: Monitor) -> str:
    return "spec.endpoints" if isinstance(monitor, ServiceMonitor) else "spec.podMetricsEndpoints"


def refused(value: msgspec.Struct, path: str) -> Iterator[Refusal]:
    """The fields of one value that the table REFUSED has."""
    for name, wire in zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True):
        rows = (REFUSED.get(f"{type_.__name__}.{wire}") for type_ in type(value).__mro__)
        if (why := next(filter(None, rows), None)) and getattr(value, name) is not None:
            yield f"{path}.{wire}", why


def _selector(selector: LabelSelector) -> Iterator[Refusal]:
    """The rules of apimachinery's LabelSelectorAsSelector, which the CRD's schema does not have."""
    for index, one in enumerate(selector.match_expressions or []):
        path = f"spec.selector.matchExpressions[{index}]"
        if one.operator not in _OPERATORS:
            yield f"{path}.operator", f'"{one.operator}" is not a valid label selector operator'
        elif one.operator in ("In", "NotIn") and not one.values:
            yield f"{path}.values", "for 'in', 'notin' operators, values set can't be empty"
        elif one.operator in ("Exists", "DoesNotExist") and one.values:
            yield f"{path}.values", "values set must be empty for exists and does not exist"


def _scrape(endpoint: MetricsEndpoint) -> dict[str, Any]:
    """The settings of a target's requests. `honorLabels` is off unless the monitor sets it, as in the operator."""
    made = {
        "honor_labels": bool(endpoint.honor_labels),
        "honor_timestamps": endpoint.honor_timestamps,
        "scrape_interval": endpoint.interval,
        "scrape_timeout": endpoint.scrape_timeout,
        "metrics_path": endpoint.path,
        "params": endpoint.params,
        "scheme": endpoint.scheme,
        "follow_redirects": endpoint.follow_redirects,
        "enable_http2": endpoint.enable_http2,
    }
    return {key: value for key, value in made.items() if value not in (None, "")}


def _limits(monitor: Monitor) -> dict[str, Any]:
    spec = monitor.spec
    made = {
        "sample_limit": spec.sample_limit,
        "target_limit": spec.target_limit,
        "label_limit": spec.label_limit,
        "label_name_length_limit": spec.label_name_length_limit,
        "label_value_length_limit": spec.label_value_length_limit,
        "body_size_limit": spec.body_size_limit,
    }
    return {key: value for key, value in made.items() if value is not None}


def _relabelings(monitor: Monitor, endpoint: MetricsEndpoint) -> dict[str, Any]:
    """The labels of targets and, after a scrape, of samples: first the operator's, then those of the monitor."""
    spec, meta = monitor.spec, monitor.metadata
    made = [_copied("job", "__tmp_prometheus_job_name")]
    of_service = isinstance(spec, ServiceMonitorSpec)
    made += [_copied("__meta_kubernetes_namespace", "namespace")]
    if of_service:
        made += [_copied("__meta_kubernetes_service_name", "service")]
    made += [
        _copied("__meta_kubernetes_pod_container_name", "container"),
        _copied("__meta_kubernetes_pod_name", "pod"),
    ]
    if isinstance(spec, ServiceMonitorSpec):
        made += [_transferred("service", label, sanitized(label)) for label in spec.target_labels or []]
    made += [_transferred("pod", label, sanitized(label)) for label in spec.pod_target_labels or []]
    if of_service:
        made += [_copied("__meta_kubernetes_service_name", "job")]
    else:
        made += [{"target_label": "job", "replacement": f"{meta.namespace}/{meta.name}"}]
    if spec.job_label:
        made += [_transferred("service" if of_service else "pod", spec.job_label, "job")]
    port = endpoint.port or str(endpoint.target_port or "")
    if port:
        made += [{"target_label": "endpoint", "replacement": port}]
    found = {"relabel_configs": made + [_relabeling(one) for one in endpoint.relabelings or []]}
    if endpoint.metric_relabelings:
        found["metric_relabel_configs"] = [_relabeling(one) for one in endpoint.metric_relabelings]
    return found


def _copied(source: str, target: str) -> dict[str, Any]:
    return {"source_labels": [source], "target_label": target}


def _transferred(kind: str, label: str, target: str) -> dict[str, Any]:
    """A label of the Pod or the Service, if it exists."""
    source = f"__meta_kubernetes_{kind}_label_{sanitized(label)}"
    return {"source_labels": [source], "target_label": target, "regex": "(.+)", "replacement": "${1}"}


def _relabeling(one: Relabeling) -> dict[str, Any]:
    made: dict[str, Any] = {key: value for key in one.__struct_fields__ if (value := getattr(one, key)) is not None}
    if "action" in made:
        made["action"] = made["action"].lower()
    return made


def sanitized(name: str) -> str:
    """The name of a Kubernetes label in Prometheus: every character except letters, digits and `_` becomes `_`."""
    return re.sub(r"[^a-zA-Z0-9_]", "_", name)
