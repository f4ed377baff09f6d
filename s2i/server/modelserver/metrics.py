"""Everything the process exposes to Prometheus: request metrics, feedback, the model's own, the process.

Requests on the public paths (``/api/...`` and ``/v2/...``) are counted under the names of Seldon's
executor, because without an executor (``seldon.io/no-engine``) the model server stands in its place.
Requests on ``/predict`` and ``/send-feedback`` come from an orchestrator, which counts them itself under
those very names: counting them here too would double every rate.
"""

import os
from collections.abc import Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from modelserver.model_metrics import ModelMetrics, Sample
from modelserver.settings import Settings

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

# Series of start times that nobody asked for, one for each counter and histogram.
disable_created_metrics()  # type: ignore[no-untyped-call]

# The executor's buckets, in seconds.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)


class Metrics:
    """The process's registry. One instance a process; all methods may be called from any thread."""

    def __init__(self, settings: Settings, model_name: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        common = {
            "deployment_name": settings.deployment,
            "predictor_name": settings.predictor,
            "predictor_version": settings.predictor_version,
        }
        model = {
            **common,
            "seldon_deployment_name": settings.deployment,
            "model_name": model_name,
            "model_image": settings.model_image,
            "image_name": settings.model_image,
            "model_version": settings.model_version,
            "image_version": settings.model_version,
            "worker_id": str(os.getpid()),
        }
        self._common = tuple(common.values())
        self._requests = Histogram(
            "seldon_api_executor_server_requests_seconds",
            "Time to answer a request on the public paths, by status code.",
            [*common, "service", "method", "code"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._children: dict[tuple[str, str, int], Histogram] = {}
        feedback_labels = {**model, "method": "feedback"}
        self._feedback = Counter(
            "seldon_api_model_feedback", "Feedback received.", list(feedback_labels), registry=self.registry
        ).labels(*feedback_labels.values())
        self._reward = Counter(
            "seldon_api_model_feedback_reward",
            "Sum of the rewards received; rewards of 0 are feedback too.",
            list(feedback_labels),
            registry=self.registry,
        ).labels(*feedback_labels.values())
        self._model_errors = Counter(
            "model_server_model_errors",
            "Calls in which the model's own code failed or returned what cannot be used.",
            [*common, "method"],
            registry=self.registry,
        )
        self._model = ModelMetrics(model)
        self.registry.register(self._model)

    def request(self, service: str, method: str, code: int, seconds: float) -> None:
        """Count one answer; ``service`` is predictions, feedback or metadata, ``method`` an HTTP method."""
        key = (service, method, code)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self._requests.labels(*self._common, service, method.lower(), str(code))
        child.observe(seconds)

    def feedback(self, reward: float) -> None:
        """Count one feedback; a reward is never negative here, the caller has been told so."""
        self._feedback.inc()
        self._reward.inc(reward)

    def model(self, samples: Sequence[Sample], method: str) -> None:
        """Count the model's own samples; raises ``MetricError``."""
        self._model.update(samples, method)

    def model_error(self, method: str) -> None:
        """Count a failure of the model's code."""
        self._model_errors.labels(*self._common, method).inc()

    def exposition(self) -> bytes:
        """The text format, version 0.0.4, which every Prometheus reads."""
        return generate_latest(self.registry)
