"""The objects that the operator creates for a SeldonDeployment: Deployments, Services, autoscalers, budgets.

They show the objects of a cluster; nothing in the lab reads them. An autoscaler's status says that it does not scale.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from workshop.lab.controllers.seldon.names import (
    container_service_name,
    containers,
    deployment_name,
    has_engine,
    http_port,
    labels,
    pod_annotations,
    service_name,
)
from workshop.lab.controllers.seldon.status import ComponentState, owner
from workshop.lab.kinds import Kind, built_in
from workshop.lab.store import now
from workshop.manifests.objects import Object
from workshop.manifests.seldon import HpaSpec, PdbSpec, Predictor, SeldonDeployment, nodes

DEPLOYMENT = built_in("Deployment")
SERVICE = built_in("Service")
AUTOSCALER = built_in("HorizontalPodAutoscaler")
BUDGET = built_in("PodDisruptionBudget")
KINDS_MADE = (DEPLOYMENT, SERVICE, AUTOSCALER, BUDGET)


def owned(sdep: SeldonDeployment, uid: str, states: Mapping[str, ComponentState]) -> Iterator[tuple[Kind, Object]]:
    """All objects of a deployment in their wanted state."""
    for predictor in sdep.spec.predictors:
        for index, component in enumerate(predictor.component_specs):
            name = deployment_name(sdep, predictor, index)
            yield DEPLOYMENT, _deployment(sdep, uid, predictor, index, states[name])
            if component.hpa_spec is not None:
                yield AUTOSCALER, _autoscaler(sdep, uid, name, component.hpa_spec, states[name])
            if component.pdb_spec is not None:
                yield BUDGET, _budget(sdep, uid, name, component.pdb_spec, states[name])
        yield from ((SERVICE, service) for service in _services(sdep, uid, predictor))


def _deployment(sdep: SeldonDeployment, uid: str, predictor: Predictor, index: int, state: ComponentState) -> Object:
    name = deployment_name(sdep, predictor, index)
    component = predictor.component_specs[index]
    available = state.ready >= state.wanted
    found = labels(sdep, predictor, index)
    progressing = ("False", "ProgressDeadlineExceeded") if state.overdue else ("True", "NewReplicaSetAvailable")
    spec: dict[str, Any] = {
        "replicas": state.wanted,
        "selector": {"matchLabels": {"app": name, "seldon-deployment-id": sdep.name}},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}},
        "template": {
            "metadata": {"labels": found, "annotations": pod_annotations(sdep, predictor, index)},
            "spec": {**component.spec, "containers": containers(component)},
        },
    }
    if predictor.progress_deadline_seconds is not None:
        spec["progressDeadlineSeconds"] = predictor.progress_deadline_seconds
    return {
        "metadata": {**_meta(sdep, uid, name), "labels": found},
        "spec": spec,
        "status": {
            "replicas": state.running + state.outdated,
            "availableReplicas": state.ready,
            "readyReplicas": state.ready,
            "updatedReplicas": state.running,
            "unavailableReplicas": max(0, state.wanted - state.ready),
            "conditions": [
                {
                    "type": "Available",
                    "status": "True" if available else "False",
                    "reason": "MinimumReplicasAvailable" if available else "MinimumReplicasUnavailable",
                },
                {"type": "Progressing", "status": progressing[0], "reason": progressing[1]},
            ],
        },
    }


def _autoscaler(sdep: SeldonDeployment, uid: str, name: str, spec: HpaSpec, state: ComponentState) -> Object:
    wanted: dict[str, Any] = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "maxReplicas": spec.max_replicas,
        "metrics": spec.metricsv2 or spec.metrics,
    }
    if spec.min_replicas is not None:
        wanted["minReplicas"] = spec.min_replicas
    says = {
        "type": "ScalingActive",
        "status": "False",
        "reason": "FailedGetResourceMetric",
        "message": "the lab measures no load and scales nothing: minReplicas run",
        "lastTransitionTime": now(),
    }
    return {
        "metadata": _meta(sdep, uid, name),
        "spec": wanted,
        "status": {"currentReplicas": state.running, "desiredReplicas": state.wanted, "conditions": [says]},
    }


def _budget(sdep: SeldonDeployment, uid: str, name: str, spec: PdbSpec, state: ComponentState) -> Object:
    if spec.max_unavailable is not None:
        desired = max(0, state.wanted - _share(spec.max_unavailable, state.wanted))
    else:
        desired = _share(spec.min_available or 0, state.wanted)
    # The operator's selector matches the pods of all predictors.
    return {
        "metadata": _meta(sdep, uid, name),
        "spec": {**msgspec.to_builtins(spec), "selector": {"matchLabels": {"seldon-deployment-id": sdep.name}}},
        "status": {
            "currentHealthy": state.ready,
            "desiredHealthy": desired,
            "disruptionsAllowed": max(0, state.ready - desired),
            "expectedPods": state.wanted,
        },
    }


def _share(value: int | str, pods: int) -> int:
    """A number of pods, or a percentage of them, rounded up as in the controller of PodDisruptionBudgets."""
    return math.ceil(int(value.rstrip("%")) * pods / 100) if isinstance(value, str) else value


def _services(sdep: SeldonDeployment, uid: str, predictor: Predictor) -> Iterator[Object]:
    name = service_name(sdep, predictor)
    grpc = 5001 if has_engine(predictor) else 9500
    yield _service(sdep, uid, predictor, name, {"seldon-app": name}, http_port(predictor), grpc)
    held = {str(c.get("name")) for one in predictor.component_specs for c in containers(one)}
    for unit in nodes(predictor.graph):
        if unit.name in held:
            own = container_service_name(sdep, predictor, unit.name)
            yield _service(sdep, uid, predictor, own, {"seldon-app-svc": own}, 9000, 9500)


def _service(
    sdep: SeldonDeployment, uid: str, predictor: Predictor, name: str, selector: dict[str, str], http: int, grpc: int
) -> Object:
    meta = _meta(sdep, uid, name)
    return {
        "metadata": {
            **meta,
            "labels": {**meta["labels"], **selector, "app.kubernetes.io/managed-by": "seldon-core"},
            "annotations": predictor.annotations,
        },
        "spec": {
            "type": "ClusterIP",
            "clusterIP": "127.0.0.1",
            "selector": selector,
            "ports": [
                {"name": "http", "port": http, "protocol": "TCP", "targetPort": http},
                {"name": "grpc", "port": grpc, "protocol": "TCP", "targetPort": grpc},
            ],
        },
    }


def _meta(sdep: SeldonDeployment, uid: str, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "namespace": sdep.namespace,
        "labels": {"seldon-deployment-id": sdep.name},
        "ownerReferences": [owner(sdep, uid)],
    }
