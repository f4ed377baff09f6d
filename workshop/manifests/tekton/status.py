"""The status that Tekton's controllers write, with the fields that the kit reads.

Fields and types are those of `tekton.dev/v1` (pipeline 1.12). Other fields of a status are kept.
"""

from __future__ import annotations

from typing import Any

from workshop.manifests.meta import Anything, Condition, Reported, Time
from workshop.manifests.tekton.pipeline import PipelineSpec
from workshop.manifests.tekton.task import TaskSpec


class Result(Reported, frozen=True, kw_only=True):
    """A result of a run."""

    name: str
    type: str | None = None
    value: Any = None


class Terminated(Reported, frozen=True, kw_only=True):
    """The end of a step."""

    exit_code: int = 0
    reason: str | None = None
    message: str | None = None
    started_at: Time | None = None
    finished_at: Time | None = None


class Running(Reported, frozen=True, kw_only=True):
    """The start of a step."""

    started_at: Time | None = None


class Waiting(Reported, frozen=True, kw_only=True):
    """The reason why a step has not started."""

    reason: str | None = None
    message: str | None = None


class StepState(Reported, frozen=True, kw_only=True):
    """The state of a step or a sidecar."""

    name: str | None = None
    container: str | None = None
    termination_reason: str | None = None
    terminated: Terminated | None = None
    running: Running | None = None
    waiting: Waiting | None = None
    results: list[Result] | None = None


class RunStatus(Reported, frozen=True, kw_only=True):
    """The fields of the status of every run."""

    conditions: list[Condition] | None = None
    start_time: Time | None = None
    completion_time: Time | None = None
    results: list[Result] | None = None
    observed_generation: int | None = None


class TaskRunStatus(RunStatus, frozen=True, kw_only=True):
    """The status of a TaskRun."""

    pod_name: str | None = None
    steps: list[StepState] | None = None
    sidecars: list[StepState] | None = None
    retries_status: list[Anything] | None = None
    task_spec: TaskSpec | None = None


class ChildReference(Reported, frozen=True, kw_only=True):
    """A TaskRun or a CustomRun of a PipelineRun."""

    api_version: str | None = None
    kind: str | None = None
    name: str | None = None
    pipeline_task_name: str | None = None
    display_name: str | None = None
    when_expressions: list[Anything] | None = None


class SkippedTask(Reported, frozen=True, kw_only=True):
    """A task that did not run, and the reason."""

    name: str
    reason: str | None = None
    when_expressions: list[Anything] | None = None


class PipelineRunStatus(RunStatus, frozen=True, kw_only=True):
    """The status of a PipelineRun."""

    finally_start_time: Time | None = None
    child_references: list[ChildReference] | None = None
    skipped_tasks: list[SkippedTask] | None = None
    pipeline_spec: PipelineSpec | None = None


class CustomRunStatus(RunStatus, frozen=True, kw_only=True):
    """The status of a CustomRun."""

    retries_status: list[Anything] | None = None
    extra_fields: Anything | None = None
