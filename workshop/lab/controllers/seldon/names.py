"""The names and labels that Seldon's operator gives to what it makes (seldon-core 1.17.1)."""

from __future__ import annotations

import hashlib
import json

from workshop.manifests.seldon import Predictor, SeldonDeployment


def deployment_name(sdep: SeldonDeployment, predictor: Predictor) -> str:
    """`<deployment>-<predictor>-<index>-<container>`, hashed when longer than a DNS label."""
    return _short(f"{sdep.name}-{predictor.name}-0-{predictor.graph.name}")


def service_name(sdep: SeldonDeployment, predictor: Predictor) -> str:
    """`<deployment>-<predictor>`: the Service that callers use."""
    return _short(f"{sdep.name}-{predictor.name}")


def labels(sdep: SeldonDeployment, predictor: Predictor) -> dict[str, str]:
    """The labels of a predictor's pods: the operator's, then the predictor's own."""
    return {
        "app": deployment_name(sdep, predictor),
        "app.kubernetes.io/managed-by": "seldon-core",
        "seldon-app": service_name(sdep, predictor),
        "seldon-deployment-id": sdep.name,
        "version": predictor.name,
        **{str(k): str(v) for k, v in (template_metadata(predictor).get("labels") or {}).items()},
        **predictor.labels,
    }


def template_metadata(predictor: Predictor) -> dict[str, dict[str, str]]:
    """The metadata that the componentSpec sets on its pods."""
    return predictor.component_specs[0].metadata if predictor.component_specs else {}


def container(predictor: Predictor) -> dict[str, object]:
    """The container of the graph's one node."""
    for spec in predictor.component_specs:
        for found in spec.spec.get("containers") or []:
            if found.get("name") == predictor.graph.name:
                return dict(found)
    return {}


def template_hash(sdep: SeldonDeployment, predictor: Predictor) -> str:
    """Ten characters that change when the pods have to be replaced.

    Traffic, replicas and shadow are left out: they route and scale the pods that run.
    """
    part = {
        "labels": labels(sdep, predictor),
        "container": container(predictor),
        "graph": [predictor.graph.name, [[p.name, p.value, p.type] for p in predictor.graph.parameters]],
        "annotations": predictor.annotations,
    }
    return hashlib.sha256(json.dumps(part, sort_keys=True, default=str).encode()).hexdigest()[:10]


def _short(name: str) -> str:
    if len(name) <= 63:
        return name
    return "seldon-" + hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
