"""Triggers' v1alpha1, as v1beta1.

The CustomResourceDefinitions serve both with one schema and the conversion None. What differs are the interceptors that
v1alpha1 has as fields, `cel`, `github`, `gitlab` and `bitbucket`: its webhook stores them as references with parameters
(`updateCoreInterceptors` in pkg/apis/triggers/v1alpha1 of tektoncd/triggers). The fields that are new in v1beta1 are
accepted here in v1alpha1 as well.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from workshop.manifests.objects import Object

KINDS = ("ClusterTriggerBinding", "EventListener", "Trigger", "TriggerBinding", "TriggerTemplate")
"""The kinds that both versions have."""
_FIELDS = {
    "bitbucket": ("secretRef", "eventTypes"),
    "cel": ("filter", "overlays"),
    "github": ("secretRef", "eventTypes"),
    "gitlab": ("secretRef", "eventTypes"),
}


def to_v1beta1(obj: Object) -> Object:
    """A v1alpha1 object as v1beta1; another object as it is."""
    if obj.get("apiVersion") != "triggers.tekton.dev/v1alpha1" or obj.get("kind") not in KINDS:
        return obj
    made = {**copy.deepcopy(obj), "apiVersion": "triggers.tekton.dev/v1beta1"}
    for interceptor in _interceptors(made):
        _name(interceptor)
    return made


def _interceptors(obj: Object) -> Iterator[dict[str, Any]]:
    spec = obj.get("spec")
    triggers = _objects(spec.get("triggers")) if isinstance(spec, dict) else []
    for holder in [spec, *triggers] if isinstance(spec, dict) else []:
        yield from _objects(holder.get("interceptors"))


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _name(interceptor: dict[str, Any]) -> None:
    """Turn the field of an interceptor into a reference, unless it has one."""
    ref = interceptor.get("ref")
    if isinstance(ref, dict) and ref.get("name"):
        return
    for name, fields in _FIELDS.items():
        settings = interceptor.get(name)
        if isinstance(settings, dict):
            del interceptor[name]
            interceptor["ref"] = {**(ref if isinstance(ref, dict) else {}), "name": name}
            interceptor["params"] = [{"name": one, "value": settings[one]} for one in fields if one in settings]
            return
