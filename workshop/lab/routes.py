"""Which model servers stand behind each deployment's URL, Service and Route: controllers write it, the gateway reads.

Entries are replaced as a whole, so a request sees one state from its beginning to its end, and the gateway may read in
a thread of its own while a controller writes.
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
    """One ready pod of a predictor: its containers' ports on 127.0.0.1. `port` is the one that its Service leads to."""

    pod: str
    port: int
    nodes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Orchestrated:
    """What the service orchestrator of a predictor walks: its graph, and where the nodes of other pods answer."""

    graph: PredictiveUnit
    version: str = ""
    """The predictor's annotation `version`, which is what the executor labels its metrics with."""
    protocol: str = "seldon"
    images: Mapping[str, str] = field(default_factory=dict)
    elsewhere: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    timeout: float = 0.0
    """Seconds that one call of a node may take (annotation seldon.io/rest-timeout); 0 is the gateway's own bound."""
    tells_routing: bool = False
    """Whether answers say in meta.routing which way they went (SELDON_ENABLE_ROUTING_INJECTION)."""


@dataclass(frozen=True)
class Target:
    """A predictor as the gateway sees it; without `orchestrated` its requests go straight to the model server."""

    predictor: str
    service: str
    backends: tuple[Backend, ...]
    traffic: int = 100
    shadow: bool = False
    orchestrated: Orchestrated | None = None


@dataclass(frozen=True)
class Host:
    """A Route: the Services behind a host name, with their weights."""

    namespace: str
    route: str
    services: tuple[tuple[str, int], ...]
    path: str = ""


@dataclass
class Routes:
    """All that the gateway knows."""

    table: dict[Key, tuple[Target, ...]] = field(default_factory=dict)
    known: set[Key] = field(default_factory=set)
    """Deployments that exist, ready or not: the difference between 404 and 503."""
    hosts: dict[str, tuple[Host, ...]] = field(default_factory=dict)
    """Routes by host name, the most particular path first."""
    pods: dict[Key, tuple[str, Target]] = field(default_factory=dict)
    """The deployment and the predictor of each pod that has an orchestrator."""
    _services: dict[Key, tuple[str, Target]] = field(default_factory=dict)

    def set(self, namespace: str, name: str, targets: tuple[Target, ...]) -> None:
        """Send a deployment's requests to these predictors from now on."""
        self._point(namespace, name, targets)
        self.known.add((namespace, name))
        self.table[(namespace, name)] = targets

    def remove(self, namespace: str, name: str) -> None:
        """Forget a deployment."""
        self.known.discard((namespace, name))
        self.table.pop((namespace, name), None)
        self._point(namespace, name, ())

    def service(self, namespace: str, service: str) -> tuple[str, Target] | None:
        """The deployment and predictor behind a Service, or None."""
        return self._services.get((namespace, service))

    def _point(self, namespace: str, name: str, targets: tuple[Target, ...]) -> None:
        """Replace what the Services and pods of a deployment lead to: new mappings, never one that is half changed."""

        def others(mapping: dict[Key, tuple[str, Target]]) -> dict[Key, tuple[str, Target]]:
            return {key: to for key, to in mapping.items() if (key[0], to[0]) != (namespace, name)}

        self._services = others(self._services) | {(namespace, t.service): (name, t) for t in targets}
        self.pods = others(self.pods) | {
            (namespace, backend.pod): (name, t) for t in targets if t.orchestrated for backend in t.backends
        }


def deployment_path(namespace: str, deployment: str = DEPLOYMENT) -> str:
    """Where the gateway answers for a deployment."""
    return f"/seldon/{namespace}/{deployment}"


def client_path(namespace: str) -> str:
    """Where the gateway has the web page that calls the deployment of a namespace, without the last slash."""
    return f"{deployment_path(namespace)}/client"


def metrics_path(namespace: str, pod: str) -> str:
    """Where the gateway answers with the orchestrator's metrics of a pod."""
    return f"/executor/{namespace}/{pod}/prometheus"
