"""configMapGenerator and secretGenerator: objects from files and words, with a hash of their content in the name."""

from __future__ import annotations

import base64
import hashlib
from pathlib import PurePath
from typing import Any

from workshop.manifests.jsonpath import go_json
from workshop.oc.kustomize.model import Item, Kustomization, Object

_ENTRY = {"name", "namespace", "behavior", "literals", "files", "envs", "env", "options", "type"}
_OPTIONS = {"labels", "annotations", "disableNameSuffixHash", "immutable"}


def generate(work: Kustomization, items: list[Item]) -> list[Item]:
    """The items with those that the generators make, merge or replace. Raises ManifestError."""
    for key, kind in (("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")):
        for entry in work.many(key):
            one = work.known(key, entry, _ENTRY - ({"type"} if kind == "ConfigMap" else set()))
            items = _place(work, key, items, _generated(work, key, kind, one))
    return items


def _generated(work: Kustomization, key: str, kind: str, one: Object) -> Item:
    if not one.get("name"):
        raise work.wrong(key, f"an entry has no name: {one}")
    options = {
        **work.known("generatorOptions", work.mapping("generatorOptions"), _OPTIONS),
        **work.known(key, one.get("options") or {}, _OPTIONS),
    }
    for field in ("labels", "annotations"):
        both = {**(work.mapping("generatorOptions").get(field) or {}), **((one.get("options") or {}).get(field) or {})}
        options[field] = both
    data, binary = _data(work, key, one)
    meta: Object = {"name": str(one["name"])}
    if one.get("namespace"):
        meta["namespace"] = str(one["namespace"])
    for field in ("labels", "annotations"):
        if options[field]:
            meta[field] = dict(options[field])
    obj: Object = {"apiVersion": "v1", "kind": kind, "metadata": meta}
    if kind == "Secret":
        encoded = {name: base64.b64encode(value.encode()).decode() for name, value in data.items()}
        obj |= {"type": one.get("type") or "Opaque", "data": {**encoded, **binary}}
    else:
        obj |= {"data": data} if data else {}
        obj |= {"binaryData": binary} if binary else {}
    if options.get("immutable"):
        obj["immutable"] = True
    return Item(
        obj,
        f"{work.file} ({key})",
        needs_hash=not options.get("disableNameSuffixHash"),
        behavior=str(one.get("behavior") or "create"),
    )


def _data(work: Kustomization, key: str, one: Object) -> tuple[dict[str, str], dict[str, str]]:
    """Texts, and binary files in base64."""
    data: dict[str, str] = {}
    binary: dict[str, str] = {}
    for pair in one.get("literals") or []:
        name, equals, value = str(pair).partition("=")
        if not equals:
            raise work.wrong(key, f"invalid literal source {pair}, expected key=value")
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        data[name] = value
    for word in one.get("files") or []:
        name, equals, path = str(word).partition("=")
        raw = work.read(path if equals else name)
        name = name if equals else PurePath(name).name
        try:
            data[name] = raw.decode()
        except UnicodeDecodeError:
            binary[name] = base64.b64encode(raw).decode()
    for path in [*(one.get("envs") or []), *([one["env"]] if one.get("env") else [])]:
        for line in work.read(str(path)).decode().splitlines():
            if line.strip() and not line.lstrip().startswith("#"):
                name, equals, value = line.lstrip().partition("=")
                if not equals:
                    raise work.wrong(key, f"{path}: {line!r} is not key=value")
                data[name] = value
    return data, binary


def _place(work: Kustomization, key: str, items: list[Item], made: Item) -> list[Item]:
    there = [i for i in items if i.kind == made.kind and any(n == made.name for n, _ in i.ids)]
    if made.behavior == "create":
        if there:
            raise work.wrong(key, f"id {made.shown} exists; behavior must be merge or replace")
        return [*items, made]
    if made.behavior not in ("merge", "replace"):
        raise work.wrong(key, f"behavior {made.behavior} is not supported: allowed are create, merge, replace")
    if len(there) != 1:
        raise work.wrong(key, f"id {made.shown} does not exist; cannot merge or replace")
    for field in ("data", "binaryData"):
        old: Any = there[0].object.get(field) if made.behavior == "merge" else None
        both = {**(old or {}), **(made.object.get(field) or {})}
        there[0].object.pop(field, None)
        if both:
            there[0].object[field] = both
    for field in ("labels", "annotations"):
        if made.object["metadata"].get(field):
            meta = there[0].object["metadata"]
            meta[field] = {**(meta.get(field) or {}), **made.object["metadata"][field]}
    there[0].needs_hash = there[0].needs_hash or made.needs_hash
    return items


def add_hashes(items: list[Item]) -> None:
    """Put the hash of its content behind the name of each generated object."""
    for item in items:
        if item.needs_hash:
            item.rename(f"{item.name}-{content_hash(item.object)}")


def content_hash(obj: Object) -> str:
    """Ten characters of the SHA-256 of an object's content as canonical JSON; its name does not count."""
    about: Object = {"kind": obj["kind"], "name": "", "data": obj.get("data") or ""}
    if obj["kind"] == "Secret":
        about["type"] = obj.get("type") or ""
    if obj.get("binaryData"):
        about["binaryData"] = obj["binaryData"]
    digest = hashlib.sha256(go_json(about).encode()).hexdigest()[:10]
    return digest.translate(str.maketrans("013ae", "ghkmt"))
