"""explain: what a kind or a field is, from the server's OpenAPI schema."""

from __future__ import annotations

import textwrap
from typing import Any

from workshop.oc.asking import resource
from workshop.oc.failures import Failed
from workshop.oc.flags import BadUsage, Flag
from workshop.oc.session import Session

FLAGS = {"explain": (Flag("recursive", "R", "yes"), Flag("api-version"), Flag("output", "o"))}
Schema = dict[str, Any]
_REF = "#/components/schemas/"


def explain(session: Session) -> int:
    """Print the description and the fields of KIND or KIND.field.field."""
    if len(session.words.args) != 1:
        raise BadUsage("You must specify the type of resource to explain: oc explain KIND[.FIELD...]")
    kind, *path = session.words.args[0].split(".")
    res = resource(session, kind)
    base = f"apis/{res.group}/{res.version}" if res.group else f"api/{res.version}"
    document = session.client.http.request("GET", f"/openapi/v3/{base}")
    schemas: dict[str, Schema] = document["components"]["schemas"]
    gvk = {"group": res.group, "version": res.version, "kind": res.kind}
    found = next((one for one in schemas.values() if gvk in one.get("x-kubernetes-group-version-kind", [])), None)
    if found is None:
        raise Failed(f'couldn\'t find resource for "{res.api_version}, Kind={res.kind}"')
    if res.group:
        session.say(f"GROUP:      {res.group}")
    session.say(f"KIND:       {res.kind}\nVERSION:    {res.version}\n")
    field: Schema = found
    for name in path:
        properties = _resolve(field, schemas).get("properties") or {}
        if name not in properties:
            session.out.flush()
            raise Failed(f'field "{name}" does not exist')
        field = properties[name]
    if path:
        session.say(f"FIELD: {path[-1]} <{_type(field, schemas)}>\n")
    session.say("\nDESCRIPTION:" if path else "DESCRIPTION:")
    about = field.get("description") or _resolve(field, schemas).get("description") or "<empty>"
    session.say(textwrap.fill(about, 76, initial_indent="    ", subsequent_indent="    ") + "\n    ")
    properties = _resolve(field, schemas).get("properties") or {}
    if properties:
        session.say("FIELDS:")
        _fields(session, _resolve(field, schemas), schemas, 1, set())
    return 0


def _fields(session: Session, schema: Schema, schemas: dict[str, Schema], depth: int, seen: set[str]) -> None:
    required = schema.get("required") or []
    for name, field in sorted((schema.get("properties") or {}).items()):
        mark = " -required-" if name in required else ""
        session.say(f"{'  ' * depth}{name}\t<{_type(field, schemas)}>{mark}")
        if session.words.yes("recursive"):
            inner = _resolve(field, schemas)
            key = str(id(inner))
            if key not in seen:
                _fields(session, inner, schemas, depth + 1, seen | {key})
            continue
        about = field.get("description") or _resolve(field, schemas).get("description") or "<no description>"
        session.say(textwrap.fill(about, 76, initial_indent="    ", subsequent_indent="    ") + "\n")
    if depth == 1:
        session.say()


def _resolve(schema: Schema, schemas: dict[str, Schema]) -> Schema:
    """The schema with fields: behind references, list items and allOf."""
    for _ in range(8):
        if "$ref" in schema:
            schema = schemas.get(schema["$ref"].removeprefix(_REF), {})
        elif schema.get("allOf"):
            schema = {**schema["allOf"][0], **{k: v for k, v in schema.items() if k != "allOf"}}
        elif schema.get("type") == "array":
            schema = schema.get("items") or {}
        elif isinstance(schema.get("additionalProperties"), dict) and "properties" not in schema:
            schema = schema["additionalProperties"]
        else:
            break
    return schema


def _type(schema: Schema, schemas: dict[str, Schema]) -> str:
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix(_REF)
        target = schemas.get(name, {})
        return name.rpartition(".")[2] if target.get("type", "object") == "object" else str(target.get("type"))
    if schema.get("allOf"):
        return _type(schema["allOf"][0], schemas)
    if schema.get("type") == "array":
        return "[]" + _type(schema.get("items") or {}, schemas)
    if isinstance(schema.get("additionalProperties"), dict):
        return f"map[string]{_type(schema['additionalProperties'], schemas)}"
    if schema.get("x-kubernetes-int-or-string"):
        return "IntOrString"
    return "Object" if schema.get("type", "object") == "object" else str(schema["type"])
