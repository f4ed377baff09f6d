"""OpenShift's request for a new project: a Namespace, and the role `admin` in it for its requester."""

from __future__ import annotations

from workshop.lab.api import defaults, metadata
from workshop.lab.api.discovery import PROJECT
from workshop.lab.api.review import Review, part, text
from workshop.lab.api.views import project
from workshop.lab.api_errors import AlreadyExists
from workshop.lab.kinds import built_in
from workshop.lab.rbac.defaults import grant
from workshop.manifests.objects import Object


def request(review: Review) -> Object:
    """Make the project. Raises BadRequest, AlreadyExists, Invalid."""
    api, value = review.api, review.value
    namespace = built_in("Namespace")
    wanted = {
        "openshift.io/description": text(value, "description"),
        "openshift.io/display-name": text(value, "displayName"),
        "openshift.io/requester": review.user.name,
    }
    obj: Object = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": text(part(value, "metadata"), "name"),
            "annotations": {key: found for key, found in wanted.items() if found},
        },
    }
    name = obj["metadata"]["name"]
    metadata.check(namespace, obj, None)
    try:
        made = api.store.create(namespace, defaults.fill(namespace, obj, None))
    except AlreadyExists as e:
        # OpenShift uses the singular in the response: project.
        raise AlreadyExists(
            f'project.project.openshift.io "{name}" already exists',
            details={"name": name, "group": PROJECT.group, "kind": "project"},
        ) from e
    api.store.create(built_in("RoleBinding"), grant("admin", name, "admin", review.user.name))
    return project(made)
