"""The results of a check, and the data that it may read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from workshop.cluster.mlflow import Mlflow
from workshop.cluster.prometheus import Prometheus
from workshop.manifests.objects import Object

DRILLS = "workshop-drills"
"""The ConfigMap of dev with what caught each drill, by its name, as `workshop drill` has seen it."""


@dataclass(frozen=True)
class Finding:
    """One task of a module: `reason` says what was seen, `hint` the next command when it is not done."""

    task: str
    ok: bool
    reason: str
    hint: str = ""


class Cluster(Protocol):
    """The part of an API client that checks need, for the lab or a cluster."""

    def find(self, kind: str, namespace: str, name: str) -> Object | None:
        """One object, or None."""
        ...

    def list(self, kind: str, namespace: str) -> list[Object]:
        """The objects of a kind in a namespace."""
        ...


class Editor(Cluster, Protocol):
    """A cluster in which a reset may undo what a module made."""

    def delete(self, kind: str, namespace: str, name: str, *, missing_ok: bool = False) -> None:
        """Delete an object."""
        ...


@dataclass(frozen=True)
class CheckContext:
    """What a check may look at.

    `values` are the participant's (`workshop.guide.values`), `clone` their clone of the kit, `env` the environment of
    their terminal, in which `git`, `dvc` and `oc` work and MLflow's address and token stand; `on`: `lab` or `cluster`.
    """

    cluster: Cluster
    values: Mapping[str, str]
    clone: Path
    env: Mapping[str, str] = field(default_factory=dict)
    on: str = "lab"

    @property
    def where_things_are(self) -> str:
        """The next command if a server does not answer."""
        return (
            "workshop status"
            if self.on == "lab"
            else f"oc describe configmap mlops-endpoints -n {self.namespace('dev')}"
        )

    def namespace(self, stage: str) -> str:
        """The namespace of `dev`, `staging` or `production`."""
        return self.values[f"{stage.upper()}_NAMESPACE"]

    @property
    def mlflow(self) -> Mlflow:
        """The participant's MLflow."""
        return Mlflow(self.env.get("MLFLOW_TRACKING_URI", ""), self.env.get("MLFLOW_TRACKING_TOKEN", ""))

    @property
    def prometheus(self) -> Prometheus:
        """The Prometheus that scrapes production. With https it is OpenShift's port for one project."""
        url = self.values.get("PROMETHEUS_URL", "")
        project = self.namespace("production") if url.startswith("https:") else ""
        token, authority = self.env.get("PROMETHEUS_TOKEN", ""), self.env.get("PROMETHEUS_CA_FILE", "")
        return Prometheus(url, project, token, authority)


Check = Callable[[CheckContext], list[Finding]]
Reset = Callable[[CheckContext, Editor], list[str]]
"""Undoes what a module made, and returns a sentence about it."""
