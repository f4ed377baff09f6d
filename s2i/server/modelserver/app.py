"""The API of one model: every path, what it answers, and when it is ready.

Handlers only translate: a protocol's message to ``Model`` and back. Every path is known when the process
starts, the model's name and version being part of some, so routing is one look into a dictionary.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from modelserver import __version__, arrays, docs, jsontext, oip_protocol, openapi, seldon_protocol
from modelserver.errors import INTERNAL, ServingError, oip_error, shown
from modelserver.families import MetricError
from modelserver.http import JSON, Answer, Call, Front, Handler, Operation
from modelserver.metrics import CONTENT_TYPE, Metrics
from modelserver.model import Model, Prediction
from modelserver.settings import Settings
from modelserver.shared import ABSENT, DRAINING, LOADING, READY, Block
from modelserver.validation import RowValidator, sample_row

NOT_READY = "MICROSERVICE_NOT_READY"
PHASES = {ABSENT: "starting", LOADING: "loading", READY: "ready", DRAINING: "draining"}
Route = Callable[[str], Operation]
Entries = Sequence[object]
FEEDBACK_KEYS = ("request", "response", "reward", "truth")
MAX_ROWS_TOGETHER = 16
"""Larger requests gain nothing by company."""


class Service:
    """The handlers. Built before the model is loaded; ``prepare`` must have run before it is ready."""

    def __init__(self, model: Model, settings: Settings, metrics: Metrics, block: Block) -> None:
        self.model = model
        self.settings = settings
        self.metrics = metrics
        self.block = block
        self.validator: RowValidator | None = None
        self.identity = identity(model.name, settings)
        self.version = settings.model_version if settings.unit_image else ""
        model.failed = metrics.model_error
        self.request_path = {settings.unit_id: settings.unit_image} if settings.unit_id else {}

    def prepare(self) -> None:
        """Load the model and let it answer one row made from its schema, through the whole path.

        Raises ``StartError`` from loading and ``ServingError`` from a warm-up that fails. A model without a
        schema is warmed up by its own ``warm_up()``, if it has one.
        """
        self.model.load()
        if self.model.columns:
            self.validator = RowValidator(self.model.columns, self.settings.max_rows)
            self.model.promise_checked_rows()
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

    @property
    def answers_together(self) -> bool:
        """Whether one call of the model may answer several requests: then its metrics are of all of them."""
        return self.model.rows_are_independent and not self.settings.metrics_in_response

    def predict_together(self, calls: Sequence[Call]) -> list[Answer | None]:
        """The answers to requests that wait at the same moment, by one call of the model with all their rows.

        A call of a model costs a lot and a row little: 16 requests of one row take less than half the time so. None for
        a request that needs its own call, because it is wrong, large, or has a meta; for all when the model raises.
        """
        self._must_be_ready()
        room = self.settings.max_rows
        messages: list[seldon_protocol.Message | None] = []
        for call in calls:
            message = self._small(call, room)
            room -= 0 if message is None else message.rows
            messages.append(message)
        small = [message for message in messages if message is not None]
        nobody: list[Answer | None] = [None] * len(calls)
        if len(small) < 2:
            return nobody
        try:
            returned = self.model.ask(arrays.joined([message.features for message in small]), small[0].names, {})
        except Exception:
            # Whose rows it was shows when they are asked one by one.
            return nobody
        prediction = self.model.finish(returned)
        self._count(prediction, "predict")
        rows = self.settings.max_rows - room
        if not arrays.is_array(prediction.data) or len(prediction.data) != rows:
            text = f"predict() must return as many rows as it got, {rows}, when it says that rows are independent"
            raise ServingError(500, text, reason=INTERNAL)
        meta = seldon_protocol.write_meta({}, prediction.tags, (), self.request_path)
        names = self.model.class_names()
        answers, start = nobody, 0
        for at, message in enumerate(messages):
            if message is not None:
                part = prediction.data[start : start + message.rows]
                start += message.rows
                answers[at] = Answer(jsontext.dump({**seldon_protocol.write(part, message.kind, names), "meta": meta}))
        return answers

    def _small(self, call: Call, room: int) -> seldon_protocol.Message | None:
        """A request that may be answered together with others, when there is room for as many rows."""
        try:
            message = seldon_protocol.read(jsontext.load(_json_of(call)), self.validator, self.model.documents)
        except ServingError:
            return None
        # Without columns, two requests need not have the same ones.
        if self.validator is None or message.kind not in seldon_protocol.DATA_KINDS:
            return None
        if message.meta or message.rows > min(MAX_ROWS_TOGETHER, room):
            return None
        call.rows = message.rows
        return message

    def _predicted(self, message: seldon_protocol.Message, count: bool = True) -> Answer:
        prediction = self.model.predict(message.features, message.names, message.meta)
        answer = seldon_protocol.write(prediction.data, message.kind, self.model.class_names())
        metrics = self._count(prediction, "predict") if count else self._name(prediction)
        answer["meta"] = seldon_protocol.write_meta(message.meta, prediction.tags, metrics, self.request_path)
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
        metrics = self._count(prediction, "feedback")
        if prediction.data is None:
            answer: dict[str, Any] = {"data": {"ndarray": []}}
        else:
            answer = seldon_protocol.write(prediction.data, "ndarray", self.model.class_names())
        answer["meta"] = seldon_protocol.write_meta({}, prediction.tags, metrics, self.request_path)
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
        return Answer(jsontext.dump(self._document()))

    def docs(self, call: Call) -> Answer:
        """The OpenAPI document for people, in one page that loads nothing."""
        text = docs.page(self._document(), self.model.columns)
        return Answer(text.encode(), content_type=docs.CONTENT_TYPE, headers=docs.HEADERS)

    def _document(self) -> dict[str, Any]:
        self._must_be_ready()
        return openapi.document(self.identity, __version__, self.model.columns, self.model.documents)

    # The Open Inference Protocol

    def infer(self, call: Call) -> Answer:
        """POST /v2/models/{model}/infer."""
        self._must_be_ready()
        if call.binary_from:
            raise ServingError(400, oip_protocol.NO_BINARY)
        body = jsontext.load(call.body)
        message = oip_protocol.read(body, self.validator)
        call.rows = message.rows
        prediction = self.model.predict(message.features, message.names, message.meta)
        answer = oip_protocol.write(prediction.data, self.identity, self.version, body.get("id"))
        self._count(prediction, "predict")
        return Answer(jsontext.dump(answer))

    def oip_server(self, call: Call) -> Answer:
        """GET /v2."""
        return Answer(jsontext.dump({"name": "modelserver", "version": __version__, "extensions": []}))

    def oip_model(self, call: Call) -> Answer:
        """GET /v2/models/{model}."""
        self._must_be_ready()
        answer = {
            "name": self.identity,
            "versions": [self.version],
            "platform": str(self.model.metadata().get("platform", "")),
            "inputs": oip_protocol.inputs_of(self.model.columns),
            "outputs": [],
        }
        return Answer(jsontext.dump(answer))

    # Health and metrics

    def ping(self, call: Call) -> Answer:
        """The word that Seldon's wrapper answers."""
        return Answer(b"pong", content_type="text/html; charset=utf-8")

    def live(self, call: Call) -> Answer:
        """200 while the event loop turns."""
        return Answer(b'{"live":true}')

    def ready(self, call: Call) -> Answer:
        """200 once the model is loaded and has answered; 503 while it loads and while the process drains.

        At the first start the group is ready when all of it is; a worker that comes back later delays nobody.
        """
        waiting = self._waiting()
        if waiting is not None:
            return Answer(jsontext.dump({"ready": False, "phase": PHASES[waiting]}), 503)
        return Answer(b'{"ready":true}')

    def status(self, call: Call) -> Answer:
        """What the model says of its health, once it is ready.

        Does not touch the model's counters, unlike Seldon's wrapper.
        """
        waiting = self._waiting()
        if waiting is not None:
            raise ServingError(503, f"the server is {PHASES[waiting]}", reason=NOT_READY, headers={"retry-after": "1"})
        answer = seldon_protocol.write(self.model.health(), "jsonData", None)
        answer["meta"] = {"requestPath": self.request_path} if self.request_path else {}
        return Answer(jsontext.dump(answer))

    def exposition(self, call: Call) -> Answer:
        """Everything for Prometheus."""
        return Answer(self.metrics.exposition(), content_type=CONTENT_TYPE)

    def _waiting(self) -> int | None:
        """The phase that keeps the group from being ready, if any."""
        phases = [self.block.phase, *(other.phase for other in self.metrics.shared.blocks if other.phase == LOADING)]
        return next((phase for phase in phases if phase != READY), None)

    def _must_be_ready(self) -> None:
        if self.block.phase == LOADING:
            text = "the model is not loaded yet; try again"
            raise ServingError(503, text, reason=NOT_READY, headers={"retry-after": "1"})

    def _name(self, prediction: Prediction) -> Entries:
        """Show the counters that the warm-up named as 0: a series that begins with 1 hides its first event.

        A gauge of the warm-up is shown as it is: it counts nothing.
        """
        try:
            for method in ("predict", "feedback"):
                self.metrics.model.name(prediction.metrics, method)
        except MetricError as error:
            self._complain(error)
        return ()

    def _count(self, prediction: Prediction, method: str) -> Entries:
        """Count the model's metrics; the entries for the answer, when they are wanted there."""
        if not prediction.metrics:
            return ()
        try:
            entries = self.metrics.model.count(prediction.metrics, method)
        except MetricError as error:
            # A metric that cannot be counted must not cost the caller the prediction.
            self._complain(error)
            return ()
        return entries if self.settings.metrics_in_response else ()

    def _complain(self, error: MetricError) -> None:
        self.metrics.model_error("metrics")
        self.model.complain(str(error))


def _json_of(call: Call) -> bytes:
    """The JSON text of a Seldon request: the body, a form's field ``json``, or the query's.

    A body without a content type, or sent with curl's default one, is taken as JSON when it looks like it.
    """
    if call.method == "GET":
        return _field(call.query, "GET needs the message in ?json=; POST takes it as the body")
    kind = call.content_type
    if kind is JSON:
        return call.body
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


def identity(model: str, settings: Settings) -> str:
    """The model's name in paths and labels: the graph node's, else that of its class."""
    return settings.unit_id or model.rpartition(".")[2]


def build(service: Service, front: Front) -> Route:
    """The API: which operation a path has."""

    def operation(name: str | None = None, heavy: bool = False, **handlers: Handler) -> Operation:
        return Operation(front, handlers, name, heavy)

    def oip(name: str | None = None, heavy: bool = False, **handlers: Handler) -> Operation:
        return replace(operation(name, heavy, **handlers), error_shape=oip_error)

    def predicting(name: str | None, **handlers: Handler) -> Operation:
        made = operation(name, True, **handlers)
        return replace(made, together=service.predict_together) if service.answers_together else made

    predictions = predicting("predictions", POST=service.predict)
    scrape = operation(GET=service.exposition)
    status = operation(GET=service.status)
    table = {
        "/api/v1.0/predictions": predictions,
        "/api/v0.1/predictions": predictions,
        "/predict": predicting(None, GET=service.predict, POST=service.predict),
        "/api/v1.0/feedback": operation("feedback", True, POST=service.feedback),
        "/send-feedback": operation(None, True, GET=service.feedback, POST=service.feedback),
        "/ready": operation(GET=service.ready),
        "/live": operation(GET=service.live),
        "/health/ping": operation(GET=service.ping),
        "/health/status": status,
        "/api/v1.0/health/status": status,
        "/metadata": operation(GET=service.metadata),
        "/api/v1.0/metadata": operation("metadata", GET=service.metadata),
        "/seldon.json": operation(GET=service.openapi),
        "/docs": operation(GET=service.docs),
        "/v2": oip(GET=service.oip_server),
        "/v2/health/live": oip(GET=service.live),
        "/v2/health/ready": oip(GET=service.ready),
        "/metrics": scrape,
        "/prometheus": scrape,
        service.settings.metrics_path: scrape,
    }
    model = f"/v2/models/{service.identity}"
    for path in (model, f"{model}/versions/{service.version}") if service.version else (model,):
        table[path] = oip(GET=service.oip_model)
        table[path + "/ready"] = oip(GET=service.ready)
        table[path + "/infer"] = oip("predictions", True, POST=service.infer)

    def other_model(call: Call) -> Answer:
        version = f", version {service.version}" if service.version else ""
        text = f"there is no {shown(call.path, 200)}; this server has {model}{version}"
        raise ServingError(404, text)

    elsewhere = _not_found(front, "GET /docs shows them")
    other = replace(elsewhere, handlers=dict.fromkeys(METHODS, other_model), error_shape=oip_error)

    def route(path: str) -> Operation:
        return table.get(path) or (other if path.startswith("/v2/models/") else elsewhere)

    return route


def build_metrics(front: Front) -> Route:
    """The API of the metrics port: one path, nothing else."""
    path = front.settings.metrics_path
    elsewhere = _not_found(front, f"metrics are at {path}")
    scrape = Operation(front, {"GET": lambda call: Answer(front.metrics.exposition(), content_type=CONTENT_TYPE)})

    return lambda asked: scrape if asked == path else elsewhere


METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")


def _not_found(front: Front, where: str) -> Operation:
    def refuse(call: Call) -> Answer:
        raise ServingError(404, f"there is no such path; {where}", reason="MICROSERVICE_NO_PATH")

    return Operation(front, dict.fromkeys(METHODS, refuse))
