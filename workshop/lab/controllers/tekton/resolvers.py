"""Finds the Task, Pipeline or StepAction of a reference: by name, or by the cluster resolver.

Other resolvers (git, hub, bundles, http) are refused, because the lab works without a network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workshop.lab.controllers.tekton.errors import RunError
from workshop.lab.kinds import built_in
from workshop.lab.store import Store
from workshop.manifests.objects import Object
from workshop.manifests.tekton import Param


@dataclass(frozen=True)
class Found:
    """The referenced object: its spec, name and namespace."""

    name: str
    namespace: str
    spec: Object
    labels: dict[str, str]
    annotations: dict[str, str]


def find(
    store: Store, kind: str, namespace: str, name: str, resolver: str, params: Sequence[Param], *, reason: str
) -> Found:
    """Return the referenced object. Raises RunError with `reason` when it does not exist."""
    if resolver:
        given = {param.name: param.value for param in params}
        if resolver != "cluster":
            raise RunError(
                reason,
                f'resolver "{resolver}": the lab supports only the resolver "cluster"; '
                f"apply the {kind} to the lab and refer to it by name",
            )
        if str(given.get("kind", kind)).lower() != kind.lower():
            raise RunError(reason, f'cluster resolver: kind "{given.get("kind")}": a {kind} is required')
        name = str(given.get("name", ""))
        namespace = str(given.get("namespace") or namespace)
    obj = store.find(built_in(kind), namespace, name)
    if obj is None:
        plural = built_in(kind).resource
        where = f' in namespace "{namespace}"' if resolver else ""
        raise RunError(reason, f'{plural} "{name}" not found{where}')
    meta = obj["metadata"]
    return Found(name, namespace, obj.get("spec") or {}, meta.get("labels") or {}, meta.get("annotations") or {})
