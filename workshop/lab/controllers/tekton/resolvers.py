"""Finds the Task, Pipeline or StepAction of a reference: by name in the namespace, or by a resolver.

What a resolver returns is validated as if it were created (DryRunValidate in pkg/reconciler/apiserver of
tektoncd/pipeline), and it may have an older version of the API.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workshop.errors import ManifestError
from workshop.lab.admission import admit
from workshop.lab.admission.tekton.config import config_of
from workshop.lab.api_errors import ApiError
from workshop.lab.controllers.tekton.errors import RunError
from workshop.lab.controllers.tekton.remote.requests import Fetched, ResolutionFailed, Waiting, fetched
from workshop.lab.kinds import built_in
from workshop.lab.store import Store
from workshop.manifests.load import documents
from workshop.manifests.objects import Object
from workshop.manifests.tekton import Param, beta

__all__ = ["Found", "NotValid", "Waiting", "find"]


class NotValid(RunError):
    """A resolver has returned an object that would not be admitted."""


@dataclass(frozen=True)
class Found:
    """The referenced object: its name, spec, labels and annotations, and where a resolver got it from."""

    name: str
    spec: Object
    labels: dict[str, str]
    annotations: dict[str, str]
    source: dict[str, Any] | None = None


def find(
    store: Store,
    kind: str,
    owner: Object,
    name: str,
    resolver: str,
    params: Sequence[Param],
    *,
    reason: str,
    base: str = "",
) -> Found:
    """The object that a run refers to; `base` is the name of the run that it is for, by default `owner`.

    Raises RunError with `reason` when it does not exist, NotValid, and Waiting until a resolver has returned.
    """
    meta = owner["metadata"]
    if resolver:
        try:
            remote = fetched(store, owner, base or meta["name"], resolver, params)
            obj, source = _read(store, kind, meta["namespace"], remote), remote.source
        except ResolutionFailed as e:
            raise RunError(reason, f"error requesting remote resource: {e}") from e
        except ValueError as e:
            raise RunError(reason, str(e)) from e
    else:
        local = store.find(built_in(kind), meta["namespace"], name)
        if local is None:
            raise RunError(reason, f'{built_in(kind).resource} "{name}" not found')
        obj, source = local, None
    of = obj["metadata"]
    return Found(
        str(of.get("name", "")), obj.get("spec") or {}, of.get("labels") or {}, of.get("annotations") or {}, source
    )


def _read(store: Store, kind: str, namespace: str, remote: Fetched) -> Object:
    """The object in a fetched manifest, with defaults. Raises RunError, ValueError."""
    try:
        obj = next((value for value, _ in documents(remote.text, "the object")), None)
    except ManifestError as e:
        raise ValueError(f"invalid runtime object: {e.message}") from e
    if not isinstance(obj, dict) or not isinstance(obj.get("metadata"), dict):
        raise ValueError("invalid runtime object: Object 'Kind' is missing")
    group, _, version = str(obj.get("apiVersion", "")).rpartition("/")
    wanted = {"StepAction": "a StepAction", "Pipeline": "a pipeline", "Task": "a task"}[kind]
    versions = ("v1alpha1", "v1beta1") if kind == "StepAction" else ("v1", "v1beta1")
    if group != "tekton.dev" or obj.get("kind") != kind or version not in versions:
        raise ValueError(f"resource is not {wanted}")
    found = built_in(kind)
    obj = {**beta.to_v1(obj), "apiVersion": found.api_version}
    name = str(obj["metadata"].get("name", ""))
    obj = {**obj, "metadata": {**obj["metadata"], "namespace": namespace}}
    try:
        return admit(found, obj, None, config_of(store))
    except ApiError as e:
        raise NotValid("TaskValidationFailed", f"validation failed for referenced object {name}: {e.message}") from e
