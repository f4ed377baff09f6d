"""A lab for the pages: a store in memory, a context, and a browser that has logged in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.testclient import TestClient

from workshop.lab.kinds import KINDS, Object
from workshop.lab.pages import Component, Context, TokenGate, routes
from workshop.lab.state import State
from workshop.lab.store import Store

TOKEN = "token-of-the-test"
HERE = "http://127.0.0.1:8080"
DIGEST = "sha256:" + "9f" * 32
OTHER = "sha256:" + "1d" * 32
PRODUCTION = "http://127.0.0.1:1/seldon/user1-production/flight-delay/api/v1.0/predictions"


def context(folder: Path, **more: Any) -> Context:
    """The context of a lab in which nothing has happened yet."""
    components = [
        Component("mlflow", "ready", "http://127.0.0.1:2"),
        Component("prometheus", "missing", message="prometheus is not installed"),
    ]
    known: dict[str, Any] = {
        "store": Store(),
        "state": State(folder),
        "token": TOKEN,
        "endpoints": lambda: {"production": PRODUCTION, "mlflow": "http://127.0.0.1:2"},
        "components": lambda: components,
    }
    return Context(**{**known, **more})


def browser(about: Context, *, token: str = TOKEN) -> TestClient:
    """A client that has the token."""
    app = TokenGate(Starlette(routes=routes(about)), TOKEN)
    return TestClient(app, base_url=HERE, headers={"Authorization": f"Bearer {token}"})


def deploy(
    store: Store, stage: str, *images: str, state: str = "Available", name: str = "flight-delay"
) -> None:
    """A SeldonDeployment with a predictor for each image."""
    predictors = [
        {
            "name": f"p{number}",
            "traffic": 100 // len(images),
            "componentSpecs": [{"spec": {"containers": [{"name": name, "image": image}]}}],
        }
        for number, image in enumerate(images)
    ]
    _put(store, "SeldonDeployment", f"user1-{stage}", name, {"predictors": predictors}, {"state": state})


def ran(store: Store, name: str, status: str, reason: str, *, digest: str = "", message: str = "") -> None:
    """A PipelineRun."""
    condition = {"type": "Succeeded", "status": status, "reason": reason, "message": message}
    _put(
        store,
        "PipelineRun",
        "user1-dev",
        name,
        {"pipelineRef": {"name": "train-and-stage"}},
        {
            "conditions": [condition],
            "startTime": "2026-01-05T10:00:00Z",
            "completionTime": "2026-01-05T10:01:17Z",
            "results": [{"name": "image-digest", "value": digest}] if digest else [],
        },
    )


def _put(store: Store, kind: str, namespace: str, name: str, spec: Object, status: Object) -> None:
    known = KINDS.named(kind)
    made = store.create(known, {"metadata": {"name": name, "namespace": namespace}, "spec": spec})
    store.update_status(known, {**made, "status": status})
