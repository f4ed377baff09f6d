"""Reviews: the user's identity and permissions, and OpenShift's request for a new project.

The lab has one user, who may do everything. The kinds exist because `oc whoami`, `oc auth can-i` and `oc new-project`
post them.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from workshop.lab.admission import approval
from workshop.lab.api import answers, defaults, metadata
from workshop.lab.api.context import Api
from workshop.lab.api.discovery import PROJECT
from workshop.lab.api.request import body, decode, media_type
from workshop.lab.api.views import project
from workshop.lab.api_errors import AlreadyExists, BadRequest
from workshop.lab.kinds import Kind, built_in
from workshop.manifests.objects import Object

GROUPS = (*approval.GROUPS, "system:authenticated", "system:cluster-admins")
"""Programs that approve, such as tkn's plug-in, read the groups of their user here."""
ME = "/apis/user.openshift.io/v1/users/~"
"""`oc login` reads the user of a token here. The lab serves nothing else of this group."""


def me(api: Api) -> Response:
    """The user of the token, as OpenShift's User."""
    meta = {"name": api.lab.participant.name, "creationTimestamp": None}
    user = {"kind": "User", "apiVersion": "user.openshift.io/v1", "metadata": meta, "groups": list(GROUPS)}
    return answers.json({**user, "identities": None})


async def answer(api: Api, kind: Kind, request: Request) -> Response:
    """The response to a posted review. Raises BadRequest, AlreadyExists."""
    raw, media = await body(request), media_type(request)
    if kind.kind == "ProjectRequest":
        return _project_request(api, decode(raw, media, kind.kind))
    spec = _spec(kind, raw, media)
    status: dict[str, Any]
    if kind.kind == "SelfSubjectReview":
        status = {"userInfo": {"username": api.lab.participant.name, "groups": list(GROUPS)}}
    elif kind.kind == "SelfSubjectAccessReview":
        status = {"allowed": True, "reason": "the lab has one user, who may do everything"}
    else:
        everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
        status = {
            "resourceRules": [everything],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
            "incomplete": False,
        }
    return answers.json(
        {
            "kind": kind.kind,
            "apiVersion": kind.api_version,
            "metadata": {"creationTimestamp": None},
            "spec": spec,
            "status": status,
        },
        201,
    )


def _spec(kind: Kind, raw: bytes, media: str) -> Object:
    value = decode(raw, media, kind.kind)
    spec = value.get("spec") if isinstance(value, dict) else None
    return spec if isinstance(spec, dict) else {}


def _project_request(api: Api, value: Any) -> Response:
    if not isinstance(value, dict) or not isinstance(value.get("metadata"), dict):
        raise BadRequest("a ProjectRequest has metadata.name")
    namespace = built_in("Namespace")
    wanted = {
        "openshift.io/description": value.get("description"),
        "openshift.io/display-name": value.get("displayName"),
        "openshift.io/requester": api.lab.participant.name,
    }
    obj: Object = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": value["metadata"].get("name") or "",
            "annotations": {key: text for key, text in wanted.items() if text is not None},
        },
    }
    try:
        metadata.check(namespace, obj, None)
        made = project(api.store.create(namespace, defaults.fill(namespace, obj, None)))
    except AlreadyExists as e:
        # OpenShift uses the singular in the response: project.
        name = obj["metadata"]["name"]
        raise AlreadyExists(
            f'project.project.openshift.io "{name}" already exists',
            details={"name": name, "group": PROJECT.group, "kind": "project"},
        ) from e
    return answers.json({**made, "apiVersion": PROJECT.api_version}, 201)
