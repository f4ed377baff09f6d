"""What a provisioned participant finds on a cluster, and so also in the lab: namespaces, service accounts, endpoints.

The ConfigMap `mlops-endpoints` and the Secret `mlops-credentials` are how Tasks learn where things are, in the lab and
on a cluster alike: they read them with `envFrom`, so no address stands in a Task.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from workshop.lab.kinds import Kind, Object, built_in
from workshop.lab.store import Store

USER = "user1"
"""The lab has one participant."""
STAGES = ("dev", "staging", "production")


def namespace(stage: str) -> str:
    """`user1-dev`, `user1-staging`, `user1-production`."""
    return f"{USER}-{stage}"


def seed(store: Store, endpoints: Mapping[str, str], credentials: Mapping[str, str]) -> None:
    """Make what is missing and bring the endpoints up to date; what participants made stays."""
    mine = tuple(namespace(stage) for stage in STAGES)
    for name in ("default", "tekton-pipelines", *mine):
        labels = {"kubernetes.io/metadata.name": name}
        if name in mine:
            # The NetworkPolicies of seldon/ let in pipelines from namespaces of the workshop.
            labels["app.kubernetes.io/part-of"] = "mlops-workshop"
        _ensure(
            store,
            built_in("Namespace"),
            {
                "metadata": {"name": name, "labels": labels},
                "spec": {"finalizers": ["kubernetes"]},
                "status": {"phase": "Active"},
            },
        )
    for stage in STAGES:
        for account in ("default", "pipeline"):
            _ensure(store, built_in("ServiceAccount"), _named(account, namespace(stage)))
    _ensure(
        store,
        built_in("ConfigMap"),
        {
            # tkn reads the version of Tekton here.
            **_named("pipelines-info", "tekton-pipelines"),
            "data": {"version": "v1.12.2"},
        },
    )
    dev = namespace("dev")
    _put(store, built_in("ConfigMap"), {**_named("mlops-endpoints", dev), "data": dict(endpoints)})
    _put(
        store,
        built_in("Secret"),
        {
            **_named("mlops-credentials", dev),
            "type": "Opaque",
            "data": {key: base64.b64encode(value.encode()).decode() for key, value in credentials.items()},
        },
    )


def _named(name: str, in_namespace: str) -> Object:
    return {
        "metadata": {"name": name, "namespace": in_namespace, "labels": {"app.kubernetes.io/part-of": "mlops-workshop"}}
    }


def _ensure(store: Store, kind: Kind, obj: Object) -> None:
    meta = obj["metadata"]
    if store.find(kind, meta.get("namespace", ""), meta["name"]) is None:
        store.create(kind, obj)


def _put(store: Store, kind: Kind, obj: Object) -> None:
    meta = obj["metadata"]
    old = store.find(kind, meta["namespace"], meta["name"])
    if old is None:
        store.create(kind, obj)
    else:
        store.update(kind, {**old, **obj, "metadata": old["metadata"]})
