"""A kustomization as read, and the resources on their way through it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workshop.errors import ManifestError
from workshop.manifests import selectors
from workshop.manifests.load import documents

Object = dict[str, Any]
FILES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
FIELDS = {
    "apiVersion",
    "kind",
    "metadata",
    "resources",
    "bases",
    "components",
    "namespace",
    "namePrefix",
    "nameSuffix",
    "labels",
    "commonLabels",
    "commonAnnotations",
    "images",
    "patches",
    "patchesStrategicMerge",
    "patchesJson6902",
    "configMapGenerator",
    "secretGenerator",
    "generatorOptions",
    "replacements",
    "replicas",
    "configurations",
    "sortOptions",
}
"""What is understood; every other field is refused."""


@dataclass
class Item:
    """One object, and every name and namespace that it has had: patches and references may use any of them."""

    object: Object
    source: str
    ids: list[tuple[str, str]] = field(default_factory=list)
    needs_hash: bool = False
    behavior: str = "create"

    def __post_init__(self) -> None:
        self.remember()

    @property
    def kind(self) -> str:
        return str(self.object.get("kind"))

    @property
    def group(self) -> str:
        return str(self.object.get("apiVersion")).rpartition("/")[0]

    @property
    def version(self) -> str:
        return str(self.object.get("apiVersion")).rpartition("/")[2]

    @property
    def name(self) -> str:
        return str(self.object["metadata"].get("name", ""))

    @property
    def namespace(self) -> str:
        return str(self.object["metadata"].get("namespace", ""))

    @property
    def shown(self) -> str:
        """As kustomize's messages name an object: `Deployment.v1.apps/web.[noNs]`."""
        return f"{self.kind}.{self.version}.{self.group or '[noGrp]'}/{self.name}.{self.namespace or '[noNs]'}"

    def remember(self) -> None:
        """Keep the current name and namespace among those it has had."""
        if (self.name, self.namespace) not in self.ids:
            self.ids.append((self.name, self.namespace))

    def rename(self, name: str) -> None:
        """Give it another name."""
        self.object["metadata"]["name"] = name
        self.remember()


@dataclass(frozen=True)
class Kustomization:
    """One kustomization file."""

    root: Path
    file: Path
    content: Object

    def many(self, key: str) -> list[Any]:
        """A list field. Raises ManifestError."""
        value = self.content.get(key) or []
        if not isinstance(value, list):
            raise self.wrong(key, f"expected a list, found a {type(value).__name__}")
        return value

    def text(self, key: str) -> str:
        """A text field."""
        return str(self.content.get(key) or "")

    def mapping(self, key: str) -> Object:
        """A field of keys and values. Raises ManifestError."""
        value = self.content.get(key) or {}
        if not isinstance(value, dict):
            raise self.wrong(key, f"expected keys and values, found a {type(value).__name__}")
        return value

    def wrong(self, key: str, why: str) -> ManifestError:
        """The error of a field."""
        return ManifestError(f"{self.file}: {key}: {why}")

    def known(self, key: str, entry: Any, allowed: set[str]) -> Object:
        """An entry of a list that may only have the allowed fields. Raises ManifestError."""
        if not isinstance(entry, dict):
            raise self.wrong(key, f"expected keys and values, found {entry!r}")
        for name in entry:
            if name not in allowed:
                raise self.wrong(key, f"{name} is not supported: allowed are {', '.join(sorted(allowed))}")
        return entry

    def read(self, name: str) -> bytes:
        """A file below the folder; others are refused, as kustomize refuses them. Raises ManifestError."""
        path = (self.root / name).resolve()
        if not path.is_relative_to(self.root.resolve()):
            raise ManifestError(f"{self.file}: security; file '{path}' is not in or below '{self.root.resolve()}'")
        try:
            return path.read_bytes()
        except OSError as e:
            raise ManifestError(f"{self.file}: {name}: {e.strerror}") from e


def read(folder: Path) -> Kustomization:
    """The kustomization of a folder. Raises ManifestError."""
    found = [folder / name for name in FILES if (folder / name).is_file()]
    if not found:
        raise ManifestError(f"unable to find one of {', '.join(repr(n) for n in FILES)} in directory '{folder}'")
    if len(found) > 1:
        raise ManifestError(f"{folder}: found multiple kustomization files: {', '.join(p.name for p in found)}")
    contents = [value for value, _ in documents(found[0].read_bytes(), str(found[0]))]
    content = contents[0] if contents else {}
    if not isinstance(content, dict):
        raise ManifestError(f"{found[0]}: is not a kustomization: it holds a {type(content).__name__}")
    for key in content:
        if key not in FIELDS:
            raise ManifestError(
                f"{found[0]}: {key} is not supported by the built-in oc: allowed are {', '.join(sorted(FIELDS))}",
                hint="install oc or kubectl for the others",
            )
    return Kustomization(folder, found[0], content)


def matches(item: Item, target: Object) -> bool:
    """Whether a target selector means this item. Raises ManifestError for a bad label selector."""
    for key, actual in (("group", item.group), ("version", item.version), ("kind", item.kind)):
        if target.get(key) and not re.fullmatch(str(target[key]), actual):
            return False
    name, namespace = target.get("name"), target.get("namespace")
    if (name or namespace) and not any(
        (not name or re.fullmatch(str(name), one)) and (not namespace or re.fullmatch(str(namespace), where))
        for one, where in item.ids
    ):
        return False
    try:
        for key, where in (("labelSelector", "labels"), ("annotationSelector", "annotations")):
            if target.get(key) and not selectors.labels(str(target[key]))(item.object["metadata"].get(where) or {}):
                return False
    except selectors.SelectorError as e:
        raise ManifestError(f"target: {e}") from e
    return True
