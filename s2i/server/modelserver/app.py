"""The API of one model: every path and its handler.

All paths are known when the process starts (some contain the model's name and version), so routing is one lookup in a
dictionary.
"""

from collections.abc import Callable
from dataclasses import replace

from modelserver.errors import ServingError, oip_error, shown
from modelserver.http import Answer, Call, Front, Handler, Operation
from modelserver.metrics import CONTENT_TYPE, Metrics
from modelserver.model import Model
from modelserver.oip_api import OipApi
from modelserver.operations import Operations
from modelserver.seldon_api import SeldonApi
from modelserver.serving import Serving
from modelserver.settings import Settings
from modelserver.shared import Block

Route = Callable[[str], Operation]
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")


class Service:
    """The handlers of all protocols. Made before the model is loaded; ``prepare`` must run before it is ready."""

    def __init__(self, model: Model, settings: Settings, metrics: Metrics, block: Block) -> None:
        self.serving = Serving(model, settings, metrics, block)
        self.seldon = SeldonApi(self.serving)
        self.oip = OipApi(self.serving)
        self.operations = Operations(self.serving)

    def prepare(self) -> None:
        """Load the model and warm it up. Raises ``StartError``, and ``ServingError`` when the warm-up fails."""
        self.serving.load()
        self.seldon.warm_up()


def build(service: Service, front: Front) -> Route:
    """The operation of each path."""
    seldon, inference, operations, serving = service.seldon, service.oip, service.operations, service.serving

    def operation(name: str | None = None, heavy: bool = False, **handlers: Handler) -> Operation:
        return Operation(front, handlers, name, heavy)

    def oip(name: str | None = None, heavy: bool = False, **handlers: Handler) -> Operation:
        return replace(operation(name, heavy, **handlers), error_shape=oip_error)

    def predicting(name: str | None, **handlers: Handler) -> Operation:
        made = operation(name, True, **handlers)
        return replace(made, batch=seldon.predict_batch) if seldon.batches else made

    predictions = predicting("predictions", POST=seldon.predict)
    feedback = operation("feedback", True, POST=seldon.feedback)
    scrape = operation(GET=operations.exposition)
    status = operation(GET=operations.status)
    table = {
        "/api/v1.0/predictions": predictions,
        "/api/v0.1/predictions": predictions,
        "/predict": predicting(None, GET=seldon.predict, POST=seldon.predict),
        "/api/v1.0/feedback": feedback,
        "/api/v0.1/feedback": feedback,
        "/send-feedback": operation(None, True, POST=seldon.send_feedback),
        "/ready": operation(GET=operations.ready),
        "/live": operation(GET=operations.live),
        "/health/ping": operation(GET=operations.ping),
        "/health/status": status,
        "/api/v1.0/health/status": status,
        "/metadata": operation(GET=seldon.metadata),
        "/api/v1.0/metadata": operation("metadata", GET=seldon.metadata),
        "/seldon.json": operation(GET=operations.openapi),
        "/docs": operation(GET=operations.docs),
        "/v2": oip(GET=inference.server),
        "/v2/health/live": oip(GET=operations.live),
        "/v2/health/ready": oip(GET=operations.ready),
        "/metrics": scrape,
        "/prometheus": scrape,
        serving.settings.metrics_path: scrape,
    }
    model = f"/v2/models/{serving.identity}"
    for path in (model, f"{model}/versions/{serving.version}") if serving.version else (model,):
        table[path] = oip(GET=inference.model)
        table[path + "/ready"] = oip(GET=operations.ready)
        table[path + "/infer"] = oip("predictions", True, POST=inference.infer)

    def other_model(call: Call) -> Answer:
        version = f", version {serving.version}" if serving.version else ""
        text = f"there is no {shown(call.path, 200)}; this server has {model}{version}"
        raise ServingError(404, text)

    elsewhere = _not_found(front, "GET /docs shows them")
    other = replace(elsewhere, handlers=dict.fromkeys(METHODS, other_model), error_shape=oip_error)

    def route(path: str) -> Operation:
        return table.get(path) or (other if path.startswith("/v2/models/") else elsewhere)

    return route


def build_metrics(front: Front) -> Route:
    """The API of the metrics port: one path."""
    path = front.settings.metrics_path
    elsewhere = _not_found(front, f"metrics are at {path}")
    scrape = Operation(front, {"GET": lambda call: Answer(front.metrics.exposition(), content_type=CONTENT_TYPE)})

    return lambda asked: scrape if asked == path else elsewhere


def _not_found(front: Front, where: str) -> Operation:
    def refuse(call: Call) -> Answer:
        raise ServingError(404, f"there is no such path; {where}", reason="MICROSERVICE_NO_PATH")

    return Operation(front, dict.fromkeys(METHODS, refuse))
