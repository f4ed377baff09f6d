"""What OpenShift's SecurityContextConstraints refuse, by the rules of the lab's own admission of Pods.

A Pod of a TaskRun is allowed when `pipelines-scc` or `restricted-v2` allows all of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from workshop.lab.controllers.tekton.merging import pod_fields, templated
from workshop.lab.scc.checking import faults
from workshop.lab.scc.constraints import CONSTRAINTS
from workshop.lint.findings import Finds, Found
from workshop.manifests.kubernetes import SecurityContext
from workshop.manifests.places import Path
from workshop.manifests.tekton import PodTemplate, StepTemplate, TaskSpec

_BY_NAME = {constraint.name: constraint for constraint in CONSTRAINTS}
RESTRICTED, PIPELINES = "restricted-v2", "pipelines-scc"
_PLACE = re.compile(r"\.?(?:spec\.)?(containers|volumes)\[(\d+)\](?:\.([\w.]+))?: ")


def refused_task(spec: TaskSpec, path: Path) -> Finds:
    """The Pod of a Task, with the stepTemplate merged into each step."""
    template = spec.step_template or StepTemplate()
    containers = [_container(templated(step, template)) for step in spec.steps] + [*map(_container, spec.sidecars)]
    places: list[Path] = []
    for index, step in enumerate(spec.steps):
        from_template = step.security_context is None and template.security_context is not None
        owner = ("stepTemplate",) if from_template else ("steps", index)
        places.append((*path, *owner, "securityContext"))
    places += [(*path, "sidecars", index, "securityContext") for index in range(len(spec.sidecars))]
    pod = {"containers": containers, "volumes": msgspec.to_builtins(spec.volumes)}
    yield from _of_pipelines(pod, places, path)


def refused_context(context: SecurityContext | None, path: Path) -> Finds:
    """The securityContext of a StepAction."""
    if context is not None:
        pod = {"containers": [{"securityContext": msgspec.to_builtins(context)}]}
        yield from _of_pipelines(pod, [path], path)


def refused_template(template: PodTemplate, path: Path) -> Finds:
    """The podTemplate of a run."""
    pod = {**pod_fields(template), "volumes": msgspec.to_builtins(template.volumes)}
    yield from _of_pipelines(pod, [], path)


def refused_pod(pod: Mapping[str, Any], path: Path) -> Finds:
    """The Pod of a SeldonDeployment, whose account may use `restricted-v2` only."""
    places: list[Path] = [
        (*path, "containers", at, "securityContext") for at in range(len(pod.get("containers") or ()))
    ]
    for where, fault in _faults(RESTRICTED, pod, places, path):
        yield Found("pod-security", where, f"{RESTRICTED} refuses {fault}.", severity="error")


def _of_pipelines(pod: Mapping[str, Any], places: Sequence[Path], path: Path) -> Finds:
    by_restricted = list(_faults(RESTRICTED, pod, places, path))
    by_pipelines = list(_faults(PIPELINES, pod, places, path)) if by_restricted else []
    for where, fault in by_pipelines:
        yield Found("pod-security", where, f"{PIPELINES} refuses {fault}.", severity="error")
    for where, fault in by_restricted if not by_pipelines else []:
        yield Found("pod-security", where, f"{RESTRICTED} refuses {fault}.")


def _faults(name: str, pod: Mapping[str, Any], places: Sequence[Path], path: Path) -> Iterator[tuple[Path, str]]:
    """Each fault with the field that it is about."""
    for fault in dict.fromkeys(faults(_BY_NAME[name], {"spec": dict(pod)})):
        text = fault.removeprefix(f"provider {name}: ")
        at = _PLACE.match(text)
        where = path
        if at and at.group(1) == "volumes":
            where = (*path, "volumes", int(at.group(2)))
        elif at and int(at.group(2)) < len(places):
            where = (*places[int(at.group(2))], *(at.group(3) or "").split("."))
        yield where, f"{at.group(3) or at.group(1)}: {text[at.end() :]}" if at else text.lstrip(".")


def _container(one: Any) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(one)
    return {key: shown[key] for key in ("securityContext", "ports") if key in shown}
