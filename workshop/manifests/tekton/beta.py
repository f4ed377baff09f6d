"""Tekton's v1beta1, which the catalog and many pipelines still use: its objects as v1, and v1 as v1beta1.

The fields that differ are renamed. What v1 does not have is kept in an annotation, as the conversion webhook does
(`*_conversion.go` in pkg/apis/pipeline/v1beta1 of tektoncd/pipeline at v1.15).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from workshop.manifests.objects import Object

KINDS = ("Task", "TaskRun", "Pipeline", "PipelineRun")
"""The kinds whose v1beta1 is converted."""
DEPRECATED = "tekton.dev/v1beta1.task-deprecations"
_STEP_FIELDS = (
    "ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "terminationMessagePath",
    "terminationMessagePolicy", "stdin", "stdinOnce", "tty",
)  # fmt: skip
"""Fields of a step that have no effect. v1 does not have them."""
Names = Mapping[str, str]
_CONTAINER = {"resources": "computeResources"}
_RUN_SPEC = {"stepOverrides": "stepSpecs", "sidecarOverrides": "sidecarSpecs"}
_TASK_RUN_SPEC = {
    **_RUN_SPEC, "taskServiceAccountName": "serviceAccountName", "taskPodTemplate": "podTemplate",
}  # fmt: skip
_TEMPLATE = ("serviceAccountName", "podTemplate")


def to_v1(obj: Object) -> Object:
    """A v1beta1 object as v1; another object as it is."""
    if obj.get("apiVersion") != "tekton.dev/v1beta1" or obj.get("kind") not in KINDS:
        return obj
    return _converted({**obj, "apiVersion": "tekton.dev/v1"}, up=True)


def to_v1beta1(obj: Object) -> Object:
    """A v1 object as v1beta1; another object as it is."""
    if obj.get("apiVersion") != "tekton.dev/v1" or obj.get("kind") not in KINDS:
        return obj
    return _converted({**obj, "apiVersion": "tekton.dev/v1beta1"}, up=False)


def _converted(obj: Object, *, up: bool) -> Object:
    kept = _Kept(obj, up=up)
    spec, status = obj.get("spec"), obj.get("status")
    name = str((obj.get("metadata") or {}).get("name") or "")
    match obj["kind"]:
        case "Task":
            found = _task_spec(spec, name, kept)
        case "TaskRun":
            found = _task_run_spec(spec, name, kept)
        case "Pipeline":
            found = _pipeline_spec(spec, kept)
        case _:
            found = _pipeline_run_spec(spec, kept)
    made = {**obj, "spec": found} if "spec" in obj else dict(obj)
    if isinstance(status, dict):
        made["status"] = _status(obj["kind"], status, name, kept)
    return kept.written(made)


class _Kept:
    """What v1 does not have, by the name of the task. `up` is the direction to v1."""

    def __init__(self, obj: Object, *, up: bool) -> None:
        self.up = up
        annotations = (obj.get("metadata") or {}).get("annotations")
        text = annotations.get(DEPRECATED) if isinstance(annotations, dict) else None
        try:
            self.tasks: dict[str, Any] = json.loads(text) if text else {}
        except ValueError:
            self.tasks = {}

    def steps(self, task: str, steps: list[Any]) -> list[Any]:
        """The steps without the fields that v1 does not have, or with them again."""
        if self.up:
            taken = [{key: step[key] for key in _STEP_FIELDS if key in step} for step in steps]
            if any(taken):
                self.tasks[task] = {"deprecatedSteps": taken}
            return [{key: one for key, one in step.items() if key not in _STEP_FIELDS} for step in steps]
        again = (self.tasks.pop(task, None) or {}).get("deprecatedSteps") or [{}] * len(steps)
        return [{**step, **more} for step, more in zip(steps, again, strict=False)]

    def written(self, obj: Object) -> Object:
        """The object with the annotation, or without it when nothing is kept."""
        meta = dict(obj.get("metadata") or {})
        annotations = {key: one for key, one in (meta.get("annotations") or {}).items() if key != DEPRECATED}
        if self.tasks:
            annotations[DEPRECATED] = json.dumps(self.tasks)
        if annotations or "annotations" in meta:
            meta["annotations"] = annotations
        return {**obj, "metadata": meta}


def _renamed(obj: Any, names: Names, *, up: bool) -> Any:
    """An object with its fields renamed, from v1beta1 to v1 (`up`) or back."""
    if not isinstance(obj, dict):
        return obj
    table = names if up else {new: old for old, new in names.items()}
    return {table.get(key, key): one for key, one in obj.items()}


def _each(value: Any, change: Callable[[Object], Any]) -> Any:
    """A list with each of its objects changed; another value as it is."""
    if not isinstance(value, list):
        return value
    return [change(one) if isinstance(one, dict) else one for one in value]


def _changed(obj: Any, changes: Iterable[tuple[str, Callable[[Any], Any]]]) -> Any:
    """An object with some of its fields changed, if it has them."""
    if not isinstance(obj, dict):
        return obj
    found = dict(obj)
    for key, change in changes:
        if key in found:
            found[key] = change(found[key])
    return found


def _task_spec(spec: Any, task: str, kept: _Kept) -> Any:
    def container(one: Any) -> Any:
        return _renamed(one, _CONTAINER, up=kept.up)

    def steps(value: Any) -> Any:
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            return value
        return kept.steps(task, [container(one) for one in value])

    return _changed(spec, (
        ("steps", steps), ("stepTemplate", container), ("sidecars", lambda value: _each(value, container)),
    ))  # fmt: skip


def _ref(ref: Any, kept: _Kept, kind: str) -> Any:
    """A reference; `bundle` of v1beta1 is the resolver bundles of v1."""
    if not kept.up or not isinstance(ref, dict) or not ref.get("bundle"):
        return ref
    values = {"bundle": ref["bundle"], "name": ref.get("name", ""), "kind": ref.get("kind") or kind}
    return {"resolver": "bundles", "params": [{"name": name, "value": value} for name, value in values.items()]}


def _pipeline_task(task: Object, kept: _Kept) -> Any:
    return _changed(task, (
        ("taskRef", lambda ref: _ref(ref, kept, "Task")),
        ("taskSpec", lambda spec: _task_spec(spec, str(task.get("name") or ""), kept)),
    ))  # fmt: skip


def _pipeline_spec(spec: Any, kept: _Kept) -> Any:
    def tasks(value: Any) -> Any:
        return _each(value, lambda task: _pipeline_task(task, kept))

    return _changed(spec, (("tasks", tasks), ("finally", tasks)))


def _overrides(spec: Any, names: Names, kept: _Kept) -> Any:
    found = _renamed(spec, names, up=kept.up)
    fields = names.values() if kept.up else names
    specs = [field for field in fields if field.endswith(("Specs", "Overrides"))]
    return _changed(
        found,
        [(field, lambda value: _each(value, lambda one: _renamed(one, _CONTAINER, up=kept.up))) for field in specs],
    )


def _task_run_spec(spec: Any, name: str, kept: _Kept) -> Any:
    return _changed(_overrides(spec, _RUN_SPEC, kept), (
        ("taskRef", lambda ref: _ref(ref, kept, "Task")),
        ("taskSpec", lambda inner: _task_spec(inner, name, kept)),
    ))  # fmt: skip


def _pipeline_run_spec(spec: Any, kept: _Kept) -> Any:
    if not isinstance(spec, dict):
        return spec
    found = _changed(spec, (
        ("pipelineRef", lambda ref: _ref(ref, kept, "Pipeline")),
        ("pipelineSpec", lambda inner: _pipeline_spec(inner, kept)),
        ("taskRunSpecs", lambda value: _each(value, lambda one: _overrides(one, _TASK_RUN_SPEC, kept))),
    ))  # fmt: skip
    if kept.up:
        template = {key: found.pop(key) for key in _TEMPLATE if key in found}
        if template:
            found["taskRunTemplate"] = {**(found.get("taskRunTemplate") or {}), **template}
        if found.get("timeout"):
            found["timeouts"] = {**(found.get("timeouts") or {}), "pipeline": found["timeout"]}
        found.pop("timeout", None)
        return found
    template = found.pop("taskRunTemplate", None)
    return {**found, **template} if isinstance(template, dict) else found


def _status(kind: str, status: Object, name: str, kept: _Kept) -> Object:
    if kind == "TaskRun":
        found = _renamed(status, {"taskResults": "results"}, up=kept.up)
        found = _changed(found, (
            ("taskSpec", lambda spec: _task_spec(spec, name, kept)),
            ("retriesStatus", lambda value: _each(value, lambda one: _status(kind, one, name, kept))),
        ))  # fmt: skip
    else:
        found = _renamed(status, {"pipelineResults": "results"}, up=kept.up)
        found = _changed(found, (("pipelineSpec", lambda spec: _pipeline_spec(spec, kept)),))
    return dict(found)
