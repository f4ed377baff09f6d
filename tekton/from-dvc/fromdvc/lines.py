"""The lines of a YAML file, for messages."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import yaml

from fromdvc.errors import FromDvcError

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # a PyYAML without libyaml: slower, the same result
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]


class Lines:
    """Where the keys and values of one file are. A file that cannot be read has line 1 everywhere."""

    def __init__(self, file: Path, shown: str) -> None:
        self.file, self.shown = file.resolve(), shown
        try:
            self._root = yaml.compose(file.read_text(encoding="utf-8"), Loader=_Loader)
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            self._root = None

    def of_file(self, path: str) -> Lines:
        """The lines of another file, or these."""
        return self if Path(path).resolve() == self.file else Lines(Path(path), os.path.relpath(path))

    def at(self, *path: object) -> str:
        """`file:line` of the deepest part of a path of keys and indexes that exists."""
        node, line = self._root, 1
        for part in path:
            found = _child(node, part)
            if found is None:
                break
            line, node = found
        return f"{self.shown}:{line}"

    def of_stage(self, name: str, *more: str) -> str:
        """`file:line` of a stage; `train@a` is made of `train`. `more` are texts within it, such as a path."""
        for key in (name, name.rpartition("@")[0]):
            found = _child(_child_node(self._root, "stages"), key)
            if found:
                line, node = found
                inner = next((at for text in more if (at := _scalar(node, text))), 0)
                return f"{self.shown}:{inner or line}"
        return f"{self.shown}:1"


def _child(node: yaml.Node | None, part: object) -> tuple[int, yaml.Node] | None:
    """The line of a key or an item, and the value there."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == str(part):
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and 0 <= part < len(node.value):
        return node.value[part].start_mark.line + 1, node.value[part]
    return None


def _child_node(node: yaml.Node | None, part: object) -> yaml.Node | None:
    found = _child(node, part)
    return found[1] if found else None


def _scalar(node: yaml.Node, text: str) -> int:
    """The line of the first scalar with this text, 0 without one."""
    waiting = [node]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, yaml.ScalarNode) and one.value == text:
            return int(one.start_mark.line) + 1
        if isinstance(one, yaml.SequenceNode):
            waiting = [*one.value, *waiting]
        elif isinstance(one, yaml.MappingNode):
            waiting = [*(part for pair in one.value for part in pair), *waiting]
    return 0


def located(lines: Sequence[str], message: str, *, hint: str) -> FromDvcError:
    """An error at one or several places."""
    first, *others = sorted(set(lines), key=_number)
    also = f" (also {', '.join(others)})" if others else ""
    return FromDvcError(f"{first}: {message}{also}", hint=hint)


def _number(place: str) -> tuple[str, int]:
    file, _, line = place.rpartition(":")
    return file, int(line)
