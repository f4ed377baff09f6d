"""The Roles, bindings and accounts that a cluster has without anybody's doing; `defaults.yaml` lists them.

Their rules are the cluster's: like `kube-apiserver`, the lab restores a default ClusterRole at each start.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from workshop.lab.kinds import Kind, built_in
from workshop.lab.rbac.aggregation import aggregate_all
from workshop.lab.rbac.policy import GROUP
from workshop.lab.store import Store
from workshop.manifests.objects import Object

_FILE = Path(__file__).with_name("defaults.yaml")
_META: Object = {
    "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
    "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
}
_DESCRIPTION = "openshift.io/description"
_NOT_OPENSHIFTS = ("kube-", "openshift-")
"""Namespaces in which OpenShift's and Tekton's controllers make nothing."""


def reconcile_defaults(store: Store) -> None:
    """Bring the default ClusterRoles and ClusterRoleBindings into the store. Raises ApiError."""
    for role in _content()["roles"]:
        _put(store, built_in("ClusterRole"), _role(role))
    for binding in _content()["bindings"]:
        _put(store, built_in("ClusterRoleBinding"), {"metadata": _meta(binding["name"]), **_grant(binding, "")})
    aggregate_all(store)


def namespace_accounts() -> list[str]:
    """The names of the ServiceAccounts of each namespace."""
    names: list[str] = _content()["accounts"]
    return names


def namespace_bindings(namespace: str) -> list[Object]:
    """The RoleBindings that OpenShift and OpenShift Pipelines make in a namespace; none in their own namespaces."""
    if namespace.startswith(_NOT_OPENSHIFTS):
        return []
    return [
        {"metadata": {"name": one["name"], "namespace": namespace}, **_grant(one, namespace)}
        for one in _content()["namespace"]
    ]


def grant(name: str, namespace: str, role: str, *users: str) -> Object:
    """A RoleBinding of a ClusterRole to users."""
    return {"metadata": {"name": name, "namespace": namespace}, **_grant({"role": role, "users": users}, namespace)}


def _role(entry: dict[str, Any]) -> Object:
    meta = _meta(entry["name"])
    meta["labels"] |= {f"{GROUP}/aggregate-to-{name}": "true" for name in entry.get("to", ())}
    meta["labels"] |= entry.get("labels", {})
    if "description" in entry:
        meta["annotations"][_DESCRIPTION] = entry["description"]
    made: Object = {"metadata": meta, "rules": entry.get("rules", [])}
    if labels := entry.get("aggregates"):
        made["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {label: "true"}} for label in labels]}
    return made


def _grant(entry: dict[str, Any], namespace: str) -> Object:
    """The role and the subjects of a binding."""
    subjects = [
        *({"apiGroup": GROUP, "kind": "Group", "name": name} for name in entry.get("groups", ())),
        *({"apiGroup": GROUP, "kind": "User", "name": name} for name in entry.get("users", ())),
    ]
    for subject in subjects:
        subject["name"] = subject["name"].replace("$NAMESPACE", namespace)
    subjects += [{"kind": "ServiceAccount", "name": name, "namespace": namespace} for name in entry.get("accounts", ())]
    return {"roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": entry["role"]}, "subjects": subjects}


def _meta(name: str) -> Object:
    return {"name": name, **{key: dict(value) for key, value in _META.items()}}


def _put(store: Store, kind: Kind, obj: Object) -> None:
    """Create an object, or restore it; the rules of an aggregated role stay, its aggregation renews them."""
    old = store.find(kind, "", obj["metadata"]["name"])
    if old is None:
        store.create(kind, obj)
        return
    rules = {"rules": old.get("rules", [])} if "aggregationRule" in obj else {}
    store.update(kind, {**old, **obj, **rules, "metadata": {**old["metadata"], **obj["metadata"]}})


@cache
def _content() -> dict[str, Any]:
    content: dict[str, Any] = yaml.load(_FILE.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return content
