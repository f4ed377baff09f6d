"""The addresses of a lab, by the names that scripts use, and the variables that contain them.

`workshop status -o json` prints the endpoints. The guide, terminals and Tasks use the variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from workshop.lab.parts import Components
from workshop.lab.routes import client_path, deployment_path
from workshop.usecase import DEPLOYMENT

if TYPE_CHECKING:
    from workshop.lab.lab import Lab

OWN = ("api", "console", "guide", "dashboards", "grafana", "staging", "production", "client")
"""The endpoints of the lab's own servers. `grafana` is the lab's viewer unless the component Grafana has the name."""
SHOWN = ("console", "guide", "dashboards", "staging", "production", "client")
"""The endpoints that commands print for people."""
SERVED_STAGES = ("staging", "production")
PREDICTIONS = "/api/v1.0/predictions"
_VARIABLES = {
    "CLIENT_URL": "client",
    "CONSOLE_URL": "console",
    "DASHBOARD_URL": "dashboards",
    "PRODUCTION_URL": "production",
    "STAGING_URL": "staging",
}


def endpoint_names(components: Components) -> tuple[str, ...]:
    """The names of all endpoints, also of those without an address."""
    return tuple(dict.fromkeys((*OWN, *(name for name, spec in components.items() if spec.port is not None))))


def endpoints(lab: Lab) -> dict[str, str | None]:
    """The current addresses; None for a missing component and for a stage without a ready deployment."""
    found: dict[str, str | None] = dict.fromkeys(endpoint_names(lab.components))
    found["api"] = lab.url("api")
    if console := lab.url("console"):
        found |= {
            "console": console,
            "guide": f"{console}/guide/",
            "dashboards": f"{console}/dashboards/model-serving",
            "grafana": f"{console}/dashboards/",
        }
    for stage in SERVED_STAGES:
        if (lab.participant.namespace(stage), DEPLOYMENT) in lab.routes.known:
            found[stage] = predictions_url(lab, stage)
    if found["production"]:
        found["client"] = f"{lab.url('gateway')}{client_path(lab.participant.namespace('production'))}/"
    found |= {name: url for name in lab.components if (url := lab.component_url(name))}
    return found


def predictions_url(lab: Lab, stage: str) -> str:
    """The address of the model of a stage, once it is deployed."""
    return f"{deployment_url(lab, stage)}{PREDICTIONS}"


def deployment_url(lab: Lab, stage: str) -> str:
    """The prefix of all addresses of a stage's deployment."""
    return f"{lab.url('gateway')}{deployment_path(lab.participant.namespace(stage))}"


def variables(known: Mapping[str, str | None], components: Components) -> dict[str, str]:
    """The variables of the guide and of terminals with the endpoints `known`. An endpoint of None has no variable."""
    names = _VARIABLES | {spec.variable: name for name, spec in components.items() if spec.variable}
    return {variable: url for variable, name in sorted(names.items()) if (url := known.get(name))}


def task_variables(known: Mapping[str, str | None], components: Components) -> dict[str, str]:
    """The variables of Tasks with the addresses of components."""
    names = {spec.task_variable: name for name, spec in components.items() if spec.task_variable}
    return {variable: url for variable, name in sorted(names.items()) if (url := known.get(name))}


def token_variables(components: Components, token: str) -> dict[str, str]:
    """The variables of terminals and Tasks with the token of components."""
    return {spec.token_variable: token for spec in components.values() if spec.token_variable}
