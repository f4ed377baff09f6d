"""Pipeline and its parts."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from workshop.manifests.kubernetes import Volume
from workshop.manifests.meta import PRESERVE, Labels, Resource, Typed
from workshop.manifests.tekton.params import Duration, Param, ParamSpec, ParamValue, WhenExpression
from workshop.manifests.tekton.task import (
    Sidecar,
    Step,
    StepTemplate,
    TaskResult,
    TaskSpec,
    WorkspaceDeclaration,
)


class TaskRef(Typed, frozen=True, kw_only=True):
    """The Task to run: by name, through a resolver, or a custom task by apiVersion and kind."""

    name: str = ""
    kind: str = ""
    api_version: str = ""
    bundle: str = ""
    resolver: Annotated[str, Meta(description="bundles, cluster, git, http or hub.")] = ""
    params: Annotated[list[Param], Meta(description="What the resolver needs, such as url and pathInRepo.")] = []


class PipelineRef(Typed, frozen=True, kw_only=True):
    """The Pipeline to run: by name in the namespace, or through a resolver."""

    name: str = ""
    api_version: str = ""
    bundle: str = ""
    resolver: str = ""
    params: list[Param] = []


class TemplateMeta(Typed, frozen=True, kw_only=True):
    """Labels and annotations of the created object."""

    labels: Labels | None = None
    annotations: Labels | None = None


class EmbeddedTask(Typed, frozen=True, kw_only=True):
    """A Task written inside a Pipeline. With apiVersion and kind, it is a custom task and its `spec`."""

    api_version: str = ""
    kind: str = ""
    metadata: TemplateMeta | None = None
    spec: Annotated[dict[str, Any] | None, Meta(extra_json_schema=PRESERVE)] = None
    display_name: str | None = None
    description: str | None = None
    params: list[ParamSpec] = []
    workspaces: list[WorkspaceDeclaration] = []
    results: list[TaskResult] = []
    steps: list[Step] = []
    step_template: StepTemplate | None = None
    sidecars: list[Sidecar] = []
    volumes: list[Volume] = []

    def task(self) -> TaskSpec:
        """The Task's part of it."""
        names = TaskSpec.__struct_fields__
        return TaskSpec(**{name: getattr(self, name) for name in names})


class MatrixInclude(Typed, frozen=True, kw_only=True):
    """Params that are added to a combination of a matrix, or that form another combination."""

    name: str = ""
    params: list[Param] = []


class Matrix(Typed, frozen=True, kw_only=True):
    """Run the task once for each combination of these lists."""

    params: Annotated[list[Param], Meta(description="Each value a list; all combinations are run.")] = []
    include: Annotated[list[MatrixInclude], Meta(description="Additions to combinations, or further ones.")] = []


class PipelineTaskWorkspace(Typed, frozen=True, kw_only=True):
    """The Pipeline's workspace that a task gets, and its name in the task."""

    name: str
    workspace: str = ""
    sub_path: str = ""


class PipelineTask(Typed, frozen=True, kw_only=True):
    """One node of a Pipeline."""

    name: str = ""
    display_name: str | None = None
    description: str | None = None
    task_ref: TaskRef | None = None
    task_spec: EmbeddedTask | None = None
    pipeline_ref: PipelineRef | None = None
    pipeline_spec: Annotated[
        dict[str, Any] | None,
        Meta(description="A Pipeline to run instead of a Task (alpha).", extra_json_schema=PRESERVE),
    ] = None
    run_after: Annotated[list[str], Meta(description="Tasks that must be done before; results say it, too.")] = []
    when: Annotated[list[WhenExpression], Meta(description="The task is skipped unless all of these hold.")] = []
    params: list[Param] = []
    matrix: Matrix | None = None
    workspaces: list[PipelineTaskWorkspace] = []
    retries: Annotated[int, Meta(description="How often it is tried again after a failure.")] = 0
    timeout: Annotated[Duration | None, Meta(description="How long one attempt may take.")] = None
    on_error: Annotated[str, Meta(description="stopAndFail (the default), or continue: the Pipeline continues.")] = ""

    @property
    def is_pipeline(self) -> bool:
        """Whether the task runs a Pipeline, as a PipelineRun of its own."""
        return self.pipeline_ref is not None or self.pipeline_spec is not None


class PipelineWorkspace(Typed, frozen=True, kw_only=True):
    """A folder that a Pipeline's tasks share. A run binds it to a volume."""

    name: str
    description: str | None = None
    optional: bool = False


class PipelineResult(Typed, frozen=True, kw_only=True):
    """A result of a Pipeline."""

    name: str
    type: str | None = None
    description: str | None = None
    value: Annotated[ParamValue, Meta(description="References such as $(tasks.<task>.results.<result>).")]


class PipelineSpec(Typed, frozen=True, kw_only=True):
    """The fields of a Pipeline."""

    display_name: str | None = None
    description: str | None = None
    params: list[ParamSpec] = []
    workspaces: list[PipelineWorkspace] = []
    tasks: Annotated[list[PipelineTask], Meta(description="They run as soon as what they need is there.")] = []
    results: list[PipelineResult] = []
    final_tasks: Annotated[
        list[PipelineTask], Meta(description="They run at the end, whether the tasks succeeded or failed.")
    ] = msgspec.field(name="finally", default_factory=list)


class Pipeline(Resource, frozen=True, kw_only=True):
    """Tasks and their order."""

    spec: PipelineSpec = PipelineSpec()
