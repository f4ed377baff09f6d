"""Objects that set one field each: every field of every type of a kind, at every field that has the type.

The values come from the types; `tests.fieldvalues` has those that a rule of the kind needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from inspect import get_annotations
from typing import Any

from msgspec import inspect

from tests.fieldvalues import BELOW, EXAMPLES, FURTHER, NOT_TRIED, UNSET, VALUES, WITH
from workshop.manifests.objects import Object
from workshop.manifests.types import TYPES


@dataclass(frozen=True)
class Setting:
    """One field in one object: `field` is `Type.field`, `path` its place, `kind` and `obj` the object with it."""

    field: str
    api_version: str
    kind: str
    path: str
    obj: Object


@dataclass(frozen=True)
class _Level:
    type: inspect.StructType
    name: str = ""
    """The field that has the next level."""
    within: str = ""
    """`list` or `map` where the field has several of the next level."""


def settings(api_version: str, kind: str, entered: Callable[[str, str], bool]) -> Iterator[Setting]:
    """Every field of a kind's types once for each field that has the type.

    `entered` says of a field, `Type.field`, and the type below it whether the fields of that type are settings too.
    """
    top = inspect.type_info(TYPES[(api_version, kind)])
    assert isinstance(top, inspect.StructType)
    waiting: list[tuple[_Level, ...]] = [(_Level(top),)]
    seen: set[tuple[str, str]] = set()
    while waiting:
        levels = waiting.pop(0)
        type_ = levels[-1].type
        for field in type_.fields:
            name = _name(type_, field.encode_name)
            if name.startswith("Resource.") or (len(levels) == 1 and field.encode_name != "spec"):
                continue
            value = VALUES.get(name, UNSET)
            value = _value(field.type) if value is UNSET else value
            if len(levels) > 1 and (_upper(levels), name) not in NOT_TRIED:
                obj = {"apiVersion": api_version, "kind": kind, **_built(levels, field.encode_name, value)}
                obj["metadata"] = {"name": "a", "namespace": "dev"}
                yield Setting(name, api_version, kind, _path(levels, field.encode_name), obj)
            inner, within = _inner(field.type)
            edge = (name, inner.cls.__name__) if inner else ("", "")
            if inner is not None and edge not in seen and entered(name, inner.cls.__name__):
                seen.add(edge)
                upper = (*levels[:-1], _Level(type_, field.encode_name, within))
                waiting.append((*upper, _Level(inner)))


def _name(type_: inspect.StructType, encoded: str) -> str:
    """`Type.field`, where the type is the one that declares the field: its own, or one that it extends."""
    field = next(one.name for one in type_.fields if one.encode_name == encoded)
    owner = next(one for one in type_.cls.__mro__ if field in get_annotations(one))
    return f"{owner.__name__}.{encoded}"


def _upper(levels: tuple[_Level, ...]) -> str:
    return _name(levels[-2].type, levels[-2].name)


def _built(levels: tuple[_Level, ...], name: str, value: Any) -> Object:
    """The object from the innermost level outwards."""
    fields = [*(_name(level.type, level.name) for level in levels[:-1]), _name(levels[-1].type, name)]
    made = _with(levels[-1].type, name, value, BELOW.get(fields[-2], {}))
    for index in reversed(range(len(levels) - 1)):
        level = levels[index]
        several = {"list": [made, *FURTHER.get(fields[index], [])], "map": {"a": made}}
        made = _with(
            level.type, level.name, several.get(level.within, made), BELOW.get(fields[index - 1], {}) if index else {}
        )
    return made


def _with(type_: inspect.StructType, name: str, value: Any, more: Object) -> Object:
    made = {**example(type_), **more, name: value, **WITH.get(f"{type_.cls.__name__}.{name}", {})}
    return {key: one for key, one in made.items() if one is not UNSET}


def example(type_: inspect.StructType) -> Object:
    """A small valid value of a type: the one of EXAMPLES, or the required fields."""
    known = EXAMPLES.get(type_.cls.__name__)
    if known is not None:
        return known
    return {
        field.encode_name: VALUES.get(f"{type_.cls.__name__}.{field.encode_name}", _value(field.type))
        for field in type_.fields
        if field.required
    }


def _value(type_: Any) -> Any:
    """A value of a type that is not the zero value."""
    type_ = _plain(type_)
    match type_:
        case inspect.StructType():
            return example(type_) or {
                field.encode_name: VALUES.get(f"{type_.cls.__name__}.{field.encode_name}", _value(field.type))
                for field in type_.fields[:1]
            }
        case inspect.ListType():
            return [_value(type_.item_type)]
        case inspect.DictType():
            return {"a": _value(type_.value_type)}
        case inspect.LiteralType():
            return next(value for value in type_.values if value != "")
        case inspect.BoolType():
            return True
        case inspect.IntType() | inspect.FloatType():
            return 1
    return "x"


def _inner(type_: Any) -> tuple[inspect.StructType | None, str]:
    """The type below a field, and whether the field has one, a list or a map of it."""
    type_ = _plain(type_)
    match type_:
        case inspect.StructType():
            return type_, ""
        case inspect.ListType():
            found = _plain(type_.item_type)
            return (found if isinstance(found, inspect.StructType) else None), "list"
        case inspect.DictType():
            found = _plain(type_.value_type)
            return (found if isinstance(found, inspect.StructType) else None), "map"
    return None, ""


def _plain(type_: Any) -> Any:
    """A type without its description and without None; of several, text."""
    while isinstance(type_, inspect.Metadata):
        type_ = type_.type
    if isinstance(type_, inspect.UnionType):
        real = [one for one in map(_plain, type_.types) if not isinstance(one, inspect.NoneType)]
        return next((one for one in real if isinstance(one, inspect.StrType)), real[0])
    return type_


def _path(levels: tuple[_Level, ...], name: str) -> str:
    below = "".join(
        f"{level.name}{'[0]' if level.within == 'list' else '.a' if level.within == 'map' else ''}."
        for level in levels[:-1]
    )
    return below + name


def at(obj: Any, path: str) -> Any:
    """The value at a path such as `spec.steps[0].name`. Raises KeyError or IndexError."""
    for part in path.replace("[", ".[").split("."):
        obj = obj[int(part[1:-1])] if part.startswith("[") else obj[part]
    return obj
