"""Look for objects with a label in every kind of a cluster, and say what could not be searched.

A proof that nothing is left is worth as much as its search: a kind that the server refuses to list, and a group whose
server is down, are results like the objects that were found.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from workshop.cluster.bulk import BulkClient, every
from workshop.cluster.resources import stale_groups
from workshop.cluster.transport import ApiFailure, Transport
from workshop.manifests.apiresource import ApiResource
from workshop.manifests.objects import Object

_VIEWS = ("project.openshift.io", "authorization.openshift.io")
"""OpenShift shows Namespaces and Roles under a second name."""


@dataclass
class Found:
    """The objects with a label, each with its kind, and what could not be searched, with the reason."""

    objects: list[tuple[ApiResource, Object]] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)


async def search(client: BulkClient, known: Sequence[ApiResource], labels: str) -> Found:
    """The metadata of all objects that `labels` selects. Raises SetupError when the server is away."""
    stale = await asyncio.to_thread(lambda: stale_groups(Transport(client.config)))
    found = Found(unseen=[f"all kinds of {name}: the server of this group does not answer" for name in stale])

    async def look(resource: ApiResource) -> None:
        try:
            listed = await client.list(resource, labels=labels, metadata=True)
        except ApiFailure as e:
            if e.code != 404:  # a kind that is gone meanwhile has no objects
                found.unseen.append(f"{resource.resource}: {e}")
            return
        found.objects += [(resource, obj) for obj in listed]

    # Each kind once, in the first of its versions.
    kinds = {(one.group, one.plural): one for one in reversed(known) if _is_stored(one)}
    await every(kinds.values(), look)
    found.unseen.sort()
    return found


def _is_stored(resource: ApiResource) -> bool:
    """Whether objects of the kind can be listed and deleted, and are no view of another kind's, as Projects are."""
    return {"list", "delete"} <= set(resource.verbs) and resource.group not in _VIEWS
