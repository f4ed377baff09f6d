"""Objects that the lab keeps and nothing acts on: whoever creates one is told so, as a server tells of deprecations.

They are not refused, because manifests for a cluster carry them beside what the lab does run.
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
    """What to tell whoever creates an object of this kind."""
    text = _INERT.get(kind.resource)
    return (text.format(kind=kind.kind),) if text else ()


def admit_pod(new: Object, old: Object | None) -> Object:
    """A Pod that somebody creates waits for ever, and its status says why; the lab's own never come by here."""
    if old is not None:
        return new
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": _RUNS.format(kind="Pod"),
    }
    return {**new, "status": {"phase": "Pending", "conditions": [condition]}}
