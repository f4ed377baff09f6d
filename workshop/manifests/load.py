"""Parse YAML and JSON text into objects, as a cluster's clients do.

YAML 1.1 as in Go's library: timestamps and times of day stay text, and a duplicate key is an error. Lists (`kind:
List`) are flattened, empty documents skipped. Each object has its file and line, for error messages. The content of the
objects is not validated.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from workshop.errors import ManifestError

try:
    from yaml import CSafeLoader as _Base
except ImportError:  # a PyYAML without libyaml: slower, the same result
    from yaml import SafeLoader as _Base  # type: ignore[assignment]

SUFFIXES = (".yaml", ".yml", ".json")
DEEPEST = 200
"""The largest depth of nesting: readers are recursive."""
_DOCUMENTS = 10_000
"""The largest number of documents in one text."""
_MULTIPLIED, _FREE = 10, 100_000
"""The largest factor by which aliases may expand a text, above this number of values."""


@dataclass(frozen=True)
class Manifest:
    """One object of a file."""

    object: dict[str, Any]
    source: str
    line: int

    @property
    def where(self) -> str:
        return f"{self.source}:{self.line}"


class _Loader(_Base):
    """The YAML of Kubernetes: see the module's first lines."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if not tag.endswith((":timestamp", ":int", ":float"))]
    for first, rules in _Base.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^[yYnN]$"), list("yYnN"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int",
    re.compile(r"^(?:[-+]?0b[01_]+|[-+]?0o?[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+)$"),
    list("-+0123456789"),
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$"
        r"|^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$"
    ),
    list("-+.0123456789"),
)


def _mapping(loader: _Loader, node: yaml.MappingNode, deep: bool = False) -> dict[str, Any]:
    own = sum(key.tag != "tag:yaml.org,2002:merge" for key, _ in node.value)
    loader.flatten_mapping(node)
    merged = len(node.value) - own  # These come first, and a key of the mapping itself replaces them.
    result: dict[str, Any] = {}
    written = set[str]()
    for index, (key_node, value_node) in enumerate(node.value):
        if not isinstance(key_node, yaml.ScalarNode):
            problem = "a key is a list or a mapping; quote {{ }}, the variables of Pipelines as Code"
            raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
        key = loader.construct_object(key_node, deep=True)
        name = str(key).lower() if isinstance(key, bool) else key if isinstance(key, str) else key_node.value
        if name in written:
            problem = f'key "{name}" already set in map'
            raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
        if index >= merged:
            written.add(name)
        result[name] = loader.construct_object(value_node, deep=True)
    return result


def _boolean(loader: _Loader, node: yaml.ScalarNode) -> bool:
    return node.value.lower() in ("y", "yes", "true", "on")


def _integer(loader: _Loader, node: yaml.ScalarNode) -> int:
    text = node.value.replace("_", "")
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text.lstrip("+"))
    if digits[:2] in ("0b", "0x", "0o"):
        return sign * int(digits, 0)
    return sign * int(digits, 8 if digits.startswith("0") and digits != "0" else 10)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:bool", _boolean)
_Loader.add_constructor("tag:yaml.org,2002:int", _integer)


def documents(text: str | bytes, source: str = "-") -> Iterator[tuple[Any, int]]:
    """Each document that is not empty, with the line it starts on. Raises ManifestError for bad YAML."""
    for value, node in composed(text, source):
        yield value, node.start_mark.line + 1


def composed(text: str | bytes, source: str = "-") -> Iterator[tuple[Any, yaml.Node]]:
    """Each document that is not empty, with its node, which has the places of all fields. Raises as `documents`."""
    try:
        loader = _Loader(text)
        check_document_limits(_Loader(text), source)
    except yaml.YAMLError as e:
        raise ManifestError(f"{source}: cannot be read as text: {e}") from e
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is None:
                break
            value = loader.construct_document(node)
            if value is not None:
                yield value, node
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        line = mark.line + 1 if mark else 1
        raise ManifestError(f"{source}:{line}: bad YAML: {e.problem or e.context}") from e
    except (yaml.YAMLError, ValueError) as e:
        raise ManifestError(f"{source}: bad YAML: {e}") from e
    finally:
        loader.dispose()


def check_document_limits(loader: _Loader, source: str) -> None:
    """Raise ManifestError for a text that would take too long or too much memory to read.

    That is one with too many documents, too many levels, or aliases of aliases.
    """
    sizes: dict[str | None, int] = {}
    around: list[tuple[str | None, int]] = []
    size = written = count = 0
    try:
        while loader.check_event():
            event = loader.get_event()
            problem = ""
            if isinstance(event, yaml.DocumentStartEvent):
                count += 1
                problem = f"more than {_DOCUMENTS} documents" if count > _DOCUMENTS else ""
            elif isinstance(event, yaml.CollectionStartEvent):
                around.append((event.anchor, size))
                size, written = 1, written + 1
                problem = f"more than {DEEPEST} levels deep" if len(around) > DEEPEST else ""
            elif isinstance(event, yaml.CollectionEndEvent):
                anchor, before = around.pop()
                sizes[anchor] = size
                size += before
            elif isinstance(event, yaml.NodeEvent):
                size += sizes.get(event.anchor, 1) if isinstance(event, yaml.AliasEvent) else 1
                written += 1
                problem = "document contains excessive aliasing" if size > max(_FREE, _MULTIPLIED * written) else ""
            if problem:
                mark = getattr(event, "start_mark", None)
                raise ManifestError(f"{source}:{mark.line + 1 if mark else 1}: bad YAML: {problem}")
    except yaml.YAMLError:
        return  # The caller reads the text again and reports the error.
    finally:
        loader.dispose()


def parse(text: str | bytes, source: str = "-") -> list[Manifest]:
    """The objects of a text. Raises ManifestError for bad YAML and for documents that are not objects."""
    found: list[Manifest] = []
    for value, line in documents(text, source):
        found += _flatten(value, source, line)
    return found


def files(path: Path, *, recursive: bool = False) -> list[Path]:
    """The manifest files of a path: the file, or those in the folder, by name. Raises ManifestError."""
    if path.is_dir():
        walk = path.rglob("*") if recursive else path.iterdir()
        return sorted(p for p in walk if p.suffix in SUFFIXES and p.is_file())
    if path.exists():
        return [path]
    raise ManifestError(f'the path "{path}" does not exist')


def load(path: str | Path, *, recursive: bool = False) -> list[Manifest]:
    """The objects of a file, of a folder's files, or of standard input for `-`. Raises ManifestError."""
    if str(path) == "-":
        return parse(sys.stdin.buffer.read(), "-")
    found: list[Manifest] = []
    for file in files(Path(path), recursive=recursive):
        try:
            text = file.read_bytes()
        except OSError as e:
            raise ManifestError(f"{file}: cannot be read: {e.strerror}") from e
        found += parse(text, str(file))
    return found


def _flatten(value: Any, source: str, line: int) -> list[Manifest]:
    if not isinstance(value, dict):
        what = type(value).__name__
        hint = "every object names its apiVersion and kind"
        raise ManifestError(f"{source}:{line}: not an object but {what}: {hint}")
    kind = value.get("kind")
    if isinstance(kind, str) and kind.endswith("List") and isinstance(value.get("items"), list):
        return [found for item in value["items"] for found in _flatten(item, source, line)]
    for key in ("apiVersion", "kind"):
        if not isinstance(value.get(key), str) or not value[key]:
            hint = "every object names its apiVersion and kind"
            raise ManifestError(f"{source}:{line}: {key} is missing: {hint}")
    return [Manifest(value, source, line)]
