"""Generate `workshop.manifests.kubernetes` from Kubernetes' published OpenAPI definitions: `make types`.

`kubernetes.json` is the part of the definitions of Kubernetes 1.32 that the kinds of the lab reach, with the first
sentence of each description. To take another version, give the file `_definitions.json` of that version from the PyPI
package kubernetes-validate (Apache-2.0, as Kubernetes): `python -m workshop.manifests.generate _definitions.json`.
"""

from __future__ import annotations

import json
import keyword
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Definition = dict[str, Any]

DATA = Path(__file__).with_name("kubernetes.json")
MODULE = Path(__file__).with_name("kubernetes.py")
API = "io.k8s.api."
KINDS = (
    "apps.v1.Deployment",
    "autoscaling.v2.HorizontalPodAutoscaler",
    "core.v1.ConfigMap",
    "core.v1.Event",
    "core.v1.LimitRange",
    "core.v1.Namespace",
    "core.v1.PersistentVolumeClaim",
    "core.v1.Pod",
    "core.v1.ResourceQuota",
    "core.v1.Secret",
    "core.v1.Service",
    "core.v1.ServiceAccount",
    "networking.v1.NetworkPolicy",
    "policy.v1.PodDisruptionBudget",
    "rbac.v1.ClusterRole",
    "rbac.v1.ClusterRoleBinding",
    "rbac.v1.Role",
    "rbac.v1.RoleBinding",
)
KNOWN = {
    "Condition": "Condition",
    "IntOrString": "IntOrString",
    "LabelSelector": "LabelSelector",
    "MicroTime": "Time",
    "ObjectMeta": "ObjectMeta",
    "Quantity": "Quantity",
    "Time": "Time",
}
"""What `workshop.manifests.meta` has for the definitions of `io.k8s.apimachinery`."""
OPTIONAL = {
    ("Event", "metadata"),
    ("NetworkPolicySpec", "podSelector"),
    ("PodSpec", "containers"),
    ("RoleRef", "apiGroup"),
}
"""Fields that the definitions require and a manifest may omit.

The server fills in metadata and a role's group, and reads a missing selector as the empty one. Seldon's operator adds
the containers of a componentSpec.
"""
SCALARS = {"boolean": "bool", "integer": "int", "number": "float", "string": "str"}
HINTS = "x-kubernetes-"


def trim(published: dict[str, Definition]) -> dict[str, Definition]:
    """The definitions that the kinds reach, by their last name, without what the types do not use."""
    found: dict[str, Definition] = {}
    waiting = [API + kind for kind in KINDS]
    while waiting:
        name = waiting.pop()
        short = name.rpartition(".")[2]
        if short in found or short in KNOWN:
            continue
        kept = _kept(published[name])
        found[short] = kept
        waiting += [ref for ref in _refs(published[name]) if ref.startswith(API)]
    return dict(sorted(found.items()))


def _kept(definition: Definition) -> Definition:
    kept: Definition = {"description": _sentence(definition.get("description", ""))}
    if "x-kubernetes-group-version-kind" in definition:
        kept["kind"] = True
    if definition.get("x-kubernetes-map-type"):
        kept["x-kubernetes-map-type"] = definition["x-kubernetes-map-type"]
    kept["required"] = sorted(definition.get("required") or ())
    kept["properties"] = {name: _field(value) for name, value in sorted(definition.get("properties", {}).items())}
    return kept


def _field(schema: Definition) -> Definition:
    kept: Definition = {key: value for key, value in schema.items() if key.startswith(HINTS)}
    if "$ref" in schema:
        return {"ref": schema["$ref"].rpartition(".")[2], **kept}
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    kept["type"] = next(one for one in types if one != "null")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            kept[key] = _field(schema[key])
    return kept


def _refs(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].rpartition("/")[2]
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _refs(one)


def _sentence(text: str) -> str:
    """The first sentence of a description, in one line."""
    text = " ".join(text.split())
    return re.split(r"(?<=[a-z0-9)])\.(?: |$)", text, maxsplit=1)[0].rstrip(".") + "."


def module(definitions: dict[str, Definition]) -> str:
    """The text of the module, before ruff formats it."""
    atomic = {name for name, one in definitions.items() if one.get("x-kubernetes-map-type") == "atomic"}
    classes = [_class(name, definitions[name], atomic | {"LabelSelector"}) for name in _in_order(definitions)]
    return HEAD + "\n\n".join(classes)


def _in_order(definitions: dict[str, Definition]) -> list[str]:
    """The names, each after those that it refers to.

    Annotations are then objects, not texts: compiling 1,000 texts took the lab 40 ms at its start.
    """
    order: dict[str, None] = {}

    def add(name: str) -> None:
        if name in definitions and name not in order:
            for schema in definitions[name]["properties"].values():
                for other in _named(schema):
                    add(other)
            order[name] = None

    for name in definitions:
        add(name)
    return list(order)


def _named(schema: Definition) -> list[str]:
    inner = [schema[key] for key in ("items", "additionalProperties") if key in schema]
    return [schema["ref"]] if "ref" in schema else [name for one in inner for name in _named(one)]


HEAD = '''"""The kinds of Kubernetes 1.32 and their parts, with the merge keys of their lists.

Made from Kubernetes' published OpenAPI definitions (Apache-2.0) by `make types`: do not edit.
"""

from typing import Annotated

import msgspec

from workshop.manifests.meta import (
    ATOMIC,
    ATOMIC_MAP,
    Condition,
    IntOrString,
    LabelSelector,
    ObjectMeta,
    Quantity,
    Resource,
    Time,
    Typed,
    hints,
    keyed,
)


'''


def _class(name: str, definition: Definition, atomic: set[str]) -> str:
    """One class. `atomic` are the definitions whose objects a patch replaces as a whole."""
    base = "Resource" if definition.get("kind") else "Typed"
    lines = [f"class {name}({base}, frozen=True, kw_only=True):"]
    text = textwrap.wrap(definition["description"].replace("\\", "").replace('"', "'"), 108)
    lines.append(f'    """{text[0]}"""' if len(text) == 1 else '    """' + "\n    ".join(text) + '\n    """')
    lines.append("")
    for field, schema in definition["properties"].items():
        if base == "Resource" and field in ("apiVersion", "kind", "metadata"):
            continue
        if schema.get("ref") in atomic:
            schema = {f"{HINTS}map-type": "atomic", **schema}
        required = field in definition["required"] and not _may_be_missing(name, field)
        lines.append(f"    {_declared(field, schema, required=required)}")
    return "\n".join(lines).rstrip() + "\n"


def _may_be_missing(name: str, field: str) -> bool:
    """Whether a field that the definitions require is optional here: a controller fills a status step by step."""
    return (name, field) in OPTIONAL or (name.endswith("Status") and field != "name")


def _declared(field: str, schema: Definition, *, required: bool) -> str:
    type_ = _type(schema) + ("" if required else " | None")
    hint = _hint(schema)
    annotation = f"Annotated[{type_}, {hint}]" if hint else type_
    name = snake(field)
    if camel(name) == field:
        return f"{name}: {annotation}" + ("" if required else " = None")
    default = "" if required else ", default=None"
    return f'{name}: {annotation} = msgspec.field(name="{field}"{default})'


def _type(schema: Definition) -> str:
    if "ref" in schema:
        return KNOWN.get(schema["ref"], str(schema["ref"]))
    match schema["type"]:
        case "array":
            return f"list[{_type(schema['items'])}]"
        case "object":
            return (
                f"dict[str, {_type(schema['additionalProperties'])}]"
                if "additionalProperties" in schema
                else "Anything"
            )
        case scalar:
            return SCALARS[str(scalar)]


def _hint(schema: Definition) -> str:
    """The Meta of a field's merge rules; empty without one."""
    known = {key.removeprefix(HINTS): value for key, value in schema.items() if key.startswith(HINTS)}
    match known:
        case {"list-type": "atomic", **rest} if not rest:
            return "ATOMIC"
        case {"list-type": "map", "list-map-keys": keys, "patch-merge-key": key, "patch-strategy": "merge"} if (
            key == keys[0]
        ):
            return f"keyed({', '.join(map(json.dumps, keys))})"
        case {"map-type": "atomic", **rest} if not rest:
            return "ATOMIC_MAP"
        case {"map-type": "granular"}:
            return ""
    return f"hints({known!r})" if known else ""


def snake(name: str) -> str:
    """`hostIPs` as `host_ips`; a trailing underscore where it would be a word of Python."""
    name = re.sub(r"(?<=[A-Z])s(?=[A-Z]|$)", "S", name)  # a plural of letters, such as IPs
    made = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    return f"{made}_" if keyword.iskeyword(made) else made


def camel(name: str) -> str:
    """The JSON name that msgspec gives to a field."""
    first, *rest = name.split("_")
    return first + "".join(one.capitalize() for one in rest)


def main(words: list[str]) -> int:
    """Write the module, and with a file of definitions the data that it is made from."""
    if words:
        published = json.loads(Path(words[0]).read_text())
        kept = trim(published.get("$defs") or published["definitions"])
        lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(one)}" for name, one in kept.items())
        DATA.write_text("{\n" + lines + "\n}\n")
    MODULE.write_text(module(json.loads(DATA.read_text())))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
