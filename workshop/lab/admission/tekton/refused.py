"""Refuses what the lab does not run, field by field, by `workshop.manifests.tekton.support`."""

from __future__ import annotations

from typing import Any

import msgspec

from workshop.lab.admission.tekton.findings import Findings, at
from workshop.manifests.tekton.support import REFUSED, REFUSED_WITH_ALPHA


def check_refused(found: Findings, path: str, value: Any) -> None:
    """Walk a typed manifest and note each field that is set and refused."""
    if isinstance(value, msgspec.Struct):
        for name, wire in zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True):
            one = getattr(value, name)
            if one is None or one is False or one == "" or one == [] or one == {}:
                continue
            field = f"{type(value).__name__}.{wire}"
            where = at(path, wire)
            if message := REFUSED.get(field) or REFUSED.get(f"{field}: {one}"):
                found.add(message, where)
            elif field in REFUSED_WITH_ALPHA:
                if found.flags.enable_api_fields == "alpha":
                    found.add(REFUSED_WITH_ALPHA[field], where)
            else:
                check_refused(found, where, one)
    elif isinstance(value, list):
        for index, one in enumerate(value):
            check_refused(found, at(path, index), one)
