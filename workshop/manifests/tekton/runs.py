"""TaskRun, PipelineRun and CustomRun: a Task, a Pipeline or a custom task to run, and the status."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from workshop.manifests.kubernetes import (
    Affinity,
    ConfigMapVolumeSource,
    EmptyDirVolumeSource,
    EnvVar,
    HostAlias,
    LocalObjectReference,
    PersistentVolumeClaim,
    PersistentVolumeClaimVolumeSource,
    PodDNSConfig,
    PodSecurityContext,
    ProjectedVolumeSource,
    ResourceRequirements,
    SecretVolumeSource,
    Toleration,
    TopologySpreadConstraint,
    Volume,
)
from workshop.manifests.meta import Anything, Resource, Typed
from workshop.manifests.tekton.params import Duration, Param
from workshop.manifests.tekton.pipeline import PipelineRef, PipelineSpec, TaskRef, TemplateMeta
from workshop.manifests.tekton.status import CustomRunStatus, PipelineRunStatus, TaskRunStatus
from workshop.manifests.tekton.task import TaskSpec


class PodTemplate(Typed, frozen=True, kw_only=True):
    """The settings of the Pods of a run, in addition to their containers."""

    env: Annotated[list[EnvVar], Meta(description="For every step; these take precedence over the step's.")] = []
    volumes: Annotated[list[Volume], Meta(description="Steps may mount them like the Task's own.")] = []
    affinity: Affinity | None = None
    automount_service_account_token: bool | None = None
    dns_config: PodDNSConfig | None = None
    dns_policy: str | None = None
    enable_service_links: bool | None = None
    host_aliases: list[HostAlias] | None = None
    host_network: bool = False
    host_users: bool | None = None
    image_pull_secrets: list[LocalObjectReference] | None = None
    node_selector: dict[str, str] | None = None
    priority_class_name: str | None = None
    runtime_class_name: str | None = None
    scheduler_name: str = ""
    security_context: PodSecurityContext | None = None
    tolerations: list[Toleration] | None = None
    topology_spread_constraints: list[TopologySpreadConstraint] | None = None


class WorkspaceBinding(Typed, frozen=True, kw_only=True):
    """The volume of a workspace: exactly one of these."""

    name: str
    sub_path: Annotated[str, Meta(description="A folder inside the volume.")] = ""
    empty_dir: EmptyDirVolumeSource | None = None
    persistent_volume_claim: PersistentVolumeClaimVolumeSource | None = None
    volume_claim_template: Annotated[
        PersistentVolumeClaim | None, Meta(description="A claim made for this run and deleted with it.")
    ] = None
    config_map: ConfigMapVolumeSource | None = None
    secret: SecretVolumeSource | None = None
    projected: ProjectedVolumeSource | None = None
    csi: Anything | None = None


class StepSpecOverride(Typed, frozen=True, kw_only=True):
    """Compute resources of one step or sidecar in this run."""

    name: str = ""
    compute_resources: ResourceRequirements | None = None


class Breakpoints(Typed, frozen=True, kw_only=True):
    """The steps before which a run stops for debugging (alpha; the lab refuses it)."""

    on_failure: str = ""
    before_steps: list[str] = []


class Debug(Typed, frozen=True, kw_only=True):
    """Debugging of a run (alpha; the lab refuses it)."""

    breakpoints: Breakpoints | None = None


class TaskRunSpec(Typed, frozen=True, kw_only=True):
    """The Task to run and its inputs."""

    task_ref: TaskRef | None = None
    task_spec: TaskSpec | None = None
    params: list[Param] = []
    workspaces: list[WorkspaceBinding] = []
    service_account_name: str = ""
    timeout: Duration | None = None
    retries: int = 0
    status: Annotated[str, Meta(description="Set TaskRunCancelled to cancel.")] = ""
    status_message: str = ""
    pod_template: PodTemplate | None = None
    compute_resources: ResourceRequirements | None = None
    step_specs: list[StepSpecOverride] = []
    sidecar_specs: list[StepSpecOverride] = []
    debug: Debug | None = None
    managed_by: str | None = None


class TaskRun(Resource, frozen=True, kw_only=True):
    """One run of a Task. `status` is written by Tekton."""

    spec: TaskRunSpec = TaskRunSpec()
    status: TaskRunStatus | None = None


class Timeouts(Typed, frozen=True, kw_only=True):
    """The timeouts of a PipelineRun and its parts."""

    pipeline: Annotated[Duration | None, Meta(description="The whole run; 1h0m0s by default.")] = None
    tasks: Annotated[Duration | None, Meta(description="The tasks before `finally`.")] = None
    final: Annotated[Duration | None, Meta(description="The tasks under `finally`.")] = msgspec.field(
        name="finally", default=None
    )


class TaskRunTemplate(Typed, frozen=True, kw_only=True):
    """The settings of all TaskRuns of a PipelineRun."""

    service_account_name: str = ""
    pod_template: PodTemplate | None = None


class PipelineTaskRunSpec(Typed, frozen=True, kw_only=True):
    """The settings of the TaskRun of one task."""

    pipeline_task_name: str = ""
    service_account_name: str = ""
    pod_template: PodTemplate | None = None
    metadata: TemplateMeta | None = None
    compute_resources: ResourceRequirements | None = None
    step_specs: list[StepSpecOverride] = []
    sidecar_specs: list[StepSpecOverride] = []
    timeout: Duration | None = None


class PipelineRunSpec(Typed, frozen=True, kw_only=True):
    """The Pipeline to run and its inputs."""

    pipeline_ref: PipelineRef | None = None
    pipeline_spec: PipelineSpec | None = None
    params: list[Param] = []
    workspaces: list[WorkspaceBinding] = []
    timeouts: Timeouts | None = None
    task_run_template: TaskRunTemplate | None = None
    task_run_specs: list[PipelineTaskRunSpec] = []
    status: Annotated[
        str,
        Meta(description="Cancelled, CancelledRunFinally, StoppedRunFinally, or PipelineRunPending to wait."),
    ] = ""
    managed_by: str | None = None


class PipelineRun(Resource, frozen=True, kw_only=True):
    """One run of a Pipeline. `status` is written by Tekton."""

    spec: PipelineRunSpec = PipelineRunSpec()
    status: PipelineRunStatus | None = None


class EmbeddedCustomTask(Typed, frozen=True, kw_only=True):
    """A custom task written inline."""

    api_version: str = ""
    kind: str = ""
    metadata: TemplateMeta | None = None
    spec: Anything | None = None


class CustomRunSpec(Typed, frozen=True, kw_only=True):
    """The custom task to run and its inputs. Another controller runs it."""

    custom_ref: TaskRef | None = None
    custom_spec: EmbeddedCustomTask | None = None
    params: list[Param] = []
    workspaces: list[WorkspaceBinding] = []
    service_account_name: str = ""
    timeout: Duration | None = None
    retries: int = 0
    status: Annotated[str, Meta(description="Set RunCancelled to cancel.")] = ""
    status_message: str = ""


class CustomRun(Resource, frozen=True, kw_only=True):
    """One run of a custom task, such as an approval."""

    spec: CustomRunSpec = CustomRunSpec()
    status: CustomRunStatus | None = None
