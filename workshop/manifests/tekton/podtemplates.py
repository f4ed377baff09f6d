"""Two podTemplates in one: that of a task over that of its run, and that of a run over the cluster's default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merged_pod_templates(base: Mapping[str, Any] | None, own: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """`own` over `base`: each field is one of them; `env` and `volumes` merge by name.

    Source: `MergePodTemplateWithDefault` in `pkg/apis/pipeline/pod/template.go`.
    """
    if base is None or own is None:
        found = own if base is None else base
        return None if found is None else dict(found)
    lists = {
        field: [*own[field], *(one for one in base[field] if one["name"] not in {mine["name"] for mine in own[field]})]
        for field in ("env", "volumes")
        if base.get(field) and own.get(field)
    }
    return {**base, **own, **lists}
