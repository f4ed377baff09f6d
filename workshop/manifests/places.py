"""Where a field of a manifest is in its file: line and column, counted from 1.

Paths are lists of keys, indices and, for an item of a list, its name. They come from messages of the API server too,
which leave parts out or write them in another case, so a path is followed as far as it exists.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

Path = Sequence[str | int]
Place = tuple[int, int]
"""Line and column."""

_PART = re.compile(r"\[([^\]]*)\]|([^.\[\]]+)")
_INLINE = ("taskSpec", "pipelineSpec")
"""Fields that messages of Tekton leave out of a path."""


def parts(path: str) -> list[str | int]:
    """The parts of `spec.steps[0].env[NAME]`: spec, steps, 0, env, NAME."""
    found: list[str | int] = []
    for inner, plain in _PART.findall(path):
        found.append(int(inner) if inner.isdecimal() else inner or plain)
    return found


@dataclass(frozen=True)
class Places:
    """The places of one document: its node, and the lines of its file."""

    node: yaml.Node
    lines: Sequence[str]

    def of(self, path: Path, text: str = "") -> Place:
        """The place of a field, or of `text` in its value; of the last part of the path that exists."""
        at, value = _followed(self.node, path)
        if text and (found := self._inside(value, text)):
            return found
        return at.start_mark.line + 1, at.start_mark.column + 1

    def _inside(self, node: yaml.Node, text: str) -> Place | None:
        """The place of a text in the lines of a value, as they are in the file."""
        start, end = node.start_mark, node.end_mark
        for number in range(start.line, min(end.line + 1, len(self.lines))):
            column = self.lines[number].find(text, start.column if number == start.line else 0)
            if column >= 0:
                return number + 1, column + 1
        return None


def _followed(node: yaml.Node, path: Path) -> tuple[yaml.Node, yaml.Node]:
    """The node that shows where a field is, a key or an item, and the node of its value."""
    at = value = node
    for part in path:
        found = _child(value, part)
        for field in _INLINE if found is None else ():
            inner = _child(value, field)
            found = found or (_child(inner[1], part) if inner else None)
        if found is None:
            break
        at, value = found
    return at, value


def _child(node: yaml.Node, part: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        wanted = str(part)
        # The last one counts: keys that `<<` adds come first.
        fields = [(key, value) for key, value in reversed(node.value) if isinstance(key, yaml.ScalarNode)]
        exact = next((one for one in fields if one[0].value == wanted), None)
        return exact or next((one for one in fields if one[0].value.lower() == wanted.lower()), None)
    if isinstance(node, yaml.SequenceNode):
        if isinstance(part, int):
            item = node.value[part] if part < len(node.value) else None
        else:
            # The last one of a name: it is the one too many.
            item = next((one for one in reversed(node.value) if _name(one) == part), None)
        if item is not None:
            return item, item
    return None


def _name(node: yaml.Node) -> str | None:
    """The value of an item's `name`, or of an item that is a text."""
    if isinstance(node, yaml.ScalarNode):
        return str(node.value)
    found = _child(node, "name") if isinstance(node, yaml.MappingNode) else None
    return str(found[1].value) if found and isinstance(found[1], yaml.ScalarNode) else None
