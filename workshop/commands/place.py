"""Where a participant's commands work: in the lab that runs here, else on the cluster that `oc` is logged in to.

What differs is found out once: the client, the clone, the names and addresses, the environment of the terminal. On a
cluster the clone is the folder that one is in, the project is the current one (`<user>-dev`), and the addresses are
those that Tasks get, from the ConfigMap `mlops-endpoints`.
"""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from pathlib import Path

from workshop.cluster.client import Client
from workshop.cluster.config import SERVICE_ACCOUNT
from workshop.errors import EnvironmentFault
from workshop.lab import environment
from workshop.lab.components import COMPONENTS
from workshop.lab.endpoints import variables
from workshop.lab.participant import clone_folder
from workshop.lab.paths import LabPaths
from workshop.lab.report import read, running_pid
from workshop.participants.names import CREDENTIALS, ENDPOINTS, LAB_PARTICIPANT, Participant
from workshop.usecase import is_clone

LAB, CLUSTER = "lab", "cluster"
PREDICTIONS = "/api/v1.0/predictions"
_NAMED = ("CONSOLE_URL", "DASHBOARD_URL", "EXPERIMENT_URL", "JUPYTERHUB_URL", "MLFLOW_URL", "REGISTERED_MODEL_URL")
"""Addresses for people, which an instructor may put into `mlops-endpoints`: the others are for programs."""


@dataclass(frozen=True)
class Place:
    """`name` is `lab` or `cluster`; `values` are the participant's, `env` is the environment of their terminal."""

    name: str
    client: Client
    clone: Path
    values: dict[str, str]
    env: dict[str, str]


def in_lab(where: LabPaths) -> bool:
    """Whether commands mean the lab: they do as soon as it has been begun, whatever `oc` is logged in to."""
    return where.root.exists()


def api(where: LabPaths, namespace: str = "") -> tuple[Client, str]:
    """The API server that commands ask, and the namespace: the one asked for, else the participant's `...-dev`.

    On a cluster that is the current project. Raises EnvironmentFault when there is neither lab nor cluster.
    """
    if in_lab(where):
        return Client.load(where.kubeconfig), namespace or LAB_PARTICIPANT.namespace("dev")
    client = Client.load()
    return client, namespace or client.namespace


def place(where: LabPaths) -> Place:
    """Where commands work. Raises EnvironmentFault when the lab is down, or when there is neither lab nor cluster."""
    if not in_lab(where):
        return _cluster()
    report = read(where)
    if report is None or running_pid(where) is None:
        raise EnvironmentFault("the lab does not run", hint="workshop up starts it")
    client = Client.load(where.kubeconfig)
    known = LAB_PARTICIPANT.variables(variables(report.endpoints, COMPONENTS))
    return Place(LAB, client, clone_folder(where), known, participant_env(where))


def participant_env(where: LabPaths) -> dict[str, str]:
    """The environment of the lab's participant, also while the lab is down: PATH with its commands, cluster, MLflow."""
    report = read(where)
    running = report is not None and running_pid(where) is not None
    token = where.token.read_text().strip() if running else ""
    known = report.endpoints if report and running else {}
    return environment.participant(where, LAB_PARTICIPANT, known, COMPONENTS, token)


def clone_here() -> Path:
    """The clone that one is in. Raises EnvironmentFault."""
    here = Path.cwd().resolve()
    for folder in (here, *here.parents):
        if is_clone(folder):
            return folder
    raise EnvironmentFault(f"{here} is in no clone of the workshop", hint="cd into the clone and say it again")


def endpoints(client: Client, namespace: str) -> dict[str, str]:
    """What Tasks get with envFrom. Raises EnvironmentFault when the ConfigMap is not there."""
    found = client.find("ConfigMap", namespace, ENDPOINTS)
    if found is None:
        raise EnvironmentFault(
            f"there is no ConfigMap {ENDPOINTS} in {namespace}", hint="-n names the namespace that has it: your ...-dev"
        )
    secret = client.find("Secret", namespace, CREDENTIALS) or {}
    return {
        **{key: str(value) for key, value in (found.get("data") or {}).items()},
        **{key: base64.b64decode(value).decode() for key, value in (secret.get("data") or {}).items()},
    }


def _cluster() -> Place:
    client = Client.load()
    # A Pod has no context that `oc project` could change; who is there says with DEV_NAMESPACE where they are.
    project = os.environ.get("DEV_NAMESPACE") or client.namespace
    user, stage = project[: -len("-dev")], project[-len("-dev") :]
    if stage != "-dev" or not user:
        raise EnvironmentFault(
            f"the current project is {project}; allowed is a participant's own, <user>-dev",
            hint="oc project <user>-dev",
        )
    told = endpoints(client, project)
    known = Participant(user).variables(
        {
            "MLFLOW_URL": told.get("MLFLOW_TRACKING_URI"),
            "PROMETHEUS_URL": told.get("PROMETHEUS_URL"),
            "PRODUCTION_URL": _predictions(told.get("PRODUCTION_URL", "")),
            "STAGING_URL": _predictions(told.get("STAGING_URL", "")),
        }
    ) | {name: told[name] for name in _NAMED if name in told}
    return Place(CLUSTER, client, clone_here(), known, {**os.environ, **told, **_prometheus(client, told), **known})


def _predictions(url: str) -> str | None:
    return url.rstrip("/").removesuffix(PREDICTIONS) + PREDICTIONS if url else None


def _prometheus(client: Client, told: dict[str, str]) -> dict[str, str]:
    """Who asks Thanos' port for one project, and by which authority it is known; nothing for plain http."""
    if not told.get("PROMETHEUS_URL", "").startswith("https:"):
        return {}
    authority = SERVICE_ACCOUNT / "service-ca.crt"
    found = {"PROMETHEUS_CA_FILE": str(authority)} if authority.exists() and "PROMETHEUS_CA_FILE" not in told else {}
    return found | {"PROMETHEUS_TOKEN": client.config.token}
