"""Server-side apply, and field ownership after other writes.

An apply names the fields that its manager wants. A field that the manager named before and does not name now is
removed, unless another manager owns it too. A field that another manager owns with a different value is a conflict,
unless the apply is forced.
"""

from __future__ import annotations

import copy
from typing import Any

from workshop.lab.api.ownership import Entry, Path, dotted, fields, find_item, item_key, lookup, read, remove, write
from workshop.lab.api_errors import BadRequest, Conflict
from workshop.lab.kinds import Kind
from workshop.lab.store import now
from workshop.manifests.objects import Object
from workshop.manifests.schemas import Schema, child, items, resolve


def apply(
    kind: Kind,
    live: Object | None,
    config: Object,
    schema: Schema | None,
    *,
    manager: str,
    force: bool,
    subresource: str = "",
) -> Object:
    """The object after `manager` applied `config`, with its managedFields. Raises Conflict, BadRequest."""
    if config.get("metadata", {}).get("managedFields"):
        raise BadRequest("metadata.managedFields must be nil")
    wanted = fields(config, schema, parents=False)
    entries = read(live) if live else []
    mine = Entry(manager, "Apply", kind.api_version, subresource)
    before: set[Path] = set()
    others: list[Entry] = []
    for entry in entries:
        if entry.key == mine.key:
            before = entry.paths
        else:
            others.append(entry)
    if live:
        conflicts = [(e, p) for e in others for p in sorted(wanted & e.paths) if _differ(live, config, p)]
        if conflicts and not force:
            raise _conflict(conflicts)
        for entry, path in conflicts:
            entry.paths.discard(path)
    result: Object = _merge(live, config, schema) if live else copy.deepcopy(config)
    kept = wanted | {path for entry in others for path in entry.paths}
    kept |= _parents(kept)
    for path in sorted(before - kept, key=len):  # Remove a whole item before the key of the item.
        remove(result, path)
    mine.paths = wanted
    mine.time = now()
    same = live is not None and before == wanted and _bare(result) == _bare(live)
    if not same:
        write(result, [*others, mine])
    elif live:
        result["metadata"]["managedFields"] = live["metadata"].get("managedFields", [])
    return result


def record(
    kind: Kind, old: Object | None, new: Object, schema: Schema | None, *, manager: str, subresource: str = ""
) -> None:
    """Record in `new` that `manager` set the fields that differ from `old`."""
    if old is not None and new.get("metadata", {}).get("managedFields") == []:
        new["metadata"].pop("managedFields")
        return
    entries = read(old) if old else []
    sent = new["metadata"].get("managedFields")
    if old is not None and sent is not None and sent != old["metadata"].get("managedFields"):
        return
    mine = next((e for e in entries if e.key == (manager, "Update", subresource)), None)
    after = fields(new, schema, parents=True)
    before = fields(old, schema, parents=True) if old else set()
    changed = {p for p in after if p not in before or (old is not None and _differ(old, new, p))}
    changed -= _parents(after) & before
    gone = before - after
    if not changed and not gone:
        if old is not None and "managedFields" in old["metadata"]:
            new["metadata"]["managedFields"] = old["metadata"]["managedFields"]
        return
    for entry in entries:
        entry.paths -= gone
        if entry is not mine:
            entry.paths -= {p for p in changed if p in before}
    if changed:
        if mine is None:
            mine = Entry(manager, "Update", kind.api_version, subresource)
            entries.append(mine)
        mine.paths |= changed
        mine.time = now()
    write(new, entries)


def _differ(one: Object, other: Object, path: Path) -> bool:
    return path[-1][:2] == "f:" and lookup(one, path) != lookup(other, path)


def _parents(paths: set[Path]) -> set[Path]:
    """The paths that have one of the given paths below them."""
    return {path[:length] for path in paths for length in range(1, len(path))}


def _bare(obj: Object) -> Object:
    return {**obj, "metadata": {k: v for k, v in obj["metadata"].items() if k != "managedFields"}}


def _merge(live: Any, config: Any, schema: Schema | None) -> Any:
    known = resolve(schema)
    if isinstance(config, dict) and isinstance(live, dict) and known.get("x-kubernetes-map-type") != "atomic":
        result = copy.copy(live)
        for key, value in config.items():
            result[key] = _merge(live.get(key), value, child(known, key))
        return result
    if isinstance(config, list) and isinstance(live, list):
        if known.get("x-kubernetes-list-type") == "set":
            return live + [one for one in config if one not in live]
        if known.get("x-kubernetes-list-type") == "map":
            merged = copy.copy(live)
            for one in config:
                at = find_item(merged, item_key(one, known))
                if at is None:
                    merged.append(copy.deepcopy(one))
                else:
                    merged[at] = _merge(merged[at], one, items(known))
            return merged
    return copy.deepcopy(config)


def _conflict(found: list[tuple[Entry, Path]]) -> Conflict:
    def who(entry: Entry) -> str:
        under = f' with subresource "{entry.subresource}"' if entry.subresource else ""
        return f'"{entry.manager}"{under} using {entry.api_version}'

    if len(found) == 1:
        text = f"conflict with {who(found[0][0])}: {dotted(found[0][1])}"
    else:
        lines: list[str] = []
        for name in sorted({who(entry) for entry, _ in found}):
            lines.append(f"conflicts with {name}:")
            lines += [f"- {dotted(path)}" for entry, path in found if who(entry) == name]
        text = "\n".join(lines)
    plural = "" if len(found) == 1 else "s"
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {who(entry)}", "field": dotted(path)}
        for entry, path in found
    ]
    return Conflict(f"Apply failed with {len(found)} conflict{plural}: {text}", details={"causes": causes})
