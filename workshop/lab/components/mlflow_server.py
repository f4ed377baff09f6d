"""MLflow's server behind the lab's token: `python -m workshop.lab.components.mlflow_server`.

`mlflow.py` starts it and sets its environment variables.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

from workshop.lab import ports
from workshop.lab.components.storage import Storage
from workshop.lab.listening.limits import raise_open_files
from workshop.lab.listening.server import server
from workshop.lab.pages.auth import TokenGate
from workshop.usecase import USE_CASE


def make_database() -> None:
    """Make the database, completely or not at all: MLflow cannot continue a first migration that was interrupted.

    It has the experiment of the workshop, whose id is then `EXPERIMENT_ID`.
    """
    file = Path(os.environ["_MLFLOW_SERVER_FILE_STORE"].removeprefix("sqlite:///"))
    if file.exists():
        return
    partial = file.with_name(f"{file.name}.new")
    for left in file.parent.glob(f"{partial.name}*"):
        left.unlink()
    # MLflow's class has no types.
    make: Any = SqlAlchemyStore
    store = make(f"sqlite:///{partial}", os.environ["_MLFLOW_SERVER_ARTIFACT_ROOT"])
    store.create_experiment(USE_CASE.experiment)
    store.engine.dispose()
    partial.replace(file)


def main() -> None:
    """Serve until SIGTERM."""
    make_database()
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
