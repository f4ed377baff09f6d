"""Objects as the API server stores them, without a server: for the linter, and for runs without a lab."""

from __future__ import annotations

from typing import Any

from workshop.lab.admission import admit
from workshop.lab.api import defaults, metadata, steps, validation
from workshop.lab.api.discovery import SHOWN
from workshop.lab.api.pruning import prune_and_default, set_defaults
from workshop.lab.api.request import check_depth, manifest
from workshop.lab.api.views import View
from workshop.lab.kinds import Kinds
from workshop.manifests.fitting import without_nulls
from workshop.manifests.objects import Object
from workshop.manifests.tekton.config import SHIPPED, Config


def view_of(kinds: Kinds, obj: Object) -> View | None:
    """The kind of a manifest and the one that is stored; None for a kind that is not served."""
    wanted = (obj.get("apiVersion"), obj.get("kind"))
    for kind, stored in SHOWN.items():
        if (kind.api_version, kind.kind) == wanted:
            return View(kind, stored)
    found = kinds.of(str(wanted[0]), str(wanted[1]))
    return View(found, found) if found else None


def admitted(view: View, value: Any, config: Config = SHIPPED) -> Object:
    """A new object with the defaults of its kind, as strict validation and admission accept it. Raises ApiError.

    The steps and their order are those of `workshop.lab.api.steps` that need no store. `config` is Tekton's.
    """
    kind = view.stored
    obj = view.taken(manifest(check_depth(value), view.kind))
    if kind.absent:
        raise steps.absent(kind)
    obj = set_defaults(kind, obj) if kind.is_custom else without_nulls(obj)
    validation.check(kind, obj, "Strict")
    obj = prune_and_default(kind, obj)
    if "status" in kind.subresources:
        obj.pop("status", None)
    metadata.check(kind, obj, None)
    return admit(kind, defaults.fill(kind, obj, None), None, config)
