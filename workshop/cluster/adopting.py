"""Write an object whether it is there or not, at the lowest cost for the server.

A plain create costs a server half as much as a server-side apply: 2.8 against 5.4 ms of processor time for an object of
a participant, on Kubernetes 1.32. But a created object belongs to its creator by the operation `Update`, and a later
apply of the same manager would neither remove fields that it no longer names nor change those that it does. So an
object is adopted before it is applied: the entry of this manager becomes one of the operation `Apply`, as in
client-go's `csaupgrade`.
"""

from __future__ import annotations

from typing import Any

from workshop.cluster.applying import apply, find, refused
from workshop.cluster.bulk import BulkClient
from workshop.cluster.transport import ApiFailure
from workshop.cluster.wanted import Key
from workshop.manifests.objects import Object

_ATTEMPTS = 5


async def write(client: BulkClient, key: Key, obj: Object, live: Object | None, *, force: bool = False) -> None:
    """Create the object, or adopt and apply it when it is there. `live` is None, or has the metadata of the object.

    Raises ManifestError that names it; SetupError when the server is away.
    """
    if live is None:
        try:
            await client.create(key.resource, obj)
            return
        except ApiFailure as e:
            if e.reason != "AlreadyExists":
                raise refused(e, f"create {key.described}") from e
        # Made by a request whose answer was lost, or by somebody else.
        live = await find(client, key)
    if live is not None:
        await _adopt(client, key, live)
    await apply(client, key, obj, force=force)


async def _adopt(client: BulkClient, key: Key, live: Object) -> None:
    """Make the fields that this manager has created those that it applies. Raises ManifestError, SetupError."""
    path = key.resource.path(key.namespace or None, key.name)
    for _ in range(_ATTEMPTS):
        changed = adopted(live["metadata"].get("managedFields") or [], client.manager)
        if changed is None:
            return
        patch = [
            {"op": "replace", "path": "/metadata/managedFields", "value": changed},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]},
        ]
        try:
            await client.request("PATCH", path, body=patch, media="application/json-patch+json", once=True)
            return
        except ApiFailure as e:
            if e.code not in (404, 409):
                raise refused(e, f"adopt {key.described}") from e
        found = await find(client, key)
        if found is None:
            return
        live = found


def adopted(entries: list[dict[str, Any]], manager: str) -> list[dict[str, Any]] | None:
    """The `managedFields` with one entry of the manager, that of its applies; None when there is nothing to change."""
    mine = [one for one in entries if one.get("manager") == manager and not one.get("subresource")]
    if all(one.get("operation") == "Apply" for one in mine):
        return None
    fields: dict[str, Any] = {}
    for one in mine:
        fields = _united(fields, one.get("fieldsV1") or {})
    return [*(one for one in entries if one not in mine), {**mine[0], "operation": "Apply", "fieldsV1": fields}]


def _united(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {key: _united(one.get(key, {}), other.get(key, {})) for key in {**one, **other}}
