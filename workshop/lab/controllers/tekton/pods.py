"""The Pod of a TaskRun: its plan, and the object for `kubectl get pods`.

The object has the containers as the controller merges them, with the fields that have no effect in the lab: security
contexts, resources, pull policies. It lacks the entrypoint binary, the init containers and the internal volumes of a
real Tekton Pod, because nothing in the lab uses them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from workshop.lab.controllers.owners import owner_reference
from workshop.lab.controllers.tekton.merging import of_whole_task, pod_fields, templated, with_overrides
from workshop.lab.controllers.tekton.names import RELEASE, passed_on
from workshop.lab.controllers.tekton.substitution import container_name
from workshop.lab.controllers.tekton.workspaces import Bound
from workshop.lab.kubelet.pod import ContainerPlan, PodPlan
from workshop.manifests.kubernetes import EnvVar, ResourceRequirements, VolumeMount
from workshop.manifests.objects import Object
from workshop.manifests.tekton import PodTemplate, Sidecar, Step, StepTemplate, TaskRunSpec, TaskSpec, parse_duration
from workshop.manifests.tekton.config import SHIPPED, FeatureFlags

NOT_USED = (
    "computeResources", "imagePullPolicy", "livenessProbe", "ports", "readinessProbe", "restartPolicy",
    "securityContext", "startupProbe", "terminationMessagePath", "terminationMessagePolicy",
)  # fmt: skip
"""Fields of a step or a sidecar that the runtime does not use; the Pod shows them."""


def pod_object(run: Object, name: str, plan: PodPlan) -> Object:
    """The Pod object before its start."""
    meta = run["metadata"]
    labels = {
        **passed_on(meta.get("labels")),
        "app.kubernetes.io/managed-by": "tekton-pipelines",
        "tekton.dev/taskRun": meta["name"],
        "tekton.dev/taskRunUID": meta["uid"],
    }
    return {
        "metadata": {
            "name": name,
            "namespace": meta["namespace"],
            "labels": labels,
            "annotations": {**passed_on(meta.get("annotations")), **RELEASE, "tekton.dev/ready": "READY"},
            "ownerReferences": [owner_reference(run)],
        },
        "spec": {
            **plan.shown,
            "containers": [_container(one) for one in (*plan.steps, *plan.sidecars)],
            "nodeName": "lab",
            "restartPolicy": "Never",
            "serviceAccountName": plan.service_account,
            "volumes": [msgspec.to_builtins(volume) for volume in plan.volumes],
        },
        "status": {"phase": "Pending"},
    }


def pod_plan(
    run: Object, name: str, spec: TaskSpec, bound: Bound, folder: Path, flags: FeatureFlags = SHIPPED.flags
) -> PodPlan:
    """The Pod of a substituted Task. `run` is the TaskRun as admission has stored it."""
    meta, asked = run["metadata"], msgspec.convert(run["spec"], TaskRunSpec)
    pod = asked.pod_template or PodTemplate()
    template = spec.step_template or StepTemplate()
    steps = [templated(step, template) for step in spec.steps]
    resources = of_whole_task(
        with_overrides({one.name or str(at): one.compute_resources for at, one in enumerate(steps)}, asked.step_specs),
        asked.compute_resources,
    )
    of_sidecars = with_overrides({one.name: one.compute_resources for one in spec.sidecars}, asked.sidecar_specs)
    return PodPlan(
        namespace=meta["namespace"],
        name=name,
        uid="",
        folder=folder,
        steps=tuple(
            _step(at, step, bound.of(step.workspaces, step.volume_mounts), resources[step.name or str(at)], pod.env)
            for at, step in enumerate(steps)
        ),
        sidecars=tuple(
            _sidecar(one, bound.of(one.workspaces, one.volume_mounts), of_sidecars[one.name]) for one in spec.sidecars
        ),
        volumes=(*spec.volumes, *pod.volumes, *bound.volumes),
        results=tuple(result.name for result in spec.results),
        service_account=run["spec"].get("serviceAccountName", ""),
        labels={**passed_on(meta.get("labels")), "tekton.dev/taskRun": meta["name"]},
        annotations=passed_on(meta.get("annotations")),
        shown=pod_fields(pod),
        flags=flags,
    )


def _step(
    index: int,
    step: Step,
    mounts: Sequence[VolumeMount],
    resources: ResourceRequirements | None,
    more_env: Sequence[EnvVar],
) -> ContainerPlan:
    return ContainerPlan(
        name=container_name(step.name, index),
        image=step.image,
        command=tuple(step.command),
        args=tuple(step.args),
        script=step.script,
        working_dir=step.working_dir,
        env=(*step.env, *more_env),
        env_from=tuple(step.env_from),
        mounts=tuple(mounts),
        timeout=parse_duration(step.timeout) if step.timeout else None,
        continue_on_error=step.on_error == "continue",
        results=tuple(result.name for result in step.results),
        when=tuple(step.when),
        stdout_copy=step.stdout_config.path if step.stdout_config else "",
        stderr_copy=step.stderr_config.path if step.stderr_config else "",
        shown=_shown(step, resources),
    )


def _sidecar(sidecar: Sidecar, mounts: Sequence[VolumeMount], resources: ResourceRequirements | None) -> ContainerPlan:
    return ContainerPlan(
        name=f"sidecar-{sidecar.name}".rstrip("-"),
        image=sidecar.image,
        command=tuple(sidecar.command),
        args=tuple(sidecar.args),
        script=sidecar.script,
        working_dir=sidecar.working_dir,
        env=tuple(sidecar.env),
        env_from=tuple(sidecar.env_from),
        mounts=tuple(mounts),
        probes=tuple(probe for probe in (sidecar.startup_probe, sidecar.readiness_probe) if probe),
        ports={port.name: port.container_port for port in sidecar.ports if port.name},
        shown=_shown(sidecar, resources),
    )


def _shown(one: Step | Sidecar, resources: ResourceRequirements | None) -> dict[str, Any]:
    """The fields of a container that have no effect here, under the names that a Pod has for them."""
    raw = msgspec.to_builtins(one)
    shown = {field: raw[field] for field in NOT_USED if field in raw and field != "computeResources"}
    return {**shown, "resources": msgspec.to_builtins(resources) if resources else {}}


def _container(plan: ContainerPlan) -> dict[str, Any]:
    container: dict[str, Any] = {"name": plan.name, "image": plan.image, **plan.shown}
    if plan.script:
        container["command"] = ["/tekton/scripts/script"]
    elif plan.command:
        container["command"] = list(plan.command)
    if plan.args:
        container["args"] = list(plan.args)
    if plan.working_dir:
        container["workingDir"] = plan.working_dir
    for field, value in (("env", plan.env), ("envFrom", plan.env_from), ("volumeMounts", plan.mounts)):
        if value:
            container[field] = [msgspec.to_builtins(one) for one in value]
    return container
