"""The objects in the lab's store from the start: each participant's, and those of every cluster.

A participant's objects are those of `tekton/overlays/merge-requests`, which are also applied to a cluster. Only the
data of the ConfigMap `mlops-endpoints` and of the Secret `mlops-credentials` is the lab's, and the address in the
Repository. Tasks read both with `envFrom`, so that no Task contains an address.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable

from workshop.lab import openshift_tasks
from workshop.lab.admission import admit
from workshop.lab.admission.tekton import config as tekton_config
from workshop.lab.admission.tekton.config import config_of
from workshop.lab.endpoints import deployment_url, task_variables, token_variables
from workshop.lab.git.delivery import PRODUCTION_LISTENER, ensure_secret
from workshop.lab.kinds import Kind, built_in
from workshop.lab.lab import Lab
from workshop.lab.participant import repository_path
from workshop.lab.rbac.defaults import reconcile_defaults
from workshop.lab.signing import public_pem
from workshop.lab.store import Store
from workshop.manifests.objects import Object
from workshop.participants.names import CREDENTIALS, ENDPOINTS

_ALERTS, _ALERTS_KEY = "alert-webhook", "token"
"""The Secret with the token that Alertmanager sends to the EventListener `alerts`, and its key."""
_LOGIN = ("git-login", "password")
"""The Secret with which Tasks push to the Git server, and its key."""
_PIPELINES_INFO = {
    "metadata": {"name": "pipelines-info", "namespace": "tekton-pipelines"},
    "data": {"version": "v1.12.2"},
}
"""tkn reads the version of Tekton here."""


def seed_cluster(store: Store) -> None:
    """Create what every cluster has, if it is missing, and update the default roles."""
    for name in ("default", openshift_tasks.NAMESPACE, tekton_config.NAMESPACE, tekton_config.RESOLVERS_NAMESPACE):
        _ensure(store, built_in("Namespace"), _namespace({"metadata": {"name": name}}))
    for obj in (_PIPELINES_INFO, *tekton_config.SHIPPED_OBJECTS):
        _ensure(store, built_in("ConfigMap"), obj)
    for task in openshift_tasks.tasks():
        _put(store, built_in("Task"), admit(built_in("Task"), task, None, config_of(store)))
    reconcile_defaults(store)


def seed_participant(lab: Lab, objects: Iterable[Object]) -> None:
    """Create missing objects, and update the endpoints and what is not the participant's. Their changes in dev stay.

    Objects of kinds that the lab does not serve, those of the Grafana operator, are left out.
    """
    store = lab.store
    for obj in objects:
        kind = store.kinds.of(str(obj["apiVersion"]), str(obj["kind"]))
        name = obj["metadata"]["name"]
        if kind is None:
            continue
        if kind == built_in("Namespace"):
            _ensure(store, kind, _namespace(obj))
        elif (kind.kind, name) == ("ConfigMap", ENDPOINTS):
            _put(store, kind, {**obj, "data": _addresses(lab)})
        elif (kind.kind, name) == ("Secret", CREDENTIALS):
            tokens = token_variables(lab.components, base64.b64encode(lab.token.encode()).decode())
            _put(store, kind, {**obj, "data": tokens})
        elif (kind.kind, name) == ("Secret", _LOGIN[0]):
            _put(store, kind, {**obj, "data": {_LOGIN[1]: base64.b64encode(lab.token.encode()).decode()}})
        elif kind == built_in("Repository"):
            page = f"{lab.url('git')}/{repository_path(lab.paths).removesuffix('.git')}"
            _put(store, kind, {**obj, "spec": {**obj["spec"], "url": page}})
        elif obj["metadata"].get("namespace") == lab.participant.namespace("dev") or kind.kind == "Secret":
            _ensure(store, kind, obj)
        else:
            # As admission stores it, so that a Pipeline that is not changed is not written.
            _put(store, kind, admit(kind, obj, None, config_of(store)))
    namespaces = [lab.participant.namespace(stage) for stage in ("dev", "production")]
    ensure_secret(store, _ALERTS, _ALERTS_KEY, namespaces)


def _namespace(obj: Object) -> Object:
    """A Namespace with the fields that a cluster adds."""
    meta = obj["metadata"]
    labels = {"kubernetes.io/metadata.name": meta["name"], **(meta.get("labels") or {})}
    return {
        **obj,
        "metadata": {**meta, "labels": labels},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def _addresses(lab: Lab) -> dict[str, str]:
    """The data of the ConfigMap for Tasks."""
    components = {name: lab.component_url(name) for name in lab.components}
    production = lab.participant.namespace("production")
    return {
        **task_variables(components, lab.components),
        # The command in the Tasks' messages about `history` and `rollback`: in the lab it is `workshop rollback`.
        "DELIVERY_COMMAND": "workshop",
        "DVC_REMOTE_URL": str(lab.paths.dvc_remote),
        "GIT_URL": f"{lab.url('git')}/{repository_path(lab.paths)}",
        "GIT_USERNAME": lab.participant.name,
        "LOGNAME": lab.participant.name,
        "CHAINS_PUBLIC_KEY": public_pem(lab.paths),
        "DEV_NAMESPACE": lab.participant.namespace("dev"),
        # No callers exist on a laptop: the canary's Task sends requests itself, and the windows are short.
        "CANARY_RULES": "{window: 5, patience: 60, min-requests: 40, probe-rate: 60}",
        "PRODUCTION_LISTENER_URL": f"{lab.url('events')}/{production}/{PRODUCTION_LISTENER}",
        "PRODUCTION_NAMESPACE": production,
        "PRODUCTION_URL": deployment_url(lab, "production"),
        "PROMOTE_ABOVE_MARGIN": "",
        "RUNBOOK_URL": f"{lab.url('console')}/dashboards/runbook",
        "STAGING_NAMESPACE": lab.participant.namespace("staging"),
        "STAGING_URL": deployment_url(lab, "staging"),
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
        changed = {**old, **obj, "metadata": old["metadata"]}
        if changed != old:
            store.update(kind, changed)
