"""The names and labels that Seldon's operator gives to its objects (seldon-core 1.17.1)."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from workshop.manifests.seldon import ComponentSpec, PredictiveUnit, Predictor, SeldonDeployment, nodes

ENGINE = "seldon-container-engine"
NO_ENGINE = "seldon.io/no-engine"


def deployment_name(sdep: SeldonDeployment, predictor: Predictor, index: int = 0) -> str:
    """`<deployment>-<predictor>-<index>-<containers>`, hashed when longer than a DNS label."""
    component = predictor.component_specs[index]
    own = component.metadata.get("name") or "-".join(str(c.get("name")) for c in containers(component))
    return _short(f"{sdep.name}-{predictor.name}-{index}-{own}")


def service_name(sdep: SeldonDeployment, predictor: Predictor) -> str:
    """`<deployment>-<predictor>`, or the name in the annotation: the Service for callers."""
    return predictor.annotations.get("seldon.io/svc-name") or _short(f"{sdep.name}-{predictor.name}")


def container_service_name(sdep: SeldonDeployment, predictor: Predictor, container: str) -> str:
    """`<deployment>-<predictor>-<container>`: the Service of one node, for the orchestrator."""
    return _short(f"{sdep.name}-{predictor.name}-{container}")


def has_engine(predictor: Predictor) -> bool:
    """Whether the predictor has a service orchestrator. Without one, its model server answers directly."""
    return predictor.annotations.get(NO_ENGINE, "").lower() != "true"


def http_port(predictor: Predictor) -> int:
    """The port of the predictor's Service: the orchestrator's, or the first model server's."""
    return 8000 if has_engine(predictor) else 9000


def containers(component: ComponentSpec) -> list[dict[str, Any]]:
    """The containers of a component's pods."""
    return [dict(found) for found in component.spec.get("containers") or []]


def labels(sdep: SeldonDeployment, predictor: Predictor, index: int = 0) -> dict[str, str]:
    """The labels of a component's pods: the operator's, then the predictor's and the component's own."""
    component = predictor.component_specs[index]
    name = deployment_name(sdep, predictor, index)
    mine = {str(c.get("name")) for c in containers(component)}
    kinds = {_kind_label(unit): "true" for unit in nodes(predictor.graph) if unit.name in mine and _kind_label(unit)}
    last = next((c for c in reversed(containers(component)) if c.get("name")), {"name": ""})
    return {
        "app": name,
        "app.kubernetes.io/managed-by": "seldon-core",
        "fluentd": "true",
        **({"seldon-app": service_name(sdep, predictor)} if index == 0 else {}),
        "seldon-app-svc": container_service_name(sdep, predictor, str(last["name"])),
        "seldon-deployment-id": sdep.name,
        **kinds,
        **({"seldon.io/shadow": "true"} if predictor.shadow else {}),
        "version": predictor.name,
        **predictor.labels,
        **{str(k): str(v) for k, v in (component.metadata.get("labels") or {}).items()},
    }


def pod_annotations(sdep: SeldonDeployment, predictor: Predictor, index: int = 0) -> dict[str, str]:
    """The annotations of a component's pods."""
    own = predictor.component_specs[index].metadata.get("annotations") or {}
    return {
        "prometheus.io/path": "/prometheus",
        "prometheus.io/scrape": "true",
        **sdep.spec.annotations,
        **predictor.annotations,
        **{str(k): str(v) for k, v in own.items()},
    }


def template_hash(sdep: SeldonDeployment, predictor: Predictor, index: int = 0) -> str:
    """Ten characters that change when the pods must be replaced.

    Traffic, replicas and shadow are left out: they route and scale the running pods.
    """
    found = labels(sdep, predictor, index)
    found.pop("seldon.io/shadow", None)
    part = {
        "labels": found,
        "spec": predictor.component_specs[index].spec,
        "graph": _graph(predictor.graph),
        "annotations": pod_annotations(sdep, predictor, index),
    }
    return hashlib.sha256(json.dumps(part, sort_keys=True, default=str).encode()).hexdigest()[:10]


def _graph(unit: PredictiveUnit) -> list[Any]:
    return [
        unit.name,
        unit.type,
        unit.implementation,
        unit.methods,
        [[p.name, p.value, p.type] for p in unit.parameters],
        [_graph(child) for child in unit.children],
    ]


def _kind_label(unit: PredictiveUnit) -> str:
    return f"seldon.io/{unit.type.lower().replace('_', '-')}" if unit.type else ""


def _short(name: str) -> str:
    if len(name) <= 63:
        return name
    return "seldon-" + hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
