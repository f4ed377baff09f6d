"""Deleting an object and what goes with it: its dependents, and everything in a namespace."""

from __future__ import annotations

from typing import Any, get_args

from workshop.lab.api.context import Api
from workshop.lab.api_errors import Invalid
from workshop.lab.kinds import Kind
from workshop.lab.store import Propagation, Record


def remove(api: Api, kind: Kind, record: Record, policy: Any = None) -> None:
    """Delete one object. `policy` is the request's propagationPolicy; Background when it says nothing.

    Deletion is at once, so Foreground and Background differ in nothing that a client can see. Raises Invalid.
    """
    if policy not in (None, *get_args(Propagation)):
        cause = f'Unsupported value: "{policy}": supported values: "Background", "Foreground", "Orphan"'
        raise Invalid(f'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: {cause}')
    if kind.resource == "namespaces":
        empty(api, record.name)
    api.store.delete(kind, record.namespace, record.name, propagation=policy or "Background")


def empty(api: Api, namespace: str) -> None:
    """Delete everything in a namespace: owners before what they own, Events last."""
    kinds = sorted((k for k in api.kinds if k.namespaced), key=lambda k: k.resource == "events")
    for kind in kinds:
        for record in list(api.store.records(kind, namespace)):
            if api.store.find(kind, namespace, record.name) is not None:
                api.store.delete(kind, namespace, record.name)
