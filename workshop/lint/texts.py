"""The texts of a typed manifest with their paths, and the references in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from workshop.manifests.places import Path
from workshop.manifests.tekton.references import Reference, references


def texts(value: Any, path: Path = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every text below a value, with its path."""
    if isinstance(value, msgspec.Struct):
        value = msgspec.to_builtins(value)
    if isinstance(value, str):
        yield tuple(path), value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from texts(one, (*path, key))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from texts(one, (*path, index))


def used(value: Any, path: Path = ()) -> Iterator[tuple[tuple[str | int, ...], Reference]]:
    """Every reference below a value, with the path of its text."""
    for where, text in texts(value, path):
        if "$(" in text and where[-1:] != ("description",):
            for reference in references(text):
                yield where, reference


def param_of(reference: Reference) -> str:
    """The param that a reference names; empty for another reference."""
    parts = reference.parts
    if parts[0] == "params":
        return parts[1]
    return parts[2] if parts[:2] == ("inputs", "params") and len(parts) > 2 else ""
