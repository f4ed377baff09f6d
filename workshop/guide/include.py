"""Real files in the guide instead of copies that become outdated.

A paragraph that is one link whose title begins with `include` is replaced by the file it points to:

    [seldon/base/seldondeployment.yaml](../../seldon/base/seldondeployment.yaml "include lines 1-12")

`include` shows the whole file. `include spec.tasks.canary.when` shows one field of a YAML file with its comments; an
item of a list is named by its number or its `name`. `include class FlightDelay` shows a class of a Python file up to
its first method that is not `__init__`. On a Git host the same line is a working link.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from workshop.errors import ManifestError

_LINES = re.compile(r"lines (\d+)-(\d+)\Z")
_CLASS = re.compile(r"class (\w+)\Z")
_LANGUAGES = {
    ".json": "json",
    ".md": "markdown",
    ".py": "python",
    ".sh": "bash",
    ".toml": "toml",
    ".yaml": "yaml",
}


@dataclass(frozen=True)
class Excerpt:
    """The included text: a file's path from the kit's root, its first line, and the text."""

    path: str
    line: int
    language: str
    text: str


def excerpt(kit: Path, module: Path, line: int, target: str, title: str) -> Excerpt:
    """The part of a file that an include names. Raises ManifestError with the module's file and line."""
    where = f"{module}:{line}"
    file = (module.parent / target).resolve()
    if not file.is_relative_to(kit.resolve()):
        raise ManifestError(f"{where}: the include {target} points outside of the kit")
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as e:
        raise ManifestError(f"{where}: cannot include {target}: {e.strerror}") from e
    name = file.relative_to(kit.resolve()).as_posix()
    language = _LANGUAGES.get(file.suffix, "text")
    wanted = title.removeprefix("include").strip()
    if not wanted:
        return Excerpt(name, 1, language, text)
    if lines := _LINES.match(wanted):
        first, last = int(lines[1]), int(lines[2])
    elif named := _CLASS.match(wanted):
        first, last = _class(text, named[1], f"{where}: {name}")
    else:
        first, last = _field(text, wanted, f"{where}: {name}")
    every = text.splitlines()
    if not 1 <= first <= last <= len(every):
        raise ManifestError(f"{where}: {name} has {len(every)} lines, not {first}-{last}")
    chosen = every[first - 1 : last]
    indent = min((len(each) - len(each.lstrip()) for each in chosen if each.strip()), default=0)
    return Excerpt(name, first, language, "\n".join(each[indent:] for each in chosen) + "\n")


def _class(text: str, name: str, where: str) -> tuple[int, int]:
    """First and last line of a Python class without the methods after `__init__`."""
    body = ast.parse(text).body
    found = next((each for each in body if isinstance(each, ast.ClassDef) and each.name == name), None)
    if found is None:
        raise ManifestError(f"{where} has no class {name}")
    methods = [each for each in found.body if isinstance(each, ast.FunctionDef) and each.name != "__init__"]
    last = methods[0].lineno - len(methods[0].decorator_list) - 1 if methods else found.end_lineno or found.lineno
    lines = text.splitlines()
    while not lines[last - 1].strip():
        last -= 1
    return found.lineno, last


def _item(sequence: yaml.SequenceNode, step: str) -> yaml.Node | None:
    """An item of a list by its number, or by the value of its field `name`."""
    if step.isdecimal():
        return sequence.value[int(step)] if int(step) < len(sequence.value) else None
    for item in sequence.value:
        named = item.value if isinstance(item, yaml.MappingNode) else []
        if any(key.value == "name" and value.value == step for key, value in named):
            found: yaml.Node = item
            return found
    return None


def _field(text: str, path: str, where: str) -> tuple[int, int]:
    """First and last line of a YAML field, found by a path like `spec.predictors.0.graph` or `spec.tasks.train`."""
    node = yaml.compose(text)
    line = 1
    for step in path.split("."):
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == step), None)
            if found is None:
                known = ", ".join(str(key.value) for key, _ in node.value)
                raise ManifestError(f"{where} has no field {path}: {step!r} is not among {known}")
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and (item := _item(node, step)) is not None:
            node = item
            line = node.start_mark.line + 1
        else:
            raise ManifestError(f"{where} has no field {path}: there is nothing to step into at {step!r}")
    assert node is not None
    end = node.end_mark
    # A block ends where the next one begins; comments before that belong to the next one.
    block = isinstance(node, yaml.CollectionNode) and not node.flow_style
    last = end.line if block or end.column == 0 else end.line + 1
    lines = text.splitlines()
    while last > line and (not lines[last - 1].strip() or (block and lines[last - 1].lstrip().startswith("#"))):
        last -= 1
    return line, last
