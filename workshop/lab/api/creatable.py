"""Which kinds a manifest can create: for requests, for events, and for the warnings of a template of events.

The webhook of Triggers accepts any kind in a TriggerTemplate, and so does the lab. It warns instead, because nobody
sees the listener's log when an event comes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from workshop.lab.admission.unsupported_effects import warnings_for
from workshop.lab.api.views import view_of
from workshop.lab.api_errors import MethodNotAllowed
from workshop.lab.kinds import Kind, Kinds
from workshop.manifests.objects import Object


def absent(kind: Kind) -> MethodNotAllowed:
    """The error of a kind of which the lab has no objects."""
    return MethodNotAllowed(f"there is no {kind.kind} in the lab: {kind.absent}")


def read_only(kind: Kind) -> MethodNotAllowed:
    """The error of a kind that clients only read."""
    return MethodNotAllowed(f"the {kind.kind} of the lab cannot be written: {kind.read_only}")


def refuse_read_only(kind: Kind, method: str) -> None:
    """A write of a kind that clients only read. Raises MethodNotAllowed."""
    if kind.read_only and method not in ("GET", "HEAD"):
        raise read_only(kind)


def obstacle(kinds: Kinds, obj: Object) -> str:
    """Why nobody can create an object of this manifest's kind; an empty text if they can."""
    view = view_of(kinds, obj)
    if view is None:
        what = f"{obj.get('apiVersion', '')} {obj.get('kind', '')}"
        return f"could not find API resource for {what}: oc api-resources lists the kinds"
    if view.stored.absent:
        return str(absent(view.stored))
    return str(read_only(view.stored)) if view.stored.read_only else ""


def template_warnings(kinds: Kinds, kind: Kind, obj: Object) -> tuple[str, ...]:
    """The warnings for a client that stores an object with a template of which an event creates nothing that runs."""
    found = []
    for path, template in _templates(kind, obj.get("spec")):
        if any("$(tt.params." in str(template.get(field)) for field in ("apiVersion", "kind")):
            continue  # An event decides.
        why = obstacle(kinds, template)
        if why:
            found.append(f"{path}: {why}; an event fails at it")
        elif view := view_of(kinds, template):
            found += [f"{path}: {text}" for text in warnings_for(view.stored)]
    return tuple(found)


def _templates(kind: Kind, spec: Any) -> Iterator[tuple[str, Object]]:
    """The manifests for events in an admitted object, with their paths."""
    match kind.resource:
        case "triggertemplates.triggers.tekton.dev":
            holders = [("spec", spec)]
        case "triggers.triggers.tekton.dev":
            holders = [("spec.template.spec", _inline(spec))]
        case "eventlisteners.triggers.tekton.dev":
            triggers = spec.get("triggers") or []
            holders = [(f"spec.triggers[{i}].template.spec", _inline(one)) for i, one in enumerate(triggers)]
        case _:
            return
    for path, holder in holders:
        for index, template in enumerate(holder.get("resourcetemplates") or []):
            yield f"{path}.resourcetemplates[{index}]", template


def _inline(trigger: Object) -> Object:
    """The template that is inside a trigger; empty for one by reference."""
    found: Object = (trigger.get("template") or {}).get("spec") or {}
    return found
