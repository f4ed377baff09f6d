"""Objects as the API server stores them, without a server: for the linter, and for runs without a lab."""

from __future__ import annotations

from typing import Any

from workshop.lab.admission import admit
from workshop.lab.api import defaults, metadata, validation
from workshop.lab.api.creatable import absent
from workshop.lab.api.pruning import prune_and_default, set_defaults
from workshop.lab.api.request import check_depth, manifest
from workshop.lab.api.views import View
from workshop.manifests.fitting import without_nulls
from workshop.manifests.objects import Object
from workshop.manifests.tekton.config import SHIPPED, Config


def admitted(view: View, value: Any, config: Config = SHIPPED) -> Object:
    """A new object with the defaults of its kind, as strict validation and admission accept it. Raises ApiError.

    The steps and their order are those of `workshop.lab.api.steps` that need no store. `config` is Tekton's.
    """
    kind = view.stored
    obj = view.taken(manifest(check_depth(value), view.kind))
    if kind.absent:
        raise absent(kind)
    obj = set_defaults(kind, obj) if kind.is_custom else without_nulls(obj)
    validation.check(kind, obj, "Strict")
    obj = prune_and_default(kind, obj)
    if "status" in kind.subresources:
        obj.pop("status", None)
    metadata.check(kind, obj, None)
    return admit(kind, defaults.fill(kind, obj, None), None, config)
