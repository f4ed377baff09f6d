"""PATCH of an object: JSON patch, merge patch, strategic merge patch and server-side apply."""

from __future__ import annotations

import logging
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from workshop.lab.api import answers, apply, steps, validation
from workshop.lab.api.context import Api
from workshop.lab.api.reading import record_of
from workshop.lab.api.request import Target, body, check_depth, decode, manifest, media_type
from workshop.lab.api.views import View
from workshop.lab.api_errors import (
    BadRequest,
    Invalid,
    NotFound,
    TooLarge,
    UnsupportedMediaType,
)
from workshop.lab.kinds import Kind
from workshop.lab.rbac.attributes import Attributes
from workshop.manifests import jsonpatch, patches
from workshop.manifests.gojson import go_type, json_error
from workshop.manifests.objects import Object
from workshop.manifests.strategic import strategic

log = logging.getLogger(__name__)
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"


async def patch(api: Api, view: View, target: Target, request: Request) -> Response:
    """PATCH of an object, in any of the four ways. Raises the errors of an update, and UnsupportedMediaType."""
    media = media_type(request)
    raw = await body(request)
    if media == APPLY:
        return _apply(api, view, target, decode(raw, media, view.kind.kind))
    if media not in (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH) or (media == STRATEGIC_PATCH and view.stored.is_custom):
        accepted = [JSON_PATCH, MERGE_PATCH, APPLY]
        if not view.stored.is_custom:
            accepted.insert(2, STRATEGIC_PATCH)
        raise UnsupportedMediaType(
            "the body of the request was in an unknown format - accepted media types include: " + ", ".join(accepted)
        )
    old = record_of(api, view, target).object()
    new = check_depth(patched(media, raw, view.result(old), view.stored))
    if not isinstance(new, dict) or not isinstance(new.get("metadata"), dict):
        raise BadRequest("the patch leaves no object: metadata is gone")
    if view.differs:
        new = view.taken(new)
    made, warnings = steps.run(steps.Write(api, view, target, new, old))
    return answers.json(view.result(made), warnings=warnings)


def patched(media: str, raw: bytes, old: Object, kind: Kind) -> Any:
    """An object after a patch of one of the three media types. Raises BadRequest, TooLarge, Invalid."""
    try:
        change = check_depth(orjson.loads(raw))
    except orjson.JSONDecodeError:
        raise BadRequest(f"error decoding patch: {json_error(raw)}") from None
    if media != JSON_PATCH and not isinstance(change, dict):
        problem = f"json: cannot unmarshal {go_type(change)} into Go value of type map[string]interface {{}}"
        raise BadRequest(f"error decoding patch: {problem}")
    try:
        if media == JSON_PATCH:
            return jsonpatch.apply(old, change)
        if media == MERGE_PATCH:
            return patches.merge(old, change)
        return strategic(old, change, validation.schema_for(kind))
    except jsonpatch.UnreadablePatch as e:
        raise (TooLarge if e.too_large else BadRequest)(str(e)) from e
    except patches.PatchError as e:
        # An API server does not return the reason (NewGenericServerResponse in apimachinery).
        log.info("a patch of %s does not fit: %s", kind.kind, e)
        raise Invalid("the server rejected our request due to an error in our request", details={}) from e


def _apply(api: Api, view: View, target: Target, config: Any) -> Response:
    if "fieldManager" not in target.query:
        raise BadRequest(
            'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'
        )
    config = manifest(config, view.kind)
    config = view.taken(config)
    if config["metadata"].setdefault("name", target.name) != target.name:
        raise BadRequest(
            f"the name of the object ({config['metadata']['name']}) does not match the name on the URL ({target.name})"
        )
    if config["metadata"].pop("managedFields", None):
        raise BadRequest("metadata.managedFields must be nil")
    live = api.store.find(view.stored, target.namespace, target.name)
    if live is None:
        api.policy.check(
            target.user, Attributes("create", view.kind.group, view.kind.plural, target.namespace, target.name)
        )
    if live is None and target.subresource:
        raise NotFound(f'{view.kind.resource} "{target.name}" not found', details=view.kind.details(target.name))
    steps.set_namespace(view.stored, target, config)
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
        made, warnings = steps.run(steps.Write(api, view, target, new, applied=True))
        return answers.json(view.result(made), 201, warnings=warnings)
    new["metadata"]["resourceVersion"] = config["metadata"].get("resourceVersion", new["metadata"]["resourceVersion"])
    made, warnings = steps.run(steps.Write(api, view, target, new, live, applied=True))
    return answers.json(view.result(made), warnings=warnings)
