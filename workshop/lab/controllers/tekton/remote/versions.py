"""Versions and constraints of a hub's packages, such as `>= 0.5, < 2.0` or `~> 1.2`.

The rules are those of the library that Tekton uses, which are neither Python's nor those of semantic versioning: a
version has any number of segments, and a pre-release fulfils only constraints that name one of the same segments.
Source: version.go and constraint.go of hashicorp/go-version.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import zip_longest

_VERSION = (
    r"v?(?P<segments>[0-9]+(?:\.[0-9]+)*?)"
    r"(?:-(?P<numbered>[0-9]+[0-9A-Za-z\-~]*(?:\.[0-9A-Za-z\-~]+)*)"
    r"|-?(?P<named>[A-Za-z\-~]+[0-9A-Za-z\-~]*(?:\.[0-9A-Za-z\-~]+)*))?"
    r"(?:\+(?P<build>[0-9A-Za-z\-~]+(?:\.[0-9A-Za-z\-~]+)*))?"
)
_CONSTRAINT = re.compile(rf"\s*(?P<operator>|=|!=|>|<|>=|<=|~>)\s*(?P<version>{_VERSION})\s*")
_LEAST_SEGMENTS = 3


@dataclass(frozen=True)
class Version:
    """A version; `given` is how many segments its text has, the rest are zeros."""

    segments: tuple[int, ...]
    pre: str = ""
    build: str = ""
    given: int = _LEAST_SEGMENTS

    def __str__(self) -> str:
        text = ".".join(map(str, self.segments))
        return f"{text}{f'-{self.pre}' if self.pre else ''}{f'+{self.build}' if self.build else ''}"


def version(text: str) -> Version:
    """Parse a version. Raises ValueError."""
    match = re.fullmatch(_VERSION, text)
    if match is None:
        raise ValueError(f"malformed version: {text}")
    return _version(match)


def constraints(text: str) -> Callable[[Version], bool]:
    """Whether a version fulfils all of the constraints, which commas separate. Raises ValueError."""
    checks = []
    for part in text.split(","):
        match = _CONSTRAINT.fullmatch(part)
        if match is None:
            raise ValueError(f"malformed constraint: {part}")
        checks.append((_OPERATORS[match["operator"]], _version(match)))
    return lambda found: all(check(found, limit) for check, limit in checks)


def newest(versions: Iterable[Version]) -> Version | None:
    """The largest version; None without one."""
    found: Version | None = None
    for one in versions:
        if found is None or compare(found, one) <= 0:
            found = one
    return found


def compare(one: Version, other: Version) -> int:
    """-1, 0 or 1. Versions that differ only in their build are equal."""
    for mine, its in zip_longest(one.segments, other.segments, fillvalue=0):
        if mine != its:
            return 1 if mine > its else -1
    if one.pre == other.pre:
        return 0
    if not one.pre or not other.pre:
        return -1 if one.pre else 1
    for left, right in zip_longest(one.pre.split("."), other.pre.split("."), fillvalue=""):
        if left != right:
            return _compare_parts(left, right)
    return 0


def _compare_parts(one: str, other: str) -> int:
    """Numbers are before words, and an identifier is after the end, unless it is a word."""
    if not one:
        return -1 if other.isdigit() else 1
    if not other:
        return 1 if one.isdigit() else -1
    if one.isdigit() != other.isdigit():
        return -1 if one.isdigit() else 1
    larger = int(one) > int(other) if one.isdigit() else one > other
    return 1 if larger else -1


def _version(match: re.Match[str]) -> Version:
    given = [int(part) for part in match["segments"].split(".")]
    padded = (*given, *[0] * (_LEAST_SEGMENTS - len(given)))
    return Version(padded, match["numbered"] or match["named"] or "", match["build"] or "", len(given))


def _comparable(found: Version, limit: Version) -> bool:
    """Whether a pre-release may fulfil a constraint."""
    if found.pre and limit.pre:
        return found.segments == limit.segments
    return not found.pre


def _pessimistic(found: Version, limit: Version) -> bool:
    """`~> 1.2` is from 1.2 to below 2, `~> 1.2.3` from 1.2.3 to below 1.3."""
    if not _comparable(found, limit) or (limit.pre and not found.pre) or compare(found, limit) < 0:
        return False
    size = len(limit.segments)
    if size > len(found.segments) or found.segments[: limit.given - 1] != limit.segments[: limit.given - 1]:
        return False
    return limit.segments[size - 1] <= found.segments[size - 1]


_OPERATORS: dict[str, Callable[[Version, Version], bool]] = {
    "": lambda found, limit: compare(found, limit) == 0,
    "=": lambda found, limit: compare(found, limit) == 0,
    "!=": lambda found, limit: compare(found, limit) != 0,
    ">": lambda found, limit: _comparable(found, limit) and compare(found, limit) > 0,
    "<": lambda found, limit: _comparable(found, limit) and compare(found, limit) < 0,
    ">=": lambda found, limit: _comparable(found, limit) and compare(found, limit) >= 0,
    "<=": lambda found, limit: _comparable(found, limit) and compare(found, limit) <= 0,
    "~>": _pessimistic,
}
