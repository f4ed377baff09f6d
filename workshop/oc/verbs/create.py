"""create: new objects from files, or a ConfigMap, Secret or Namespace from words. replace: objects as the files say."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from workshop.cluster.client import ApiFailure
from workshop.manifests.load import Manifest
from workshop.oc.asking import FILES, manifests, of_manifest
from workshop.oc.failures import Failed, Quiet, told
from workshop.oc.flags import BadUsage, Flag
from workshop.oc.session import Session
from workshop.oc.verbs.apply import dry_run, report, validation

_COMMON = (
    *FILES,
    Flag("output", "o"),
    Flag("dry-run", "", "optional", "client"),
    Flag("validate", "", "optional", "strict"),
    Flag("save-config", "", "yes"),
)
FLAGS = {
    "create": (*_COMMON, Flag("from-literal", "", "many"), Flag("from-file", "", "many"), Flag("type")),
    "replace": (*_COMMON, Flag("force", "", "yes")),
}
Object = dict[str, Any]


def create(session: Session) -> int:
    """Create each object; goes on after an error and then exits with 1."""
    items = [_from_words(session)] if session.words.args else manifests(session)
    failed = False
    dry = dry_run(session)
    for item in items:
        where = of_manifest(session, item)
        query = {
            "fieldManager": "kubectl-create",
            "fieldValidation": validation(session),
            **({"dryRun": "All"} if dry == "server" else {}),
        }
        obj = item.object
        if dry == "client" and session.words.args:
            obj["metadata"]["creationTimestamp"] = None
        if where.namespace and not (dry == "client" and session.words.args and not session.words.text("namespace")):
            obj.setdefault("metadata", {}).setdefault("namespace", where.namespace)
        try:
            made = (
                obj
                if dry == "client"
                else session.client.http.request("POST", where.resource.path(where.namespace), query=query, body=obj)
            )
        except ApiFailure as e:
            source = "STDIN" if item.source == "-" else item.source
            session.warn(
                told(
                    e,
                    f'error when creating "{source}"'
                    if not session.words.args
                    else f"failed to create {where.resource.singular}",
                )
            )
            failed = True
            continue
        report(session, where, made, "created", dry)
    if failed:
        raise Quiet
    return 0


def replace(session: Session) -> int:
    """Replace each object; with --force delete it first."""
    for item in manifests(session):
        where = of_manifest(session, item)
        body = dict(item.object)
        if where.namespace:
            body["metadata"] = {**body.get("metadata", {}), "namespace": where.namespace}
        if session.words.yes("force"):
            session.client.delete(where.resource.full_name, where.namespace, where.name, missing_ok=True)
            made = session.client.http.request("POST", where.resource.path(where.namespace), body=body)
        else:
            there = session.client.http.request("GET", where.path)
            meta = {**body.get("metadata", {})}
            meta.setdefault("resourceVersion", there["metadata"]["resourceVersion"])
            made = session.client.http.request(
                "PUT", where.path, query={"fieldManager": "kubectl-replace"}, body={**body, "metadata": meta}
            )
        report(session, where, made, "replaced")
    return 0


def _from_words(session: Session) -> Manifest:
    words = session.words
    match words.args:
        case ["configmap" | "cm", name]:
            obj: Object = {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": name},
                "data": {key: value.decode() for key, value in _data(session).items()},
            }
        case ["secret", "generic", name]:
            data = {key: base64.b64encode(value).decode() for key, value in _data(session).items()}
            obj = {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": name},
                "data": data,
                "type": words.text("type") or "Opaque",
            }
        case ["namespace" | "ns", name]:
            obj = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        case ["serviceaccount" | "sa", name]:
            obj = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}
        case _:
            raise BadUsage(
                f'unknown command "{" ".join(words.args)}" for oc create: allowed are -f, configmap NAME, '
                "secret generic NAME, namespace NAME, serviceaccount NAME"
            )
    return Manifest(obj, "words", 1)


def _data(session: Session) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for pair in session.words.many("from-literal"):
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise BadUsage(f"invalid literal source {pair}, expected key=value")
        found[key] = value.encode()
    for word in session.words.many("from-file"):
        key, equals, path = word.partition("=")
        file = Path(path if equals else key)
        try:
            files = sorted(p for p in file.iterdir() if p.is_file()) if file.is_dir() else [file]
            for one in files:
                found[key if equals else one.name] = one.read_bytes()
        except OSError as e:
            raise Failed(f"error reading {file}: {e.strerror}") from e
    return found
