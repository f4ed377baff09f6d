"""The interface of a component, and the version that a change of it needs.

The interface is what users of the Task write: the names and types of its params, results and workspaces. The rule is
that of https://semver.org: a change that breaks a user's Pipeline needs a new major version, an addition a new minor
one. A new default is an addition too: Pipelines go on working and may behave differently. Descriptions, images and
scripts are no part of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from workshop.components.component import LOCK, Component
from workshop.errors import ManifestError

PARTS = ("params", "results", "workspaces")
Part = Mapping[str, Mapping[str, Any]]
Interface = Mapping[str, Part]
MAJOR, MINOR = 0, 1
_BEGIN = "# `workshop component docs` writes this file. Do not edit it.\n"


@dataclass(frozen=True)
class Change:
    """One change of an interface, and the part of the version that it raises: MAJOR or MINOR."""

    level: int
    text: str


@dataclass(frozen=True)
class Lock:
    """A version with its interface."""

    version: str
    interface: Interface

    @property
    def text(self) -> str:
        """The content of the file."""
        return _BEGIN + yaml.safe_dump({"version": self.version, **self.interface}, sort_keys=False, width=120)


def lock_of(component: Component) -> Lock:
    """The version and the interface of the Task. Raises ManifestError for a version that is not semantic."""
    spec = component.spec
    return Lock(component.version, {part: _part(part, spec.get(part) or []) for part in PARTS})


def committed(component: Component) -> Lock | None:
    """The version and the interface of the file, or None without one. Raises ManifestError."""
    file = component.folder / LOCK
    if not file.is_file():
        return None
    try:
        raw = yaml.safe_load(file.read_text(encoding="utf-8"))
        return Lock(str(raw["version"]), {part: dict(raw[part]) for part in PARTS})
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as e:
        raise ManifestError(f"{file}: {type(e).__name__}: {e}", hint=f"git checkout {file}") from e


def check_version(component: Component) -> None:
    """Raise ManifestError when the interface has changed more than the version says."""
    old, new = committed(component), lock_of(component)
    if old is None:
        return
    found = list(changes(old.interface, new.interface))
    least = _least(old.version, found)
    if _numbers(new.version) < _numbers(least):
        why = "; ".join(one.text for one in found) or "the version was lowered"
        raise ManifestError(
            f"{component.file}: version {new.version}, allowed: {least} or later: {why}",
            hint=f"set the label app.kubernetes.io/version to {least}, then workshop component docs {component.folder}",
        )


def changes(old: Interface, new: Interface) -> Iterator[Change]:
    """What has changed, part by part and name by name."""
    for part in PARTS:
        before, after = old[part], new[part]
        kind = part.removesuffix("s")
        for name in sorted({*before, *after}):
            if name not in after:
                yield Change(MAJOR, f"the {kind} {name} is gone")
            elif name not in before:
                needed = part != "results" and not _optional(part, after[name])
                yield Change(MAJOR if needed else MINOR, f"the {kind} {name} is new{' and required' if needed else ''}")
            elif before[name] != after[name]:
                yield Change(_level(part, before[name], after[name]), f"the {kind} {name} has changed")


def _level(part: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> int:
    """MAJOR unless what was allowed is still allowed: a default that is new or other, more values, more properties."""
    if _optional(part, old) and not _optional(part, new):
        return MAJOR
    rest = ("default", "optional", "enum", "properties")
    if {k: v for k, v in old.items() if k not in rest} != {k: v for k, v in new.items() if k not in rest}:
        return MAJOR
    if ("enum" in new) and not ("enum" in old and set(old["enum"]) <= set(new["enum"])):
        return MAJOR
    before, after = old.get("properties") or {}, new.get("properties") or {}
    # A result may get more properties; a param that asks for more breaks who gives fewer.
    kept = all(after.get(name) == kind for name, kind in before.items())
    return MINOR if kept and (part == "results" or before == after or "default" in new) else MAJOR


def _optional(part: str, one: Mapping[str, Any]) -> bool:
    return "default" in one if part == "params" else bool(one.get("optional"))


def _part(part: str, given: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {str(one["name"]): dict(_field(part, one)) for one in sorted(given, key=lambda one: str(one["name"]))}


def _field(part: str, one: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if part == "workspaces":
        yield from ((name, True) for name in ("optional", "readOnly") if one.get(name))
        return
    yield "type", type_of(one)
    if "default" in one:
        yield "default", one["default"]
    if one.get("enum"):
        yield "enum", list(one["enum"])
    if one.get("properties"):
        yield "properties", {name: str(kind.get("type", "string")) for name, kind in one["properties"].items()}


def type_of(one: Mapping[str, Any]) -> str:
    """The type of a param or a result, as Tekton derives it from the default or the properties."""
    if one.get("type"):
        return str(one["type"])
    default = one.get("default")
    if isinstance(default, Mapping) or one.get("properties"):
        return "object"
    return "array" if isinstance(default, list) else "string"


def _least(version: str, found: Iterable[Change]) -> str:
    major, minor, patch = _numbers(version)
    level = min((one.level for one in found), default=None)
    if level is None:
        return f"{major}.{minor}.{patch}"
    return f"{major + 1}.0.0" if level == MAJOR else f"{major}.{minor + 1}.0"


def _numbers(version: str) -> tuple[int, int, int]:
    try:
        major, minor, patch = map(int, version.split("."))
    except ValueError as e:
        raise ManifestError(f"{LOCK}: version: got {version!r}, allowed: MAJOR.MINOR.PATCH") from e
    return major, minor, patch
