"""OpenAPI v3 documents, one for each group version, made from the types of `workshop.manifests`.

Clients use them to validate (`apply`), to merge lists (`apply` of core kinds) and to explain. The OpenAPI v2 document
is empty: clients read it when v3 lacks a kind (a `List`), and then leave validation to the server.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

import orjson
from starlette.responses import Response

from workshop.lab.api import answers
from workshop.lab.api.context import Api
from workshop.lab.api.discovery import SHOWN
from workshop.lab.kinds import Kind
from workshop.manifests.schemas import ANY, REF, Schema, components, name_of

V2_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"


def answer(api: Api, path: str) -> Response | None:
    """The response to a path below /openapi/v3, or None if there is no such group version."""
    wanted = path.removeprefix("/openapi/v3").strip("/")
    groups = {_path(kind): kind for kind in [*api.kinds, *SHOWN]}
    if not wanted:
        paths = {name: {"serverRelativeURL": f"/openapi/v3/{name}?hash={_digest(api, name)}"} for name in groups}
        return answers.json({"paths": paths})
    return answers.json(document(api, wanted)) if wanted in groups else None


def empty_v2(*, protobuf: bool) -> Response:
    """An OpenAPI v2 document without definitions; as protobuf it has no bytes."""
    if protobuf:
        return answers.json(b"", media_type=V2_PROTOBUF)
    return answers.json({"swagger": "2.0", "info": {"title": "Kubernetes", "version": "v1.32.0"}, "paths": {}})


def document(api: Api, group_path: str) -> bytes:
    """The OpenAPI document of `api/v1` or `apis/GROUP/VERSION`, as JSON."""
    known = api.documents()
    if group_path not in known:
        kinds = [kind for kind in [*api.kinds, *SHOWN] if _path(kind) == group_path]
        known[group_path] = orjson.dumps(_document(kinds))
    return known[group_path]


def _digest(api: Api, group_path: str) -> str:
    return hashlib.sha256(document(api, group_path)).hexdigest().upper()


def _path(kind: Kind) -> str:
    return f"apis/{kind.group}/{kind.version}" if kind.group else f"api/{kind.version}"


def schema_name(kind: Kind) -> str:
    """The name of a kind's schema in its document: reversed group, version, kind."""
    group = ".".join(reversed(kind.group.split("."))) if kind.group else "io.k8s.api.core"
    return f"{group}.{kind.version}.{kind.kind}"


def _document(kinds: list[Kind]) -> dict[str, Any]:
    schemas: dict[str, Schema] = {}
    paths: dict[str, Any] = {}
    for kind in kinds:
        gvk = {"group": kind.group, "version": kind.version, "kind": kind.kind}
        stored = SHOWN.get(kind, kind)
        known = name_of(stored.api_version, stored.kind)
        schema = kind.schema or (components()[known] if known else ANY)
        schemas[schema_name(kind)] = {**_described(schema), "x-kubernetes-group-version-kind": [gvk]}
        for name in _reachable(schema):
            part = {key: value for key, value in components()[name].items() if key != "description"}
            schemas.setdefault(name, _described(part))
        paths |= _paths(kind, gvk)
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.32.0"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _described(schema: Schema) -> Schema:
    """The schema, with the description of each field's type added to the field.

    `explain` does not follow references of list items, so their fields need the type's description. It does follow the
    reference of a field and would print the description twice, so the types themselves have no description.
    """
    if "properties" not in schema:
        return schema
    properties: Schema = {}
    for name, field in schema["properties"].items():
        target = components().get(str((field.get("items") or field).get("$ref", "")).removeprefix(REF), {})
        about = "\n".join(dict.fromkeys(filter(None, (field.get("description"), target.get("description")))))
        if "$ref" in field:
            others = {key: value for key, value in field.items() if key != "$ref"}
            field = {**others, "allOf": [{"$ref": field["$ref"]}]}
        properties[name] = {**field, "description": about} if about else field
    return {**schema, "properties": properties}


def _reachable(schema: Schema) -> set[str]:
    found: set[str] = set()
    waiting = [schema]
    while waiting:
        text = orjson.dumps(waiting.pop()).decode()
        for name in set(re.findall(rf'"{re.escape(REF)}([^"]+)"', text)) - found:
            found.add(name)
            waiting.append(components()[name])
    return found


def _paths(kind: Kind, gvk: dict[str, str]) -> dict[str, Any]:
    base = f"/{_path(kind)}" + ("/namespaces/{namespace}" if kind.namespaced else "") + f"/{kind.plural}"
    reference = {"$ref": REF + schema_name(kind)}
    content = {"application/json": {"schema": reference}}

    def operation(action: str, *, media: tuple[str, ...] = ()) -> dict[str, Any]:
        found: dict[str, Any] = {
            "operationId": f"{action}{kind.kind}",
            "parameters": [_text("dryRun"), _text("fieldManager"), _text("fieldValidation")] if media else [],
            "responses": {"200": {"description": "OK", "content": content}},
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": gvk,
        }
        if media:
            found["requestBody"] = {"content": {name: {"schema": reference} for name in media}}
        return found

    patches = ("application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml")
    return {
        base: {"get": operation("list"), "post": operation("post", media=("*/*",))},
        base + "/{name}": {
            "get": operation("get"),
            "put": operation("put", media=("*/*",)),
            "patch": operation("patch", media=patches),
            "delete": operation("delete"),
        },
    }


def _text(name: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
