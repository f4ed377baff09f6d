"""The lab as the target of commands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from workshop.cluster.client import Client
from workshop.errors import SetupError
from workshop.lab import process_environment
from workshop.lab.components import COMPONENTS
from workshop.lab.endpoints import variables
from workshop.lab.participant import clone_folder
from workshop.lab.paths import LabPaths, lab_paths
from workshop.lab.progress import record
from workshop.lab.report import Report, read, running_pid
from workshop.participants.cluster import ClusterTarget
from workshop.participants.names import LAB_PARTICIPANT
from workshop.participants.target import LAB, CommandTarget


def current_target() -> CommandTarget:
    """The lab if its folder exists, even if `oc` is logged in to a cluster; else the cluster."""
    paths = lab_paths()
    return LabTarget(paths) if paths.root.exists() else ClusterTarget()


@dataclass(frozen=True)
class LabTarget:
    """The lab of a state folder."""

    paths: LabPaths
    name = LAB

    def client(self) -> Client:
        """A client of the lab's API. Raises SetupError when the lab was never started."""
        return Client.load(self.paths.kubeconfig)

    def namespace(self, stage: str = "dev") -> str:
        """The participant's `<name>-<stage>`."""
        return LAB_PARTICIPANT.namespace(stage)

    def clone(self) -> Path:
        """The clone in the lab's folder. Raises SetupError when it does not exist."""
        clone = clone_folder(self.paths)
        if not clone.exists():
            raise SetupError(f"there is no clone at {clone}", hint="workshop up makes it")
        return clone

    def variables(self) -> dict[str, str]:
        """The names and addresses. Raises SetupError when the lab does not run."""
        report = self._report()
        if report is None:
            raise SetupError("the lab does not run", hint="workshop up starts it")
        return LAB_PARTICIPANT.variables(variables(report.endpoints, COMPONENTS))

    def env(self) -> dict[str, str]:
        """PATH with the lab's commands, the kubeconfig and, while the lab runs, the addresses."""
        report = self._report()
        known, token = ({}, "") if report is None else (report.endpoints, self.paths.token.read_text().strip())
        return process_environment.participant(self.paths, LAB_PARTICIPANT, known, COMPONENTS, token)

    def remember(self, number: str, left: int, tasks: int) -> None:
        """Store the result for the guide's pages. Raises OSError."""
        record(self.paths, number, left, tasks)

    def _report(self) -> Report | None:
        """The report of a running lab, or None."""
        return read(self.paths) if running_pid(self.paths) is not None else None
