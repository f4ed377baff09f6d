"""Apply objects with the kit's field manager, with errors that name the object and the next command."""

from __future__ import annotations

from workshop.cluster.bulk import BulkClient
from workshop.cluster.transport import ApiFailure
from workshop.cluster.wanted import Key
from workshop.errors import ManifestError, WorkshopError
from workshop.manifests.objects import Object

MANAGER = "mlops-workshop"
"""The field manager of everything that the kit applies on a cluster."""


async def apply(client: BulkClient, key: Key, obj: Object, *, force: bool = False) -> None:
    """Apply one object. Raises ManifestError that names it; SetupError when the server is away."""
    try:
        await client.apply(key.resource, obj, force=force)
    except ApiFailure as e:
        raise refused(e, f"apply {key.described}") from e


async def find(client: BulkClient, key: Key) -> Object | None:
    """An object, or None if it does not exist. Raises ManifestError that names it; SetupError."""
    try:
        return await client.get(key.resource.path(key.namespace or None, key.name))
    except ApiFailure as e:
        if e.code == 404:
            return None
        raise refused(e, f"read {key.described}") from e


def refused(error: ApiFailure, what: str) -> WorkshopError:
    """The error for an answer of the server: what was tried, the server's message, and what comes next."""
    causes = [one.get("reason") for one in error.details.get("causes") or []]
    if error.code == 409 and "FieldManagerConflict" in causes:
        hint = "somebody has changed these fields: --force takes them over, without it they stay and the run stops"
    elif error.code == 403 and "exceeded quota" in str(error):
        hint = "a ResourceQuota of the cluster is too small; when it is larger, the same command goes on"
    elif error.code == 403:
        hint = "workshop cluster preflight lists the rights that are missing; then the same command goes on"
    else:
        hint = "what was written stays; the same command goes on"
    return ManifestError(f"cannot {what}: {error.code} {error}", hint=hint)
