"""Kinds that are stored but have no effect. Creating one returns an HTTP Warning header, as for deprecated APIs.

They are not refused, because manifests for a cluster contain them together with what the lab does run.
"""

from __future__ import annotations

from workshop.lab.kinds import Kind, Object

_RUNS = "the lab runs the Pods of Tekton and of SeldonDeployments only; this {kind} is kept and nothing starts"
_UNBOUND = "the lab bounds nothing that runs; this {kind} is kept without effect"
_INERT = {
    "deployments.apps": _RUNS,
    "horizontalpodautoscalers.autoscaling": "the lab does not scale by itself; this {kind} is kept without effect",
    "limitranges": _UNBOUND,
    "networkpolicies.networking.k8s.io": "everything in the lab is on one loopback; this {kind} is kept without effect",
    "poddisruptionbudgets.policy": "the lab has no nodes to drain; this {kind} is kept without effect",
    "pods": _RUNS,
    "resourcequotas": _UNBOUND,
}


def notices(kind: Kind) -> tuple[str, ...]:
    """The warnings for a client that creates an object of this kind."""
    text = _INERT.get(kind.resource)
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
    """Say in the status of a Pod from a client that it does not start. The lab's own Pods do not pass here."""
    if old is not None:
        return new
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": _RUNS.format(kind="Pod"),
    }
    return {**new, "status": {"phase": "Pending", "conditions": [condition]}}
