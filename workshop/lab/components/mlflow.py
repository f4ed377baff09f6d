"""MLflow's tracking server and model registry, as one uvicorn process behind the lab's token.

One process of `mlflow.server.fastapi_app` answers in 2.3 s with 244 MB, where `mlflow server` with its defaults takes
28 s and over 1 GB. The Python API is what `mlflow server` itself starts; the settings are the environment variables
that it sets. Runs and models live in SQLite, pictures and model files beside it.

Run as a module, this file is the server; imported, it says how to start it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workshop.checks.mlflow import EXPERIMENT
from workshop.lab.components.base import Component


def component(folder: Path, port: int, env: Mapping[str, str], token_file: Path, console: str) -> Component:
    """How the lab starts MLflow; browsers log in at `console`.

    `env` is the base environment of a child; it has no secrets.
    """
    return Component(
        name="mlflow",
        argv=[sys.executable, "-m", "workshop.lab.components.mlflow"],
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
        url=f"http://127.0.0.1:{port}",
        ready_url=f"http://127.0.0.1:{port}/health",
        log=folder / "mlflow.log",
    )


def create_experiment() -> None:
    """Create the experiment of the workshop in an empty store, so that its id is `EXPERIMENT_ID`."""
    from mlflow.server.handlers import _get_tracking_store

    # The server's own store; its types are those of no particular store.
    store: Any = _get_tracking_store(
        os.environ["_MLFLOW_SERVER_FILE_STORE"], os.environ["_MLFLOW_SERVER_ARTIFACT_ROOT"]
    )
    if store.get_experiment_by_name(EXPERIMENT) is None:
        store.create_experiment(EXPERIMENT)


def main() -> None:
    """Serve until SIGTERM."""
    from mlflow.server.fastapi_app import app

    from workshop.lab import ports
    from workshop.lab.listening.limits import raise_open_files
    from workshop.lab.listening.server import server
    from workshop.lab.pages.auth import TokenGate

    create_experiment()
    token = Path(os.environ["LAB_TOKEN_FILE"]).read_text().strip()
    console = os.environ["LAB_CONSOLE"]
    gated = TokenGate(app, token, part="mlflow", console=console, open_paths=("/health", "/version"))
    raise_open_files()
    # The gate reads no body, and MLflow writes artifacts to files while they arrive.
    made = server(gated, buffers=lambda _: False, handles_signals=True, timeout_graceful_shutdown=3)
    made.run(sockets=[ports.listen(int(os.environ["LAB_PORT"]))])


if __name__ == "__main__":
    main()
