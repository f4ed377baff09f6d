"""MLflow's server behind the lab's token: `python -m workshop.lab.components.mlflow_server`.

`mlflow.py` starts it and sets its environment variables.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mlflow.server.handlers import _get_tracking_store

from workshop.lab import ports
from workshop.lab.components.storage import Storage
from workshop.lab.listening.limits import raise_open_files
from workshop.lab.listening.server import server
from workshop.lab.pages.auth import TokenGate
from workshop.usecase import USE_CASE


def create_experiment() -> None:
    """Create the experiment of the workshop in an empty store, so that its id is `EXPERIMENT_ID`."""
    # The server's own store; its type is not public.
    store: Any = _get_tracking_store(
        os.environ["_MLFLOW_SERVER_FILE_STORE"], os.environ["_MLFLOW_SERVER_ARTIFACT_ROOT"]
    )
    if store.get_experiment_by_name(USE_CASE.experiment) is None:
        store.create_experiment(USE_CASE.experiment)


def main() -> None:
    """Serve until SIGTERM."""
    create_experiment()
    # Import now, because the import opens the store.
    from mlflow.server.fastapi_app import app

    token = Path(os.environ["LAB_TOKEN_FILE"]).read_text().strip()
    console = os.environ["LAB_CONSOLE"]
    stored = Storage(app, Path.cwd())
    gated = TokenGate(stored, token, part="mlflow", console=console, open_paths=("/health", "/version"))
    raise_open_files()
    # The gate reads no body, and MLflow writes artifacts to files while they arrive.
    made = server(gated, buffers=lambda _: False, handles_signals=True, timeout_graceful_shutdown=3)
    made.run(sockets=[ports.listen(int(os.environ["LAB_PORT"]))])


if __name__ == "__main__":
    main()
