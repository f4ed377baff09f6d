"""Refuses what the lab does not run, field by field, by `workshop.manifests.tekton.support`."""

from __future__ import annotations

from typing import Any

import msgspec

from workshop.lab.admission.tekton.findings import Findings, at
from workshop.manifests.tekton import ParamSpec, WhenExpression
from workshop.manifests.tekton.support import REFUSED


def check_refused(found: Findings, path: str, value: Any) -> None:
    """Walk a typed manifest and note each field that is set and refused."""
    if isinstance(value, msgspec.Struct):
        for name, wire in zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True):
            one = getattr(value, name)
            if one is None or one == "" or one == [] or one == {}:
                continue
            message = REFUSED.get(f"{type(value).__name__}.{wire}")
            where = at(path, wire)
            if message:
                found.add(message.format(value=one), _place(value, wire, path, where))
            else:
                check_refused(found, where, one)
    elif isinstance(value, list):
        for index, one in enumerate(value):
            check_refused(found, at(path, index), one)


def _place(owner: msgspec.Struct, wire: str, path: str, where: str) -> str:
    """Where the webhook sees the finding: the field, or what has it."""
    match owner, wire:
        case ParamSpec(), "enum":
            return f"{path.rpartition('[')[0]}[{owner.name}]"
        case WhenExpression(), "cel":
            return path
    return where
