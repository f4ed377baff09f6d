"""Workspaces of a TaskRun: the volume of each, and the containers that mount it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from workshop.lab.controllers.tekton.errors import RunError, user_error
from workshop.manifests.kubernetes import Volume, VolumeMount
from workshop.manifests.tekton import TaskSpec, WorkspaceBinding, WorkspaceUsage


@dataclass
class Bound:
    """The volumes of a TaskRun's workspaces and their mounts."""

    volumes: list[Volume] = field(default_factory=list)
    mounts: dict[str, VolumeMount] = field(default_factory=dict)
    """By workspace, at the path that the Task declares."""
    isolated: set[str] = field(default_factory=set)
    """Workspaces that a step or sidecar mounts itself; other containers do not get them."""

    def of(self, usages: Sequence[WorkspaceUsage], own: Sequence[VolumeMount]) -> list[VolumeMount]:
        """The mounts of one container: the shared workspaces, those that it names, and its own volumes.

        An own mount of a sidecar takes the place of a shared workspace at its path; a step with one is refused. Source:
        AddSidecarVolumeMount in pkg/workspace/apply.go.
        """
        paths = {mount.mount_path for mount in own}
        found = [
            mount for name, mount in self.mounts.items() if name not in self.isolated and mount.mount_path not in paths
        ]
        for usage in usages:
            mount = self.mounts.get(usage.name)
            if mount:
                path = usage.mount_path or mount.mount_path
                found.append(
                    VolumeMount(name=mount.name, mount_path=path, sub_path=mount.sub_path, read_only=mount.read_only)
                )
        return [*found, *own]


def with_default(
    spec: TaskSpec, bindings: Sequence[WorkspaceBinding], default: WorkspaceBinding | None
) -> list[WorkspaceBinding]:
    """The bindings of a run, and the cluster's default for required workspaces without one.

    Source: updateTaskRunWithDefaultWorkspaces in pkg/reconciler/taskrun/taskrun.go.
    """
    bound = {binding.name for binding in bindings}
    lacking = [one.name for one in spec.workspaces if not one.optional and one.name not in bound] if default else []
    return [*bindings, *(msgspec.structs.replace(default, name=name) for name in lacking if default)]


def check_bound(spec: TaskSpec, bindings: Sequence[WorkspaceBinding], *, inline: bool, one_claim: bool) -> None:
    """Check workspaces against their declarations; an inline Task takes others too. Raises RunError.

    Source: ValidateBindings in pkg/workspace/validate.go.
    """
    bound = {binding.name for binding in bindings}
    for workspace in spec.workspaces:
        if workspace.name not in bound and not workspace.optional:
            raise user_error(
                "TaskRunValidationFailed",
                f'declared workspace "{workspace.name}" is required but has not been bound',
            )
    declared = {workspace.name for workspace in spec.workspaces}
    extra = next((binding.name for binding in bindings if binding.name not in declared), None)
    if extra is not None and not inline:
        text = f'workspace binding "{extra}" does not match any declared workspace'
        raise user_error("TaskRunValidationFailed", text)
    claims = {b.persistent_volume_claim.claim_name for b in bindings if b.persistent_volume_claim}
    if one_claim and len(claims) > 1:
        # Tekton's affinity assistant, on by default: two claims may be on different nodes.
        raise RunError(
            "TaskRunValidationFailed",
            "TaskRun mounts more than one PersistentVolumeClaim - that is forbidden",
        )


def bind(spec: TaskSpec, bindings: Sequence[WorkspaceBinding]) -> Bound:
    """Volumes and mounts of the workspaces that a Task declares."""
    found = Bound()
    by_name = {binding.name: binding for binding in bindings}
    names = volume_names(spec, bindings)
    for workspace in spec.workspaces:
        binding = by_name.get(workspace.name)
        if binding is None:
            continue
        name = names[workspace.name]
        if name not in {volume.name for volume in found.volumes}:
            found.volumes.append(_volume(name, binding))
        found.mounts[workspace.name] = VolumeMount(
            name=name,
            mount_path=workspace.mount_path or f"/workspace/{workspace.name}",
            sub_path=binding.sub_path or None,
            read_only=workspace.read_only or None,
        )
    used = [usage.name for step in spec.steps for usage in step.workspaces]
    used += [usage.name for sidecar in spec.sidecars for usage in sidecar.workspaces]
    found.isolated = set(used)
    return found


def volume_names(spec: TaskSpec, bindings: Sequence[WorkspaceBinding]) -> dict[str, str]:
    """The Pod's volume of each bound workspace. Workspaces of the same claim have one."""
    by_name = {binding.name: binding for binding in bindings}
    by_claim: dict[str, str] = {}
    found = {}
    for workspace in spec.workspaces:
        binding = by_name.get(workspace.name)
        if binding is None:
            continue
        name = f"ws-{hashlib.sha256(workspace.name.encode()).hexdigest()[:5]}"
        claim = binding.persistent_volume_claim
        found[workspace.name] = by_claim.setdefault(claim.claim_name, name) if claim else name
    return found


def _volume(name: str, binding: WorkspaceBinding) -> Volume:
    return Volume(
        name=name,
        empty_dir=binding.empty_dir,
        persistent_volume_claim=binding.persistent_volume_claim,
        config_map=binding.config_map,
        secret=binding.secret,
        projected=binding.projected,
    )
