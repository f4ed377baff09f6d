"""The scale subresource: the number of replicas, for any kind that has `spec.replicas`."""

from __future__ import annotations

from typing import Any

from workshop.lab.api_errors import BadRequest
from workshop.manifests.objects import Object, status_of


def scale_of(obj: Object) -> Object:
    """An object's Scale."""
    meta = obj["metadata"]
    labels = ((obj.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
    keep = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: meta[key] for key in keep if key in meta},
        "spec": {"replicas": (obj.get("spec") or {}).get("replicas", 1)},
        "status": {
            "replicas": status_of(obj).get("replicas") or 0,
            "selector": ",".join(f"{k}={v}" for k, v in sorted(labels.items())),
        },
    }


def rescale(obj: Object, scale: Any) -> Object:
    """The object with the replicas of a changed Scale. Raises BadRequest."""
    if not isinstance(scale, dict):
        raise BadRequest("the body is not a Scale")
    wanted = (scale.get("spec") or {}).get("replicas", 0)
    if not isinstance(wanted, int) or isinstance(wanted, bool) or wanted < 0:
        raise BadRequest(f"spec.replicas: Invalid value: {wanted!r}: must be a number, 0 or more")
    meta = {
        **obj["metadata"],
        "resourceVersion": (scale.get("metadata") or {}).get("resourceVersion") or obj["metadata"]["resourceVersion"],
    }
    return {**obj, "metadata": meta, "spec": {**(obj.get("spec") or {}), "replicas": wanted}}
