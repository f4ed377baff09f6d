"""What a provisioned participant finds on a cluster, and so also in the lab: namespaces, service accounts, endpoints.

The ConfigMap `mlops-endpoints` and the Secret `mlops-credentials` are how Tasks learn where things are, in the lab and
on a cluster alike: they read them with `envFrom`, so no address stands in a Task.
"""

from __future__ import annotations

import base64

from workshop.lab.endpoints import deployment_url, task_variables
from workshop.lab.kinds import Kind, Object, built_in
from workshop.lab.lab import Lab
from workshop.lab.participant import REPOSITORY
from workshop.lab.store import Store
from workshop.participants.names import CREDENTIALS, ENDPOINTS


def seed(lab: Lab) -> None:
    """Make what is missing and bring the endpoints up to date; what participants made stays."""
    store, mine = lab.store, lab.participant.namespaces
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
    for name in mine:
        for account in ("default", "pipeline"):
            _ensure(store, built_in("ServiceAccount"), _named(account, name))
    _ensure(
        store,
        built_in("ConfigMap"),
        {
            # tkn reads the version of Tekton here.
            **_named("pipelines-info", "tekton-pipelines"),
            "data": {"version": "v1.12.2"},
        },
    )
    dev = lab.participant.namespace("dev")
    _put(store, built_in("ConfigMap"), {**_named(ENDPOINTS, dev), "data": _addresses(lab)})
    _put(
        store,
        built_in("Secret"),
        {
            **_named(CREDENTIALS, dev),
            "type": "Opaque",
            "data": {"MLFLOW_TRACKING_TOKEN": base64.b64encode(lab.token.encode()).decode()},
        },
    )


def _addresses(lab: Lab) -> dict[str, str]:
    """What Tasks read from the ConfigMap."""
    components = {name: lab.component_url(name) for name in lab.components}
    return {
        **task_variables(components, lab.components),
        # How messages of the Tasks name `history` and `rollback`: here people type `workshop rollback`.
        "DELIVERY_COMMAND": "workshop",
        "DVC_REMOTE_URL": str(lab.paths.dvc_remote),
        "GIT_URL": f"{lab.url('git')}/{REPOSITORY}.git",
        "PRODUCTION_NAMESPACE": lab.participant.namespace("production"),
        "PRODUCTION_URL": deployment_url(lab, "production"),
        "STAGING_NAMESPACE": lab.participant.namespace("staging"),
        "STAGING_URL": deployment_url(lab, "staging"),
    }


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
