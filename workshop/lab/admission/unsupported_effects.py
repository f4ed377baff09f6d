"""Kinds that are stored but have no effect. Creating one returns a Warning header, as for a deprecated API.

They are not refused, because manifests for a cluster carry them together with what the lab runs.
"""

from __future__ import annotations

from workshop.lab.kinds import Kind
from workshop.manifests.objects import Object

_RUNS = "the lab runs the Pods of Tekton and of SeldonDeployments only; this {kind} is stored and nothing starts"
_UNBOUND = "the lab bounds nothing that runs; this {kind} is stored without effect"
_WITHOUT_EFFECT = {
    "deployments.apps": _RUNS,
    "horizontalpodautoscalers.autoscaling": "the lab does not scale by itself; this {kind} is stored without effect",
    "limitranges": _UNBOUND,
    "networkpolicies.networking.k8s.io": "all parts of the lab share a loopback; this {kind} is stored without effect",
    "poddisruptionbudgets.policy": "the lab has no nodes to drain; this {kind} is stored without effect",
    "pods": _RUNS,
    "resourcequotas": _UNBOUND,
}


def warnings_for(kind: Kind) -> tuple[str, ...]:
    """The warnings for a client that creates an object of this kind."""
    text = _WITHOUT_EFFECT.get(kind.resource)
    return (text.format(kind=kind.kind),) if text else ()


def status_of(kind: Kind, obj: Object) -> Object | None:
    """The status that a stored object gets because the lab does not act on it; None where it gets none.

    A Deployment says that its Pods do not start, so that `kubectl rollout status` ends: it waits until
    `observedGeneration` has reached the generation, and fails at this reason (kubectl's
    pkg/polymorphichelpers/rollout_status.go). A controller of the lab writes the status of the Deployments it owns.
    """
    meta = obj["metadata"]
    if kind.resource != "deployments.apps" or any(o.get("controller") for o in meta.get("ownerReferences") or ()):
        return None
    message = _RUNS.format(kind=kind.kind)
    conditions = [
        {"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable", "message": message},
        {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": message},
    ]
    return {"observedGeneration": meta["generation"], "conditions": conditions}


def admit_pod(new: Object, old: Object | None) -> Object:
    """A Pod that a client creates stays pending, and its status says why. The lab's own Pods are not admitted here."""
    if old is not None:
        return new
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": _RUNS.format(kind="Pod"),
    }
    return {**new, "status": {"phase": "Pending", "conditions": [condition]}}
