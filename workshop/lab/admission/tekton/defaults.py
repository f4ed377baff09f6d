"""What Tekton's mutating webhook fills in: types, kinds of references, timeouts, the service account.

Works on the manifest as it came, since what is stored (and shown by `kubectl get -o yaml`) must look as on a
cluster, down to `computeResources: {}`. `config` are the values of the ConfigMap `config-defaults`. Sources: the
SetDefaults methods of pkg/apis/pipeline/v1 at v1.12.
"""

from __future__ import annotations

from typing import Any

import orjson

from workshop.lab.admission.tekton.decode import scalars_to_strings
from workshop.manifests.objects import Object
from workshop.manifests.tekton import format_duration, parse_duration
from workshop.manifests.tekton.config import SHIPPED, Defaults
from workshop.manifests.tekton.podtemplates import merged_pod_templates

MANAGED_BY = "app.kubernetes.io/managed-by"


def default_task(spec: Any, config: Defaults = SHIPPED.defaults) -> None:
    """Complete a Task's spec in place."""
    if not isinstance(spec, dict):
        return
    _param_specs(spec)
    _results(spec)
    for step in _dicts(spec.get("steps")):
        step.setdefault("computeResources", {})
        _values(step)
        _duration(step, "timeout")
        _ref(step.get("ref"), config)
        _results(step)
    for sidecar in _dicts(spec.get("sidecars")):
        sidecar.setdefault("computeResources", {})


def default_step_action(spec: Any) -> None:
    """Complete a StepAction's spec in place."""
    if isinstance(spec, dict):
        _param_specs(spec)
        _results(spec)


def default_pipeline(spec: Any, config: Defaults = SHIPPED.defaults) -> None:
    """Complete a Pipeline's spec in place."""
    if not isinstance(spec, dict):
        return
    _param_specs(spec)
    for result in _dicts(spec.get("results")):
        result.setdefault("description", "")
    for task in [*_dicts(spec.get("tasks")), *_dicts(spec.get("finally"))]:
        _values(task)
        _duration(task, "timeout")
        _task_ref(task.get("taskRef"), config)
        _ref(task.get("pipelineRef"), config)
        default_pipeline(task.get("pipelineSpec"), config)
        matrix = task.get("matrix")
        if isinstance(matrix, dict):
            _values(matrix)
            for include in _dicts(matrix.get("include")):
                _values(include)
        embedded = task.get("taskSpec")
        if isinstance(embedded, dict):
            embedded.setdefault("metadata", {})
            embedded.setdefault("spec", None)
            if not embedded.get("apiVersion"):
                default_task(embedded, config)


def default_task_run(obj: Object, config: Defaults = SHIPPED.defaults) -> None:
    """Complete a TaskRun in place."""
    labels = obj.setdefault("metadata", {}).setdefault("labels", {})
    if isinstance(labels, dict):
        labels.setdefault(MANAGED_BY, config.managed_by)
    spec = obj.setdefault("spec", {})
    if not isinstance(spec, dict):
        return
    _values(spec)
    _task_ref(spec.get("taskRef"), config)
    default_task(spec.get("taskSpec"), config)
    spec.setdefault("timeout", format_duration(config.timeout_seconds))
    _duration(spec, "timeout")
    _account(spec, config)
    _pod_template(spec, config)


def default_pipeline_run(obj: Object, config: Defaults = SHIPPED.defaults) -> None:
    """Complete a PipelineRun in place."""
    spec = obj.setdefault("spec", {})
    if not isinstance(spec, dict):
        return
    _values(spec)
    _ref(spec.get("pipelineRef"), config)
    default_pipeline(spec.get("pipelineSpec"), config)
    timeouts = spec.setdefault("timeouts", {})
    if isinstance(timeouts, dict):
        if timeouts.get("pipeline") is None:
            timeouts["pipeline"] = format_duration(config.timeout_seconds)
        for name in ("pipeline", "tasks", "finally"):
            _duration(timeouts, name)
    template = spec.setdefault("taskRunTemplate", {})
    if isinstance(template, dict):
        _account(template, config)
        _pod_template(template, config)
    for task_run in _dicts(spec.get("taskRunSpecs")):
        _duration(task_run, "timeout")


def default_custom_run(obj: Object, config: Defaults = SHIPPED.defaults) -> None:
    """Complete a CustomRun in place."""
    spec = obj.setdefault("spec", {})
    if isinstance(spec, dict):
        _values(spec)
        _duration(spec, "timeout")
        _account(spec, config)


def _account(holder: dict[str, Any], config: Defaults) -> None:
    if not holder.get("serviceAccountName") and config.service_account:
        holder["serviceAccountName"] = config.service_account


def _pod_template(holder: dict[str, Any], config: Defaults) -> None:
    given = holder.get("podTemplate")
    if config.pod_template is not None and (given is None or isinstance(given, dict)):
        holder["podTemplate"] = merged_pod_templates(config.pod_template, given)


def _task_ref(ref: Any, config: Defaults) -> None:
    _ref(ref, config)
    if isinstance(ref, dict) and not ref.get("resolver"):
        ref["kind"] = ref.get("kind") or "Task"


def _ref(ref: Any, config: Defaults) -> None:
    if isinstance(ref, dict):
        _values(ref)
        if config.resolver and not ref.get("name") and not ref.get("resolver") and not ref.get("apiVersion"):
            ref["resolver"] = config.resolver


def _param_specs(spec: dict[str, Any]) -> None:
    for param in _dicts(spec.get("params")):
        if param.get("default") is not None:
            param["default"] = _value(param["default"])
        if not param.get("type"):
            default = param.get("default")
            if isinstance(default, list):
                param["type"] = "array"
            elif isinstance(default, dict) or param.get("properties") is not None:
                param["type"] = "object"
            else:
                param["type"] = "string"
        _properties(param)


def _results(holder: dict[str, Any]) -> None:
    for result in _dicts(holder.get("results")):
        result.setdefault("type", "object" if result.get("properties") else "string")
        _properties(result)


def _properties(spec: dict[str, Any]) -> None:
    properties = spec.get("properties")
    if isinstance(properties, dict):
        for key, one in properties.items():
            if one is None:
                properties[key] = {"type": "string"}
            elif isinstance(one, dict) and not one.get("type"):
                one["type"] = "string"


def _values(holder: dict[str, Any]) -> None:
    """Turn the scalars among parameter values into strings."""
    for param in _dicts(holder.get("params")):
        if "value" in param:
            param["value"] = _value(param["value"])


def _value(value: Any) -> Any:
    """A value as Tekton reads it: a list or an object with other items than texts is its JSON text.

    Source: ParamValue.UnmarshalJSON in pkg/apis/pipeline/v1/param_types.go.
    """
    items = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else None
    if items is None:
        return scalars_to_strings(value)
    return value if all(isinstance(one, str) for one in items) else orjson.dumps(value).decode()


def _duration(holder: dict[str, Any], key: str) -> None:
    """Write a duration as the API server returns it (5m becomes 5m0s); validation sees a bad one."""
    text = holder.get(key)
    if isinstance(text, str):
        try:
            holder[key] = format_duration(parse_duration(text))
        except ValueError:
            return


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
