"""Merges what a Task and its run say of a container, as Tekton's controller does before it creates the Pod.

A step is a strategic merge patch of the stepTemplate (`pkg/apis/pipeline/v1/merge.go` of tektoncd/pipeline at v1.15):
objects merge field by field, `env` by name and `volumeMounts` by path, and every other list is replaced. So a step
that adds a capability keeps the template's `drop: [ALL]`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from workshop.manifests.kubernetes import EnvVar, ResourceRequirements
from workshop.manifests.meta import Quantity
from workshop.manifests.quantities import divided
from workshop.manifests.strategic import strategic
from workshop.manifests.tekton import PodTemplate, Step, StepSpecOverride, StepTemplate

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)


def templated(step: Step, template: StepTemplate) -> Step:
    """A step merged into its Task's stepTemplate."""
    return msgspec.structs.replace(
        step,
        image=step.image or template.image,
        command=step.command or ([] if step.script else template.command),
        args=step.args or template.args,
        working_dir=step.working_dir or template.working_dir,
        env=merged_list(template.env, step.env, lambda one: one.name, _variable),
        env_from=step.env_from or template.env_from,
        volume_mounts=merged_list(template.volume_mounts, step.volume_mounts, lambda one: one.mount_path, merged),
        compute_resources=merged(template.compute_resources, step.compute_resources),
        image_pull_policy=step.image_pull_policy or template.image_pull_policy,
        security_context=merged(template.security_context, step.security_context),
    )


def merged(base: S | None, own: S | None) -> S | None:
    """Two objects merged field by field; `own` takes precedence, and its lists replace those of `base`."""
    if base is None or own is None:
        return own if base is None else base
    both = strategic(msgspec.to_builtins(base), msgspec.to_builtins(own), None)
    return msgspec.convert(both, type(own))


def merged_list(
    base: Sequence[T], own: Sequence[T], key: Callable[[T], str], both: Callable[[T, T], T | None]
) -> list[T]:
    """Two lists merged by a key; `both` merges an item of `base` with that of `own`.

    The order is that of `mergeSortedSlice` in apimachinery's strategicpatch: `own` in its order, and before it those
    items of `base` that are before an item of both.
    """
    places = {key(one): place for place, one in enumerate(base)}
    mine = {key(one) for one in own}
    theirs = [one for one in base if key(one) not in mine]
    found: list[T] = []
    for one in own:
        place = places.get(key(one))
        while theirs and place is not None and places[key(theirs[0])] < place:
            found.append(theirs.pop(0))
        found.append(one if place is None else both(base[place], one) or one)
    return found + theirs


def _variable(base: EnvVar, own: EnvVar) -> EnvVar:
    """A step's variable; one that says no value keeps that of the template."""
    return own if own.value or own.value_from else base


def with_overrides(of: Mapping[str, ResourceRequirements | None], overrides: Sequence[StepSpecOverride]) -> dict[
    str, ResourceRequirements | None
]:  # fmt: skip
    """The resources of steps or sidecars by name, with those that the run gives (`stepSpecs`, `sidecarSpecs`)."""
    given = {one.name: one.compute_resources for one in overrides}
    return {name: merged(resources, given.get(name)) for name, resources in of.items()}


def of_whole_task(
    steps: Mapping[str, ResourceRequirements | None], whole: ResourceRequirements | None
) -> dict[str, ResourceRequirements | None]:
    """The resources of steps where the run gives some for the whole Task: requests are shared, limits are for each.

    Source: `pkg/internal/computeresources/tasklevel` of tektoncd/pipeline.
    """
    if whole is None or (whole.requests is None and whole.limits is None):
        return dict(steps)
    shared: dict[str, Quantity] = {
        name: divided(value, len(steps), of=name) for name, value in (whole.requests or {}).items()
    }
    from_limits: dict[str, Quantity] = {
        name: divided(value, len(steps), of=name) for name, value in (whole.limits or {}).items()
    }

    def of(own: ResourceRequirements | None) -> ResourceRequirements:
        no_requests = whole.requests is None and (own is None or own.requests is None)
        requests = from_limits if no_requests else shared
        return ResourceRequirements(requests=requests or None, limits=whole.limits)

    return {name: of(own) for name, own in steps.items()}


def pod_fields(template: PodTemplate) -> dict[str, Any]:
    """What a podTemplate gives the Pod itself; its `env` is for the steps, its `volumes` join the Task's."""
    shown: dict[str, Any] = msgspec.to_builtins(template)
    return {field: value for field, value in shown.items() if field not in ("env", "volumes")}
