"""Parse and replace `$(...)` references.

Replacement is textual, happens once and does not escape, as in Tekton. An unknown `$(...)` stays, so a shell's own
`$(command)` works. A whole list replaces an item of a list that consists of a reference to it. A string can contain
list items and object keys, but not a whole list (docs/variables.md of tektoncd/pipeline).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Value = str | list[str] | dict[str, str]

_REFERENCE = re.compile(
    r"""\$\(
        ([a-zA-Z][a-zA-Z0-9_]*                          # params, tasks, context, workspaces ...
         (?: \.[a-zA-Z0-9_-]+ | \['[^'\]]+'\] | \["[^"\]]+"\] )+
        )
        (?: \[ (\*|\d+) \] )?
    \)""",
    re.VERBOSE,
)
_PART = re.compile(r"""\.?([a-zA-Z0-9_-]+)|\['([^'\]]+)'\]|\["([^"\]]+)"\]""")


@dataclass(frozen=True)
class Reference:
    """One `$(...)`: `$(tasks.a.results.r[0])` has the parts tasks, a, results, r and the index 0."""

    text: str
    parts: tuple[str, ...]
    index: int | Literal["*"] | None = None

    @property
    def expression(self) -> str:
        """The text between the parentheses."""
        return self.text[2:-1]


def references(text: str) -> Iterator[Reference]:
    """All references in a text, in order. Other text such as `$(pwd)` is skipped."""
    for match in _REFERENCE.finditer(text):
        yield _reference(match)


def in_value(value: object) -> Iterator[Reference]:
    """All references in the strings of a value of any depth."""
    if isinstance(value, str):
        if "$(" in value:
            yield from references(value)
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from in_value(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from in_value(one)


def whole(text: str) -> Reference | None:
    """The reference that a text consists of, or None when it contains more."""
    match = _REFERENCE.fullmatch(text)
    return _reference(match) if match else None


Lookup = Callable[[Reference], Value | None]


def replaced(text: str, lookup: Lookup) -> str:
    """A text with its references replaced. Unknown references and those of whole lists stay."""
    if "$(" not in text:
        return text

    def one(match: re.Match[str]) -> str:
        value = lookup(_reference(match))
        return value if isinstance(value, str) else match.group(0)

    return _REFERENCE.sub(one, text)


def replaced_value(value: Value, lookup: Lookup) -> Value:
    """A parameter's value with its references replaced; a string that is one reference may become a list."""
    if isinstance(value, str):
        reference = whole(value)
        found = lookup(reference) if reference else None
        return found if found is not None else replaced(value, lookup)
    if isinstance(value, list):
        return replaced_list(value, lookup)
    return {key: replaced(one, lookup) for key, one in value.items()}


def replaced_list(items: list[str], lookup: Lookup) -> list[str]:
    """A list with its references replaced. An item that is a reference to a list becomes the list's items."""
    out: list[str] = []
    for item in items:
        reference = whole(item)
        found = lookup(reference) if reference else None
        if isinstance(found, list):
            out += found
        else:
            out.append(found if isinstance(found, str) else replaced(item, lookup))
    return out


def replaced_tree(node: Any, lookup: Lookup, *, skip: frozenset[str] = frozenset()) -> Any:
    """A part of a manifest with its references replaced, except in the fields of `skip`."""
    if isinstance(node, str):
        return replaced(node, lookup)
    if isinstance(node, list):
        if all(isinstance(item, str) for item in node):
            return replaced_list(node, lookup)
        return [replaced_tree(item, lookup, skip=skip) for item in node]
    if isinstance(node, dict):
        return {key: one if key in skip else replaced_tree(one, lookup, skip=skip) for key, one in node.items()}
    return node


@dataclass(frozen=True)
class Variables:
    """Values by their parts: ("params", "x"), ("context", "taskRun", "name"). Call it with a reference."""

    values: Mapping[tuple[str, ...], Value]

    def __call__(self, reference: Reference) -> Value | None:
        """The value of a reference: a list's item, an object's key or the whole; None when it is unknown."""
        parts, index = reference.parts, reference.index
        if parts[:2] == ("inputs", "params"):
            parts = parts[1:]
        value = self.values.get(parts)
        if value is None and len(parts) > 1:
            parent = self.values.get(parts[:-1])
            value = parent.get(parts[-1]) if isinstance(parent, dict) else None
        if isinstance(index, int):
            return value[index] if isinstance(value, list) and index < len(value) else None
        if index == "*" and isinstance(value, str):
            return None
        return value


def _reference(match: re.Match[str]) -> Reference:
    path, at = match.group(1), match.group(2)
    index: int | Literal["*"] | None = None if at is None else "*" if at == "*" else int(at)
    parts = tuple(next(filter(None, part.groups())) for part in _PART.finditer(path))
    return Reference(match.group(0), parts, index)
