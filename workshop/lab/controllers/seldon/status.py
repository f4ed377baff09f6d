"""The status of a SeldonDeployment, computed from its pods.

Its fields and texts are those of the real operator: state, conditions, deploymentStatus, serviceStatus, address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workshop.lab.controllers.seldon.names import container_service_name, deployment_name, http_port, service_name
from workshop.lab.store import now
from workshop.manifests.objects import Object
from workshop.manifests.seldon import Predictor, SeldonDeployment, nodes

_UNAVAILABLE = ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")


@dataclass(frozen=True)
class ComponentState:
    """How many pods of a component are wanted, running and ready. `outdated` counts those of an earlier template."""

    wanted: int
    running: int
    ready: int
    outdated: int = 0
    overdue: bool = False
    """Whether the start has taken longer than progressDeadlineSeconds."""


def deployment_status(
    sdep: SeldonDeployment, states: Mapping[str, ComponentState], failure: str, old: Object
) -> dict[str, Any]:
    """The new status. `states` is keyed by the name of the operator's Deployment.

    `failure` is the operator's description of a predictor that cannot start.
    """
    available = all(s.ready >= s.wanted for s in states.values()) and not failure
    state = "Available" if available else "Failed" if failure else "Creating"
    ready = "True" if available else "False"
    first = sdep.spec.predictors[0]
    hpas = any(c.hpa_spec for p in sdep.spec.predictors for c in p.component_specs)
    pdbs = any(c.pdb_spec for p in sdep.spec.predictors for c in p.component_specs)
    reason, message = _UNAVAILABLE
    conditions = [
        _condition("AmbassadorMappingsReady", "True", "No Ambassador Mappaings defined"),
        _condition("DeploymentsReady", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
        if available
        else _condition("DeploymentsReady", "False", reason, failure or message),
        _condition("HpasReady", "True", "All HPAs resources ready" if hpas else "No HPAs defined"),
        _condition("KedaReady", "True", "No KEDA resources defined"),
        _condition("PdbsReady", "True", "All PDBs resources ready" if pdbs else "No PDBs defined"),
        _condition("Ready", ready, "" if available else reason, "" if available else failure or message),
        _condition("ServicesReady", "True", "All services created"),
        _condition("istioVirtualServicesReady", "True", "No VirtualServices defined"),
    ]
    status: dict[str, Any] = {
        "address": {"url": _address(sdep, first)},
        "conditions": _with_times(conditions, old.get("conditions") or []),
        "deploymentStatus": {name: _counts(one) for name, one in states.items()},
        "replicas": states[deployment_name(sdep, first)].running,
        "serviceStatus": _services(sdep),
        "state": state,
    }
    if failure:
        status["description"] = failure
    return status


def owner(sdep: SeldonDeployment, uid: str) -> dict[str, Any]:
    """The ownerReference from an object to its SeldonDeployment."""
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "name": sdep.name,
        "uid": uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _address(sdep: SeldonDeployment, first: Predictor) -> str:
    host = f"{service_name(sdep, first)}.{sdep.namespace}.svc.cluster.local:{http_port(first)}"
    if sdep.spec.protocol in ("v2", "kfserving"):
        return f"http://{host}/v2/models/{first.graph.name}/infer"
    return f"http://{host}/api/v1.0/predictions"


def _services(sdep: SeldonDeployment) -> dict[str, Any]:
    """The Services of predictors and of nodes with a container, whose ports count up from 9000."""
    services: dict[str, Any] = {}
    ports: dict[str, int] = {}
    for predictor in sdep.spec.predictors:
        containers = [str(c.get("name")) for one in predictor.component_specs for c in one.spec.get("containers") or []]
        for name in containers:
            ports.setdefault(name, len(ports))
        plain = http_port(predictor) == 9000
        _service(services, sdep, service_name(sdep, predictor), http_port(predictor), 9500 if plain else 5001)
        for unit in nodes(predictor.graph):
            if unit.name in containers:
                name, step = container_service_name(sdep, predictor, unit.name), ports[unit.name]
                _service(services, sdep, name, 9000 + step, 9500 + step)
    return services


def _service(services: dict[str, Any], sdep: SeldonDeployment, name: str, http: int, grpc: int) -> None:
    host = f"{name}.{sdep.namespace}"
    services[name] = {"grpcEndpoint": f"{host}:{grpc}", "httpEndpoint": f"{host}:{http}", "svcName": name}


def _counts(state: ComponentState) -> dict[str, int]:
    return {"replicas": state.running, "availableReplicas": state.ready}


def _condition(type_: str, status: str, reason: str, message: str = "") -> dict[str, str]:
    return (
        {"type": type_, "status": status}
        | ({"reason": reason} if reason else {})
        | ({"message": message} if message else {})
    )


def _with_times(conditions: list[dict[str, str]], old: list[dict[str, str]]) -> list[dict[str, str]]:
    """Keep lastTransitionTime of a condition whose status has not changed (as Knative's condition sets do)."""
    before = {c["type"]: c for c in old}
    timed = []
    for condition in conditions:
        known = before.get(condition["type"], {})
        same = known.get("status") == condition["status"]
        timed.append({**condition, "lastTransitionTime": known.get("lastTransitionTime", now()) if same else now()})
    return timed
