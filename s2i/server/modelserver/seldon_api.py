"""Seldon's protocol: predictions, feedback, metadata. Handlers translate between messages and the model.

Feedback counts in the metrics that a canary is judged by. So it is taken by POST and as JSON alone, which a browser
does not send for another site's page without asking first, and a reward is bounded, so that no sum of rewards becomes
infinite. Feedback that names its prediction is counted once, as far as this replica can see. A deployment may ask for a
token with it. ``/send-feedback`` takes the form field ``json`` too, because Seldon's own Python client sends it there.
"""

import hmac
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

from modelserver import arrays, jsontext, multipart, seldon_protocol
from modelserver.errors import INTERNAL, ServingError, shown
from modelserver.http import JSON, Answer, Call
from modelserver.reported import key_of
from modelserver.serving import Serving
from modelserver.validation import sample_row

FORM = "application/x-www-form-urlencoded"
UNAUTHORIZED = "MICROSERVICE_UNAUTHORIZED"
FEEDBACK_KEYS = ("request", "response", "reward", "truth")
MAX_BATCHED_ROWS = 16
"""A larger request gains nothing from a batch."""


class SeldonApi:
    """The handlers of Seldon's protocol for one model."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._model = serving.model
        self._reported = serving.metrics.shared.reported

    def warm_up(self) -> None:
        """Answer one row made from the model's schema, through the whole path, without counting it.

        A model without a schema is warmed up by its own ``warm_up()``, if it has one. Raises ``ServingError``.
        """
        validator = self._serving.validator
        if callable(getattr(self._model.instance, "warm_up", None)):
            self._model.instance.warm_up()
        elif validator is not None:
            row = sample_row(self._model.columns)
            message = {"data": {"names": list(row), "ndarray": [list(row.values())]}}
            self._predicted(seldon_protocol.read(message, validator), count=False)

    def predict(self, call: Call) -> Answer:
        """POST with a body, or GET with ``?json=``."""
        self._serving.must_be_loaded()
        message = seldon_protocol.read(_message_of(call), self._serving.validator, self._model.documents)
        call.rows = message.rows
        return self._predicted(message)

    def _predicted(self, message: seldon_protocol.Message, count: bool = True) -> Answer:
        prediction = self._model.predict(message.features, message.names, message.meta)
        answer = seldon_protocol.write(prediction.data, message.kind, self._model.class_names())
        metrics: Sequence[object] = ()
        if count:
            metrics = self._serving.count(prediction, "predict")
            self._serving.count_rows(message.features)
        else:
            self._serving.show_at_zero(prediction)
        path = self._serving.request_path
        answer["meta"] = seldon_protocol.write_meta(message.meta, prediction.tags, metrics, path)
        return Answer(jsontext.dump(answer))

    # Batches

    @property
    def batches(self) -> bool:
        """Whether one call of the model may answer several requests. Its metrics are of all of them then."""
        return self._model.supports_batching and not self._serving.settings.metrics_in_response

    def predict_batch(self, calls: Sequence[Call]) -> list[Answer | None]:
        """Answer requests that wait at the same moment by one call of the model with all their rows.

        A call of a model costs a lot and a row little: 16 requests of one row take less than half the time. The answer
        is None for a request that needs its own call, because it is wrong, large, or has a meta; for all of them
        when the model raises.
        """
        self._serving.must_be_loaded()
        max_rows = room = self._serving.settings.max_rows
        messages: list[seldon_protocol.Message | None] = []
        for call in calls:
            message = self._batchable(call, room)
            room -= 0 if message is None else message.rows
            messages.append(message)
        answers: list[Answer | None] = [None] * len(calls)
        batch = [message for message in messages if message is not None]
        if len(batch) < 2:
            return answers
        features = arrays.joined([message.features for message in batch])
        try:
            returned = self._model.ask(features, batch[0].names, {})
        except BaseException:
            # Asked one by one, it shows whose rows it was.
            return answers
        prediction = self._model.finish(returned)
        self._serving.count(prediction, "predict")
        rows = max_rows - room
        if not arrays.is_array(prediction.data) or len(prediction.data) != rows:
            text = f"predict() must return as many rows as it got, {rows}, when supports_batching is true"
            raise ServingError(500, text, reason=INTERNAL)
        self._serving.count_rows(features)
        meta = seldon_protocol.write_meta({}, prediction.tags, (), self._serving.request_path)
        names, start = self._model.class_names(), 0
        for at, message in enumerate(messages):
            if message is not None:
                part = prediction.data[start : start + message.rows]
                start += message.rows
                answers[at] = Answer(jsontext.dump({**seldon_protocol.write(part, message.kind, names), "meta": meta}))
        return answers

    def _batchable(self, call: Call, room: int) -> seldon_protocol.Message | None:
        """A request that may be part of a batch with room for so many rows."""
        validator = self._serving.validator
        # Without columns, two requests need not have the same ones.
        if validator is None or call.objection is not None:
            return None
        try:
            message = seldon_protocol.read(_message_of(call), validator, self._model.documents)
        except ServingError:
            return None
        if message.kind not in seldon_protocol.DATA_KINDS:
            return None
        if message.meta or message.rows > min(MAX_BATCHED_ROWS, room):
            return None
        call.rows = message.rows
        return message

    # Feedback

    def feedback(self, call: Call) -> Answer:
        """A reward, and what it is about: the request, the answer's routing, the truth. JSON alone."""
        self._must_be_trusted(call)
        _must_be_json(call)
        return self._feedback(call, jsontext.load(call.body))

    def send_feedback(self, call: Call) -> Answer:
        """The same from an orchestrator or from Seldon's Python client, which sends a form."""
        self._must_be_trusted(call)
        if call.content_type != FORM:
            return self.feedback(call)
        return self._feedback(call, _form_message(call.body))

    def _must_be_trusted(self, call: Call) -> None:
        """Raise ``ServingError`` 401 for feedback without the deployment's token, if it has one.

        The truth steers canaries and alerts, so a caller who may ask need not be one who may say what was true.
        """
        token = self._serving.settings.feedback_token
        if token and not hmac.compare_digest(call.authorization, b"Bearer " + token.encode()):
            text = "this deployment takes feedback only with its token, as Authorization: Bearer"
            raise ServingError(401, text, reason=UNAUTHORIZED, headers={"www-authenticate": "Bearer"})

    def _feedback(self, call: Call, body: object) -> Answer:
        self._serving.must_be_loaded()
        if not isinstance(body, dict):
            raise ServingError(400, f"the body is {shown(body)}; allowed: an object")
        unknown = [key for key in body if key not in FEEDBACK_KEYS]
        if unknown:
            raise ServingError(400, f"feedback has {shown(unknown[0])}; allowed: {', '.join(FEEDBACK_KEYS)}")
        reward = seldon_protocol.read_reward(body.get("reward"))
        about = seldon_protocol.read_response_meta(body.get("response"))
        routing = (about.get("routing") or {}).get(self._serving.settings.unit_id)
        features, names, truth = None, [], None
        if body.get("request") is not None:
            request = seldon_protocol.read(body["request"], self._serving.validator, where="request")
            features, names, call.rows = request.features, request.names, request.rows
        if body.get("truth") is not None:
            truth = seldon_protocol.read(body["truth"], None, where="truth").features
        key = _key(str(about.get("puid") or ""), body)
        if key and not self._reported.claim(key):
            self._serving.metrics.duplicate()
            return Answer(jsontext.dump({"data": {"ndarray": []}, "meta": {"tags": {"duplicate": True}}}))
        try:
            prediction = self._model.feedback(features, names, reward, truth, routing)
        except ServingError:
            self._reported.release(key)
            raise
        self._serving.metrics.feedback(reward)
        metrics = self._serving.count(prediction, "feedback")
        if prediction.data is None:
            answer: dict[str, Any] = {"data": {"ndarray": []}}
        else:
            answer = seldon_protocol.write(prediction.data, "ndarray", self._model.class_names())
        answer["meta"] = seldon_protocol.write_meta({}, prediction.tags, metrics, self._serving.request_path)
        return Answer(jsontext.dump(answer))

    # Metadata

    def metadata(self, call: Call) -> Answer:
        """The model's ``init_metadata()``, with the keys of MODEL_METADATA in place of its own."""
        self._serving.must_be_loaded()
        defaults = {"name": self._serving.identity, "versions": [], "platform": "", "inputs": [], "outputs": []}
        own, given = self._model.metadata(), self._serving.settings.metadata
        return Answer(jsontext.dump({**defaults, **own, **given}))


def _key(puid: str, body: dict[str, Any]) -> int:
    """The key of a feedback in ``reported``; 0 when it does not name its prediction."""
    if not puid:
        return 0
    kind = "+".join(part for part in ("reward", "truth") if body.get(part) is not None)
    return key_of(puid, kind, jsontext.dump(body.get("request")))


def _message_of(call: Call) -> object:
    """The message of a request: the body, a form's fields, or the query's ``json``.

    A body without a content type, or sent with curl's default one, is taken as JSON when it looks like it.
    """
    if call.method == "GET":
        return jsontext.load(_field(call.query, "GET needs the message in ?json=; POST takes it as the body"))
    kind = call.content_type
    if kind is JSON:
        return jsontext.load(call.body)
    if kind == multipart.CONTENT_TYPE:
        return multipart.message(call.body, call.boundary)
    if kind == FORM and not call.body.lstrip().startswith((b"{", b"[")):
        return _form_message(call.body)
    if kind and kind not in (FORM, "text/plain"):
        _must_be_json(call)
    return jsontext.load(call.body)


def _must_be_json(call: Call) -> None:
    kind = call.content_type
    if kind is not JSON and kind != JSON and not kind.endswith("+json"):
        raise ServingError(415, f"the content type is {shown(kind)}; allowed: {JSON}")


def _form_message(body: bytes) -> object:
    return jsontext.load(_field(body, "the form has no field json; send JSON as application/json"))


def _field(form: bytes, otherwise: str) -> bytes:
    try:
        return parse_qs(form, max_num_fields=20)[b"json"][0]
    except (KeyError, ValueError):
        raise ServingError(400, otherwise) from None
