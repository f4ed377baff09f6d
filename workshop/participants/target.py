"""Where a participant's commands work: in the lab on this machine, or on the cluster that `oc` is logged in to."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from workshop.cluster.client import Client

LAB, CLUSTER = "lab", "cluster"


class CommandTarget(Protocol):
    """What differs between a lab and a cluster. Each method raises SetupError when it cannot answer."""

    @property
    def name(self) -> str:
        """`lab` or `cluster`."""
        ...

    def client(self) -> Client:
        """A client of the API server."""
        ...

    def namespace(self, stage: str = "dev") -> str:
        """The participant's namespace of a stage. On a cluster, `dev` is the current project, whatever its name."""
        ...

    def clone(self) -> Path:
        """The participant's clone of the kit."""
        ...

    def variables(self) -> dict[str, str]:
        """The names and addresses of the guide, by variable. The lab must run."""
        ...

    def people(self) -> list[str]:
        """The names of all participants."""
        ...

    def environment_of(self, name: str) -> dict[str, str]:
        """The environment in which `workshop` works for a participant."""
        ...

    def pid(self, component: str) -> int:
        """The process of a program that this machine runs for the participant. It must run."""
        ...

    def env(self) -> dict[str, str]:
        """The environment of the participant's terminal. Without a running lab it has no addresses."""
        ...
