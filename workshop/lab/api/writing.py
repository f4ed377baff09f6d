"""Create, update, patch and delete: what happens to an object on its way into the store."""

from __future__ import annotations

import logging
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from workshop.lab.admission import admit
from workshop.lab.admission.inert import notices, status_of
from workshop.lab.api import answers, apply, crds, defaults, metadata, validation
from workshop.lab.api.context import Api
from workshop.lab.api.deleting import remove
from workshop.lab.api.reading import record_of
from workshop.lab.api.request import JSON, Target, body, decode, manifest, media_type, shallow, twice
from workshop.lab.api.selecting import selector
from workshop.lab.api.structural import shaped
from workshop.lab.api.views import View
from workshop.lab.api_errors import (
    BadRequest,
    Conflict,
    Invalid,
    MethodNotAllowed,
    NotFound,
    TooLarge,
    UnsupportedMediaType,
)
from workshop.lab.kinds import Kind, Object, built_in
from workshop.manifests import jsonpatch, patches
from workshop.manifests.gojson import go_type, json_error
from workshop.manifests.strategic import strategic

log = logging.getLogger(__name__)
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"


async def create(api: Api, view: View, target: Target, request: Request) -> Response:
    """POST to a collection. Raises AlreadyExists, BadRequest, Invalid, NotFound (the namespace)."""
    if view.stored.absent:  # before the body, which may be protobuf that nobody reads
        raise _none(view.stored)
    obj, repeated = await _sent(view, target, request)
    made, warnings = _insert(api, view, target, obj)
    return answers.json(view.result(made), 201, warnings=repeated + warnings)


async def update(api: Api, view: View, target: Target, request: Request) -> Response:
    """PUT of an object. Raises Conflict, NotFound, BadRequest, Invalid."""
    obj, repeated = await _sent(view, target, request)
    name = obj["metadata"].setdefault("name", target.name)
    if name != target.name:
        raise BadRequest(f"the name of the object ({name}) does not match the name on the URL ({target.name})")
    old = record_of(api, view, target).object()
    if not obj["metadata"].get("resourceVersion") and is_custom(view.stored):
        raise _must_be_specified(view.kind, target.name)
    made, warnings = _replace(api, view, target, old, obj)
    return answers.json(view.result(made), warnings=repeated + warnings)


async def _sent(view: View, target: Target, request: Request) -> tuple[Object, tuple[str, ...]]:
    """The object of a request's body as it is stored, and warnings. Raises BadRequest, UnsupportedMediaType."""
    raw, media = await body(request), media_type(request)
    obj = manifest(decode(raw, media, view.kind.kind), view.kind)
    mode = target.query.get("fieldValidation") or "Warn"
    repeated = [f'duplicate field "{path}"' for path in twice(raw)] if media == JSON and mode != "Ignore" else []
    if repeated and mode == "Strict":
        handled = f'{view.kind.kind} in version "{view.kind.version}" cannot be handled as a {view.kind.kind}'
        raise BadRequest(f"{handled}: strict decoding error: {', '.join(repeated)}")
    return {**obj, "apiVersion": view.stored.api_version, "kind": view.stored.kind}, tuple(repeated)


async def patch(api: Api, view: View, target: Target, request: Request) -> Response:
    """PATCH of an object, in any of the four ways. Raises what an update raises, and UnsupportedMediaType."""
    media = media_type(request)
    raw = await body(request)
    if media == APPLY:
        return _apply(api, view, target, decode(raw, media, view.kind.kind))
    if media not in (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH) or (media == STRATEGIC_PATCH and is_custom(view.stored)):
        accepted = [JSON_PATCH, MERGE_PATCH, APPLY]
        if not is_custom(view.stored):
            accepted.insert(2, STRATEGIC_PATCH)
        raise UnsupportedMediaType(
            "the body of the request was in an unknown format - accepted media types include: " + ", ".join(accepted)
        )
    old = record_of(api, view, target).object()
    new = shallow(patched(media, raw, old, view.stored))
    if not isinstance(new, dict) or not isinstance(new.get("metadata"), dict):
        raise BadRequest("the patch leaves no object: metadata is gone")
    made, warnings = _replace(api, view, target, old, new)
    return answers.json(view.result(made), warnings=warnings)


def patched(media: str, raw: bytes, old: Object, kind: Kind) -> Any:
    """What a patch of one of the three media types makes of an object. Raises BadRequest, TooLarge, Invalid."""
    try:
        change = shallow(orjson.loads(raw))
    except orjson.JSONDecodeError:
        raise BadRequest(f"error decoding patch: {json_error(raw)}") from None
    if media != JSON_PATCH and not isinstance(change, dict):
        told = f"json: cannot unmarshal {go_type(change)} into Go value of type map[string]interface {{}}"
        raise BadRequest(f"error decoding patch: {told}")
    try:
        if media == JSON_PATCH:
            return jsonpatch.apply(old, change)
        if media == MERGE_PATCH:
            return patches.merge(old, change)
        return strategic(old, change, validation.schema_for(kind))
    except jsonpatch.UnreadablePatch as e:
        raise (TooLarge if e.too_large else BadRequest)(str(e)) from e
    except patches.PatchError as e:
        # An API server's answer keeps the reason to itself (NewGenericServerResponse in apimachinery).
        log.info("a patch of %s does not fit: %s", kind.kind, e)
        raise Invalid("the server rejected our request due to an error in our request", details={}) from e


def delete(api: Api, view: View, target: Target, options: Object) -> Response:
    """DELETE of an object. Raises NotFound, Conflict (a precondition)."""
    record = record_of(api, view, target)
    wanted = options.get("preconditions") or {}
    for key, there in (("uid", record.uid), ("resourceVersion", str(record.version))):
        if wanted.get(key) and wanted[key] != there:
            label = "UID" if key == "uid" else "ResourceVersion"
            raise Conflict(
                f'Operation cannot be fulfilled on {view.kind.resource} "{target.name}": Precondition '
                f"failed: {label} in precondition: {wanted[key]}, {label} in object meta: {there}",
                details=_details(view.kind, target.name),
            )
    if not (target.dry_run or options.get("dryRun")):
        remove(api, view.stored, record, options.get("propagationPolicy") or target.query.get("propagationPolicy"))
        if view.stored.plural == "customresourcedefinitions":
            crds.forget(api, record.object())
    if view.stored.resource == "pods":
        return answers.json(record.body)
    details = {**_details(view.kind, target.name), "uid": record.uid}
    return answers.json({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})


def delete_many(api: Api, view: View, target: Target, options: Object) -> Response:
    """DELETE of a collection; answers with what was deleted."""
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


def is_custom(kind: Kind) -> bool:
    """Whether a cluster would have this kind from a CRD."""
    return "." in kind.group and not kind.group.endswith((".k8s.io", "route.openshift.io"))


def _apply(api: Api, view: View, target: Target, config: Any) -> Response:
    if "fieldManager" not in target.query:
        raise BadRequest(
            'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'
        )
    config = manifest(config, view.kind)
    config = {**config, "apiVersion": view.stored.api_version, "kind": view.stored.kind}
    if config["metadata"].setdefault("name", target.name) != target.name:
        raise BadRequest(
            f"the name of the object ({config['metadata']['name']}) does not match the name on the URL ({target.name})"
        )
    if config["metadata"].pop("managedFields", None):
        raise BadRequest("metadata.managedFields must be nil")
    live = api.store.find(view.stored, target.namespace, target.name)
    if live is None and target.subresource:
        raise NotFound(f'{view.kind.resource} "{target.name}" not found', details=_details(view.kind, target.name))
    _locate(view.stored, target, config)
    new = apply.apply(
        view.stored,
        live,
        config,
        validation.schema_for(view.stored),
        manager=target.manager,
        force=target.query.get("force") in ("true", "1"),
        subresource=target.subresource,
    )
    if live is None:
        made, warnings = _insert(api, view, target, new, applied=True)
        return answers.json(view.result(made), 201, warnings=warnings)
    new["metadata"]["resourceVersion"] = config["metadata"].get("resourceVersion", new["metadata"]["resourceVersion"])
    made, warnings = _replace(api, view, target, live, new, applied=True)
    return answers.json(view.result(made), warnings=warnings)


def _insert(
    api: Api, view: View, target: Target, obj: Object, *, applied: bool = False
) -> tuple[Object, tuple[str, ...]]:
    kind = view.stored
    if kind.absent:
        raise _none(kind)
    _locate(kind, target, obj)
    if kind.namespaced:
        api.store.record(built_in("Namespace"), "", target.namespace)
    obj = shaped(kind, obj, prune=False) if is_custom(kind) else _without_nulls(obj)
    warnings = validation.check(kind, obj, target.query.get("fieldValidation") or "Warn") + notices(kind)
    obj = shaped(kind, obj)
    if "status" in kind.subresources:
        obj.pop("status", None)
    for key in ("uid", "resourceVersion", "creationTimestamp", "generation", "selfLink", "deletionTimestamp"):
        obj["metadata"].pop(key, None)
    metadata.check(kind, obj, None)
    obj = admit(kind, defaults.fill(kind, obj, None), None)
    schema = validation.schema_for(kind)
    if not applied:
        obj["metadata"].pop("managedFields", None)
        apply.record(kind, None, obj, schema, manager=target.manager)
    if kind.plural == "customresourcedefinitions":
        crds.check(obj)
    made = api.store.create(kind, obj, dry_run=target.dry_run)
    show_unsupported(api, kind, made, target)
    if kind.plural == "customresourcedefinitions" and not target.dry_run:
        made = crds.serve(api, made)
    return made, warnings


def _replace(
    api: Api, view: View, target: Target, old: Object, new: Object, *, applied: bool = False
) -> tuple[Object, tuple[str, ...]]:
    kind = view.stored
    if view.show:
        new = {**new, "apiVersion": kind.api_version, "kind": kind.kind}
    for key in ("apiVersion", "kind"):
        if new.get(key) != old.get(key):
            raise BadRequest(f"{key} of an object cannot be changed: it is {old.get(key)}, not {new.get(key)}")
    if new["metadata"].get("name") != target.name:
        raise BadRequest(
            f"the name of the object ({new['metadata'].get('name')}) does not match the name on the URL ({target.name})"
        )
    _locate(kind, target, new)
    warnings: tuple[str, ...] = ()
    schema = validation.schema_for(kind)
    if target.subresource == "status":
        new = {
            **old,
            "metadata": {**old["metadata"], "resourceVersion": new["metadata"].get("resourceVersion")},
            **({"status": new["status"]} if "status" in new else {}),
        }
        made = api.store.update(kind, new, subresource="status", dry_run=target.dry_run)
        return made, warnings
    new = shaped(kind, new, prune=False) if is_custom(kind) else _without_nulls(new)
    warnings = validation.check(kind, new, target.query.get("fieldValidation") or "Warn")
    new = shaped(kind, new)
    if "status" in kind.subresources:
        new.pop("status", None)
        if "status" in old:
            new["status"] = old["status"]
    metadata.check(kind, new, old)
    new = admit(kind, defaults.fill(kind, new, old), old)
    if not applied:
        apply.record(kind, old, new, schema, manager=target.manager)
    if kind.plural == "customresourcedefinitions":
        crds.check(new)
    made = api.store.update(kind, new, dry_run=target.dry_run)
    show_unsupported(api, kind, made, target)
    if kind.plural == "customresourcedefinitions" and not target.dry_run:
        made = crds.serve(api, made)
    return made, warnings


def show_unsupported(api: Api, kind: Kind, made: Object, target: Target) -> None:
    """Write the status of a stored object that the lab does not act on, as a controller does after the request."""
    status = status_of(kind, made)
    if status and not target.dry_run and status != made.get("status"):
        api.store.update(kind, {**made, "status": status}, subresource="status")


def _without_nulls(value: Any) -> Any:
    """A value as a server reads it into its types, where null is the same as nothing: `oc expose` sends a few."""
    if isinstance(value, dict):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value


def _locate(kind: Kind, target: Target, obj: Object) -> None:
    """Put the object where the URL says. Raises BadRequest when the object says otherwise."""
    if not kind.namespaced:
        obj["metadata"].pop("namespace", None)
        return
    given = obj["metadata"].setdefault("namespace", target.namespace) or target.namespace
    if given != target.namespace:
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
    obj["metadata"]["namespace"] = given


def _none(kind: Kind) -> MethodNotAllowed:
    return MethodNotAllowed(f"there is no {kind.kind} in the lab: {kind.absent}")


def _must_be_specified(kind: Kind, name: str) -> Invalid:
    cause = "Invalid value: 0x0: must be specified for an update"
    return Invalid(
        f'{kind.plural}.{kind.group} "{name}" is invalid: metadata.resourceVersion: {cause}',
        details={
            "name": name,
            "group": kind.group,
            "kind": kind.plural,
            "causes": [{"reason": "FieldValueInvalid", "message": cause, "field": "metadata.resourceVersion"}],
        },
    )


def _details(kind: Kind, name: str) -> dict[str, str]:
    details = {"name": name, "group": kind.group, "kind": kind.plural}
    return {key: value for key, value in details.items() if value}
