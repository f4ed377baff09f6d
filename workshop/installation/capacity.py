"""How many participants fit on the nodes of a cluster, by what a scheduler counts: Pods, CPU and memory requests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from workshop.installation.table import Size, Sizing
from workshop.manifests.objects import Object, name_of, status_of
from workshop.manifests.quantities import number

_NO_PLACE = ("NoSchedule", "NoExecute")


@dataclass(frozen=True)
class Capacity:
    """What the nodes that take Pods have, what is requested of it, and the participants that the rest is enough for."""

    nodes: int
    total: Size
    used: Size
    fits: int
    bound: str
    """What ends first: pods, cpu or memory."""

    def lines(self, sizing: Sizing) -> list[str]:
        """The calculation, one line for each resource."""
        rows = [("pods", 1, ""), ("cpu", 1, " cores"), ("memory", 2**30, " GiB")]
        made = []
        for name, unit, label in rows:
            total, used = getattr(self.total, name) / unit, getattr(self.used, name) / unit
            each, shared = getattr(sizing.participant, name) / unit, getattr(sizing.shared, name) / unit
            made.append(
                f"{name}: {total:.1f}{label} on {self.nodes} nodes, {used:.1f} in use, {shared:.2f} for shared parts, "
                f"{each:.2f} for each participant: enough for {_count(total - used - shared, each)}"
            )
        return made


def capacity(nodes: Iterable[Object], pods: Iterable[Object], sizing: Sizing) -> Capacity:
    """Add up nodes that take Pods, and the requests of Pods that run there or wait."""
    places = {name_of(node): node for node in nodes if _takes_pods(node)}
    total, used = Size(), Size()
    for node in places.values():
        has = status_of(node).get("allocatable") or {}
        total = total.plus(Size(number(has.get("pods", 0)), number(has.get("cpu", 0)), number(has.get("memory", 0))))
    for pod in pods:
        if status_of(pod).get("phase") in ("Succeeded", "Failed"):
            continue
        if (pod.get("spec") or {}).get("nodeName") in places:
            used = used.plus(requests(pod))
    free = {
        name: _count(
            getattr(total, name) - getattr(used, name) - getattr(sizing.shared, name), getattr(sizing.participant, name)
        )
        for name in ("pods", "cpu", "memory")
    }
    bound = min(free, key=lambda name: free[name])
    return Capacity(len(places), total, used, free[bound], bound)


def requests(pod: Object) -> Size:
    """What a scheduler counts: the sum of the containers, or the largest init container if that is more.

    https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers
    """
    spec = pod.get("spec") or {}
    cpu, memory = (
        max(
            sum(_request(one, what) for one in spec.get("containers") or []),
            max((_request(one, what) for one in spec.get("initContainers") or []), default=0.0),
        )
        for what in ("cpu", "memory")
    )
    return Size(1, cpu, memory)


def _request(container: Object, what: str) -> float:
    resources = container.get("resources") or {}
    wanted = (resources.get("requests") or {}).get(what, (resources.get("limits") or {}).get(what, 0))
    return number(wanted)


def _takes_pods(node: Object) -> bool:
    spec = node.get("spec") or {}
    return not spec.get("unschedulable") and not any(t.get("effect") in _NO_PLACE for t in spec.get("taints") or [])


def _count(free: float, each: float) -> int:
    return max(0, int(free // each)) if each else 0
