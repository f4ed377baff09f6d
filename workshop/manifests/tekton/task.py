"""Task, StepAction and their parts."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from workshop.manifests.kubernetes import (
    ContainerPort,
    EnvFromSource,
    EnvVar,
    Lifecycle,
    Probe,
    ResourceRequirements,
    SecurityContext,
    Volume,
    VolumeDevice,
    VolumeMount,
)
from workshop.manifests.meta import Resource, Typed
from workshop.manifests.tekton.params import (
    Duration,
    Param,
    ParamSpec,
    ParamValue,
    PropertySpec,
    WhenExpression,
)


class WorkspaceDeclaration(Typed, frozen=True, kw_only=True):
    """A folder that a Task needs. A run binds it to a volume."""

    name: str
    description: str | None = None
    mount_path: Annotated[str | None, Meta(description="Where it appears; /workspace/<name> by default.")] = None
    read_only: Annotated[bool, Meta(description="Whether the Task may only read it.")] = False
    optional: Annotated[
        bool, Meta(description="Whether a run may leave it out; $(workspaces.<name>.bound) then says false.")
    ] = False


class WorkspaceUsage(Typed, frozen=True, kw_only=True):
    """A workspace that only this step or sidecar sees."""

    name: str
    mount_path: str = ""


class TaskResult(Typed, frozen=True, kw_only=True):
    """A result of a Task: the content that a step writes to $(results.<name>.path)."""

    name: str
    type: Annotated[
        str | None,
        Meta(description="string (the default), array or object; the last two are written as JSON."),
    ] = None
    description: str | None = None
    properties: dict[str, PropertySpec] | None = None
    value: Annotated[ParamValue | None, Meta(description="A step's result: $(steps.<step>.results.<result>).")] = None


class StepResult(Typed, frozen=True, kw_only=True):
    """A result of a step for later steps: the content that it writes to $(step.results.<name>.path)."""

    name: str
    type: str | None = None
    description: str | None = None
    properties: dict[str, PropertySpec] | None = None


class StepOutputConfig(Typed, frozen=True, kw_only=True):
    """The file for a copy of a step's output (alpha)."""

    path: str = ""


class StepRef(Typed, frozen=True, kw_only=True):
    """The StepAction that a step runs: by name in the namespace, or through a resolver."""

    name: str = ""
    resolver: str = ""
    params: list[Param] = []


class Step(Typed, frozen=True, kw_only=True):
    """One step of a Task: an image with a script or a command."""

    name: Annotated[str, Meta(description="Its container is step-<name>.")] = ""
    display_name: str | None = None
    image: Annotated[str, Meta(description="What the step runs in.")] = ""
    command: Annotated[list[str], Meta(description="Instead of the image's entrypoint; not together with script.")] = []
    args: Annotated[list[str], Meta(description="Arguments of the command or script; $(params.list[*]) expands.")] = []
    script: Annotated[
        str,
        Meta(description="A file to run; without a #! line, sh with `set -e`. Take params from env, not $()."),
    ] = ""
    working_dir: Annotated[str, Meta(description="Where it starts.")] = ""
    env: list[EnvVar] = []
    env_from: list[EnvFromSource] = []
    compute_resources: ResourceRequirements | None = None
    volume_mounts: list[VolumeMount] = []
    volume_devices: list[VolumeDevice] = []
    image_pull_policy: str | None = None
    security_context: SecurityContext | None = None
    timeout: Annotated[Duration | None, Meta(description="How long it may take; then the Task fails.")] = None
    on_error: Annotated[
        str, Meta(description="stopAndFail (the default), or continue to go on after a failure of this step.")
    ] = ""
    workspaces: Annotated[list[WorkspaceUsage], Meta(description="Workspaces that only this step sees.")] = []
    ref: Annotated[StepRef | None, Meta(description="A StepAction to run instead of an image here.")] = None
    params: Annotated[list[Param], Meta(description="Values for the StepAction's parameters.")] = []
    results: list[StepResult] = []
    when: list[WhenExpression] = []
    stdout_config: StepOutputConfig | None = None
    stderr_config: StepOutputConfig | None = None


class StepTemplate(Typed, frozen=True, kw_only=True):
    """The defaults of all steps of a Task."""

    image: str = ""
    command: list[str] = []
    args: list[str] = []
    working_dir: str = ""
    env: list[EnvVar] = []
    env_from: list[EnvFromSource] = []
    compute_resources: ResourceRequirements | None = None
    volume_mounts: list[VolumeMount] = []
    volume_devices: list[VolumeDevice] = []
    image_pull_policy: str | None = None
    security_context: SecurityContext | None = None


class Sidecar(Typed, frozen=True, kw_only=True):
    """A container that runs during the steps: started before them, stopped after them."""

    name: Annotated[str, Meta(description="Its container is sidecar-<name>, without a name sidecar.")] = ""
    image: str = ""
    command: list[str] = []
    args: list[str] = []
    script: str = ""
    working_dir: str = ""
    ports: list[ContainerPort] = []
    env: list[EnvVar] = []
    env_from: list[EnvFromSource] = []
    compute_resources: ResourceRequirements | None = None
    volume_mounts: list[VolumeMount] = []
    volume_devices: list[VolumeDevice] = []
    liveness_probe: Probe | None = None
    readiness_probe: Annotated[Probe | None, Meta(description="Steps wait until it answers.")] = None
    startup_probe: Probe | None = None
    lifecycle: Lifecycle | None = None
    termination_message_path: str | None = None
    termination_message_policy: str | None = None
    image_pull_policy: str | None = None
    security_context: SecurityContext | None = None
    stdin: bool | None = None
    stdin_once: bool | None = None
    tty: bool | None = None
    workspaces: list[WorkspaceUsage] = []
    restart_policy: str | None = None


class TaskSpec(Typed, frozen=True, kw_only=True):
    """The fields of a Task."""

    display_name: str | None = None
    description: str | None = None
    params: list[ParamSpec] = []
    workspaces: list[WorkspaceDeclaration] = []
    results: list[TaskResult] = []
    steps: list[Step] = []
    step_template: StepTemplate | None = None
    sidecars: list[Sidecar] = []
    volumes: list[Volume] = []


class Task(Resource, frozen=True, kw_only=True):
    """Steps that run one after another in one Pod."""

    spec: TaskSpec = TaskSpec()


class StepActionSpec(Typed, frozen=True, kw_only=True):
    """The fields of a StepAction."""

    description: str | None = None
    image: str = ""
    command: list[str] = []
    args: list[str] = []
    script: str = ""
    working_dir: str = ""
    env: list[EnvVar] = []
    params: list[ParamSpec] = []
    results: list[StepResult] = []
    security_context: SecurityContext | None = None
    volume_mounts: list[VolumeMount] = []


class StepAction(Resource, frozen=True, kw_only=True):
    """A step that Tasks share by reference."""

    spec: StepActionSpec = StepActionSpec()
