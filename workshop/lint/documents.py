"""Reads files and folders into documents, with a finding for each file without manifests.

A file that is named must have manifests. In a folder, other YAML is left out: documents that are no objects of
Kubernetes, kustomizations, and the patches that these name, which are parts of objects.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from workshop.errors import ManifestError
from workshop.lint.findings import Finding
from workshop.manifests.load import SUFFIXES, composed
from workshop.manifests.places import Places

LARGEST = 10 * 1024 * 1024
"""Bytes of a file. The API server takes 3 MiB for one object."""
_AT = re.compile(r":(\d+): ")
_PATCHES = ("patches", "patchesStrategicMerge", "patchesJson6902", "replacements", "configurations", "openapi", "crds")
"""Fields of a kustomization that name files which are no whole objects."""


@dataclass(frozen=True)
class Document:
    """One object of a file."""

    file: str
    object: dict[str, Any]
    places: Places

    @property
    def kind(self) -> str:
        return str(self.object.get("kind"))


@dataclass
class Files:
    """What was read: the names of the files in order, the documents, what cannot be read, the lines of each file."""

    names: list[str] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    lines: dict[str, list[str]] = field(default_factory=dict)


def read(paths: Iterable[str]) -> Files:
    """Read files, folders and, for `-`, standard input. Raises ManifestError for a path that does not exist."""
    found = Files()
    for name in paths:
        if name == "-":
            found.names.append(name)
            _read_text(found, "-", sys.stdin.buffer.read(LARGEST + 1), named=True)
        elif Path(name).is_dir():
            for file in _inside(name):
                if file not in found.names:
                    found.names.append(file)
                    _read_file(found, file, named=False)
        elif not os.path.lexists(name):
            raise ManifestError(f'the path "{name}" does not exist', hint="workshop lint FILE|FOLDER...")
        elif name not in found.names:
            found.names.append(name)
            _read_file(found, name, named=True)
    parts = _parts_of_objects(found.documents)
    kept = (one for one in found.documents if os.path.realpath(one.file) not in parts and not _is_kustomization(one))
    found.documents = list(kept)
    found.findings = [one for one in found.findings if os.path.realpath(one.file) not in parts]
    return found


def _inside(folder: str) -> Iterator[str]:
    """The manifest files below a folder, by name. Links to folders and hidden folders but `.tekton` are left out."""
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(one for one in folders if not one.startswith(".") or one == ".tekton")
        for name in sorted(names):
            if name.endswith(SUFFIXES) and (path := Path(here, name)).is_file():
                yield str(path)


def _read_file(found: Files, name: str, *, named: bool) -> None:
    path = Path(name)
    if not path.is_file():
        what = "a link to a file that does not exist" if path.is_symlink() else "not a regular file"
        _unreadable(found, name, 1, f"it is {what}")
        return
    try:
        size = path.stat().st_size
        raw = b"" if size > LARGEST else path.read_bytes()
    except OSError as e:
        _unreadable(found, name, 1, f"it cannot be read: {e.strerror}")
        return
    if size > LARGEST:
        _unreadable(found, name, 1, f"it has {size / 2**20:.0f} MiB; at most {LARGEST // 2**20} MiB are read")
        return
    _read_text(found, name, raw, named=named)


def _read_text(found: Files, name: str, raw: bytes, *, named: bool) -> None:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        _unreadable(found, name, 1, "it is no text in UTF-8")
        return
    if "\0" in text:
        _unreadable(found, name, 1, "it is no text: it has bytes with the value 0")
        return
    lines = found.lines[name] = text.splitlines()
    count = 0
    try:
        for value, node in composed(text, name):
            count += 1
            _take(found, name, value, node, lines, named=named)
    except ManifestError as e:
        at = _AT.match(e.message.removeprefix(name))
        what = e.message.removeprefix(name).lstrip(":").removeprefix(at.group(0)[1:] if at else "").strip()
        if any("{{" in line for line in lines):
            what = f"it is a template with {{{{ }}}}, not YAML ({what})"
        _unreadable(found, name, int(at.group(1)) if at else 1, " ".join(what.split()))
        return
    if named and not count:
        _unreadable(found, name, 1, "it is empty")


def _take(found: Files, name: str, value: Any, node: yaml.Node, lines: list[str], *, named: bool) -> None:
    """Take a document, or the items of a List."""
    line = node.start_mark.line + 1
    if not isinstance(value, dict):
        if named:
            what = "a list" if isinstance(value, list) else "a text" if isinstance(value, str) else "a single value"
            _unreadable(found, name, line, f"the document is {what}, not an object with apiVersion and kind")
        return
    if str(value.get("kind", "")).endswith("List") and isinstance(value.get("items"), list):
        items = next(inner for key, inner in node.value if key.value == "items")
        for one, inner in zip(value["items"], items.value, strict=False):
            _take(found, name, one, inner, lines, named=True)
        return
    lacking = [key for key in ("apiVersion", "kind") if not isinstance(value.get(key), str) or not value[key]]
    if lacking and not _may_lack(name, value):
        if named or len(lacking) == 1:
            _unreadable(found, name, line, f"the document has no {' and no '.join(lacking)}")
        return
    found.documents.append(Document(name, value, Places(node, lines)))


def _may_lack(name: str, value: dict[str, Any]) -> bool:
    """Whether it is a kustomization, which needs neither apiVersion nor kind."""
    return Path(name).stem.lower() == "kustomization" and "spec" not in value


def _is_kustomization(one: Document) -> bool:
    return str(one.object.get("apiVersion", "")).startswith("kustomize.config.k8s.io/") or _may_lack(
        one.file, one.object
    )


def _parts_of_objects(documents: Iterable[Document]) -> set[str]:
    """The files that kustomizations name as patches or settings."""
    found = set[str]()
    for one in documents:
        if _is_kustomization(one):
            folder = Path(one.file).parent
            for key in _PATCHES:
                found |= {os.path.realpath(folder / path) for path in _paths(one.object.get(key))}
    return found


def _paths(value: Any) -> Iterator[str]:
    for one in value if isinstance(value, list) else [value]:
        path = one.get("path") if isinstance(one, dict) else one
        if isinstance(path, str) and "\n" not in path:
            yield path


def _unreadable(found: Files, file: str, line: int, what: str) -> None:
    found.findings.append(Finding(file, line, 1, "unreadable", f"{what}.", "error"))
