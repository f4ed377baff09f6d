"""What the operator writes into a SeldonDeployment's status, from what runs.

Shape and words are those of a real operator's object: state, conditions, deploymentStatus, serviceStatus, address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workshop.lab.controllers.seldon.names import container, deployment_name, service_name
from workshop.lab.kinds import Object
from workshop.lab.store import now
from workshop.manifests.seldon import SeldonDeployment


@dataclass(frozen=True)
class PredictorState:
    """How many replicas of a predictor are wanted, run and are ready."""

    name: str
    wanted: int
    running: int
    ready: int


def status_of(sdep: SeldonDeployment, states: dict[str, PredictorState], failure: str, old: Object) -> dict[str, Any]:
    """The new status. `failure` is the operator's description when a predictor cannot come up."""
    available = all(s.ready >= s.wanted for s in states.values()) and not failure
    state = "Available" if available else "Failed" if failure else "Creating"
    ready = "True" if available else "False"
    deployments = {deployment_name(sdep, p): _counts(states[p.name]) for p in sdep.spec.predictors if p.name in states}
    services: dict[str, Any] = {}
    for predictor in sdep.spec.predictors:
        for name in (service_name(sdep, predictor), f"{service_name(sdep, predictor)}-{predictor.graph.name}"):
            host = f"{name}.{sdep.namespace}"
            services[name] = {"grpcEndpoint": f"{host}:9500", "httpEndpoint": f"{host}:9000", "svcName": name}
    first = service_name(sdep, sdep.spec.predictors[0])
    conditions = [
        _condition(
            "DeploymentsReady",
            ready,
            "MinimumReplicasAvailable" if available else "MinimumReplicasUnavailable",
            "Deployment has minimum availability."
            if available
            else failure or "Deployment does not have minimum availability.",
        ),
        _condition("HpasReady", "True", "No HPAs defined"),
        _condition("KedaReady", "True", "No KEDA resources defined"),
        _condition("PdbsReady", "True", "No PDBs defined"),
        _condition("Ready", ready, "" if available else "MinimumReplicasUnavailable"),
        _condition("ServicesReady", "True", "All services created"),
    ]
    status: dict[str, Any] = {
        "address": {"url": f"http://{first}.{sdep.namespace}.svc.cluster.local:9000/api/v1.0/predictions"},
        "conditions": _with_times(conditions, old.get("conditions") or []),
        "deploymentStatus": deployments,
        "replicas": sum(s.running for s in states.values()),
        "serviceStatus": services,
        "state": state,
    }
    if failure:
        status["description"] = failure
    return status


def deployment_objects(sdep: SeldonDeployment, uid: str, states: dict[str, PredictorState]) -> list[Object]:
    """The Deployments that the operator makes, one a predictor, with their status."""
    made = []
    for predictor in sdep.spec.predictors:
        state = states[predictor.name]
        name = deployment_name(sdep, predictor)
        made.append(
            {
                "metadata": {
                    "name": name,
                    "namespace": sdep.namespace,
                    "labels": {
                        "app": name,
                        "app.kubernetes.io/managed-by": "seldon-core",
                        "seldon-deployment-id": sdep.name,
                    },
                    "ownerReferences": [owner(sdep, uid)],
                },
                "spec": {
                    "replicas": state.wanted,
                    "selector": {"matchLabels": {"app": name}},
                    "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container(predictor)]}},
                },
                "status": {
                    **_counts(state),
                    "readyReplicas": state.ready,
                    "updatedReplicas": state.running,
                    "conditions": [
                        {
                            "type": "Available",
                            "status": "True" if state.ready >= state.wanted else "False",
                            "reason": "MinimumReplicasAvailable"
                            if state.ready >= state.wanted
                            else "MinimumReplicasUnavailable",
                        },
                    ],
                },
            }
        )
    return made


def owner(sdep: SeldonDeployment, uid: str) -> dict[str, Any]:
    """The ownerReference that ties what is made to its SeldonDeployment."""
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "name": sdep.name,
        "uid": uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _counts(state: PredictorState) -> dict[str, int]:
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
