"""The order of the output: what others need comes first, then by kind, namespace and name."""

from __future__ import annotations

from workshop.oc.kustomize.model import Item, Kustomization

_FIRST = (
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
)
_LAST = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")


def ordered(items: list[Item], work: Kustomization) -> list[Item]:
    """The items in kubectl's order, or as listed when sortOptions says fifo. Raises ManifestError."""
    options = work.known("sortOptions", work.mapping("sortOptions"), {"order", "legacySortOptions"})
    order = options.get("order") or "legacy"
    if order not in ("fifo", "legacy"):
        raise work.wrong("sortOptions", f"order {order} is not supported: allowed are fifo and legacy")
    return items if order == "fifo" else sorted(items, key=_rank)


def _rank(item: Item) -> tuple[int, str, str, str]:
    if item.kind in _FIRST:
        place = _FIRST.index(item.kind) - len(_FIRST)
    else:
        place = 1 + _LAST.index(item.kind) if item.kind in _LAST else 0
    gvk = f"{item.group or '~'}_{item.version}_{item.kind}"  # the core group comes last
    return place, gvk, item.namespace, item.name
