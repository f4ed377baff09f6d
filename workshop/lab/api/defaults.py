"""The defaults that an API server sets for core kinds. Admission sets those of custom kinds."""

from __future__ import annotations

import base64
from collections.abc import Callable

from workshop.lab.kinds import Kind
from workshop.manifests.objects import Object


def fill(kind: Kind, obj: Object, old: Object | None) -> Object:
    """Set the defaults of a core kind, in place. For every kind, remove empty fields of the metadata."""
    for name in ("annotations", "finalizers", "labels", "ownerReferences"):
        if name in obj["metadata"] and not obj["metadata"][name]:
            del obj["metadata"][name]
    rule = _RULES.get(kind.resource)
    if rule:
        rule(obj, old)
    return obj


def _namespace(obj: Object, old: Object | None) -> None:
    labels = obj["metadata"].setdefault("labels", {}) or {}
    obj["metadata"]["labels"] = {**labels, "kubernetes.io/metadata.name": obj["metadata"].get("name", "")}
    obj.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
    if old is None:
        obj["status"] = {"phase": "Active"}


def _secret(obj: Object, _: Object | None) -> None:
    plain = obj.pop("stringData", None)
    if isinstance(plain, dict):
        encoded = {key: base64.b64encode(str(value).encode()).decode() for key, value in plain.items()}
        obj["data"] = {**(obj.get("data") or {}), **encoded}
    obj.setdefault("type", "Opaque")


def _deployment(obj: Object, _: Object | None) -> None:
    obj.setdefault("spec", {}).setdefault("replicas", 1)


def _service(obj: Object, _: Object | None) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    for port in spec.get("ports") or []:
        port.setdefault("protocol", "TCP")
        if spec["type"] != "ExternalName":
            port.setdefault("targetPort", port.get("port"))


def _claim(obj: Object, old: Object | None) -> None:
    obj.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")
    if old is None:
        capacity = (obj["spec"].get("resources") or {}).get("requests") or {}
        obj["status"] = {"phase": "Bound", "accessModes": obj["spec"].get("accessModes") or [], "capacity": capacity}


_RULES: dict[str, Callable[[Object, Object | None], None]] = {
    "deployments.apps": _deployment,
    "namespaces": _namespace,
    "persistentvolumeclaims": _claim,
    "secrets": _secret,
    "services": _service,
}
