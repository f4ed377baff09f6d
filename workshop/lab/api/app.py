"""The API server as a Starlette application.

One route takes every path, because Kubernetes' paths are regular and CRDs add to them; `request.api_path` parses a
path. Errors become Status objects here and nowhere else.
"""

from __future__ import annotations

import logging
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from workshop.lab.api import (
    answers,
    auth,
    builds,
    crds,
    deleting,
    discovery,
    imagetags,
    oauth,
    openapi,
    patching,
    reading,
    reviews,
    steps,
    token_reviews,
    watching,
    writing,
)
from workshop.lab.api.authorizing import attributes, user_of
from workshop.lab.api.context import Api
from workshop.lab.api.creatable import refuse_read_only
from workshop.lab.api.logs import logs
from workshop.lab.api.request import ApiPath, Target, api_path, body, decode, is_watch, media_type
from workshop.lab.api.scale import rescale, scale_of
from workshop.lab.api.views import View, view
from workshop.lab.api_errors import ApiError, MethodNotAllowed, NotFound
from workshop.lab.identity.users import User
from workshop.lab.lab import Lab
from workshop.manifests.objects import Object

log = logging.getLogger(__name__)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
NO_SESSIONS = ("attach", "ephemeralcontainers", "exec", "portforward")
OAUTH = "oauth.openshift.io"
STAYS_VALID = (
    "the token is still valid, because the lab's console and terminals use it; only the kubeconfig has lost it"
)
"""A cluster ends a token of OAuth at the logout. The participant's token in the lab is none."""


def build(lab: Lab) -> Starlette:
    """The application over a loaded store. It serves the kinds of stored CRDs again."""
    api = Api(lab)
    crds.restore(api)
    return Starlette(routes=[Route("/{path:path}", _Endpoint(api))])


class _Endpoint:
    """Checks the token, selects the handler, and turns errors into Status objects."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._oauth = oauth.OAuth(api.lab.identities.users)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response: ASGIApp
        try:
            response = await self._answer(request)
        except ApiError as e:
            response = answers.failure(e)
        except Exception:
            log.exception("%s %s failed", request.method, request.url.path)
            response = answers.failure(ApiError("an error in the lab's API server; see the supervisor's log"))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> ASGIApp:
        path = request.url.path
        if auth.is_open(path):
            return discovery.answer(self._api, request, path) or PlainTextResponse("ok")
        if path in oauth.PATHS:
            return await self._oauth.answer(request)
        where = api_path(path)
        user = user_of(self._api, request)
        self._api.policy.check(user, attributes(request, where))
        if path == "/":
            return answers.json({"paths": ["/api", "/apis", "/livez", "/openapi/v3", "/readyz", "/version"]})
        if path == "/openapi/v2":
            return openapi.empty_v2(protobuf="protobuf" in request.headers.get("accept", ""))
        if path.startswith("/openapi/v3"):
            return openapi.answer(self._api, path) or answers.unknown_path()
        found = discovery.answer(self._api, request, path) if request.method == "GET" else None
        if found:
            return found
        if path == reviews.ME and request.method == "GET":
            return reviews.me(user)
        return await _resource(self._api, request, where, user) if where else answers.unknown_path()


async def _resource(api: Api, request: Request, where: ApiPath, user: User) -> ASGIApp:
    if review := discovery.review(where.group, where.version, where.plural):
        if request.method != "POST":
            return answers.json({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})
        return await reviews.answer(api, review, request, where.namespace or "", user)
    seen = view(api.kinds, where.group, where.version, where.plural)
    if where.group == OAUTH and request.method == "DELETE":
        # `oc logout` ignores the code and prints the warning.
        return answers.unknown_path(STAYS_VALID)
    if seen is None or (where.namespace and not seen.kind.namespaced):
        return answers.unknown_path()
    target = Target(
        seen.kind,
        where.namespace or "",
        where.name,
        where.subresource,
        dict(request.query_params),
        request.headers.get("user-agent", ""),
        user=user,
    )
    if imagetags.is_write(target, request.method):
        return await imagetags.write(api, target, request)
    refuse_read_only(seen.stored, request.method)
    if where.subresource:
        return await _subresource(api, request, seen, target)
    return await _object(api, request, seen, target) if where.name else await _collection(api, request, seen, target)


async def _collection(api: Api, request: Request, seen: View, target: Target) -> ASGIApp:
    match request.method:
        case "GET" | "HEAD":
            if is_watch(target.query):
                return watching.watch(api, seen, target, request)
            return reading.many(api, seen, target, request)
        case "POST" if target.namespace or not seen.kind.namespaced:
            return await writing.create(api, seen, target, request)
        case "DELETE":
            return deleting.delete_many(api, seen, target, await _options(request))
    raise _not_allowed(request)


async def _object(api: Api, request: Request, seen: View, target: Target) -> ASGIApp:
    match request.method:
        case "GET" | "HEAD":
            if is_watch(target.query):
                return watching.watch(api, seen, target, request)
            return reading.one(api, seen, target, request)
        case "PUT":
            return await writing.update(api, seen, target, request)
        case "PATCH":
            return await patching.patch(api, seen, target, request)
        case "DELETE":
            return deleting.delete(api, seen, target, await _options(request))
    raise _not_allowed(request)


async def _subresource(api: Api, request: Request, seen: View, target: Target) -> ASGIApp:
    name = target.subresource
    if name in NO_SESSIONS and seen.kind.resource == "pods":
        raise MethodNotAllowed(
            f"{name} is not supported: the lab runs containers as processes of this machine; "
            f"see its output with 'oc logs {target.name}'"
        )
    if name not in seen.kind.subresources:
        raise NotFound("the server could not find the requested resource", details={})
    if name == "log":
        if request.method != "GET":
            raise _not_allowed(request)
        return await builds.log(api, seen, target) if seen.kind.plural == "builds" else logs(api, seen, target)
    if name in builds.REQUESTS:
        if request.method != "POST":
            raise _not_allowed(request)
        return answers.json(await builds.REQUESTS[name](api, target, request), 201)
    if name == "scale":
        return await _scale(api, request, seen, target)
    if name == "token":
        if request.method != "POST":
            raise _not_allowed(request)
        asked = decode(await body(request), media_type(request), token_reviews.TOKEN_REQUEST)
        return answers.json(token_reviews.request_token(api, target, asked if isinstance(asked, dict) else {}), 201)
    match request.method:
        case "GET":
            return reading.one(api, seen, target, request)
        case "PUT":
            return await writing.update(api, seen, target, request)
        case "PATCH":
            return await patching.patch(api, seen, target, request)
    raise _not_allowed(request)


async def _scale(api: Api, request: Request, seen: View, target: Target) -> Response:
    obj = reading.record_of(api, seen, target).object()
    if request.method == "GET":
        return answers.json(scale_of(obj))
    if request.method not in ("PUT", "PATCH"):
        raise _not_allowed(request)
    raw, media = await body(request), media_type(request)
    if request.method == "PUT":
        sent = decode(raw, media, "Scale")
    else:
        # A Scale has no lists, so a strategic merge patch equals a merge patch.
        merged = media if media == patching.JSON_PATCH else patching.MERGE_PATCH
        sent = patching.patched(merged, raw, scale_of(obj), seen.stored)
    made = api.store.update(seen.stored, rescale(obj, sent), dry_run=target.dry_run)
    steps.show_unsupported(api, seen.stored, made, target)
    return answers.json(scale_of(made))


async def _options(request: Request) -> Object:
    """DeleteOptions from the body. A request without a body, or with a protobuf body, gets the defaults."""
    raw = await body(request)
    if not raw or "protobuf" in media_type(request):
        return {}
    found: Any = decode(raw, media_type(request), "DeleteOptions")
    return found if isinstance(found, dict) else {}


def _not_allowed(request: Request) -> MethodNotAllowed:
    return MethodNotAllowed(f"the server does not allow this method on the requested resource: {request.method}")
