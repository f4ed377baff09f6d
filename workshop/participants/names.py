"""The names that belong to a participant, in the lab and on a cluster alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from workshop.usecase import DEPLOYMENT

STAGES = ("dev", "staging", "production")
ENDPOINTS = "mlops-endpoints"
"""The ConfigMap of addresses that Tasks read with `envFrom`."""
CREDENTIALS = "mlops-credentials"
"""The Secret of tokens that Tasks read with `envFrom`."""
PARTICIPANT = "mlops-workshop/participant"
"""The label with a participant's name on all of their objects."""
COHORT = "mlops-workshop/cohort"
"""The label with the cohort's name on all objects that `workshop cohort provision` makes."""
USER_VARIABLE = "WORKSHOP_USER"
"""The variable with the participant's name in terminals. In a lab with several, commands work for this one."""
EXPERIMENT_ID = "1"
"""The id of the experiment *flights* in the lab's MLflow, which creates it before any other."""
EXPERIMENT_PAGE = f"/#/experiments/{EXPERIMENT_ID}/runs"
_MLFLOW_PAGES = {
    "EXPERIMENT_URL": EXPERIMENT_PAGE,
    "REGISTERED_MODEL_URL": f"/#/models/{DEPLOYMENT}",
}
"""Pages of MLflow below its address. Without such a path MLflow opens the start page for its GenAI features."""


@dataclass(frozen=True)
class Participant:
    """A person who works through the modules. `name` is also the user name of the API server."""

    name: str

    def namespace(self, stage: str) -> str:
        """The namespace of `dev`, `staging` or `production`: `<name>-<stage>`."""
        return f"{self.name}-{stage}"

    @property
    def namespaces(self) -> tuple[str, ...]:
        """All namespaces, in the order of STAGES."""
        return tuple(self.namespace(stage) for stage in STAGES)

    def variables(self, addresses: Mapping[str, str | None]) -> dict[str, str]:
        """The variables of the guide and of terminals: the names, and the addresses by variable; None is left out."""
        known = {USER_VARIABLE: self.name}
        known |= {f"{stage.upper()}_NAMESPACE": self.namespace(stage) for stage in STAGES}
        if mlflow := addresses.get("MLFLOW_URL"):
            known |= {name: f"{mlflow}{page}" for name, page in _MLFLOW_PAGES.items()}
        return known | {name: url for name, url in addresses.items() if url}

    def stage(self, namespace: str) -> str:
        """The stage of one of the participant's namespaces; another namespace is returned as it is."""
        return namespace.removeprefix(f"{self.name}-")


LAB_PARTICIPANT = Participant("user1")
"""The first participant of a lab. Without `workshop up --users` it has no other."""
