"""The Pods that answer predictions, as the controller of SeldonDeployments publishes them for other parts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelContainer:
    """One container and its two ports on 127.0.0.1, which are named `http` and `metrics` in the Pod."""

    name: str
    port: int
    metrics_port: int


@dataclass(frozen=True)
class ModelServer:
    """One ready Pod. `orchestrator` is the name of the container that the gateway replaces, or empty."""

    namespace: str
    pod: str
    containers: tuple[ModelContainer, ...]
    pid: int | None = None
    orchestrator: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.containers[0].port}"
