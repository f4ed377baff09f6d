"""The results of a TaskRun, with the types that its Task declares."""

from __future__ import annotations

from typing import Any

import orjson

from workshop.lab.controllers.tekton.podstatus import Entries
from workshop.lab.entrypoint.results import STEP_ARTIFACTS, STEP_RESULT, TASK_ARTIFACTS, TASK_RESULT
from workshop.manifests.tekton import TaskSpec, artifacts
from workshop.manifests.tekton.references import Value, whole

_MISSING = "missing keys for these results which are required in TaskResult's properties "
_MISMATCH = "Provided results don't match declared results; may be invalid JSON or missing result declaration: "


def task_results(spec: TaskSpec, entries: Entries, *, inline: bool) -> tuple[list[dict[str, Any]], str]:
    """The written results in the order of their declaration, and why they do not match it; empty when they do.

    A result of another type is not among the results. `inline`: whether the TaskRun contains its Task.
    """
    written: dict[str, str] = {}
    of_steps: dict[tuple[str, str], str] = {}
    for container, entry in entries:
        if entry["type"] == STEP_RESULT:
            of_steps[(container.removeprefix("step-"), entry["key"])] = entry["value"]
        elif entry["type"] == TASK_RESULT:
            written[entry["key"]] = entry["value"]
    found, problems, lacking = [], [], []
    for result in spec.results:
        text = written.get(result.name)
        reference = whole(result.value) if isinstance(result.value, str) else None
        if text is None and reference and reference.parts[0] == "steps" and len(reference.parts) == 4:
            text = of_steps.get((reference.parts[1], reference.parts[3]))
        if text is None:
            continue
        kind = result.type or "string"
        value = typed(text, kind)
        if value is None:
            problems.append(
                f' "{result.name}": task result is expected to be "{kind}" type '
                f'but was initialized to a different type "{_kind(text)}"'
            )
            continue
        keys = sorted(set(result.properties or {}) - set(value)) if isinstance(value, dict) else []
        if keys:
            # Upstream reads the declarations of an inline Task twice (validateTaskRunResults).
            lacking.append(f"{result.name}:[{' '.join(keys * 2 if inline else keys)}]")
        found.append({"name": result.name, "type": kind, "value": value})
    if problems:
        return found, _MISMATCH + ",".join(problems)
    return found, f"{_MISSING}map[{' '.join(sorted(lacking))}]" if lacking else ""


def step_results(entries: Entries, container: str) -> list[dict[str, Any]]:
    """The results of one step."""
    mine = (entry for name, entry in entries if name == container and entry["type"] == STEP_RESULT)
    found = []
    for entry in mine:
        value: Value = entry["value"]
        kind = "string"
        for candidate in ("array", "object"):
            parsed = typed(entry["value"], candidate)
            if parsed is not None:
                kind, value = candidate, parsed
        found.append({"name": entry["key"], "type": kind, "value": value})
    return found


def add_artifacts(steps: list[dict[str, Any]], entries: Entries) -> dict[str, Any]:
    """Add the artifacts of each step to its state; those of the whole TaskRun. Raises ValueError."""
    found = []
    for container, entry in entries:
        if entry["type"] not in (STEP_ARTIFACTS, TASK_ARTIFACTS):
            continue
        one = artifacts.parsed(entry["value"])
        found.append(one)
        for step in steps if entry["type"] == STEP_ARTIFACTS else ():
            if step["container"] == container:
                step |= one.shown()
    return artifacts.merged(found).shown()


def typed(text: str, kind: str) -> Value | None:
    """A result's text as a value of its type, or None when it is not one."""
    if kind == "string":
        return text
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if kind == "array" and isinstance(value, list) and all(isinstance(one, str) for one in value):
        return [str(one) for one in value]
    if kind == "object" and isinstance(value, dict) and all(isinstance(one, str) for one in value.values()):
        return {str(key): str(one) for key, one in value.items()}
    return None


def _kind(text: str) -> str:
    """The type that Tekton reads: a list or an object of texts, else a string. Source: ParamValue.UnmarshalJSON."""
    return next((kind for kind in ("array", "object") if typed(text, kind) is not None), "string")
