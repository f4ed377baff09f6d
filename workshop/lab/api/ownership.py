"""Field ownership: which manager set which field, in `metadata.managedFields`.

A path names a field: `("f:spec", 'k:{"name":"a"}', "f:image")`, in the parts that FieldsV1 has. Only writes through the
API are recorded. The lab's controllers write to the store and own nothing, so they cause no conflicts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from workshop.manifests.objects import Object
from workshop.manifests.schemas import Schema, child, items, resolve, schema_of

Path = tuple[str, ...]
_KEY_DEFAULTS = {"protocol": "TCP"}
"""Keys of lists that an item may leave out: those of the ports of a Service and of a container."""
_SYSTEM = {
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "managedFields",
    "selfLink",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generateName",
}


@dataclass
class Entry:
    """The fields that one manager owns."""

    manager: str
    operation: str
    api_version: str
    subresource: str = ""
    time: str = ""
    paths: set[Path] = field(default_factory=set)

    @property
    def key(self) -> tuple[str, str, str]:
        return self.manager, self.operation, self.subresource

    def to_object(self) -> Object:
        """The entry in the form of `managedFields`."""
        entry = {
            "manager": self.manager,
            "operation": self.operation,
            "apiVersion": self.api_version,
            "time": self.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": _nest(self.paths),
        }
        if self.subresource:
            entry["subresource"] = self.subresource
        return entry


def read(obj: Object) -> list[Entry]:
    """The entries of an object. Entries that cannot be parsed are left out."""
    found: list[Entry] = []
    for one in obj.get("metadata", {}).get("managedFields") or []:
        if isinstance(one, dict) and isinstance(one.get("fieldsV1"), dict):
            entry = Entry(
                str(one.get("manager", "")),
                str(one.get("operation", "Update")),
                str(one.get("apiVersion", "")),
                str(one.get("subresource", "")),
                str(one.get("time", "")),
            )
            _flatten(one["fieldsV1"], (), entry.paths)
            found.append(entry)
    return found


def write(obj: Object, entries: list[Entry]) -> None:
    """Write the entries to the object. Managers that own nothing are dropped."""
    obj["metadata"]["managedFields"] = [entry.to_object() for entry in entries if entry.paths]


def fields(obj: Object, schema: Schema | None, *, parents: bool) -> set[Path]:
    """The paths of an object's fields. With `parents`, also the paths of maps themselves, as an Update records them."""
    found: set[Path] = set()
    for key, value in obj.items():
        if key in ("apiVersion", "kind"):
            continue
        below = child(schema, key)
        if key == "metadata":
            value = {k: v for k, v in (value or {}).items() if k not in _SYSTEM}
            below = child(schema_of("v1", "ConfigMap"), "metadata")
            if not value:
                continue
        _walk(value, below, (f"f:{key}",), found, parents)
    return found


def _walk(value: Any, schema: Schema | None, path: Path, found: set[Path], parents: bool) -> None:
    known = resolve(schema)
    if isinstance(value, dict) and value and known.get("x-kubernetes-map-type") != "atomic":
        if parents and "properties" not in known:
            found.add(path)
        for key, one in value.items():
            _walk(one, child(known, key), (*path, f"f:{key}"), found, parents)
    elif isinstance(value, list) and known.get("x-kubernetes-list-type") == "map" and value:
        for one in value:
            here = (*path, item_key(one, known))
            found.add(here)
            for key, inner in one.items() if isinstance(one, dict) else ():
                _walk(inner, child(items(known), key), (*here, f"f:{key}"), found, parents)
    elif isinstance(value, list) and known.get("x-kubernetes-list-type") == "set" and value:
        found |= {(*path, f"v:{_compact(one)}") for one in value}
    else:
        found.add(path)


def item_key(item: Any, schema: Schema) -> str:
    """The path element of an item in a list whose items have keys."""
    names = schema.get("x-kubernetes-list-map-keys") or ["name"]
    given = {**_KEY_DEFAULTS, **item} if isinstance(item, dict) else {}
    return f"k:{_compact({name: given[name] for name in names if name in given})}"


def lookup(obj: Any, path: Path) -> tuple[bool, Any]:
    """Whether the object has the field, and its value."""
    for part in path:
        kind, _, name = part.partition(":")
        if kind == "f":
            if not isinstance(obj, dict) or name not in obj:
                return False, None
            obj = obj[name]
        else:
            at = find_item(obj, part)
            if at is None:
                return False, None
            obj = obj[at]
    return True, obj


def find_item(values: Any, part: str) -> int | None:
    """The index in a list of the item of a `k:` or `v:` element."""
    if not isinstance(values, list):
        return None
    kind, _, text = part.partition(":")
    wanted = json.loads(text)
    for index, one in enumerate(values):
        if kind == "v" and one == wanted:
            return index
        if kind == "k" and isinstance(one, dict) and all((_KEY_DEFAULTS | one).get(k) == v for k, v in wanted.items()):
            return index
    return None


def remove(obj: Any, path: Path) -> None:
    """Remove a field, in place, and the maps and lists that become empty."""
    found, holder = lookup(obj, path[:-1])
    if not found:
        return
    last = path[-1]
    if last.startswith("f:") and isinstance(holder, dict):
        holder.pop(last[2:], None)
    elif isinstance(holder, list):
        at = find_item(holder, last)
        if at is not None:
            holder.pop(at)
    if len(path) > 2 and not holder:
        remove(obj, path[:-1])


def dotted(path: Path) -> str:
    """A path in the form of error messages: `.spec.containers[name="a"].image`."""
    text = ""
    for part in path:
        kind, _, name = part.partition(":")
        if kind == "f":
            text += f".{name}"
        elif kind == "k":
            text += "[" + ",".join(f"{k}={_compact(v)}" for k, v in json.loads(name).items()) + "]"
        else:
            text += f"[={name}]"
    return text


def _nest(paths: set[Path]) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for path in sorted(paths):
        at = root
        for part in path:
            at = at.setdefault(part, {})
    for path in paths:
        at = root
        for part in path:
            at = at[part]
        if at:
            at["."] = {}
    return _sorted(root)


def _sorted(tree: dict[str, Any]) -> dict[str, Any]:
    return {key: _sorted(tree[key]) for key in sorted(tree)}


def _flatten(tree: dict[str, Any], path: Path, found: set[Path]) -> None:
    for key, below in tree.items():
        if key == ".":
            found.add(path)
        elif not below:
            found.add((*path, key))
        else:
            _flatten(below, (*path, key), found)


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
