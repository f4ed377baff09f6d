"""What an engine is asked to run, and what it says about it: a Pod, without Kubernetes' many fields.

A `PodPlan` is final: parameters are substituted, templates merged, workspaces are volumes and mounts. An
engine runs its steps one after another beside its sidecars and reports after each change; it never raises for
a step that fails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from workshop.manifests.core import EnvFromSource, EnvVar, Probe, Volume, VolumeMount
from workshop.manifests.tekton import WhenExpression


@dataclass(frozen=True)
class ContainerPlan:
    """A step or a sidecar. `name` is the container's: step-build, sidecar-database."""

    name: str
    image: str
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    script: str = ""
    working_dir: str = ""
    env: tuple[EnvVar, ...] = ()
    env_from: tuple[EnvFromSource, ...] = ()
    mounts: tuple[VolumeMount, ...] = ()
    timeout: float | None = None
    go_on_after_error: bool = False
    results: tuple[str, ...] = ()
    when: tuple[WhenExpression, ...] = ()
    probe: Probe | None = None


@dataclass(frozen=True)
class PodPlan:
    """One attempt of a TaskRun. `folder` is the Pod's own; everything in it is the engine's."""

    namespace: str
    name: str
    uid: str
    folder: Path
    steps: tuple[ContainerPlan, ...]
    sidecars: tuple[ContainerPlan, ...] = ()
    volumes: tuple[Volume, ...] = ()
    results: tuple[str, ...] = ()
    service_account: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)


@dataclass
class ContainerState:
    """Where a container stands. `message` is its termination message: JSON with the results."""

    name: str
    image: str
    image_id: str = ""
    container_id: str = ""
    waiting: str = "PodInitializing"
    started_at: str = ""
    finished_at: str = ""
    exit_code: int | None = None
    message: str = ""

    @property
    def running(self) -> bool:
        return bool(self.started_at) and self.exit_code is None


@dataclass
class PodState:
    """Where a Pod stands. `reason` and `message` say why it failed when it was not a step's exit."""

    steps: list[ContainerState]
    sidecars: list[ContainerState]
    phase: str = "Pending"
    reason: str = ""
    message: str = ""


Report = Callable[[PodState], None]


class PodError(Exception):
    """A Pod cannot be started; `reason` is the kubelet's word for it."""

    def __init__(self, reason: str, message: str, container: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.container = container


class Engine(Protocol):
    """Where steps run."""

    async def run(self, plan: PodPlan, report: Report) -> PodState:
        """Run a Pod to its end; cancelling the call ends its processes."""
        ...
