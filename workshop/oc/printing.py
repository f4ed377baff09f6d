"""Objects as text: aligned columns, JSON and YAML in kubectl's form, names, JSONPath, custom columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from workshop.manifests import jsonpath
from workshop.oc.failures import Failed
from workshop.oc.flags import BadUsage

Object = dict[str, Any]
FORMATS = "json, yaml, name, wide, jsonpath=PATH, custom-columns=NAME:PATH,..."
_MIN_WIDTH, _PADDING = 6, 3


class Columns:
    """Rows aligned as kubectl aligns them; widths are remembered, so that a watch's rows line up."""

    def __init__(self) -> None:
        self._widths: list[int] = []

    def lines(self, rows: Sequence[Sequence[str]]) -> list[str]:
        """The rows as lines."""
        for row in rows:
            for index, cell in enumerate(row[:-1]):
                wide = max(_MIN_WIDTH, len(cell) + _PADDING)
                if index == len(self._widths):
                    self._widths.append(wide)
                self._widths[index] = max(self._widths[index], wide)
        return [
            "".join(cell.ljust(self._widths[i]) for i, cell in enumerate(row[:-1])) + (row[-1] if row else "")
            for row in rows
        ]


def without_fields(obj: Object) -> Object:
    """The object without managedFields, which people seldom want to see."""
    meta = obj.get("metadata")
    if not isinstance(meta, dict) or "managedFields" not in meta:
        return obj
    return {**obj, "metadata": {k: v for k, v in meta.items() if k != "managedFields"}}


def as_json(value: Any) -> str:
    """JSON with four spaces and sorted keys."""
    return jsonpath.go_json(value, indent=4)


def as_yaml(value: Any) -> str:
    """YAML with sorted keys, lists at their key's indent, long texts folded and quoted as kubectl does."""
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    def represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
        style = None
        resolved: str = dumper.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
        if "\n" in text and not re.search(r"[ \t]\n|[^\S\n ]|^\s", text):
            style = "|"
        elif "\n" in text or resolved != "tag:yaml.org,2002:str" or _ambiguous(text):
            style = '"'
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Dumper.add_representer(str, represent)
    return str(yaml.dump(value, Dumper=Dumper, sort_keys=True, allow_unicode=True)).rstrip("\n")


_AMBIGUOUS = re.compile(
    r"y|Y|n|N|[-+]?(\.\d+|\d[\d_]*(\.\d*)?)([eE][-+]?\d+)?|0[xob][0-9a-fA-F_]+|[-+]?\d[\d_]*(:[0-5]?\d)+(\.\d*)?"
)
"""Texts that other YAML readers take for numbers or truth values; PyYAML's own rules come on top."""


def _ambiguous(text: str) -> bool:
    return bool(_AMBIGUOUS.fullmatch(text))


def show(obj: Object, how: str) -> str:
    """One object in a format other than a table. Raises BadUsage, Failed."""
    name, _, rest = how.partition("=")
    if how == "json":
        return as_json(without_fields(obj))
    if how == "yaml":
        return as_yaml(without_fields(obj))
    if name == "jsonpath" and rest:
        try:
            return jsonpath.render(rest, obj)
        except jsonpath.PathError as e:
            raise Failed(f"error parsing jsonpath {rest}, {e}") from e
    raise BadUsage(f'unable to match a printer suitable for the output format "{how}", allowed formats are: {FORMATS}')


def custom_columns(objects: Sequence[Object], spec: str, *, headers: bool) -> list[str]:
    """`NAME:.metadata.name,KIND:.kind` of each object, aligned. Raises BadUsage."""
    rows: list[list[str]] = []
    columns = []
    for part in re.split(r",(?![^\[]*\])", spec):
        title, colon, path = part.partition(":")
        if not colon:
            raise BadUsage(f"unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>")
        try:
            columns.append((title, jsonpath.compile_path(path if path.startswith(("{", ".")) else "." + path)))
        except jsonpath.PathError as e:
            raise BadUsage(str(e)) from e
    if headers:
        rows.append([title for title, _ in columns])
    for obj in objects:
        rows.append([",".join(map(jsonpath.text, found(obj))) or "<none>" for _, found in columns])
    return Columns().lines(rows)
