"""Tags of ImageStreams that a client writes: `oc tag` and `oc import-image`.

An ImageStreamTag is a view of its stream: a write of one changes `spec.tags` of the stream, as in openshift-apiserver,
pkg/image/apiserver/registry/imagestreamtag. An image that the lab has gets the tag in the lab's registry, so that Pods
and builds pull it by that name. The lab pulls no images; a tag of another image says so in the stream's status.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from workshop.lab.api import answers, steps
from workshop.lab.api.context import Api
from workshop.lab.api.request import Target, body, decode, media_type
from workshop.lab.api.review import Review, part, text
from workshop.lab.api.views import View
from workshop.lab.api_errors import AlreadyExists, BadRequest, Invalid, NotFound
from workshop.lab.images.registry import REGISTRY, repository
from workshop.lab.images.store import Image
from workshop.lab.kinds import built_in
from workshop.manifests.objects import Object

_STREAM, _TAG = built_in("ImageStream"), built_in("ImageStreamTag")
_FIELDS = ("from", "annotations", "importPolicy", "referencePolicy", "reference")


def is_write(target: Target, method: str) -> bool:
    """Whether a request creates, replaces or deletes one ImageStreamTag."""
    return target.kind.resource == _TAG.resource and method in (("PUT", "DELETE") if target.name else ("POST",))


async def write(api: Api, target: Target, request: Request) -> Response:
    """Create, replace or delete one tag. Raises AlreadyExists, BadRequest, Invalid, NotFound."""
    if request.method == "DELETE":
        return _delete(api, target)
    sent = decode(await body(request), media_type(request), _TAG.kind)
    if not isinstance(sent, dict):
        raise BadRequest(f"the body is no {_TAG.kind}")
    name = target.name or text(part(sent, "metadata"), "name")
    stream, tag = _split(name)
    found = api.store.find(_STREAM, target.namespace, stream)
    if request.method == "POST" and tag in _names(found):
        raise AlreadyExists(f'{_TAG.resource} "{name}" already exists', details=_TAG.details(name))
    asked = part(sent, "tag")
    wanted = {"name": tag, **{key: asked[key] for key in _FIELDS if asked.get(key) is not None}}
    made = _set(api, target, stream, wanted, found)
    return answers.json(_shown(made, name, wanted), 201 if found is None or request.method == "POST" else 200)


def import_images(review: Review) -> Object:
    """The answer to an ImageStreamImport: what became of each image. Raises BadRequest, Invalid."""
    spec, name = review.spec, text(part(review.value, "metadata"), "name")
    wanted = spec.get("images") or []
    if spec.get("repository") is not None:
        raise _invalid(name, "spec.repository: the lab pulls no images: name each tag")
    if not isinstance(wanted, list) or not all(isinstance(one, dict) for one in wanted):
        raise BadRequest("json: cannot unmarshal into Go struct field .spec.images")
    target = Target(_STREAM, review.namespace, name, user=review.user)
    status: Object = {"images": []}
    for one in wanted:
        source = part(one, "from")
        tag = text(part(one, "to"), "name") or "latest"
        if spec.get("import"):
            found = review.api.store.find(_STREAM, review.namespace, name)
            tagged = {"name": tag, "from": source, "importPolicy": part(one, "importPolicy")}
            status["import"] = _set(review.api, target, name, tagged, found)
        image = review.api.lab.images.resolve(text(source, "name"))
        status["images"].append(_imported(text(source, "name"), tag, image))
    answer = review.answered(status)
    answer["metadata"]["name"] = name
    return answer


def _imported(source: str, tag: str, image: Image | None) -> Object:
    if image is None:
        why = f"Internal error occurred: {source}: the lab pulls no images and has built none of this name"
        return {"tag": tag, "status": {"status": "Failure", "reason": "InternalError", "message": why, "code": 500}}
    shown = {"metadata": {"name": image.digest}, "dockerImageReference": source}
    return {"tag": tag, "status": {"status": "Success"}, "image": shown}


def _set(api: Api, target: Target, stream: str, wanted: Object, found: Object | None) -> Object:
    """The stream with the tag; made if it is not there. The lab's registry gets the tag of an image that it has."""
    at = replace(target, kind=_STREAM, name=stream)
    source: Object = wanted.get("from") or {}
    name = str(source.get("name") or "")
    if source.get("kind") in ("ImageStreamTag", "ImageStreamImage"):
        name = f"{REGISTRY}/{source.get('namespace') or target.namespace}/{name}"
    obj: Object = found or {
        "apiVersion": _STREAM.api_version,
        "kind": _STREAM.kind,
        "metadata": {"name": stream, "namespace": target.namespace},
    }
    spec: Object = obj.get("spec") or {}
    kept = [one for one in spec.get("tags") or () if one["name"] != wanted["name"]]
    new = {**obj, "spec": {**spec, "tags": [*kept, wanted]}}
    made, _ = steps.run(steps.Write(api, View(_STREAM, _STREAM), at, new, found))
    image = api.lab.images.resolve(name) if name else None
    if image is not None and not at.dry_run:
        api.lab.images.tag(f"{repository(target.namespace, stream)}:{wanted['name']}", image.digest)
    return made


def _delete(api: Api, target: Target) -> Response:
    stream, tag = _split(target.name)
    found = api.store.find(_STREAM, target.namespace, stream)
    if found is None or tag not in _names(found):
        raise NotFound(f'{_TAG.resource} "{target.name}" not found', details=_TAG.details(target.name))
    spec: Object = found.get("spec") or {}
    kept = [one for one in spec.get("tags") or () if one["name"] != tag]
    at = replace(target, kind=_STREAM, name=stream)
    steps.run(steps.Write(api, View(_STREAM, _STREAM), at, {**found, "spec": {**spec, "tags": kept}}, found))
    if not at.dry_run:
        api.lab.images.untag(f"{repository(target.namespace, stream)}:{tag}")
    return answers.json({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})


def _names(stream: Object | None) -> set[str]:
    """The tags of a stream: those that refer to an image, and those that the registry has."""
    found = stream or {}
    in_spec = {one["name"] for one in (found.get("spec") or {}).get("tags") or ()}
    return in_spec | {one["tag"] for one in (found.get("status") or {}).get("tags") or ()}


def _shown(stream: Object, name: str, wanted: Object) -> Object:
    meta = stream["metadata"]
    return {
        "kind": _TAG.kind,
        "apiVersion": _TAG.api_version,
        "metadata": {"name": name, "namespace": meta["namespace"], "resourceVersion": meta["resourceVersion"]},
        "tag": wanted,
        "generation": 0,
        "lookupPolicy": {"local": False},
        "image": {"metadata": {}},
    }


def _split(name: str) -> tuple[str, str]:
    stream, found, tag = name.partition(":")
    if not found or not stream or not tag:
        raise _invalid(name, "metadata.name: must be of the form <name>:<tag>")
    return stream, tag


def _invalid(name: str, why: Any) -> Invalid:
    return Invalid(f'{_TAG.resource} "{name}" is invalid: {why}', details=_TAG.details(name))
