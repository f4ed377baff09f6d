"""The lab as the target of commands."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from workshop.cluster.client import Client
from workshop.errors import SetupError
from workshop.lab import process_environment
from workshop.lab.components import COMPONENTS
from workshop.lab.endpoints import variables
from workshop.lab.participant import clone_folder
from workshop.lab.parts import personal_name
from workshop.lab.paths import LabPaths, lab_paths
from workshop.lab.report import Report, no_participant, read, running_pid
from workshop.lab.room import participants
from workshop.participants.cluster import ClusterTarget, is_configured
from workshop.participants.names import LAB_PARTICIPANT, USER_VARIABLE, Participant
from workshop.participants.target import CLUSTER, LAB, CommandTarget


def current_target() -> CommandTarget:
    """The lab if its folder exists, even if `oc` is logged in to a cluster; else the cluster.

    Raises SetupError when WORKSHOP_USER is not a participant of the lab.
    """
    paths = lab_paths()
    if not paths.root.exists():
        return ClusterTarget()
    known = [one.name for one in participants(paths)]
    if paths.participant not in known:
        raise no_participant(paths.participant, known)
    return LabTarget(paths)


def is_nowhere(target: CommandTarget) -> bool:
    """Whether there is neither a lab nor a cluster that a command could reach."""
    return target.name == CLUSTER and not is_configured()


@dataclass(frozen=True)
class LabTarget:
    """The lab of a state folder, for the participant of its paths."""

    paths: LabPaths
    name = LAB

    @property
    def participant(self) -> Participant:
        """Whose commands these are."""
        return Participant(self.paths.participant)

    def client(self) -> Client:
        """A client of the lab's API. Raises SetupError when the lab was never started."""
        return Client.load(self.paths.kubeconfig)

    def namespace(self, stage: str = "dev") -> str:
        """The participant's `<name>-<stage>`."""
        return self.participant.namespace(stage)

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
        return self.participant.variables(variables(report.endpoints_of(self.paths.participant), COMPONENTS))

    def people(self) -> list[str]:
        """The participants of the running lab. Raises SetupError when it does not run."""
        report = self._report()
        if report is None:
            raise SetupError("the lab does not run", hint="workshop up --users 5 starts it for five participants")
        return list(report.participants)

    def environment_of(self, name: str) -> dict[str, str]:
        """This environment, with the lab's folder and the participant's name."""
        return {**os.environ, "WORKSHOP_STATE": str(self.paths.root), USER_VARIABLE: name}

    def pid(self, component: str) -> int:
        """The process of one of the lab's programs. Raises SetupError when it does not run."""
        own = COMPONENTS[component].personal and self.participant != LAB_PARTICIPANT
        name = personal_name(component, self.participant) if own else component
        report = self._report()
        pid = next((part.pid for part in report.components if part.name == name), None) if report else None
        if pid is None:
            raise SetupError(f"{name} does not run", hint="workshop status shows the components")
        return pid

    def env(self) -> dict[str, str]:
        """PATH with the lab's commands, the kubeconfig and, while the lab runs, the addresses."""
        report = self._report()
        known: dict[str, str | None] = {}
        token = ""
        if report is not None:
            known, token = report.endpoints_of(self.paths.participant), self.paths.token.read_text().strip()
        return process_environment.participant(self.paths, self.participant, known, COMPONENTS, token)

    def _report(self) -> Report | None:
        """The report of a running lab, or None."""
        return read(self.paths) if running_pid(self.paths) is not None else None
