"""patches: strategic merge or JSON 6902, to the object they name or to those that a target selects."""

from __future__ import annotations

from typing import Any

from workshop.errors import ManifestError
from workshop.manifests import jsonpatch
from workshop.manifests.load import documents
from workshop.manifests.patches import PatchError, merge
from workshop.oc.kustomize.model import Item, Kustomization, Object, matches

_TARGET = {"group", "version", "kind", "name", "namespace", "labelSelector", "annotationSelector"}


def apply_all(work: Kustomization, items: list[Item]) -> list[Item]:
    """patchesStrategicMerge, then patches. Raises ManifestError."""
    for entry in work.many("patchesStrategicMerge"):
        text = str(entry)
        inline = "\n" in text
        for patch in _read(work, text if inline else work.read(text), "patchesStrategicMerge"):
            items = _merge_named(work, items, patch)
    for entry in work.many("patches"):
        one = work.known("patches", entry, {"path", "patch", "target", "options"})
        if bool(one.get("path")) == bool(one.get("patch")):
            raise work.wrong("patches", "exactly one of path and patch must be set")
        options = work.known("patches", one.get("options") or {}, {"allowNameChange", "allowKindChange"})
        content: str | bytes = one["patch"] if one.get("patch") else work.read(str(one["path"]))
        for patch in _read(work, content, "patches"):
            items = _apply(work, items, patch, one.get("target"), bool(options.get("allowNameChange")))
    return items


def apply_json6902(work: Kustomization, items: list[Item]) -> list[Item]:
    """The old field patchesJson6902, which comes after names and labels. Raises ManifestError."""
    for entry in work.many("patchesJson6902"):
        one = work.known("patchesJson6902", entry, {"path", "patch", "target"})
        text = one["patch"] if one.get("patch") else work.read(str(one.get("path")))
        for patch in _read(work, text, "patchesJson6902"):
            items = _apply(work, items, patch, one.get("target") or {}, False)
    return items


def _read(work: Kustomization, text: str | bytes, key: str) -> list[Any]:
    return [value for value, _ in documents(text, f"{work.file} ({key})")]


def _apply(work: Kustomization, items: list[Item], patch: Any, target: Any, rename: bool) -> list[Item]:
    if isinstance(patch, dict) and not target:
        return _merge_named(work, items, patch)
    if not isinstance(target, dict) or not target:
        raise work.wrong("patches", "must specify a target for JSON patch")
    target = work.known("patches.target", target, _TARGET)
    kept: list[Item] = []
    for item in items:
        if not matches(item, target):
            kept.append(item)
            continue
        changed = _changed(work, item, patch)
        if changed is None:
            continue
        meta = changed.setdefault("metadata", {})
        if not rename and isinstance(patch, dict):
            meta["name"] = item.name
            if item.namespace:
                meta["namespace"] = item.namespace
            changed["kind"] = item.kind
            changed["apiVersion"] = item.object["apiVersion"]
        item.object = changed
        item.remember()
        kept.append(item)
    return kept


def _merge_named(work: Kustomization, items: list[Item], patch: Any) -> list[Item]:
    """A strategic patch that names its object by apiVersion, kind and metadata.name."""
    if not isinstance(patch, dict) or not isinstance(patch.get("metadata"), dict) or not patch.get("kind"):
        raise work.wrong("patches", "a patch without a target names its object: apiVersion, kind, metadata.name")
    wanted = Item(patch, "patch")
    found = [
        item
        for item in items
        if (item.kind, item.group, item.version) == (wanted.kind, wanted.group, wanted.version)
        and any(name == wanted.name and (not wanted.namespace or where == wanted.namespace) for name, where in item.ids)
    ]
    if len(found) != 1:
        how = "no matches for Id" if not found else "multiple matches for Id"
        known = ", ".join(item.shown for item in items) or "none"
        raise ManifestError(
            f'{work.file}: no resource matches strategic merge patch "{wanted.shown}": {how} '
            f"{wanted.shown}; there are: {known}"
        )
    changed = _changed(work, found[0], patch)
    if changed is None:
        return [item for item in items if item is not found[0]]
    name, namespace = found[0].name, found[0].namespace
    changed["metadata"]["name"] = name
    if namespace:
        changed["metadata"]["namespace"] = namespace
    found[0].object = changed
    return items


def _strategic(item: Item, patch: Any) -> Any:
    """Core kinds merge their lists by key; custom kinds have no keys, so their lists are replaced."""
    if "." in item.group and not item.group.endswith(".k8s.io"):
        return merge(item.object, patch)
    from workshop.manifests.schemas import schema_of  # the types take long to import, and most patches need none
    from workshop.manifests.strategic import strategic

    return strategic(item.object, patch, schema_of(str(item.object["apiVersion"]), item.kind), prepend=True)


def _changed(work: Kustomization, item: Item, patch: Any) -> Object | None:
    """The object after the patch; None when the patch deletes it. Raises ManifestError."""
    try:
        if isinstance(patch, list):
            result: Any = jsonpatch.apply(item.object, patch)
        elif patch.get("$patch") == "delete":
            return None
        else:
            result = _strategic(item, patch)
    except PatchError as e:
        raise ManifestError(f"{work.file}: patches: {item.shown}: {e}") from e
    if not isinstance(result, dict):
        raise ManifestError(f"{work.file}: patches: {item.shown}: the patch leaves no object")
    return result
