"""The API of one model: every path, what it answers, and when it is ready.

Handlers only translate: a protocol's message to ``Model`` and back. The order of the routes is the order in
which they are tried, the busiest first.
"""

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from modelserver import __version__, jsontext, oip_protocol, openapi, seldon_protocol
from modelserver.errors import ServingError, oip_error, shown
from modelserver.http import Answer, Call, Front, Handler, Operation
from modelserver.metrics import CONTENT_TYPE, Metrics
from modelserver.model import Model, Prediction
from modelserver.model_metrics import MetricError
from modelserver.settings import Settings
from modelserver.validation import RowValidator, sample_row

FEEDBACK_KEYS = ("request", "response", "reward", "truth")


@dataclass(slots=True)
class State:
    """Where the process stands: ``loading``, ``ready`` or ``draining``."""

    phase: str = "loading"


class Service:
    """The handlers. Built before the model is loaded; ``prepare`` must have run before it is ready."""

    def __init__(self, model: Model, settings: Settings, metrics: Metrics, state: State) -> None:
        self.model = model
        self.settings = settings
        self.metrics = metrics
        self.state = state
        self.validator: RowValidator | None = None
        self.identity = settings.unit_id or model.name.rpartition(".")[2]
        self.request_path = {settings.unit_id: settings.unit_image} if settings.unit_id else {}

    def prepare(self) -> None:
        """Load the model and let it answer one row made from its schema, through the whole path.

        Raises ``StartError`` from loading and ``ServingError`` from a warm-up that fails. A model without a
        schema is warmed up by its own ``warm_up()``, if it has one.
        """
        self.model.load()
        if self.model.columns:
            self.validator = RowValidator(self.model.columns, self.settings.max_rows)
        if callable(getattr(self.model.instance, "warm_up", None)):
            self.model.instance.warm_up()
        elif self.validator is not None:
            row = sample_row(self.model.columns)
            message = {"data": {"names": list(row), "ndarray": [list(row.values())]}}
            self._predicted(seldon_protocol.read(message, self.validator), count=False)

    # The Seldon protocol

    def predict(self, call: Call) -> Answer:
        """POST with a body, or GET with ``?json=``."""
        self._must_be_ready()
        message = seldon_protocol.read(jsontext.load(_json_of(call)), self.validator, self.model.documents)
        call.rows = message.rows
        return self._predicted(message)

    def _predicted(self, message: seldon_protocol.Message, count: bool = True) -> Answer:
        prediction = self.model.predict(message.features, message.names, message.meta)
        answer = seldon_protocol.write(prediction.data, message.kind, self.model.class_names())
        if count:
            self._count(prediction, "predict")
        else:
            self._name(prediction)
        answer["meta"] = self._meta(message.meta, prediction)
        return Answer(jsontext.dump(answer))

    def feedback(self, call: Call) -> Answer:
        """A reward, and what it is about: the request, the answer's routing, the truth."""
        self._must_be_ready()
        body = jsontext.load(_json_of(call))
        if not isinstance(body, dict):
            raise ServingError(400, f"the body is {shown(body)}; allowed: an object")
        unknown = [key for key in body if key not in FEEDBACK_KEYS]
        if unknown:
            raise ServingError(400, f"feedback has {shown(unknown[0])}; allowed: {', '.join(FEEDBACK_KEYS)}")
        reward = body.get("reward")
        reward = 0.0 if reward is None else reward
        if type(reward) not in (int, float) or not 0 <= reward <= 1e308:
            text = "allowed: a number of at least 0, because rewards are summed in a counter"
            raise ServingError(400, f"reward is {shown(reward)}; {text}")
        features, names = None, []
        if body.get("request"):
            request = seldon_protocol.read(body["request"], self.validator)
            features, names = request.features, request.names
            call.rows = request.rows
        truth = seldon_protocol.read(body["truth"], None).features if body.get("truth") else None
        routing = self._routing(body.get("response"))
        prediction = self.model.feedback(features, names, float(reward), truth, routing)
        self.metrics.feedback(float(reward))
        self._count(prediction, "feedback")
        if prediction.data is None:
            answer: dict[str, Any] = {"data": {"ndarray": []}}
        else:
            answer = seldon_protocol.write(prediction.data, "ndarray", self.model.class_names())
        answer["meta"] = self._meta({}, prediction)
        return Answer(jsontext.dump(answer))

    def _routing(self, response: object) -> object:
        meta = response.get("meta") if isinstance(response, dict) else None
        routing = meta.get("routing") if isinstance(meta, dict) else None
        return routing.get(self.settings.unit_id) if isinstance(routing, dict) else None

    def metadata(self, call: Call) -> Answer:
        """The model's ``init_metadata()`` under what MODEL_METADATA says."""
        self._must_be_ready()
        defaults = {"name": self.identity, "versions": [], "platform": "", "inputs": [], "outputs": []}
        return Answer(jsontext.dump({**defaults, **self.model.metadata(), **self.settings.metadata}))

    def openapi(self, call: Call) -> Answer:
        """The OpenAPI document."""
        return Answer(jsontext.dump(openapi.document(self.identity, __version__, self.model.columns)))

    # The Open Inference Protocol

    def infer(self, call: Call) -> Answer:
        """POST /v2/models/{model}/infer."""
        self._must_be(call)
        self._must_be_ready()
        body = jsontext.load(call.body)
        message = oip_protocol.read(body, self.validator)
        call.rows = message.rows
        prediction = self.model.predict(message.features, message.names, message.meta)
        answer = oip_protocol.write(prediction.data, self.identity, self._version(), body.get("id"))
        self._count(prediction, "predict")
        return Answer(jsontext.dump(answer))

    def oip_server(self, call: Call) -> Answer:
        """GET /v2."""
        return Answer(jsontext.dump({"name": "modelserver", "version": __version__, "extensions": []}))

    def oip_model(self, call: Call) -> Answer:
        """GET /v2/models/{model}."""
        self._must_be(call)
        self._must_be_ready()
        answer = {
            "name": self.identity,
            "versions": [self._version()],
            "platform": str(self.model.metadata().get("platform", "")),
            "inputs": oip_protocol.inputs_of(self.model.columns),
            "outputs": [],
        }
        return Answer(jsontext.dump(answer))

    def oip_model_ready(self, call: Call) -> Answer:
        """GET /v2/models/{model}/ready."""
        self._must_be(call)
        return self.ready(call)

    def _must_be(self, call: Call) -> None:
        asked = call.path.get("model", "")
        if asked != self.identity:
            raise ServingError(404, f"there is no model {shown(asked)}; this server has {self.identity}")

    def _version(self) -> str:
        return self.settings.model_version if self.settings.unit_image else ""

    # Health and metrics

    def ping(self, call: Call) -> Answer:
        """The word that Seldon's wrapper answers."""
        return Answer(b"pong", content_type="text/html; charset=utf-8")

    def live(self, call: Call) -> Answer:
        """200 while the event loop turns."""
        return Answer(b'{"live":true}')

    def ready(self, call: Call) -> Answer:
        """200 once the model is loaded and has answered; 503 while it loads and while the process drains."""
        if self.state.phase != "ready":
            return Answer(jsontext.dump({"ready": False, "phase": self.state.phase}), 503)
        return Answer(b'{"ready":true}')

    def status(self, call: Call) -> Answer:
        """What the model says of its health. Does not touch the model's counters, unlike Seldon's wrapper."""
        self._must_be_ready()
        answer = seldon_protocol.write(self.model.health(), "jsonData", None)
        answer["meta"] = {"requestPath": self.request_path} if self.request_path else {}
        return Answer(jsontext.dump(answer))

    def exposition(self, call: Call) -> Answer:
        """Everything for Prometheus."""
        return Answer(self.metrics.exposition(), content_type=CONTENT_TYPE)

    def _must_be_ready(self) -> None:
        if self.state.phase == "loading":
            text = "the model is not loaded yet; try again"
            raise ServingError(503, text, reason="MICROSERVICE_NOT_READY", headers={"retry-after": "1"})

    def _name(self, prediction: Prediction) -> None:
        """Show the counters that the warm-up named as 0: a series that begins with 1 hides its first event.

        A gauge of the warm-up is shown as it is: it counts nothing.
        """
        named = [s for s in prediction.samples if s.kind != "TIMER"]
        prediction.samples = [s._replace(value=0.0) if s.kind == "COUNTER" else s for s in named]
        for method in ("predict", "feedback"):
            self._count(prediction, method)

    def _count(self, prediction: Prediction, method: str) -> None:
        try:
            self.metrics.model(prediction.samples, method)
        except MetricError as error:
            self.metrics.model_error("metrics")
            self.model.complain(str(error))

    def _meta(self, request: Any, prediction: Prediction) -> dict[str, Any]:
        metrics: list[dict[str, object]] = []
        if self.settings.metrics_in_response:
            for sample in prediction.samples:
                entry: dict[str, object] = {"key": sample.name, "type": sample.kind, "value": sample.value}
                metrics.append({**entry, "tags": dict(sample.tags)} if sample.tags else entry)
        return seldon_protocol.write_meta(request, prediction.tags, metrics, self.request_path)


def _json_of(call: Call) -> bytes:
    """The JSON text of a Seldon request: the body, a form's field ``json``, or the query's.

    A body without a content type, or sent with curl's default one, is taken as JSON when it looks like it.
    """
    if call.method == "GET":
        return _field(call.query, "GET needs the message in ?json=; POST takes it as the body")
    kind = call.content_type
    if kind == "application/x-www-form-urlencoded" and not call.body.lstrip().startswith((b"{", b"[")):
        return _field(call.body, "the form has no field json; send JSON as application/json")
    if kind and "json" not in kind and kind not in ("text/plain", "application/x-www-form-urlencoded"):
        raise ServingError(415, f"the content type is {shown(kind)}; allowed: application/json")
    return call.body


def _field(form: bytes, otherwise: str) -> bytes:
    try:
        return parse_qs(form, max_num_fields=20)[b"json"][0]
    except (KeyError, ValueError):
        raise ServingError(400, otherwise) from None


def build(service: Service, front: Front) -> ASGIApp:
    """The API as one ASGI application."""

    def operation(name: str | None = None, heavy: bool = False, **handlers: Handler) -> Operation:
        return Operation(front, handlers, name, heavy)

    def oip(name: str | None = None, heavy: bool = False, **handlers: Handler) -> Operation:
        return replace(operation(name, heavy, **handlers), error_shape=oip_error)

    def metadata_route(path: str, counted: str | None) -> tuple[str, Operation]:
        return path, operation(counted, GET=service.metadata)

    scrape = operation(GET=service.exposition)
    table: list[tuple[str, Operation]] = [
        ("/api/v1.0/predictions", operation("predictions", True, POST=service.predict)),
        ("/predict", operation(None, True, GET=service.predict, POST=service.predict)),
        ("/v2/models/{model}/infer", oip("predictions", True, POST=service.infer)),
        ("/api/v0.1/predictions", operation("predictions", True, POST=service.predict)),
        ("/api/v1.0/feedback", operation("feedback", True, POST=service.feedback)),
        ("/send-feedback", operation(None, True, GET=service.feedback, POST=service.feedback)),
        ("/ready", operation(GET=service.ready)),
        ("/live", operation(GET=service.live)),
        ("/health/ping", operation(GET=service.ping)),
        ("/health/status", operation(GET=service.status)),
        ("/api/v1.0/health/status", operation(GET=service.status)),
        metadata_route("/metadata", None),
        metadata_route("/api/v1.0/metadata", "metadata"),
        ("/seldon.json", operation(GET=service.openapi)),
        ("/v2", oip(GET=service.oip_server)),
        ("/v2/health/live", oip(GET=service.live)),
        ("/v2/health/ready", oip(GET=service.ready)),
        ("/v2/models/{model}", oip(GET=service.oip_model)),
        ("/v2/models/{model}/ready", oip(GET=service.oip_model_ready)),
        ("/metrics", scrape),
        ("/prometheus", scrape),
    ]
    if service.settings.metrics_path not in ("/metrics", "/prometheus"):
        table.append((service.settings.metrics_path, scrape))
    router = Router(
        [Route(path, endpoint) for path, endpoint in table],
        default=_not_found(front, "GET /seldon.json lists them"),
        redirect_slashes=False,
    )
    exact: dict[str, ASGIApp] = {path: endpoint for path, endpoint in table if "{" not in path}

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        # Most paths are fixed: looking them up spares trying the routes one after the other.
        await exact.get(scope["path"], router)(scope, receive, send)

    return application


def build_metrics(service: Service, front: Front) -> ASGIApp:
    """The application of the metrics port: one path, nothing else."""
    path = service.settings.metrics_path
    route = Route(path, Operation(front, {"GET": service.exposition}))
    return Router([route], default=_not_found(front, f"metrics are at {path}"), redirect_slashes=False)


def _not_found(front: Front, where: str) -> ASGIApp:
    def refuse(call: Call) -> Answer:
        raise ServingError(404, f"there is no such path; {where}", reason="MICROSERVICE_NO_PATH")

    every: dict[str, Handler] = dict.fromkeys(("GET", "POST", "PUT", "DELETE", "PATCH"), refuse)
    return Operation(front, every)
