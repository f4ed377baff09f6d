"""Prefixes, suffixes, and the references that must follow when a name changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from workshop.oc.kustomize.model import Item, Kustomization, Object

_KEEP = {"APIService", "CustomResourceDefinition", "Namespace"}
_POD_SPECS = ("spec", "spec/template/spec", "spec/jobTemplate/spec/template/spec")
_POD_KINDS = {"CronJob", "DaemonSet", "Deployment", "Job", "Pod", "ReplicaSet", "ReplicationController", "StatefulSet"}


def prefix(work: Kustomization, items: list[Item]) -> None:
    """namePrefix and nameSuffix."""
    before, after = work.text("namePrefix"), work.text("nameSuffix")
    if before or after:
        for item in items:
            if item.kind not in _KEEP:
                item.rename(before + item.name + after)


def update_references(items: list[Item]) -> None:
    """Let every reference that kustomize knows follow the object that it names."""
    moved: dict[tuple[str, str], str] = {}
    for item in items:
        for name, _ in item.ids[:-1]:
            if name != item.name:
                moved[(item.kind, name)] = item.name
    if not moved:
        return
    for item in items:
        for kind, holder, key in _references(item):
            there = holder.get(key)
            if isinstance(there, str) and (kind, there) in moved:
                holder[key] = moved[(kind, there)]


def _references(item: Item) -> Iterator[tuple[str, Object, str]]:
    obj = item.object
    if item.kind in _POD_KINDS:
        for path in _POD_SPECS:
            spec = _dig(obj, path)
            if isinstance(spec, dict):
                yield from _pod_references(spec)
    if item.kind in ("RoleBinding", "ClusterRoleBinding"):
        role = obj.get("roleRef") or {}
        yield str(role.get("kind")), role, "name"
        for subject in obj.get("subjects") or []:
            yield str(subject.get("kind")), subject, "name"
    elif item.kind == "HorizontalPodAutoscaler":
        target = _dig(obj, "spec/scaleTargetRef") or {}
        yield str(target.get("kind")), target, "name"
    elif item.kind == "ServiceAccount":
        for key in ("secrets", "imagePullSecrets"):
            for one in obj.get(key) or []:
                yield "Secret", one, "name"
    elif item.kind == "Ingress":
        for rule in _dig(obj, "spec/rules") or []:
            for path in (rule.get("http") or {}).get("paths") or []:
                service = (path.get("backend") or {}).get("service")
                if service:
                    yield "Service", service, "name"


def _pod_references(spec: Object) -> Iterator[tuple[str, Object, str]]:
    yield "ServiceAccount", spec, "serviceAccountName"
    for one in spec.get("imagePullSecrets") or []:
        yield "Secret", one, "name"
    for volume in spec.get("volumes") or []:
        yield "ConfigMap", volume.get("configMap") or {}, "name"
        yield "Secret", volume.get("secret") or {}, "secretName"
        yield "PersistentVolumeClaim", volume.get("persistentVolumeClaim") or {}, "claimName"
        for source in (volume.get("projected") or {}).get("sources") or []:
            yield "ConfigMap", source.get("configMap") or {}, "name"
            yield "Secret", source.get("secret") or {}, "name"
    for container in [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]:
        for one in container.get("envFrom") or []:
            yield "ConfigMap", one.get("configMapRef") or {}, "name"
            yield "Secret", one.get("secretRef") or {}, "name"
        for one in container.get("env") or []:
            source = one.get("valueFrom") or {}
            yield "ConfigMap", source.get("configMapKeyRef") or {}, "name"
            yield "Secret", source.get("secretKeyRef") or {}, "name"


def _dig(value: Any, path: str) -> Any:
    for part in path.split("/"):
        value = value.get(part) if isinstance(value, dict) else None
    return value
