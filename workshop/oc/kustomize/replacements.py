"""replacements: a value of one object, copied into fields of others."""

from __future__ import annotations

import copy
import re
from typing import Any

from workshop.manifests.load import documents
from workshop.oc.kustomize.model import Item, Kustomization, Object, matches

_SELECT = {"group", "version", "kind", "name", "namespace"}


def apply(work: Kustomization, items: list[Item]) -> None:
    """Copy each source into its targets, in place. Raises ManifestError."""
    for entry in work.many("replacements"):
        if isinstance(entry, dict) and set(entry) == {"path"}:
            for content, _ in documents(work.read(str(entry["path"])), str(entry["path"])):
                for one in content if isinstance(content, list) else [content]:
                    _replace(work, items, one)
        else:
            _replace(work, items, entry)


def _replace(work: Kustomization, items: list[Item], entry: Any) -> None:
    one = work.known("replacements", entry, {"source", "sourceValue", "targets"})
    value = one["sourceValue"] if "sourceValue" in one else _source(work, items, one.get("source"))
    for given in one.get("targets") or []:
        target = work.known("replacements.targets", given, {"select", "reject", "fieldPaths", "options"})
        options = work.known("replacements.options", target.get("options") or {}, {"create", "delimiter", "index"})
        select = work.known("replacements.select", target.get("select") or {}, _SELECT)
        rejected = [work.known("replacements.reject", r, _SELECT) for r in target.get("reject") or []]
        for item in items:
            if not matches(item, select) or any(matches(item, r) for r in rejected):
                continue
            for path in target.get("fieldPaths") or ["metadata.name"]:
                if not _set(item.object, split(str(path)), value, options):
                    raise work.wrong(
                        "replacements", f"unable to find field {path!r} in replacement target {item.shown}"
                    )
            item.remember()


def _source(work: Kustomization, items: list[Item], source: Any) -> Any:
    one = work.known("replacements.source", source, {*_SELECT, "fieldPath", "options"})
    found = [item for item in items if matches(item, {k: v for k, v in one.items() if k in _SELECT})]
    if len(found) != 1:
        how = "nothing selected by" if not found else "multiple matches for selector"
        raise work.wrong("replacements", f"{how} {one}")
    path = str(one.get("fieldPath") or "metadata.name")
    value: Any = found[0].object
    for part in split(path):
        value = _step(value, part)
        if value is None:
            raise work.wrong("replacements", f"fieldPath {path!r} is missing for replacement source {found[0].shown}")
    options = one.get("options") or {}
    if options.get("delimiter"):
        parts = str(value).split(str(options["delimiter"]))
        return parts[int(options.get("index") or 0)]
    return copy.deepcopy(value)


def split(path: str) -> list[str]:
    """The parts of `spec.containers.[name=a].image`; dots inside brackets or after a backslash do not part."""
    found = re.findall(r"\[[^\]]*\]|(?:\\.|[^.\[\\])+", path)
    return [part if part.startswith("[") else re.sub(r"\\(.)", r"\1", part) for part in found]


def _step(value: Any, part: str) -> Any:
    if part.startswith("[") and isinstance(value, list):
        key, _, wanted = part[1:-1].partition("=")
        return next((v for v in value if isinstance(v, dict) and str(v.get(key)) == wanted), None)
    if isinstance(value, list) and part.isdigit():
        return value[int(part)] if int(part) < len(value) else None
    return value.get(part) if isinstance(value, dict) else None


def _set(value: Any, path: list[str], new: Any, options: Object) -> bool:
    """Put `new` at a path; whether the path was found."""
    part, rest = path[0], path[1:]
    if part == "*" and isinstance(value, list):
        found = [_set_item(value, index, rest, new, options) for index in range(len(value))]
        return all(found)
    if part.startswith("[") and isinstance(value, list):
        key, _, wanted = part[1:-1].partition("=")
        places = [i for i, v in enumerate(value) if isinstance(v, dict) and str(v.get(key)) == wanted]
        found = [_set_item(value, index, rest, new, options) for index in places]
        return bool(found) and all(found)
    if isinstance(value, list):
        return part.isdigit() and int(part) < len(value) and _set_item(value, int(part), rest, new, options)
    if not isinstance(value, dict) or (part not in value and not options.get("create")):
        return False
    if rest:
        return _set(value.setdefault(part, {}), rest, new, options)
    value[part] = _joined(value.get(part), new, options)
    return True


def _set_item(values: list[Any], index: int, rest: list[str], new: Any, options: Object) -> bool:
    if rest:
        return _set(values[index], rest, new, options)
    values[index] = _joined(values[index], new, options)
    return True


def _joined(old: Any, new: Any, options: Object) -> Any:
    delimiter = options.get("delimiter")
    if not delimiter:
        if isinstance(old, str) and isinstance(new, int | float):
            return str(new).lower()  # a text stays a text
        return copy.deepcopy(new)
    parts = str(old or "").split(str(delimiter))
    index = int(options.get("index") or 0)
    if index < 0:
        parts.insert(0, str(new))
    elif index >= len(parts):
        parts.append(str(new))
    else:
        parts[index] = str(new)
    return str(delimiter).join(parts)
