"""MLflow's tracking server and model registry, as one uvicorn process behind the lab's token.

One process of `mlflow.server.fastapi_app` answers in 2.3 s with 244 MB, where `mlflow server` with its defaults takes
28 s and over 1 GB. The Python API is what `mlflow server` itself starts; the settings are the environment variables
that it sets. Runs and models are in SQLite, pictures and model files in a folder.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from workshop.lab import process_environment
from workshop.lab.components.process import ProcessRunner, ProcessSpec
from workshop.lab.parts import ComponentSpec, Runner, Station
from workshop.lab.sessions import LOGIN
from workshop.languages.catalog import N_
from workshop.participants.names import EXPERIMENT_PAGE

if TYPE_CHECKING:
    from workshop.lab.lab import Lab

NAME = "mlflow"


def process(folder: Path, port: int, env: Mapping[str, str], token_file: Path, console: str) -> ProcessSpec:
    """The command of MLflow. Browsers log in at `console`.

    `env` is the base environment of a child; it has no secrets.
    """
    url = f"http://127.0.0.1:{port}"
    return ProcessSpec(
        argv=[sys.executable, "-m", "workshop.lab.components.mlflow_server"],
        env={
            **env,
            "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{folder / 'mlflow.sqlite'}",
            "_MLFLOW_SERVER_REGISTRY_STORE": f"sqlite:///{folder / 'mlflow.sqlite'}",
            "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
            "_MLFLOW_SERVER_ARTIFACT_DESTINATION": (folder / "artifacts").as_uri(),
            "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ALLOWED_HOSTS": f"127.0.0.1:{port},localhost:{port}",
            "LAB_CONSOLE": console,
            "LAB_PORT": str(port),
            "LAB_TOKEN_FILE": str(token_file),
        },
        cwd=folder,
        ready_url=f"{url}/health",
        log=folder / "mlflow.log",
    )


def _make(lab: Lab) -> Runner:
    def spec() -> ProcessSpec:
        paths = lab.paths
        console = str(lab.url("console"))
        return process(paths.component(NAME), lab.ports[NAME], process_environment.base(paths), paths.token, console)

    return ProcessRunner(lab, NAME, spec)


SPEC = ComponentSpec(
    make=_make,
    title="MLflow",
    page=EXPERIMENT_PAGE,
    login=LOGIN,
    token_variable="MLFLOW_TRACKING_TOKEN",  # noqa: S106 a name
    port=15000,
    variable="MLFLOW_URL",
    task_variable="MLFLOW_TRACKING_URI",
    station=Station("model", N_("runs and models in MLflow")),
    package="mlflow",
    personal=True,
)
