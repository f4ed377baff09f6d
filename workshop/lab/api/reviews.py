"""Kinds that are posted for an answer: identity, permissions, tokens, and OpenShift's request for a new project.

`oc whoami`, `oc auth can-i`, `oc policy who-can`, `oc create token` and `oc new-project` post them.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from workshop.lab.api import access_reviews, answers, imagetags, projects, templates, token_reviews
from workshop.lab.api.context import Api
from workshop.lab.api.request import body, decode, media_type
from workshop.lab.api.review import Review
from workshop.lab.api_errors import BadRequest
from workshop.lab.identity.users import User
from workshop.lab.kinds import Kind
from workshop.manifests.objects import Object

ME = "/apis/user.openshift.io/v1/users/~"
"""`oc login` reads the user of a token here. The lab serves nothing else of this group."""


def me(user: User) -> Response:
    """The user of the token, as OpenShift's User."""
    meta = {"name": user.name, "creationTimestamp": None}
    shown = {"kind": "User", "apiVersion": "user.openshift.io/v1", "metadata": meta, "groups": list(user.groups)}
    return answers.json({**shown, "identities": None})


async def answer(api: Api, kind: Kind, request: Request, namespace: str, user: User) -> Response:
    """The response to a posted review. Raises ApiError."""
    value = decode(await body(request), media_type(request), kind.kind)
    if not isinstance(value, dict):
        raise BadRequest(f"the body is no {kind.kind}")
    return answers.json(_ANSWERS[kind.title](Review(api, kind, namespace, user, value)), 201)


def _self(review: Review) -> Object:
    return review.answered({"userInfo": token_reviews.user_info(review.user)})


_ANSWERS: dict[str, Callable[[Review], Object]] = {
    "ImageStreamImport.image.openshift.io": imagetags.import_images,
    "LocalResourceAccessReview.authorization.openshift.io": access_reviews.who_can,
    "LocalSubjectAccessReview.authorization.k8s.io": access_reviews.subject,
    "ProjectRequest.project.openshift.io": projects.request,
    "ResourceAccessReview.authorization.openshift.io": access_reviews.who_can,
    "SelfSubjectAccessReview.authorization.k8s.io": access_reviews.own,
    "SelfSubjectReview.authentication.k8s.io": _self,
    "SelfSubjectRulesReview.authorization.k8s.io": access_reviews.own_rules,
    "SubjectAccessReview.authorization.k8s.io": access_reviews.subject,
    "Template.template.openshift.io": templates.process,
    "TokenReview.authentication.k8s.io": token_reviews.review,
}
"""The function of each kind of `discovery.REVIEWS`."""
