"""Aggregated ClusterRoles: the rules of one with an `aggregationRule` are those of the ClusterRoles that it selects.

What is written to its own rules is replaced (kubernetes.io, "Aggregated ClusterRoles").
"""

from __future__ import annotations

from msgspec import convert

from workshop.lab.kinds import built_in
from workshop.lab.store import Store
from workshop.manifests.kubernetes import AggregationRule
from workshop.manifests.objects import Object


def aggregate(store: Store, name: str) -> None:
    """Bring the rules of an aggregated ClusterRole up to date. Raises Conflict."""
    kind = built_in("ClusterRole")
    role = store.find(kind, "", name)
    if role is None or not role.get("aggregationRule"):
        return
    rules = _rules(store, name, role)
    if rules != role.get("rules"):
        store.update(kind, {**role, "rules": rules})
        # A role may be selected by another one: view is part of edit, edit of admin.
        aggregate_all(store)


def aggregate_all(store: Store) -> None:
    """Bring the rules of all aggregated ClusterRoles up to date. Raises Conflict."""
    for record in list(store.records(built_in("ClusterRole"))):
        if b'"aggregationRule"' in record.body:
            aggregate(store, record.name)


def _rules(store: Store, name: str, role: Object) -> list[Object]:
    """The rules of all selected roles, each once, in the order of the roles' names."""
    selectors = convert(role["aggregationRule"], AggregationRule).cluster_role_selectors or ()
    found: list[Object] = []
    for record in store.records(built_in("ClusterRole")):
        if record.name != name and any(one.matches(record.labels) for one in selectors):
            found += [rule for rule in record.object().get("rules") or () if rule not in found]
    return found
