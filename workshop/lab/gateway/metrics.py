"""The executor's metrics, one registry for each Pod. Names, labels and buckets are those of seldon-core 1.17.1.

On a cluster each Pod with a service orchestrator has its own counters, which end with the Pod. The gateway keeps one
registry for each Pod, so queries give the same result and no counts remain of Pods that ended.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Histogram, Summary, disable_created_metrics, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from workshop.lab.routes import Key, Routes, Target

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
BUCKETS = (
    *(0.0001, 0.0002, 0.0003, 0.0005, 0.00075, 0.001, 0.0015, 0.0025),
    *(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10),
)
"""In seconds: the executor's from 5 ms on, and below them the model server's, because nodes here answer within 1 ms."""
_SERVER = "seldon_api_executor_server_requests_seconds"
_CLIENT = "seldon_api_executor_client_requests_seconds"
_COMMON = ("deployment_name", "predictor_name", "predictor_version", "service")
_MODEL = ("model_name", "model_image", "model_version")

# Creation-time series, which the executor does not have.
disable_created_metrics()  # type: ignore[no-untyped-call]


class PodMetrics:
    """The counts of one Pod's orchestrator."""

    def __init__(self, deployment: str, target: Target) -> None:
        assert target.orchestrated is not None
        self.registry = CollectorRegistry()
        self._common = (deployment, target.predictor, target.orchestrated.version)
        self._images = target.orchestrated.images
        server, client = (*_COMMON, "method", "code"), (*_COMMON, *_MODEL, "method", "code")
        self._server = Histogram(
            _SERVER, "A histogram of latencies for executor server", server, buckets=BUCKETS, registry=self.registry
        )
        self._server_summary = Summary(
            f"{_SERVER}_summary", "A summary of latencies for executor server", server, registry=self.registry
        )
        self._client = Histogram(
            _CLIENT, "A histogram of latencies for client calls", client, buckets=BUCKETS, registry=self.registry
        )
        self._client_summary = Summary(
            f"{_CLIENT}_summary", "A summary of latencies for client calls", client, registry=self.registry
        )

    def answered(self, service: str, method: str, code: int, seconds: float) -> None:
        """Count an answer to a caller. `service` is predictions, feedback, status or metadata."""
        labels = (*self._common, service, method.lower(), str(code))
        self._server.labels(*labels).observe(seconds)
        self._server_summary.labels(*labels).observe(seconds)

    def asked(self, node: str, service: str, method: str, code: int, seconds: float) -> None:
        """Count an answer of a node. `service` is the requested path."""
        labels = (*self._common, service, node, *image_parts(self._images.get(node, "")), method.lower(), str(code))
        self._client.labels(*labels).observe(seconds)
        self._client_summary.labels(*labels).observe(seconds)

    def exposition(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class AllMetrics:
    """The metrics of every Pod that has an orchestrator now."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._kept: dict[Key, PodMetrics] = {}

    def of(self, namespace: str, pod: str) -> PodMetrics | None:
        """A Pod's metrics, or None if there is no such Pod. Metrics of Pods that ended are deleted here."""
        key, pods = (namespace, pod), self._routes.pods
        kept = self._kept.get(key)
        if kept is not None and key in pods:
            return kept
        self._kept = {one: metrics for one, metrics in self._kept.items() if one in pods}
        if key not in pods:
            return None
        made = self._kept[key] = PodMetrics(*pods[key])
        return made


def image_parts(image: str) -> tuple[str, str]:
    """Name and version as the executor splits them: at the first colon, a version only where there is just one."""
    parts = image.split(":")
    return parts[0], parts[1] if len(parts) == 2 else ""
