"""The server's metrics for Prometheus: requests, feedback, the model's own metrics, the processes.

Requests on the public paths (``/api/...`` and ``/v2/...``) have the names of Seldon's executor, because without an
executor (``seldon.io/no-engine``) the model server takes its place. Requests on ``/predict`` and ``/send-feedback``
come from an orchestrator, which counts them under the same names: counting them here too would double every rate.

The series that alerts use exist with 0 from the start, so that the first event is an increase.
"""

from collections.abc import Iterator
from threading import Lock

from prometheus_client import ProcessCollector, generate_latest
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from modelserver import features
from modelserver.families import BOUNDS, Writer, exposed, merged, observe, set_gauge
from modelserver.features import FeatureCounts
from modelserver.model_metrics import ModelMetrics
from modelserver.reference import Reference
from modelserver.settings import Settings
from modelserver.shared import READY, Shared

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

REQUESTS = "seldon_api_executor_server_requests_seconds"
FEEDBACK = "seldon_api_model_feedback"
REWARD = "seldon_api_model_feedback_reward"
MODEL_ERRORS = "model_server_model_errors"
RESTARTS = "model_server_worker_restarts"
OPEN = "model_server_feedback_open"
DUPLICATES = "model_server_feedback_duplicates"
DEAD_CPU = "process_cpu_seconds"
HELP = {
    REQUESTS: "Time to answer a request on the public paths, by status code.",
    FEEDBACK: "Feedback received.",
    REWARD: "Sum of the rewards received; rewards of 0 are feedback too.",
    MODEL_ERRORS: "Calls in which the model's own code failed or returned what cannot be used.",
    RESTARTS: "Workers that died and were started again.",
    OPEN: "1 when everybody may send feedback, 0 when it needs the deployment's token.",
    DUPLICATES: "Feedback that was not counted, because the same feedback was counted before.",
    **features.HELP,
}
FROM_THE_START = (
    *(("predictions", "POST", code) for code in (200, 400, 500, 503)),
    ("feedback", "POST", 200),
)
ERRORS_FROM_THE_START = ("predict", "send_feedback", "metrics")

WITHOUT_MODEL = (REQUESTS, MODEL_ERRORS, RESTARTS, OPEN, DUPLICATES, *features.HELP)
"""Families without the labels that name the model and its image."""

_REQUEST_BOUNDS = BOUNDS["REQUEST"]


class Metrics:
    """The counts of one process, and the view of all processes. All methods may be called from any thread."""

    def __init__(self, settings: Settings, model_name: str, shared: Shared, place: int = 0) -> None:
        self.shared = shared
        self._writer = Writer(shared.blocks[place])
        self._common = {
            "deployment_name": settings.deployment,
            "predictor_name": settings.predictor,
            "predictor_version": settings.predictor_version,
        }
        self._model_labels = {
            **self._common,
            "seldon_deployment_name": settings.deployment,
            "model_name": model_name,
            "model_image": settings.model_image,
            "image_name": settings.model_image,
            "model_version": settings.model_version,
            "image_version": settings.model_version,
        }
        self._lock = Lock()
        self.model = ModelMetrics(self._writer)
        self._features: FeatureCounts | None = None
        self._requests: dict[tuple[str, str, int], memoryview] = {}
        # With an executor they stay 0: it sends requests to /predict and counts them itself. No variable says whether
        # there is one: the operator sets SELDON_EXECUTOR_ENABLED for a predictor without an engine too.
        for service, method, code in FROM_THE_START:
            self._request(service, method, code)
        self._feedback = self._writer.series(FEEDBACK, "COUNTER", (("method", "feedback"),))
        self._reward = self._writer.series(REWARD, "COUNTER", (("method", "feedback"),))
        self._duplicates = self._writer.series(DUPLICATES, "COUNTER", ())
        for where in ERRORS_FROM_THE_START:
            self._writer.series(MODEL_ERRORS, "COUNTER", (("method", where),))
        set_gauge(self._writer.series(OPEN, "GAUGE", ()), float(not settings.feedback_token))
        self.restarts = self._writer.series(RESTARTS, "COUNTER", ())
        self.dead_cpu = self._writer.series(DEAD_CPU, "COUNTER", ())

    def _request(self, service: str, method: str, code: int) -> memoryview:
        labels = (("code", str(code)), ("method", method.lower()), ("service", service))
        numbers = self._requests[service, method, code] = self._writer.series(REQUESTS, "REQUEST", labels)
        return numbers

    def request(self, service: str, method: str, code: int, seconds: float) -> None:
        """Count one answer; ``service`` is predictions, feedback or metadata.

        ``method`` is one that the path has, or ``other``.
        """
        numbers = self._requests.get((service, method, code))
        observe(numbers if numbers is not None else self._request(service, method, code), _REQUEST_BOUNDS, seconds)

    def feedback(self, reward: float) -> None:
        """Count one feedback; ``reward`` is from 0 to ``seldon_protocol.MAX_REWARD``."""
        with self._lock:
            self._feedback[0] += 1
            self._reward[0] += reward

    def duplicate(self) -> None:
        """Count one feedback that was counted before."""
        with self._lock:
            self._duplicates[0] += 1

    def model_error(self, method: str) -> None:
        """Count a failure of the model's code."""
        with self._lock:
            self._writer.series(MODEL_ERRORS, "COUNTER", (("method", method),))[0] += 1

    def watch_features(self, reference: Reference) -> FeatureCounts:
        """Counts of the features of a reference, all 0. Raises ``MetricError`` when there is no room for them."""
        self._features = FeatureCounts(reference, self._writer)
        return self._features

    def flush(self) -> None:
        """Write what this process has not counted yet, for other processes to read."""
        if self._features is not None:
            self._features.flush()

    def answered(self) -> int:
        """The number of requests that all processes have answered on the public paths."""
        families = merged(self.shared.blocks)
        return int(sum(sum(values[:-1]) for values in families.get((REQUESTS, "REQUEST"), {}).values()))

    def exposition(self) -> bytes:
        """The text format, version 0.0.4, which every Prometheus reads."""
        return generate_latest(self)  # type: ignore[arg-type]  # it asks for collect() alone

    def collect(self) -> Iterator[Metric]:
        """One family at a time, each with all its label sets, of all processes together."""
        self.flush()
        families = merged(self.shared.blocks)
        (dead_cpu,) = families.pop((DEAD_CPU, "COUNTER")).values()
        yield from self._processes(dead_cpu[0])
        for (name, kind), family in families.items():
            common = self._common if name in WITHOUT_MODEL else self._model_labels
            yield exposed(name, kind, HELP.get(name, f"the model's own {kind.lower()}"), family, common)

    def _processes(self, dead_cpu: float) -> Iterator[Metric]:
        """What prometheus_client says of one process, summed over the group, and how many workers are ready."""
        workers = Metric("model_server_workers", "Workers that are ready.", "gauge")
        workers.add_sample("model_server_workers", self._common, sum(b.phase == READY for b in self.shared.blocks))
        yield workers
        sums: dict[str, Metric] = {}
        pids = [block.pid for block in self.shared.blocks if block.pid]
        for pid in pids:
            for metric in ProcessCollector(pid=lambda pid=pid: pid, registry=None).collect():  # type: ignore[arg-type,misc]
                total = sums.setdefault(metric.name, metric)
                if total is not metric:
                    start = metric.name == "process_start_time_seconds"
                    values = total.samples[0].value, metric.samples[0].value
                    total.samples[0] = total.samples[0]._replace(value=min(values) if start else sum(values))
        if DEAD_CPU in sums:
            sample = sums[DEAD_CPU].samples[0]
            sums[DEAD_CPU].samples[0] = sample._replace(value=sample.value + dead_cpu)
        yield from sums.values()
