"""A value of the wrong type in the words of Go's decoder, as Tekton's mutating webhook writes them.

Source: transformUnmarshalError in encoding/json/v2_inject.go of Go 1.27, with which Tekton's releases decode.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from workshop.manifests.objects import Object
from workshop.manifests.places import parts

_PROBLEM = re.compile(r"Expected `([^`]+)`, got `(\w+)` - at `\$([^`]*)`")
_VALUES = {"int": "number", "float": "number", "str": "string"}
_STRUCTS = {
    "Breakpoints": "TaskBreakpoints",
    "Debug": "TaskRunDebug",
    "MatrixInclude": "IncludeParams",
    "PipelineTaskWorkspace": "WorkspacePipelineTaskBinding",
    "PipelineWorkspace": "PipelineWorkspaceDeclaration",
    "StepRef": "Ref",
    "StepSpecOverride": "TaskRunStepSpec",
    "TaskRunTemplate": "PipelineTaskRunTemplate",
    "TemplateMeta": "PipelineTaskMetadata",
    "Timeouts": "TimeoutFields",
}
"""The names of types that Tekton names otherwise."""
_LISTS = {
    "MatrixInclude": "v1.IncludeParamsList",
    "Param": "v1.Params",
    "ParamSpec": "v1.ParamSpecs",
    "Volume": "v1.Volumes",
    "WhenExpression": "v1.WhenExpressions",
}
"""Lists that have a name in Tekton, by the type of an item."""


def place_of(problem: msgspec.ValidationError) -> list[str | int]:
    """The path of the value; empty if the message has none."""
    found = _PROBLEM.fullmatch(str(problem))
    return parts(found.group(3)) if found else []


def in_go(problem: msgspec.ValidationError, obj: Object, type_: type) -> str:
    """What Go says of it; the message itself if it is of another kind. `type_` is that of the whole object."""
    found = _PROBLEM.fullmatch(str(problem))
    if not found:
        return str(problem)
    got, path = _VALUES.get(found.group(2), found.group(2)), found.group(3)
    wanted = _at(_info(type_), parts(path))
    if _is_duration(wanted):
        # metav1.Duration decodes its own text, so Go does not say where it is.
        return f"cannot unmarshal {got} into Go value of type string"
    place = f"{obj.get('kind', '')}{path.replace('[', '.').replace(']', '')}"
    field = "" if path.endswith("]") else "Go struct field "
    return f"cannot unmarshal {got} into {field}{place} of type {_name(wanted)}"


@cache
def _info(type_: type) -> Any:
    return inspect.type_info(type_)


def _at(info: Any, path: list[str | int]) -> Any:
    """The type at a path of an object, with its description."""
    for part in path:
        inner = _plain(info)
        if isinstance(inner, inspect.StructType):
            info = next(one.type for one in inner.fields if one.encode_name == part)
        elif isinstance(inner, inspect.ListType):
            info = inner.item_type
        elif isinstance(inner, inspect.DictType):
            info = inner.value_type
    return info


def _plain(info: Any) -> Any:
    """A type without its description and without None."""
    while isinstance(info, inspect.Metadata):
        info = info.type
    if isinstance(info, inspect.UnionType):
        return _plain(next(one for one in info.types if not isinstance(one, inspect.NoneType)))
    return info


def _is_duration(info: Any) -> bool:
    if isinstance(info, inspect.UnionType):
        return any(map(_is_duration, info.types))
    if not isinstance(info, inspect.Metadata):
        return False
    return (info.extra or {}).get("go") == "duration" or _is_duration(info.type)


def _name(info: Any) -> str:
    plain = _plain(info)
    if isinstance(plain, inspect.StructType):
        name = plain.cls.__name__
        return "pod.Template" if name == "PodTemplate" else f"v1.{_STRUCTS.get(name, name)}"
    if isinstance(plain, inspect.ListType):
        item = _name(plain.item_type)
        return _LISTS.get(item.removeprefix("v1."), f"[]{item}")
    if isinstance(plain, inspect.DictType):
        return f"map[string]{_name(plain.value_type)}"
    if isinstance(plain, inspect.IntType):
        return "int"
    return "bool" if isinstance(plain, inspect.BoolType) else "string"
