"""Merge patches (RFC 7386): apply one, and compute one.

Neither function changes its inputs. JSON patches are in `workshop.manifests.jsonpatch`, strategic patches in
`workshop.manifests.strategic`, which needs the schemas and so takes long to import.
"""

from __future__ import annotations

import copy
from typing import Any

Json = Any


class PatchError(ValueError):
    """The patch cannot be parsed, or it does not fit the object."""


# -- merge patch -------------------------------------------------------------------------------------------


def merge(target: Json, patch: Json) -> Json:
    """Apply a merge patch (RFC 7386): null deletes, maps merge, everything else replaces."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def difference(old: Json, new: Json) -> dict[str, Any]:
    """The merge patch from `old` to `new`; empty if they are equal."""
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        if key not in old:
            patch[key] = value
        elif isinstance(value, dict) and isinstance(old[key], dict):
            inner = difference(old[key], value)
            if inner:
                patch[key] = inner
        elif value != old[key] or type(value) is not type(old[key]):
            patch[key] = value
    return patch
