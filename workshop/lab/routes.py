"""Which model servers stand behind each deployment's URL: written by the Seldon controller, read by the gateway."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Backend:
    """One ready replica of a predictor."""

    predictor: str
    pod: str
    url: str
    metrics_url: str
    traffic: int
    shadow: bool = False


@dataclass
class Routes:
    """Deployment (namespace, name) to its ready backends. Replaced as a whole, so a request sees one state."""

    table: dict[tuple[str, str], tuple[Backend, ...]] = field(default_factory=dict)
    known: set[tuple[str, str]] = field(default_factory=set)
    """Deployments that exist, ready or not: the difference between 404 and 503."""

    def set(self, namespace: str, name: str, backends: tuple[Backend, ...]) -> None:
        """Send a deployment's requests to these backends from now on."""
        self.known.add((namespace, name))
        self.table[(namespace, name)] = backends

    def remove(self, namespace: str, name: str) -> None:
        """Forget a deployment."""
        self.known.discard((namespace, name))
        self.table.pop((namespace, name), None)

    def drop(self, namespace: str, name: str, pod: str) -> None:
        """Send nothing more to one pod."""
        old = self.table.get((namespace, name), ())
        self.table[(namespace, name)] = tuple(b for b in old if b.pod != pod)
