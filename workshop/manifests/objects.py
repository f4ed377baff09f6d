"""An object of the Kubernetes API as JSON, and its common fields.

The functions read objects that passed validation. A field that is missing or null counts as empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

Object = dict[str, Any]
Truth = Literal["True", "False", "Unknown"]
"""The status of a condition."""


def name_of(obj: Mapping[str, Any]) -> str:
    """The object's name."""
    return str(obj["metadata"]["name"])


def namespace_and_name(obj: Mapping[str, Any]) -> tuple[str, str]:
    """The object's namespace and name. The namespace is empty for a kind without namespaces."""
    meta = obj["metadata"]
    return str(meta.get("namespace") or ""), str(meta["name"])


def labels_of(obj: Mapping[str, Any]) -> dict[str, str]:
    """The object's labels."""
    return obj["metadata"].get("labels") or {}


def annotations_of(obj: Mapping[str, Any]) -> dict[str, str]:
    """The object's annotations."""
    return obj["metadata"].get("annotations") or {}


def status_of(obj: Mapping[str, Any]) -> Object:
    """The object's status."""
    return obj.get("status") or {}


def condition(obj: Mapping[str, Any], type_: str = "Succeeded") -> Object:
    """A condition of the object by its type; empty when the status has no such condition."""
    conditions = status_of(obj).get("conditions") or []
    return next((dict(one) for one in conditions if one.get("type") == type_), {})


def truth(obj: Mapping[str, Any]) -> Truth:
    """The status of a run's condition Succeeded; Unknown until the run has ended."""
    value = condition(obj).get("status")
    return "True" if value == "True" else "False" if value == "False" else "Unknown"


def succeeded(obj: Mapping[str, Any]) -> bool:
    """Whether a run has ended successfully."""
    return truth(obj) == "True"


def is_done(obj: Mapping[str, Any]) -> bool:
    """Whether a run has ended, successfully or not."""
    return truth(obj) != "Unknown"


def results_of(obj: Mapping[str, Any]) -> Object:
    """The results of a PipelineRun or a TaskRun by their names."""
    return {str(one["name"]): one.get("value") for one in status_of(obj).get("results") or []}
