"""A Pod as the lab runs it: the plan of its containers and their states, without Kubernetes' many fields.

A `PodPlan` is final: parameters are substituted, templates are merged, and workspaces are volumes and mounts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workshop.manifests.kubernetes import EnvFromSource, EnvVar, Probe, Volume, VolumeMount
from workshop.manifests.tekton import WhenExpression
from workshop.manifests.tekton.config import SHIPPED, FeatureFlags


@dataclass(frozen=True)
class ContainerPlan:
    """A step or a sidecar. `name` is the container's: step-build, sidecar-database.

    `shown` are fields of the container that have no effect in the lab.
    """

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
    continue_on_error: bool = False
    results: tuple[str, ...] = ()
    when: tuple[WhenExpression, ...] = ()
    stdout_copy: str = ""
    stderr_copy: str = ""
    """Files in the container that get a copy of what it writes."""
    probes: tuple[Probe, ...] = ()
    """What must answer, one after the other, before the steps start."""
    ports: Mapping[str, int] = field(default_factory=dict)
    """Named ports, for probes."""
    shown: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PodIdentity:
    """What the downward API and references of a Pod's containers need of it."""

    namespace: str
    name: str
    uid: str = ""
    service_account: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PodPlan(PodIdentity):
    """One attempt of a TaskRun.

    `folder` is the Pod's own folder; `shown` are fields that have no effect in the lab; `flags` are Tekton's.
    """

    folder: Path
    steps: tuple[ContainerPlan, ...]
    sidecars: tuple[ContainerPlan, ...] = ()
    volumes: tuple[Volume, ...] = ()
    results: tuple[str, ...] = ()
    shown: Mapping[str, Any] = field(default_factory=dict)
    flags: FeatureFlags = SHIPPED.flags


@dataclass
class ContainerState:
    """The state of a container. `message` is its termination message: JSON with the results."""

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
    """The state of a Pod. `reason` and `message` say why it failed, unless a step's exit code did."""

    steps: list[ContainerState]
    sidecars: list[ContainerState]
    phase: str = "Pending"
    reason: str = ""
    message: str = ""


Report = Callable[[PodState], None]
