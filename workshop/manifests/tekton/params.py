"""What Tasks, Pipelines and runs share: parameters, conditions, durations."""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta

from workshop.manifests.meta import PRESERVE, Typed

ParamValue = Annotated[str | list[str] | dict[str, str], Meta(extra_json_schema=PRESERVE)]
"""A string, a list of strings or an object of strings."""

Duration = Annotated[
    str,
    Meta(description="A duration as Go writes it, such as 1h30m0s; 0 means no limit.", extra={"go": "duration"}),
]


class PropertySpec(Typed, frozen=True, kw_only=True):
    """The type of one key of an object; always string."""

    type: str | None = None


class ParamSpec(Typed, frozen=True, kw_only=True):
    """A parameter that a Task, StepAction or Pipeline takes."""

    name: Annotated[str, Meta(description="Letters, digits, hyphens, underscores and dots.")]
    type: Annotated[
        str | None,
        Meta(description="string (the default), array or object; what is given must be of this type."),
    ] = None
    description: Annotated[str | None, Meta(description="What it is for; tools show it in forms.")] = None
    properties: Annotated[
        dict[str, PropertySpec] | None, Meta(description="The keys of an object; required for type object.")
    ] = None
    default: Annotated[ParamValue | None, Meta(description="Used when a run gives no value.")] = None
    enum: Annotated[list[str], Meta(description="The values allowed (alpha).")] = []


class Param(Typed, frozen=True, kw_only=True):
    """A value for a parameter."""

    name: str
    value: Annotated[
        ParamValue, Meta(description="A string, a list or an object of strings; may hold $(...) references.")
    ]


class WhenExpression(Typed, frozen=True, kw_only=True):
    """A condition of a task: the task runs only when all its expressions are true."""

    input: Annotated[str, Meta(description="What is compared, mostly a reference such as $(params.env).")] = ""
    operator: Annotated[str, Meta(description="in or notin.")] = ""
    values: Annotated[list[str], Meta(description="The strings to compare with; $(params.list[*]) works.")] = []
    cel: Annotated[str | None, Meta(description="An expression in CEL (alpha).")] = None


_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)([^\d.]*)")


def parse_duration(text: str) -> float:
    """Seconds of a duration as Go's time.ParseDuration reads it: `1h30m`, `-1.5s`, `0`.

    Raises ValueError with Go's message.
    """
    rest = text[1:] if text[:1] in ("+", "-") else text
    if rest == "0":
        return 0.0
    total, at = 0.0, 0
    while at < len(rest) or not rest:
        part = _PART.match(rest, at)
        if part is None:
            raise ValueError(f'time: invalid duration "{text}"')
        number, unit = part.groups()
        if not unit:
            raise ValueError(f'time: missing unit in duration "{text}"')
        if unit not in _UNITS:
            raise ValueError(f'time: unknown unit "{unit}" in duration "{text}"')
        total += float(number) * _UNITS[unit]
        at = part.end()
    return -total if text.startswith("-") else total


def format_duration(seconds: float) -> str:
    """A duration as Go's Duration.String writes it: `1h0m0s`, `1.5s`, `200ms`, `0s`."""
    sign = "-" if seconds < 0 else ""
    nanos = round(abs(seconds) * 1e9)
    if nanos == 0:
        return "0s"
    for unit, size in (("ns", 1), ("µs", 1_000), ("ms", 1_000_000)):
        if nanos < size * 1000:
            return f"{sign}{_number(nanos / size)}{unit}"
    whole, fraction = divmod(nanos, 1_000_000_000)
    minutes, secs = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{_number(secs + fraction / 1e9)}s"
    if hours:
        return f"{sign}{hours}h{minutes}m{text}"
    return f"{sign}{minutes}m{text}" if minutes else sign + text


def _number(value: float) -> str:
    return f"{value:.9f}".rstrip("0").rstrip(".")
