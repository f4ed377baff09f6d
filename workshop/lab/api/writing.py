"""POST and PUT: from a request's body to the store."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from workshop.lab.api import answers, steps
from workshop.lab.api.context import Api
from workshop.lab.api.creatable import absent
from workshop.lab.api.reading import record_of
from workshop.lab.api.request import JSON, Target, body, decode, duplicate_keys, manifest, media_type
from workshop.lab.api.views import View
from workshop.lab.api_errors import BadRequest, Invalid
from workshop.lab.kinds import Kind
from workshop.manifests.objects import Object


async def create(api: Api, view: View, target: Target, request: Request) -> Response:
    """POST to a collection. Raises AlreadyExists, BadRequest, Invalid, NotFound (the namespace)."""
    if view.stored.absent:  # Check this before the body is read: the lab may be unable to read a protobuf body.
        raise absent(view.stored)
    obj, repeated = await _sent(view, target, request)
    made, warnings = steps.run(steps.Write(api, view, target, obj))
    return answers.json(view.result(made), 201, warnings=repeated + warnings)


async def update(api: Api, view: View, target: Target, request: Request) -> Response:
    """PUT of an object. Raises Conflict, NotFound, BadRequest, Invalid."""
    obj, repeated = await _sent(view, target, request)
    name = obj["metadata"].setdefault("name", target.name)
    if name != target.name:
        raise BadRequest(f"the name of the object ({name}) does not match the name on the URL ({target.name})")
    old = record_of(api, view, target).object()
    if not obj["metadata"].get("resourceVersion") and view.stored.is_custom:
        raise _must_be_specified(view.kind, target.name)
    made, warnings = steps.run(steps.Write(api, view, target, obj, old))
    return answers.json(view.result(made), warnings=repeated + warnings)


async def _sent(view: View, target: Target, request: Request) -> tuple[Object, tuple[str, ...]]:
    """The object of a request's body as it is stored, and warnings. Raises BadRequest, UnsupportedMediaType."""
    raw, media = await body(request), media_type(request)
    obj = manifest(decode(raw, media, view.kind.kind), view.kind)
    mode = target.query.get("fieldValidation") or "Warn"
    repeated = (
        [f'duplicate field "{path}"' for path in duplicate_keys(raw)] if media == JSON and mode != "Ignore" else []
    )
    if repeated and mode == "Strict":
        handled = f'{view.kind.kind} in version "{view.kind.version}" cannot be handled as a {view.kind.kind}'
        raise BadRequest(f"{handled}: strict decoding error: {', '.join(repeated)}")
    return view.taken(obj), tuple(repeated)


def _must_be_specified(kind: Kind, name: str) -> Invalid:
    cause = "Invalid value: 0x0: must be specified for an update"
    causes = [{"reason": "FieldValueInvalid", "message": cause, "field": "metadata.resourceVersion"}]
    return Invalid(
        f'{kind.plural}.{kind.group} "{name}" is invalid: metadata.resourceVersion: {cause}',
        details={**kind.details(name), "causes": causes},
    )
