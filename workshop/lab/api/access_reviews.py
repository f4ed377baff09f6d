"""Reviews of access: what the user or another subject may do, which rules they have, and who may do something."""

from __future__ import annotations

from workshop.lab.api.review import Review, part, text, texts
from workshop.lab.api_errors import Invalid
from workshop.lab.identity.users import User
from workshop.lab.rbac.attributes import Attributes
from workshop.manifests.objects import Object


def own(review: Review) -> Object:
    """A SelfSubjectAccessReview. Raises Invalid."""
    return review.answered(_decided(review, review.user))


def subject(review: Review) -> Object:
    """A SubjectAccessReview or a LocalSubjectAccessReview. Raises Invalid."""
    spec = review.spec
    name, groups = text(spec, "user"), texts(spec, "groups")
    if not name and not groups:
        raise _invalid(review, "spec.user", 'Invalid value: "": at least one of user or group must be specified')
    if review.namespace and text(part(spec, "resourceAttributes"), "namespace") != review.namespace:
        raise _invalid(
            review, "spec.resourceAttributes.namespace", f"must match metadata.namespace: {review.namespace}"
        )
    return review.answered(_decided(review, User(name, groups, text(spec, "uid"))))


def own_rules(review: Review) -> Object:
    """A SelfSubjectRulesReview: `kubectl auth can-i --list`."""
    rules, errors = review.api.policy.rules(review.user, text(review.spec, "namespace"))
    status: Object = {
        "resourceRules": [rule.object() for rule in rules if not rule.urls],
        "nonResourceRules": [rule.object() for rule in rules if rule.urls],
        "incomplete": bool(errors),
    }
    return review.answered(status | ({"evaluationError": "; ".join(errors)} if errors else {}))


def who_can(review: Review) -> Object:
    """OpenShift's ResourceAccessReview or LocalResourceAccessReview: `oc policy who-can`."""
    value = review.value
    namespace = review.namespace or text(value, "namespace")
    if value.get("isNonResourceURL"):
        wanted = Attributes(text(value, "verb"), path=text(value, "path"))
    else:
        group, resource = text(value, "resourceAPIGroup"), text(value, "resource")
        wanted = Attributes(text(value, "verb"), group, resource, namespace, text(value, "resourceName"))
    users, groups, errors = review.api.policy.who_can(wanted)
    return {
        "kind": "ResourceAccessReviewResponse",
        "apiVersion": review.kind.api_version,
        "namespace": namespace,
        "users": users,
        "groups": groups,
        # OpenShift's API spells it so.
        "evalutionError": "; ".join(errors),
    }


def _decided(review: Review, user: User) -> Object:
    resource, path = part(review.spec, "resourceAttributes"), part(review.spec, "nonResourceAttributes")
    if bool(resource) == bool(path):
        count = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        raise _invalid(review, "spec.resourceAttributes", f'Invalid value: "null": {count}')
    if path:
        wanted = Attributes(text(path, "verb"), path=text(path, "path"))
    else:
        name = text(resource, "resource")
        if inner := text(resource, "subresource"):
            name = f"{name}/{inner}"
        group, namespace = text(resource, "group"), text(resource, "namespace")
        wanted = Attributes(text(resource, "verb"), group, name, namespace, text(resource, "name"))
    decision = review.api.policy.decide(user, wanted)
    return {"allowed": decision.allowed} | ({"reason": decision.reason} if decision.reason else {})


def _invalid(review: Review, field: str, cause: str) -> Invalid:
    return Invalid(f'{review.kind.title} "" is invalid: {field}: {cause}', details=review.kind.details(""))
