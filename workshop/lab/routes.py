"""The model servers of each deployment's URL, Service and Route. Controllers write it, the gateway reads it.

Entries are replaced atomically, so a request sees one consistent state, and the gateway may read in a separate thread
while a controller writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from workshop.manifests.seldon import PredictiveUnit
from workshop.usecase import DEPLOYMENT

Key = tuple[str, str]
"""Namespace and name."""


@dataclass(frozen=True)
class Backend:
    """One ready pod of a predictor: its containers' ports on 127.0.0.1. `port` is the target of its Service."""

    pod: str
    port: int
    nodes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Orchestrated:
    """The input of a predictor's service orchestrator: its graph, and the addresses of nodes in other pods."""

    graph: PredictiveUnit
    version: str = ""
    """The predictor's annotation `version`: the executor's metrics have it as a label."""
    protocol: str = "seldon"
    images: Mapping[str, str] = field(default_factory=dict)
    elsewhere: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    timeout: float = 0.0
    """Seconds that one call of a node may take (annotation seldon.io/rest-timeout); 0 means the gateway's own limit."""
    tells_routing: bool = False
    """Whether responses list the route in meta.routing (SELDON_ENABLE_ROUTING_INJECTION)."""


@dataclass(frozen=True)
class Target:
    """A predictor in the gateway. Without `orchestrated` its requests go directly to the model server."""

    predictor: str
    service: str
    backends: tuple[Backend, ...]
    traffic: int = 100
    shadow: bool = False
    orchestrated: Orchestrated | None = None


@dataclass(frozen=True)
class Host:
    """A Route: the Services of a host name, with their weights."""

    namespace: str
    route: str
    services: tuple[tuple[str, int], ...]
    path: str = ""


@dataclass
class Routes:
    """The gateway's state."""

    table: dict[Key, tuple[Target, ...]] = field(default_factory=dict)
    known: set[Key] = field(default_factory=set)
    """Existing deployments, ready or not: 503 instead of 404."""
    hosts: dict[str, tuple[Host, ...]] = field(default_factory=dict)
    """Routes by host name, the most specific path first."""
    pods: dict[Key, tuple[str, Target]] = field(default_factory=dict)
    """The deployment and the predictor of each pod that has an orchestrator."""
    _services: dict[Key, tuple[str, Target]] = field(default_factory=dict)

    def set(self, namespace: str, name: str, targets: tuple[Target, ...]) -> None:
        """Send a deployment's requests to these predictors from now on."""
        self._point(namespace, name, targets)
        self.known.add((namespace, name))
        self.table[(namespace, name)] = targets

    def remove(self, namespace: str, name: str) -> None:
        """Remove a deployment."""
        self.known.discard((namespace, name))
        self.table.pop((namespace, name), None)
        self._point(namespace, name, ())

    def service(self, namespace: str, service: str) -> tuple[str, Target] | None:
        """The deployment and predictor of a Service, or None."""
        return self._services.get((namespace, service))

    def _point(self, namespace: str, name: str, targets: tuple[Target, ...]) -> None:
        """Replace the Services and pods of a deployment with new mappings, so that readers see no half-changed one."""

        def others(mapping: dict[Key, tuple[str, Target]]) -> dict[Key, tuple[str, Target]]:
            return {key: to for key, to in mapping.items() if (key[0], to[0]) != (namespace, name)}

        self._services = others(self._services) | {(namespace, t.service): (name, t) for t in targets}
        self.pods = others(self.pods) | {
            (namespace, backend.pod): (name, t) for t in targets if t.orchestrated for backend in t.backends
        }


def deployment_path(namespace: str, deployment: str = DEPLOYMENT) -> str:
    """The gateway's address of a deployment."""
    return f"/seldon/{namespace}/{deployment}"


def client_path(namespace: str, deployment: str = DEPLOYMENT) -> str:
    """The gateway's address of a deployment's web client, without the last slash."""
    return f"{deployment_path(namespace, deployment)}/client"


def metrics_path(namespace: str, pod: str) -> str:
    """The gateway's address of the orchestrator metrics of a pod."""
    return f"/executor/{namespace}/{pod}/prometheus"
