"""A step that requests more than its own limit cannot run: the TaskRun fails before there is a Pod.

The rule is `validateTaskSpecRequestResources` of tektoncd/pipeline, pkg/reconciler/taskrun/validate_taskrun.go: the
limit is the step's, else that of the stepTemplate.
"""

from __future__ import annotations

from workshop.lab.controllers.tekton.errors import user_error
from workshop.manifests.kubernetes import ResourceRequirements
from workshop.manifests.meta import Quantity
from workshop.manifests.quantities import number
from workshop.manifests.tekton import TaskSpec


def refuse_requests_above_limits(spec: TaskSpec) -> None:
    """Raises RunError for the first step that requests more than its limit."""
    shared = _limits(spec.step_template.compute_resources if spec.step_template else None)
    for step in spec.steps:
        limits = shared | _limits(step.compute_resources)
        for name, asked in _requests(step.compute_resources).items():
            if name in limits and number(limits[name]) < number(asked):
                why = f"invalid request resource value: {asked} must be less or equal to limit {limits[name]}"
                raise user_error("TaskRunValidationFailed", why)


def _limits(resources: ResourceRequirements | None) -> dict[str, Quantity]:
    return (resources.limits if resources else None) or {}


def _requests(resources: ResourceRequirements | None) -> dict[str, Quantity]:
    return (resources.requests if resources else None) or {}
