"""A cluster as the target of commands.

The clone is the folder that contains the working directory, the project is the current one (`<user>-dev`), and the
addresses are those of Tasks, from the ConfigMap `mlops-endpoints`.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path

from workshop.cluster import config as configs
from workshop.cluster.client import Client
from workshop.cluster.config import SERVICE_ACCOUNT
from workshop.errors import SetupError
from workshop.participants.names import CREDENTIALS, ENDPOINTS, Participant
from workshop.participants.target import CLUSTER
from workshop.usecase import is_clone

PREDICTIONS = "/api/v1.0/predictions"
_FOR_PEOPLE = (
    "CONSOLE_URL",
    "DASHBOARD_URL",
    "EXPERIMENT_URL",
    "JUPYTERHUB_URL",
    "MLFLOW_URL",
    "REGISTERED_MODEL_URL",
)
"""Addresses that an instructor may put into `mlops-endpoints` for the guide; the others are for programs."""


def is_configured() -> bool:
    """Whether there is a kubeconfig, or the ServiceAccount of a Pod."""
    return SERVICE_ACCOUNT.exists() or any(path.is_file() for path in configs.paths())


class ClusterTarget:
    """The cluster of the current kubeconfig, or of the ServiceAccount of the Pod that the command runs in."""

    name = CLUSTER

    def client(self) -> Client:
        """A client of the cluster. Raises SetupError when `oc` is not logged in."""
        return Client.load()

    def namespace(self, stage: str = "dev") -> str:
        """The current project, or that of another stage of the same participant. Raises SetupError."""
        if stage == "dev":
            return self.client().namespace
        return Participant(self._project().removesuffix("-dev")).namespace(stage)

    def clone(self) -> Path:
        """The clone that contains the working directory. Raises SetupError."""
        here = Path.cwd().resolve()
        for folder in (here, *here.parents):
            if is_clone(folder):
                return folder
        raise SetupError(f"{here} is in no clone of the workshop", hint="cd into the clone, then repeat it")

    def variables(self) -> dict[str, str]:
        """Names from the project, addresses from `mlops-endpoints`. Raises SetupError."""
        client, project = self.client(), self._project()
        return _variables(project, task_addresses(client, project))

    def env(self) -> dict[str, str]:
        """The environment of this process, what Tasks get, and the variables. Raises SetupError."""
        client, project = self.client(), self._project()
        known = task_addresses(client, project)
        return {**os.environ, **known, **_prometheus(client, known), **_variables(project, known)}

    def people(self) -> list[str]:
        """Not known here: the participants' accounts are their own. Raises SetupError."""
        raise SetupError(
            "a rehearsal needs the participants' own terminals, and this is a cluster",
            hint="workshop up --users 5, then workshop cohort rehearse; on a cluster, workshop tour in each terminal",
        )

    def environment_of(self, name: str) -> dict[str, str]:
        """Raises SetupError, as `people` does."""
        raise SetupError(f"the terminal of {name} is on the cluster", hint="workshop tour in that terminal")

    def pid(self, component: str) -> int:
        """Raises SetupError: its programs run elsewhere."""
        raise SetupError(f"{component} runs on the cluster, not on this machine", hint="in a lab: workshop up")

    def _project(self) -> str:
        # A Pod has no context that `oc project` could change: there DEV_NAMESPACE names the project.
        project = os.environ.get("DEV_NAMESPACE") or self.namespace()
        if not project.endswith("-dev") or project == "-dev":
            raise SetupError(
                f"the current project is {project}; allowed is a participant's own, <user>-dev",
                hint="oc project <user>-dev",
            )
        return project


def _variables(project: str, known: dict[str, str]) -> dict[str, str]:
    found = Participant(project.removesuffix("-dev")).variables(
        {
            "MLFLOW_URL": known.get("MLFLOW_TRACKING_URI"),
            "PROMETHEUS_URL": known.get("PROMETHEUS_URL"),
            "PRODUCTION_URL": _predictions(known.get("PRODUCTION_URL", "")),
            "STAGING_URL": _predictions(known.get("STAGING_URL", "")),
        }
    )
    return found | {name: known[name] for name in _FOR_PEOPLE if name in known}


def task_addresses(client: Client, namespace: str) -> dict[str, str]:
    """What Tasks get with envFrom. Raises SetupError when the ConfigMap is not there."""
    found = client.find("ConfigMap", namespace, ENDPOINTS)
    if found is None:
        raise SetupError(
            f"there is no ConfigMap {ENDPOINTS} in {namespace}", hint="-n names the namespace that has it: your ...-dev"
        )
    secret = client.find("Secret", namespace, CREDENTIALS) or {}
    return {
        **{key: str(value) for key, value in (found.get("data") or {}).items()},
        **{key: base64.b64decode(value).decode() for key, value in (secret.get("data") or {}).items()},
    }


def _predictions(url: str) -> str | None:
    return url.rstrip("/").removesuffix(PREDICTIONS) + PREDICTIONS if url else None


def _prometheus(client: Client, known: dict[str, str]) -> dict[str, str]:
    """The token for Thanos' port of one project, and the file of its certificate authority; empty for plain http."""
    if not known.get("PROMETHEUS_URL", "").startswith("https:"):
        return {}
    authority = SERVICE_ACCOUNT / "service-ca.crt"
    found = {"PROMETHEUS_CA_FILE": str(authority)} if authority.exists() and "PROMETHEUS_CA_FILE" not in known else {}
    return found | {"PROMETHEUS_TOKEN": client.config.token}
