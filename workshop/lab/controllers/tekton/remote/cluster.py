"""The cluster resolver: an object of this lab, in any namespace that its ConfigMap allows.

Source: pkg/resolution/resolver/cluster/resolver.go of tektoncd/pipeline, with its defaults.
"""

from __future__ import annotations

import yaml

from workshop.lab.api_errors import NotFound
from workshop.lab.controllers.tekton.remote.base import InvalidParams, Request, Resolved, ResolverError, sha256
from workshop.lab.kinds import built_in

KINDS = {"task": "Task", "pipeline": "Pipeline", "stepaction": "StepAction"}


async def resolve(request: Request) -> Resolved:
    """The object that the params kind, name and namespace name. Raises ResolverError."""
    config = request.config
    kind = request.params.get("kind") or config.get("default-kind", "task")
    if kind not in KINDS:
        raise InvalidParams(f"unknown or unsupported resource kind '{kind}'")
    name = request.params.get("name", "")
    namespace = (request.params.get("namespace") or config.get("default-namespace", "")).strip()
    missing = [field for field, value in (("name", name), ("namespace", namespace)) if not value]
    if missing:
        raise InvalidParams(f"missing required cluster resolver params: {', '.join(missing)}")
    _check_allowed(namespace, config.get("allowed-namespaces", ""), config.get("blocked-namespaces", ""))
    found = built_in(KINDS[kind])
    try:
        obj = request.store.get(found, namespace, name)
    except NotFound as e:
        raise ResolverError(e.message) from e
    meta = obj["metadata"]
    kept = {key: meta[key] for key in ("name", "namespace", "labels", "annotations") if key in meta}
    shown = {"apiVersion": found.api_version, "kind": found.kind, "metadata": kept, "spec": obj.get("spec") or {}}
    data = yaml.safe_dump(shown, sort_keys=False, allow_unicode=True).encode()
    return Resolved(
        data,
        uri=f"/apis/tekton.dev/v1/namespaces/{namespace}/{kind}/{name}@{meta['uid']}",
        digest=sha256(yaml.safe_dump(obj.get("spec") or {}).encode()),
        annotations={
            "resolution.tekton.dev/cluster-resource-name": name,
            "resolution.tekton.dev/cluster-resource-namespace": namespace,
        },
    )


def _check_allowed(namespace: str, allowed: str, blocked: str) -> None:
    """Raise InvalidParams for a namespace that may not be read."""
    open_to, closed = _listed(allowed), _listed(blocked)
    if namespace in closed:
        raise InvalidParams(f"access to specified namespace {namespace} is blocked")
    if namespace in open_to:
        return
    if "*" in closed:
        raise InvalidParams("only explicit allowed access to namespaces is allowed")
    if open_to:
        raise InvalidParams(f"access to specified namespace {namespace} is not allowed")


def _listed(text: str) -> set[str]:
    return {one.strip() for one in text.split(",") if one.strip()}
