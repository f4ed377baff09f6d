"""The Pod of a TaskRun: its plan, and the object for `kubectl get pods`.

The object has the containers, images, variables and mounts. It lacks the entrypoint binary, the init containers and the
internal volumes of a real Tekton Pod, because nothing in the lab uses them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from workshop.lab.controllers.owners import owner_reference
from workshop.lab.controllers.tekton.names import RELEASE, passed_on
from workshop.lab.controllers.tekton.substitution import container_name
from workshop.lab.controllers.tekton.workspaces import Bound
from workshop.lab.kubelet.pod import ContainerPlan, PodPlan
from workshop.manifests.kubernetes import EnvVar, VolumeMount
from workshop.manifests.objects import Object
from workshop.manifests.tekton import Sidecar, Step, StepTemplate, TaskSpec, parse_duration


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
            "containers": [_container(one) for one in (*plan.steps, *plan.sidecars)],
            "nodeName": "lab",
            "restartPolicy": "Never",
            "serviceAccountName": plan.service_account,
            "volumes": [msgspec.to_builtins(volume) for volume in plan.volumes],
        },
        "status": {"phase": "Pending"},
    }


def pod_plan(run: Object, name: str, spec: TaskSpec, bound: Bound, folder: Path) -> PodPlan:
    """The Pod of a substituted Task."""
    template = spec.step_template or StepTemplate()
    meta = run["metadata"]
    steps = [
        _step(index, _templated(step, template), bound.of(step.workspaces)) for index, step in enumerate(spec.steps)
    ]
    sidecars = [_sidecar(one, bound.of(one.workspaces)) for one in spec.sidecars]
    return PodPlan(
        namespace=meta["namespace"],
        name=name,
        uid="",
        folder=folder,
        steps=tuple(steps),
        sidecars=tuple(sidecars),
        volumes=(*spec.volumes, *bound.volumes),
        results=tuple(result.name for result in spec.results),
        service_account=run["spec"].get("serviceAccountName", ""),
        labels={**passed_on(meta.get("labels")), "tekton.dev/taskRun": meta["name"]},
        annotations=passed_on(meta.get("annotations")),
    )


def _step(index: int, step: Step, workspaces: Sequence[VolumeMount]) -> ContainerPlan:
    return ContainerPlan(
        name=container_name(step.name, index),
        image=step.image,
        command=tuple(step.command),
        args=tuple(step.args),
        script=step.script,
        working_dir=step.working_dir,
        env=tuple(step.env),
        env_from=tuple(step.env_from),
        mounts=(*workspaces, *step.volume_mounts),
        timeout=parse_duration(step.timeout) if step.timeout else None,
        continue_on_error=step.on_error == "continue",
        results=tuple(result.name for result in step.results),
        when=tuple(step.when),
    )


def _sidecar(sidecar: Sidecar, workspaces: Sequence[VolumeMount]) -> ContainerPlan:
    return ContainerPlan(
        name=f"sidecar-{sidecar.name}",
        image=sidecar.image,
        command=tuple(sidecar.command),
        args=tuple(sidecar.args),
        script=sidecar.script,
        working_dir=sidecar.working_dir,
        env=tuple(sidecar.env),
        env_from=tuple(sidecar.env_from),
        mounts=(*workspaces, *sidecar.volume_mounts),
        probe=sidecar.startup_probe or sidecar.readiness_probe,
    )


def _templated(step: Step, template: StepTemplate) -> Step:
    """Merge a step into its Task's stepTemplate: the step takes precedence; variables and mounts are joined."""
    return msgspec.structs.replace(
        step,
        image=step.image or template.image,
        command=step.command or ([] if step.script else template.command),
        args=step.args or template.args,
        working_dir=step.working_dir or template.working_dir,
        env=_joined_env(template.env, step.env),
        env_from=[*template.env_from, *step.env_from],
        volume_mounts=_joined_mounts(template.volume_mounts, step.volume_mounts),
    )


def _joined_env(base: Sequence[EnvVar], own: Sequence[EnvVar]) -> list[EnvVar]:
    return list({**{one.name: one for one in base}, **{one.name: one for one in own}}.values())


def _joined_mounts(base: Sequence[VolumeMount], own: Sequence[VolumeMount]) -> list[VolumeMount]:
    return list({**{one.mount_path: one for one in base}, **{one.mount_path: one for one in own}}.values())


def _container(plan: ContainerPlan) -> dict[str, Any]:
    container: dict[str, Any] = {"name": plan.name, "image": plan.image, "resources": {}}
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
