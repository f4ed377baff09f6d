"""DELETE of an object or a collection, and of dependents and the contents of a namespace."""

from __future__ import annotations

from typing import Any, get_args

from starlette.responses import Response

from workshop.lab.api import answers, crds
from workshop.lab.api.context import Api
from workshop.lab.api.reading import record_of
from workshop.lab.api.request import Target
from workshop.lab.api.selecting import selector
from workshop.lab.api.views import View
from workshop.lab.api_errors import Conflict, Invalid
from workshop.lab.kinds import Kind
from workshop.lab.records import Record
from workshop.lab.store import Propagation
from workshop.manifests.objects import Object


def delete(api: Api, view: View, target: Target, options: Object) -> Response:
    """DELETE of an object. Raises NotFound, Conflict (a precondition fails)."""
    record = record_of(api, view, target)
    wanted = options.get("preconditions") or {}
    for key, there in (("uid", record.uid), ("resourceVersion", str(record.version))):
        if wanted.get(key) and wanted[key] != there:
            label = "UID" if key == "uid" else "ResourceVersion"
            raise Conflict(
                f'Operation cannot be fulfilled on {view.kind.resource} "{target.name}": Precondition '
                f"failed: {label} in precondition: {wanted[key]}, {label} in object meta: {there}",
                details=view.kind.details(target.name),
            )
    if not (target.dry_run or options.get("dryRun")):
        remove(api, view.stored, record, options.get("propagationPolicy") or target.query.get("propagationPolicy"))
        if view.stored.plural == "customresourcedefinitions":
            crds.stop_serving(api, record.object())
    if view.stored.resource == "pods":
        return answers.json(record.body)
    details = {**view.kind.details(target.name), "uid": record.uid}
    return answers.json({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})


def delete_many(api: Api, view: View, target: Target, options: Object) -> Response:
    """DELETE of a collection. The response lists the deleted objects."""
    matches = selector(view.stored, target)
    records = [r for r in api.store.records(view.stored, target.namespace or None) if matches(r)]
    if not (target.dry_run or options.get("dryRun")):
        policy = options.get("propagationPolicy") or target.query.get("propagationPolicy")
        for record in records:
            if api.store.find(view.stored, record.namespace, record.name) is not None:
                remove(api, view.stored, record, policy)
    head = {
        "kind": f"{view.kind.kind}List",
        "apiVersion": view.kind.api_version,
        "metadata": {"resourceVersion": str(api.store.version)},
    }
    return answers.json({**head, "items": [view.object(record) for record in records]})


def remove(api: Api, kind: Kind, record: Record, policy: Any = None) -> None:
    """Delete one object. `policy` is the request's propagationPolicy; the default is Background.

    Deletion is immediate, so clients see no difference between Foreground and Background. Raises Invalid.
    """
    if policy not in (None, *get_args(Propagation)):
        cause = f'Unsupported value: "{policy}": supported values: "Background", "Foreground", "Orphan"'
        raise Invalid(f'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: {cause}')
    if kind.resource == "namespaces":
        empty(api, record.name)
    api.store.delete(kind, record.namespace, record.name, propagation=policy or "Background")


def empty(api: Api, namespace: str) -> None:
    """Delete everything in a namespace: owners before their dependents, Events last."""
    kinds = sorted((k for k in api.kinds if k.namespaced), key=lambda k: k.resource == "events")
    for kind in kinds:
        for record in list(api.store.records(kind, namespace)):
            if api.store.find(kind, namespace, record.name) is not None:
                api.store.delete(kind, namespace, record.name)
