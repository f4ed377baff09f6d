"""The reference from an object to its owner."""

from __future__ import annotations

from typing import Any

from workshop.manifests.objects import Object


def owner_reference(owner: Object) -> dict[str, Any]:
    """The ownerReference of a controller: the object is deleted with its owner."""
    return {
        "apiVersion": owner["apiVersion"],
        "blockOwnerDeletion": True,
        "controller": True,
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
    }
