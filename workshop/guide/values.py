"""What differs from participant to participant: names and addresses, as variables of the shell.

The guide writes `$PRODUCTION_URL`; the page shows the value, `workshop shell` and the tests set the
variable. So one text fits every participant, and a command that is copied from the page works in any
terminal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from workshop.usecase import DEPLOYMENT

_ADDRESSES = {
    "CLIENT_URL": "client",
    "CONSOLE_URL": "console",
    "DASHBOARD_URL": "dashboards",
    "JUPYTERHUB_URL": "jupyterhub",
    "MLFLOW_URL": "mlflow",
    "PRODUCTION_URL": "production",
    "PROMETHEUS_URL": "prometheus",
    "STAGING_URL": "staging",
}

EXPERIMENT_ID = "1"
"""The id of the experiment *flights* in the lab's MLflow, which creates it before any other."""
_MLFLOW_PAGES = {
    "EXPERIMENT_URL": f"#/experiments/{EXPERIMENT_ID}/runs",
    "REGISTERED_MODEL_URL": f"#/models/{DEPLOYMENT}",
}
"""Pages of MLflow below its address. Without such a path MLflow opens the start page for its GenAI features."""


def values(user: str, endpoints: Mapping[str, str | None]) -> dict[str, str]:
    """The variables of one participant; a part that is not there has none.

    `endpoints` are those of `workshop status -o json`.
    """
    known = {
        "WORKSHOP_USER": user,
        "DEV_NAMESPACE": f"{user}-dev",
        "STAGING_NAMESPACE": f"{user}-staging",
        "PRODUCTION_NAMESPACE": f"{user}-production",
    }
    known |= {name: url for name, key in _ADDRESSES.items() if (url := endpoints.get(key))}
    if mlflow := endpoints.get("mlflow"):
        known |= {name: f"{mlflow}/{page}" for name, page in _MLFLOW_PAGES.items()}
    return known


def fill(text: str, known: Mapping[str, str]) -> str:
    """The text with `$NAME` and `${NAME}` of known names replaced; others stay for the shell."""
    return re.sub(
        r"\$(?:\{([A-Z_]+)\}|([A-Z_]+)\b)",
        lambda found: known.get(found.group(1) or found.group(2), found.group(0)),
        text,
    )
